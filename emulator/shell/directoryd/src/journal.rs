//! What has changed, on the disk, in order.
//!
//! Records are written in the order of the changes and synced before an answer leaves; answers
//! that wait at the same time share one sync. The file is rewritten whole at every start. What a
//! record is, is known to whoever writes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file that changes are appended to.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// How many changes were written.
    written: Mutex<u64>,
    /// How many of them are durable.
    synced: Mutex<u64>,
}

/// Changes that were written and are not durable yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written(u64);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a file has; nothing where there is none.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

impl Journal {
    /// Replaces the file by one with this alone.
    ///
    /// # Errors
    /// When a file or its folder cannot be written.
    pub(crate) fn create(path: &Path, all: &[u8]) -> io::Result<Self> {
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(all)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self {
            file,
            written: Mutex::new(0),
            synced: Mutex::new(0),
        })
    }

    /// Writes records. The caller holds the lock under which they were made.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write(&self, records: &[u8]) -> io::Result<Written> {
        let mut written = lock(&self.written);
        (&self.file).write_all(records)?;
        *written += 1;
        Ok(Written(*written))
    }

    /// Waits until what was written is durable.
    ///
    /// # Errors
    /// When the disk says that it is not.
    pub(crate) fn sync(&self, up_to: Written) -> io::Result<()> {
        let mut synced = lock(&self.synced);
        if *synced < up_to.0 {
            let written = *lock(&self.written);
            self.file.sync_data()?;
            *synced = written;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zones.jsonl");
        assert!(read(&path).unwrap().is_empty());
        let journal = Journal::create(&path, b"one").unwrap();
        journal.sync(journal.write(b"two").unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), b"onetwo");
        Journal::create(&path, b"three").unwrap();
        assert_eq!(read(&path).unwrap(), b"three");
    }
}
