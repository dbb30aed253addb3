//! Faults on a running directory, and orders to its virtual servers, as they come through its
//! control socket. The words are the lab file's.

use std::sync::Weak;
use std::thread;
use std::time::Duration;

use accounts::store::Fault as AccountFault;
use control::Words;
use directory::dns::Fault;

use crate::server::Services;

/// What the directory understands.
pub const FORMS: &str = "\
{directory: dns, do: down} | {directory: dns, do: refuse-updates} | \
{directory: dns, do: lose-updates} | {directory: dns, do: slow, latency: 900ms} | \
{directory: dns, do: heal} | {directory: netbios, do: down} | {directory: netbios, do: heal} | \
{directory: accounts, do: disable, account: VS1$} | \
{directory: accounts, do: enable, account: VS1$} | \
{directory: accounts, do: delete, account: VS1$} | \
{directory: accounts, do: strip-rights, account: VS1$} | \
{directory: accounts, do: change-password, account: VS1$} | \
{directory: accounts, do: quota, count: 0} | {directory: accounts, do: skew, by: 10m} | \
{directory: accounts, do: heal} | {heal: all}. With for: 30s those heal by themselves that can: \
not delete, strip-rights and change-password. Virtual servers and their shares: \
{server: FS1, do: online, at: 127.0.0.2} | {server: FS1, do: offline} | \
{server: FS1, share: data, do: add, folder: /srv/data} | {server: FS1, share: data, do: remove} | \
{server: FS1, share: data, do: flags, flags: 0x0800}";

/// Slower than this is dead: use down.
const LATENCY_MAX: Duration = Duration::from_secs(600);

/// What is to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrong {
    Nothing,
    DnsNothing,
    Dns(Fault),
    DnsSlow(Duration),
    Netbios { is_down: bool },
    AccountsNothing,
    Accounts(AccountFault),
    Skew(Duration),
}

/// The quota of a domain that nobody has touched.
const QUOTA: usize = 10;

impl Wrong {
    fn make(&self, services: &Services) -> Result<(), String> {
        match self {
            Self::Nothing => {
                Self::DnsNothing.make(services)?;
                Self::AccountsNothing.make(services)?;
                return Self::Netbios { is_down: false }.make(services);
            }
            Self::DnsNothing => {
                services.dns.set_fault(None);
                services.dns.set_delay(Duration::ZERO);
            }
            Self::Dns(fault) => services.dns.set_fault(Some(*fault)),
            Self::DnsSlow(latency) => services.dns.set_delay(*latency),
            Self::Netbios { is_down } => {
                if let Some(netbios) = &services.netbios {
                    netbios.set_down(*is_down);
                }
            }
            Self::AccountsNothing => {
                services.accounts.set_skew(Duration::ZERO);
                return services.accounts.fail(&AccountFault::Quota(QUOTA));
            }
            Self::Accounts(fault) => return services.accounts.fail(fault),
            Self::Skew(ahead) => services.accounts.set_skew(*ahead),
        }
        Ok(())
    }

    fn undo(self, services: &Services) {
        let healed = match self {
            Self::Nothing | Self::DnsNothing | Self::AccountsNothing => return,
            Self::Dns(_) => return services.dns.set_fault(None),
            Self::DnsSlow(_) => return services.dns.set_delay(Duration::ZERO),
            Self::Netbios { .. } => Self::Netbios { is_down: false },
            Self::Accounts(AccountFault::Disabled(account)) => {
                Self::Accounts(AccountFault::Enabled(account))
            }
            Self::Accounts(AccountFault::Quota(_)) | Self::Skew(_) => Self::AccountsNothing,
            Self::Accounts(_) => return,
        };
        // Who has deleted the account meanwhile has been told; there is nobody to tell here.
        let _gone = healed.make(services);
    }
}

pub(crate) fn perform(services: &Weak<Services>, words: &Words) -> Result<(), String> {
    if words.contains_key("server") {
        let standing = services.upgrade().ok_or("the directory is about to stop")?;
        return standing.shares.perform(words);
    }
    let (wrong, time) = read(words)?;
    let standing = services.upgrade().ok_or("the directory is about to stop")?;
    wrong.make(&standing)?;
    if let Some(time) = time {
        let services = Weak::clone(services);
        thread::spawn(move || {
            thread::sleep(time);
            if let Some(services) = services.upgrade() {
                wrong.undo(&services);
            }
        });
    }
    Ok(())
}

