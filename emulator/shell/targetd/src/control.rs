//! Faults on a running target, as they come through its control socket.
//!
//! The words are the lab file's: `{"lun":["0"],"do":["slow"],"latency":["900ms"]}`. What may be
//! asked for is in [`FORMS`].

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use control::Words;
use scsi::Lun;
use target::{Fault, Intrusion, PortId};

use crate::options::check_name;
use crate::server::Shared;

/// What the target understands.
pub const FORMS: &str = "\
{lun: N, do: offline} | {lun: N, do: slow, latency: 900ms} | {lun: N, do: full} | \
{lun: N, do: medium-error, blocks: [FIRST, LAST]} | {lun: N, do: save-fails} | \
{lun: N, do: torn-writes} | {lun: N, do: attention-storm, commands: K} | \
{lun: N, do: preempt-reservation, by: NAME} | {lun: N, do: clear-reservations, by: NAME} | \
{lun: N, do: heal} | \
{path: {portal: P, from: INITIATOR}, do: drop} | {path: all, do: heal} | \
{target: restart} | {target: restart, power-loss: true, seed: K} | {heal: all}. \
What can be healed heals by itself with for: 30s";

/// Every word of [`FORMS`] that is a key.
const KEYS: [&str; 14] = [
    "lun",
    "do",
    "latency",
    "blocks",
    "commands",
    "by",
    "for",
    "path",
    "path.portal",
    "path.from",
    "target",
    "power-loss",
    "seed",
    "heal",
];

pub(crate) fn perform(shared: &Arc<Shared>, words: &Words) -> Result<(), String> {
    let strange = words.keys().find(|key| !KEYS.contains(&key.as_str()));
    if let Some(key) = strange {
        return Err(format!("`{key}` is not known here; what is: {FORMS}"));
    }
    let time = match words.get("for") {
        None => None,
        Some(_) => Some(healing_time(words)?),
    };
    let undo = inject(shared, words)?;
    if let Some((undo, time)) = undo.zip(time) {
        undo.after(time, Arc::downgrade(shared));
    }
    Ok(())
}

/// After how long a fault heals; refused where there is nothing to heal.
fn healing_time(words: &Words) -> Result<Duration, String> {
    let heals = [
        "offline",
        "full",
        "save-fails",
        "medium-error",
        "slow",
        "drop",
    ];
    if !heals.contains(&one(words, "do").unwrap_or_default()) {
        return Err("this does not heal by itself: leave `for` out".to_owned());
    }
    let time = one(words, "for").and_then(duration);
    time.ok_or_else(|| "`for` must be a duration such as 900ms, 30s or 5m".to_owned())
}

fn inject(shared: &Shared, words: &Words) -> Result<Option<Undo>, String> {
    if words.contains_key("lun") {
        return on_unit(shared, words);
    }
    let is_path = |key: &String| key == "path" || key.starts_with("path.");
    if words.keys().any(is_path) {
        return on_path(shared, words);
    }
    match (one(words, "target"), one(words, "heal")) {
        (Some("restart"), _) => {
            let seed = match words.get("seed") {
                None => 1,
                Some(_) => number(words, "seed")?,
            };
            let power_loss = match (words.contains_key("power-loss"), one(words, "power-loss")) {
                (false, _) | (true, Some("false")) => false,
                (true, Some("true")) => true,
                _ => return Err("`power-loss` is true or false".to_owned()),
            };
            shared.restart(power_loss.then_some(seed))?;
        }
        (_, Some("all")) => {
            let luns = shared.core().target.luns();
            luns.into_iter().for_each(|lun| heal(shared, lun));
            shared.paths().clear();
        }
        _ => return Err(unknown()),
    }
    Ok(None)
}

/// What takes a fault back.
#[derive(Debug)]
enum Undo {
    /// A fault of a unit, by its number.
    Fault(u64),
    Slow(Lun, Duration),
    Path(LostPath),
}

