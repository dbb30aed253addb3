//! Taking away what a lab has made: by its own hand, or by `gc` when it died before it could.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rhs::family;

use crate::client::is_kept;
use crate::{LabError, LabFolder, Uid, docker, ledger};

/// Removes every container of a lab, ends its processes and removes its folder. Doing it twice is
/// doing it once.
///
/// # Errors
/// When it has containers and their engine is not there; its folder stays then.
pub fn remove(folder: &LabFolder) -> Result<(), LabError> {
    if ledger::has_containers(&folder.ledger()) {
        docker::remove(folder.uid())?;
    }
    remove_here(folder);
    Ok(())
}

/// Ends every process of a lab and removes its folder.
fn remove_here(folder: &LabFolder) {
    family::kill(family::LAB, folder.uid().as_str());
    for _again in 0..REMOVALS_MAX {
        // The keeper may still write down what it sees of the end.
        match fs::remove_dir_all(folder.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Ok(()) | Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    if let Some(root) = folder.path().parent() {
        // Only when no other lab is in it.
        let _in_use = fs::remove_dir(root);
    }
}

/// How often a folder that is still written to is removed again.
const REMOVALS_MAX: usize = 100;

/// What was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The lab.
    pub uid: Uid,
    /// How many processes of it still ran.
    pub processes: usize,
    /// Whether its folder was still there.
    pub folder: bool,
    /// Why it could not be taken away.
    pub kept: Option<String>,
}

/// What was found and taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Labs.
    pub labs: Vec<Removed>,
    /// How many images no lab used any more.
    pub images: usize,
}

/// Takes away what is left of labs that nobody keeps any more: their containers and processes,
/// wherever they came from, and their folders; and images of other builds that no container uses.
#[must_use]
pub fn collect(root: &Path) -> Collected {
    let found = docker::collect(root);
    let mut uids: Vec<Uid> = LabFolder::all(root)
        .iter()
        .map(|it| it.uid().clone())
        .collect();
    let marked = family::values(family::LAB);
    uids.extend(marked.iter().filter_map(|it| it.parse::<Uid>().ok()));
    uids.extend(found.labs.iter().cloned());
    uids.sort();
    uids.dedup();
    let folders = uids.into_iter().map(|uid| LabFolder::of(root, uid));
    let mut removed = Vec::new();
    for folder in folders {
        // Processes of a lab below another root are that root's affair.
        let has_folder = folder.path().exists();
        if is_kept(&folder) || (!has_folder && is_elsewhere(&folder)) {
            continue;
        }
        let processes = family::members(family::LAB, folder.uid().as_str()).len();
        let has_containers = found.labs.contains(folder.uid());
        let containers = has_containers.then(|| docker::remove(folder.uid()));
        let gone = containers.unwrap_or(Ok(())).and_then(|()| remove(&folder));
        removed.push(Removed {
            uid: folder.uid().clone(),
            processes,
            folder: has_folder,
            kept: gone.err().map(|it| it.to_string()),
        });
    }
    Collected {
        labs: removed,
        images: found.images,
    }
}

/// Whether a process of the lab works in a folder below another root.
fn is_elsewhere(folder: &LabFolder) -> bool {
    let members = family::members(family::LAB, folder.uid().as_str());
    members.into_iter().any(|pid| {
        let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
        let line = line.unwrap_or_default();
        let words = line.split(|byte| *byte == 0);
        let mut paths = words.filter_map(|word| std::str::from_utf8(word).ok());
        paths.any(|word| {
            let path = Path::new(word);
            let below = path
                .ancestors()
                .find(|it| it.ends_with(folder.uid().as_str()));
            below.is_some_and(|it| it.exists())
        })
    })
}
