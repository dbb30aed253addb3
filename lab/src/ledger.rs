//! What a lab has made, written down before it is made.
//!
//! Whoever dies between the two lines of an entry has at most begun the deed, and undoing a deed
//! that never happened does nothing. So the ledger is all that is needed to take a lab away.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::gate::Gate;

/// Environment variable: the lab kills itself just before (`N`) or just after (`N+`) its so many'th
/// deed, as if somebody had pulled the plug. For tests of the clean-up.
const DIE_AT: &str = "LOOKSALIVE_DIE_AT_DEED";

/// Something that a lab makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// Everything below the lab's folder.
    Folder,
    /// A process, with a mark in its environment by which it is found.
    Process {
        /// What it is.
        what: String,
    },
    /// An image of the container engine, which stays for later labs.
    Image {
        /// Its name.
        name: String,
    },
    /// Containers, labelled with the lab's unique id by which they are found.
    Containers {
        /// Their names.
        names: Vec<String>,
    },
}

/// Whether the lab of a ledger may have made containers.
pub(crate) fn has_containers(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let deeds = text.lines().filter_map(|it| serde_json::from_str(it).ok());
    deeds
        .into_iter()
        .any(|it| matches!(it, Deed::Containers { .. }))
}

/// The ledger of one lab.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
    gate: Gate,
    written: u32,
    die_at: Option<(u32, bool)>,
}

impl Ledger {
    /// A new one.
    pub(crate) fn create(path: &Path, gate: Gate) -> io::Result<Self> {
        let file = File::options().create_new(true).append(true).open(path)?;
        Ok(Self {
            file,
            gate,
            written: 0,
            die_at: std::env::var(DIE_AT).ok().and_then(|text| death(&text)),
        })
    }

    /// Writes the deed down and then does it.
    pub(crate) fn enter<T>(
        &mut self,
        deed: &Deed,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let _open = self.gate.enter();
        let line = serde_json::to_string(deed)?;
        writeln!(self.file, "{line}")?;
        self.file.sync_data()?;
        self.written += 1;
        die_if(self.die_at == Some((self.written, false)));
        let done = act();
        die_if(self.die_at == Some((self.written, true)));
        done
    }
}

fn die_if(due: bool) {
    if due {
        let me = rustix::process::getpid();
        let _dead = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    }
}

fn death(text: &str) -> Option<(u32, bool)> {
    let number = text.strip_suffix('+').unwrap_or(text);
    Some((number.parse().ok()?, text.ends_with('+')))
}