impl Undo {
    /// Takes the fault back later, unless the target is gone or someone was faster.
    fn after(self, time: Duration, shared: Weak<Shared>) {
        thread::spawn(move || {
            thread::sleep(time);
            if let Some(shared) = shared.upgrade() {
                self.now(&shared);
            }
        });
    }

    fn now(self, shared: &Shared) {
        match self {
            Self::Fault(number) => heal_one(shared, number),
            Self::Slow(lun, latency) => {
                let mut latencies = shared.latencies();
                if latencies.get(&lun) == Some(&latency) {
                    latencies.remove(&lun);
                }
            }
            Self::Path(lost) => shared.paths().retain(|path| *path != lost),
        }
    }
}

/// A unit heals as a whole, so what else is wrong with it is broken again.
fn heal_one(shared: &Shared, number: u64) {
    let mut standing = shared.faults();
    let Some(healed) = standing.remove(&number) else {
        return;
    };
    let mut core = shared.core();
    core.target.heal(healed.lun());
    let others = standing.values().filter(|it| it.lun() == healed.lun());
    others.for_each(|fault| core.target.fault(fault.clone()));
}

fn unknown() -> String {
    format!("this is not a fault of a target; what is: {FORMS}")
}

fn one<'a>(words: &'a Words, key: &str) -> Option<&'a str> {
    match words.get(key).map(Vec::as_slice) {
        Some([word]) => Some(word),
        _ => None,
    }
}

fn number(words: &Words, key: &str) -> Result<u64, String> {
    let value = one(words, key).and_then(|it| it.parse().ok());
    value.ok_or_else(|| format!("`{key}` must be a number"))
}

/// Has power loss tear the unit's writes, or not.
fn set_tearing(shared: &Shared, lun: Lun, tearing: bool) {
    if let Some(store) = shared.core().target.store_mut(lun) {
        store.set_tearing(tearing);
    }
}

fn heal(shared: &Shared, lun: Lun) {
    shared.faults().retain(|_, fault| fault.lun() != lun);
    set_tearing(shared, lun, false);
    shared.core().target.heal(lun);
    shared.latencies().remove(&lun);
}

fn on_unit(shared: &Shared, words: &Words) -> Result<Option<Undo>, String> {
    // `array/lun` as in lab files, or the number alone.
    let named = one(words, "lun").unwrap_or_default();
    let lun = named.rsplit('/').next().and_then(|it| it.parse().ok());
    let luns = shared.core().target.luns();
    let lun = lun.map(Lun).filter(|lun| luns.contains(lun));
    let lun = lun.ok_or_else(|| format!("there is no LUN `{named}` here"))?;
    let fault = match one(words, "do").unwrap_or_default() {
        "offline" => Fault::Offline(lun),
        "full" => Fault::Full(lun),
        "save-fails" => Fault::SaveFails(lun),
        "medium-error" => Fault::MediumError(lun, blocks(words)?),
        "attention-storm" => {
            let commands = u16::try_from(number(words, "commands")?);
            Fault::AttentionStorm(lun, commands.map_err(|_| "at most 65535 commands")?)
        }
        "slow" => {
            let latency = one(words, "latency").and_then(duration);
            let latency = latency.ok_or("`latency` must be a duration such as 900ms or 2s")?;
            shared.latencies().insert(lun, latency);
            return Ok(Some(Undo::Slow(lun, latency)));
        }
        "torn-writes" => {
            set_tearing(shared, lun, true);
            return Ok(None);
        }
        "preempt-reservation" => {
            let by = outsider(words)?;
            return shared.intrude(&by, lun, Intrusion::Preempt).map(|()| None);
        }
        "clear-reservations" => {
            let by = outsider(words)?;
            return shared.intrude(&by, lun, Intrusion::Clear).map(|()| None);
        }
        "heal" => {
            heal(shared, lun);
            return Ok(None);
        }
        _ => return Err(unknown()),
    };
    Ok(stand(shared, fault).map(Undo::Fault))
}

