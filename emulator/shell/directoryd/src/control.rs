//! Faults on a running directory, through a socket: one JSON object of words a line, one answer
//! each. The words are the lab file's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use directory::dns::Fault;

use crate::dns::Dns;

/// What the directory understands.
pub const FORMS: &str = "\
{directory: dns, do: down} | {directory: dns, do: refuse-updates} | \
{directory: dns, do: lose-updates} | {directory: dns, do: slow, latency: 900ms} | \
{directory: dns, do: heal} | {heal: all}. Each heals by itself with for: 30s";

type Words = BTreeMap<String, Vec<String>>;

/// How long a request may be, in octets.
const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// Slower than this is dead: use down.
const LATENCY_MAX: Duration = Duration::from_secs(600);

/// The control socket; its file is removed when dropped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens at `path`, where a socket that nobody answers any more may be left.
    pub(crate) fn listen(path: &Path, dns: &Arc<Dns>) -> io::Result<Self> {
        if UnixStream::connect(path).is_err() && is_socket(path) {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let dns = Arc::downgrade(dns);
        // It ends with the process: nothing has to be cleaned up but the file.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let dns = Weak::clone(&dns);
                thread::spawn(move || serve(&dns, stream));
            }
        });
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|it| it.file_type().is_socket())
}

impl Drop for Control {
    fn drop(&mut self) {
        let _removed = fs::remove_file(&self.path);
    }
}

fn serve(dns: &Weak<Dns>, stream: UnixStream) {
    let Ok(mut answers) = stream.try_clone() else {
        return;
    };
    let mut lines = BufReader::new(stream.take(REQUEST_BYTES_MAX));
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
        let answer = match perform(dns, &line) {
            Ok(()) => serde_json::json!({ "ok": true }),
            Err(error) => serde_json::json!({ "ok": false, "error": error }),
        };
        if writeln!(answers, "{answer}").is_err() {
            return;
        }
        line.clear();
        lines.get_mut().set_limit(REQUEST_BYTES_MAX);
    }
}

/// What is wrong with the name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    Fault(Fault),
    Slow(Duration),
}

impl Wrong {
    fn make(self, dns: &Dns) {
        match self {
            Self::Nothing => {
                dns.set_fault(None);
                dns.set_delay(Duration::ZERO);
            }
            Self::Fault(fault) => dns.set_fault(Some(fault)),
            Self::Slow(latency) => dns.set_delay(latency),
        }
    }

    fn undo(self, dns: &Dns) {
        match self {
            Self::Nothing => {}
            Self::Fault(_) => dns.set_fault(None),
            Self::Slow(_) => dns.set_delay(Duration::ZERO),
        }
    }
}

fn perform(dns: &Weak<Dns>, line: &str) -> Result<(), String> {
    let words: Words =
        serde_json::from_str(line).map_err(|error| format!("not an object of words: {error}"))?;
    let (wrong, time) = read(&words)?;
    let standing = dns.upgrade().ok_or("the directory is about to stop")?;
    wrong.make(&standing);
    if let Some(time) = time {
        let dns = Weak::clone(dns);
        thread::spawn(move || {
            thread::sleep(time);
            if let Some(dns) = dns.upgrade() {
                wrong.undo(&dns);
            }
        });
    }
    Ok(())
}

/// What is to be wrong, and for how long.
fn read(words: &Words) -> Result<(Wrong, Option<Duration>), String> {
    let known = ["directory", "do", "latency", "for", "heal"];
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
        (Some("all"), None, None) | (None, Some("dns"), Some("heal")) => Wrong::Nothing,
        (None, Some("dns"), Some("down")) => Wrong::Fault(Fault::Down),
        (None, Some("dns"), Some("refuse-updates")) => Wrong::Fault(Fault::RefuseUpdates),
        (None, Some("dns"), Some("lose-updates")) => Wrong::Fault(Fault::LoseUpdates),
        (None, Some("dns"), Some("slow")) => {
            Wrong::Slow(time("latency")?.ok_or("`slow` needs a latency")?)
        }
        _ => {
            return Err(format!(
                "this is not a fault of a directory; what is: {FORMS}"
            ));
        }
    };
    Ok((wrong, time("for")?))
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
            Wrong::Slow(Duration::from_secs(2)),
            Some(Duration::from_secs(300)),
        );
        assert_eq!(read(&words(&slow)), Ok(wanted));
        let refuse = [("directory", "dns"), ("do", "refuse-updates")];
        assert_eq!(
            read(&words(&refuse)),
            Ok((Wrong::Fault(Fault::RefuseUpdates), None))
        );
        assert_eq!(read(&words(&[("heal", "all")])), Ok((Wrong::Nothing, None)));
        for wrong in [
            &[("directory", "dns"), ("do", "slow")][..],
            &[("directory", "ldap"), ("do", "down")],
            &[("directory", "dns"), ("do", "down"), ("for", "9h")],
            &[("lun", "0")],
        ] {
            assert!(read(&words(wrong)).is_err(), "{wrong:?}");
        }
    }
}
