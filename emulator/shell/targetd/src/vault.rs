//! Reservations that survive power loss: one file a unit, replaced atomically.
//!
//! Written anew beside the old one, synced, renamed over it, and the folder synced: whenever the
//! machine stops, either the old record or the new one is there, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use scsi::Lun;
use target::{SaveFailed, Vault};

/// A folder of reservation records.
#[derive(Debug, Clone)]
pub(crate) struct FileVault {
    folder: PathBuf,
}

impl FileVault {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn path(&self, lun: Lun) -> PathBuf {
        self.folder.join(format!("lun-{}.reservations", lun.0))
    }

    /// The record of a unit; empty when there is none.
    pub(crate) fn load(&self, lun: Lun) -> io::Result<Vec<u8>> {
        match fs::read(self.path(lun)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    fn replace(&self, lun: Lun, record: &[u8]) -> io::Result<()> {
        let path = self.path(lun);
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(record)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Vault for FileVault {
    fn save(&mut self, lun: Lun, record: &[u8]) -> Result<(), SaveFailed> {
        self.replace(lun, record).map_err(|_| SaveFailed)
    }
}