/// The name of whoever is to do it: a node's, which an initiator's name is made of, or a whole one.
fn outsider(words: &Words) -> Result<String, String> {
    let name = match (words.contains_key("by"), one(words, "by")) {
        (false, _) => "outsider",
        (true, Some(name)) => name,
        (true, None) => return Err("`by` takes one name".to_owned()),
    };
    let whole = match name.contains('.') {
        true => name.to_owned(),
        false => format!("iqn.2024-01.looksalive:{}", name.to_lowercase()),
    };
    check_name(&whole).map(|()| whole)
}

/// How many faults may stand at a time.
const FAULTS_MAX: usize = 1024;

/// Breaks a unit; returns the number of a fault that stands until it is healed.
fn stand(shared: &Shared, fault: Fault) -> Option<u64> {
    let mut standing = shared.faults();
    shared.core().target.fault(fault.clone());
    let passes = matches!(fault, Fault::AttentionStorm(..));
    if passes || standing.len() >= FAULTS_MAX {
        return None;
    }
    let number = standing.keys().last().map_or(0, |last| last + 1);
    standing.insert(number, fault);
    Some(number)
}

/// First and last block, as the lab file counts.
fn blocks(words: &Words) -> Result<std::ops::Range<u64>, String> {
    let wrong = || "`blocks` must be [FIRST, LAST]".to_owned();
    let Some([first, last]) = words.get("blocks").map(Vec::as_slice) else {
        return Err(wrong());
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last && last < u64::MAX => Ok(first..last + 1),
        _ => Err(wrong()),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, millis)))?;
    let millis = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_millis(millis)).filter(|it| *it <= LATENCY_MAX)
}

/// Slower than this is dead: use offline.
const LATENCY_MAX: Duration = Duration::from_secs(600);

fn on_path(shared: &Shared, words: &Words) -> Result<Option<Undo>, String> {
    match one(words, "do") {
        Some("heal") => {
            shared.paths().clear();
            Ok(None)
        }
        Some("drop") => {
            let portal = match one(words, "path.portal") {
                None => None,
                Some(number) => Some(shared.portal(number)?),
            };
            let initiator = one(words, "path.from").map(str::to_owned);
            let lost = LostPath { portal, initiator };
            shared.drop_path(lost.clone());
            Ok(Some(Undo::Path(lost)))
        }
        _ => Err(unknown()),
    }
}

/// A way to the target that is gone: of a portal, of an initiator, or of one at the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostPath {
    pub portal: Option<PortId>,
    /// The iSCSI name or the part after its last colon.
    pub initiator: Option<String>,
}

impl LostPath {
    pub(crate) fn is_of(&self, portal: PortId, initiator: &str) -> bool {
        let is_named = |name: &String| {
            initiator == name || initiator.rsplit(':').next() == Some(name.as_str())
        };
        self.portal.is_none_or(|it| it == portal) && self.initiator.as_ref().is_none_or(is_named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_lost_by_portal_by_initiator_or_by_both() {
        let lost = |portal: Option<u16>, initiator: Option<&str>| LostPath {
            portal: portal.map(PortId),
            initiator: initiator.map(str::to_owned),
        };
        let name = "iqn.2024-01.example:n1";
        assert!(lost(None, None).is_of(PortId(3), name));
        assert!(lost(Some(3), Some("n1")).is_of(PortId(3), name));
        assert!(lost(None, Some(name)).is_of(PortId(3), name));
        assert!(!lost(Some(2), Some("n1")).is_of(PortId(3), name));
        assert!(!lost(None, Some("n2")).is_of(PortId(3), name));
    }

    #[test]
    fn durations_have_units_and_an_end() {
        assert_eq!(duration("900ms"), Some(Duration::from_millis(900)));
        assert_eq!(duration("2s"), Some(Duration::from_secs(2)));
        assert_eq!(duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(
            [
                duration("2"),
                duration("s"),
                duration("2h"),
                duration("9999s")
            ],
            [None; 4]
        );
    }
}