/// What is to be wrong, and for how long.
fn read(words: &Words) -> Result<(Wrong, Option<Duration>), String> {
    let known = [
        "directory",
        "do",
        "latency",
        "for",
        "heal",
        "account",
        "count",
        "by",
    ];
    if let Some(key) = words.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("`{key}` is not known here; what is: {FORMS}"));
    }
    let one = |key: &str| match words.get(key).map(Vec::as_slice) {
        Some([word]) => Some(word.as_str()),
        _ => None,
    };
    let time = |key: &str| -> Result<Option<Duration>, String> {
        let wrong = || format!("`{key}` must be a duration such as 900ms, 30s or 5m");
        match words.contains_key(key) {
            false => Ok(None),
            true => one(key).and_then(duration).map(Some).ok_or_else(wrong),
        }
    };
    let wrong = match (one("heal"), one("directory"), one("do")) {
        (Some("all"), None, None) => Wrong::Nothing,
        (None, Some("dns"), Some("heal")) => Wrong::DnsNothing,
        (None, Some("dns"), Some("down")) => Wrong::Dns(Fault::Down),
        (None, Some("dns"), Some("refuse-updates")) => Wrong::Dns(Fault::RefuseUpdates),
        (None, Some("dns"), Some("lose-updates")) => Wrong::Dns(Fault::LoseUpdates),
        (None, Some("dns"), Some("slow")) => {
            Wrong::DnsSlow(time("latency")?.ok_or("`slow` needs a latency")?)
        }
        (None, Some("netbios"), Some("down")) => Wrong::Netbios { is_down: true },
        (None, Some("netbios"), Some("heal")) => Wrong::Netbios { is_down: false },
        (None, Some("accounts"), Some("heal")) => Wrong::AccountsNothing,
        (None, Some("accounts"), Some("skew")) => {
            Wrong::Skew(time("by")?.ok_or("`skew` needs a time: by")?)
        }
        (None, Some("accounts"), Some(what)) => account_fault(what, one("account"), one("count"))?,
        _ => return Err(unknown()),
    };
    Ok((wrong, time("for")?))
}

fn unknown() -> String {
    format!("this is not a fault of a directory; what is: {FORMS}")
}

fn account_fault(what: &str, account: Option<&str>, count: Option<&str>) -> Result<Wrong, String> {
    if what == "quota" {
        let count = count.and_then(|count| count.parse().ok());
        let count = count.ok_or("`quota` needs a number: count")?;
        return Ok(Wrong::Accounts(AccountFault::Quota(count)));
    }
    let named = || -> Result<String, String> {
        let missing = || format!("`{what}` needs the name of an account: account");
        account.map(str::to_owned).ok_or_else(missing)
    };
    Ok(Wrong::Accounts(match what {
        "disable" => AccountFault::Disabled(named()?),
        "enable" => AccountFault::Enabled(named()?),
        "delete" => AccountFault::Deleted(named()?),
        "strip-rights" => AccountFault::WithoutRights(named()?),
        "change-password" => AccountFault::PasswordOutOfStep(named()?),
        _ => return Err(unknown()),
    }))
}

fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, millis)))?;
    let millis = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_millis(millis)).filter(|it| *it <= LATENCY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, &str)]) -> Words {
        let pair = |(key, word): &(&str, &str)| ((*key).to_owned(), vec![(*word).to_owned()]);
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn faults_are_read_in_the_words_of_lab_files() {
        let slow = [
            ("directory", "dns"),
            ("do", "slow"),
            ("latency", "2s"),
            ("for", "5m"),
        ];
        let wanted = (
            Wrong::DnsSlow(Duration::from_secs(2)),
            Some(Duration::from_secs(300)),
        );
        assert_eq!(read(&words(&slow)), Ok(wanted));
        let refuse = [("directory", "dns"), ("do", "refuse-updates")];
        assert_eq!(
            read(&words(&refuse)),
            Ok((Wrong::Dns(Fault::RefuseUpdates), None))
        );
        let disable = [
            ("directory", "accounts"),
            ("do", "disable"),
            ("account", "VS1$"),
        ];
        let wanted = Wrong::Accounts(AccountFault::Disabled("VS1$".into()));
        assert_eq!(read(&words(&disable)), Ok((wanted, None)));
        assert_eq!(read(&words(&[("heal", "all")])), Ok((Wrong::Nothing, None)));
        for wrong in [
            &[("directory", "dns"), ("do", "slow")][..],
            &[("directory", "ldap"), ("do", "down")],
            &[("directory", "accounts"), ("do", "disable")],
            &[("directory", "accounts"), ("do", "quota"), ("count", "few")],
            &[("directory", "accounts"), ("do", "skew")],
            &[("directory", "dns"), ("do", "down"), ("for", "9h")],
            &[("lun", "0")],
        ] {
            assert!(read(&words(wrong)).is_err(), "{wrong:?}");
        }
    }
}
