//! What has changed, on the disk: a line of JSON each, in order.
//!
//! A line is written in the order of the changes and synced before its answer leaves; answers
//! that wait at the same time share one sync. The file is rewritten whole at every start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use directory::dns::Change;

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

/// The changes that a file has, the oldest first. The last line may be torn: whoever wrote it
/// never told anybody.
///
/// # Errors
/// When the file cannot be read, or a line that others follow is damaged.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Change>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let lines = BufReader::new(file)
        .lines()
        .collect::<io::Result<Vec<String>>>()?;
    let mut changes = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(change) => changes.push(change),
            Err(_) if index + 1 == lines.len() => {}
            Err(error) => {
                let text = format!("line {} of {}: {error}", index + 1, path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
    }
    Ok(changes)
}

impl Journal {
    /// Replaces the file by one with these changes alone.
    ///
    /// # Errors
    /// When a file or its folder cannot be written.
    pub(crate) fn create(path: &Path, changes: &[Change]) -> io::Result<Self> {
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&text(changes)?)?;
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

    /// Writes changes. The caller holds the lock under which they were made.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write(&self, changes: &[Change]) -> io::Result<Written> {
        let mut written = lock(&self.written);
        (&self.file).write_all(&text(changes)?)?;
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

fn text(changes: &[Change]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for change in changes {
        serde_json::to_writer(&mut text, change)?;
        text.push(b'\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str) -> Change {
        Change {
            zone: "a.".into(),
            name: name.into(),
            owner: None,
            sets: Vec::new(),
        }
    }

    #[test]
    fn what_was_synced_is_read_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zones.jsonl");
        assert!(read(&path).unwrap().is_empty());
        let journal = Journal::create(&path, &[change("one")]).unwrap();
        journal
            .sync(journal.write(&[change("two"), change("three")]).unwrap())
            .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(read(&path).unwrap().len(), 3);
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        assert_eq!(read(&path).unwrap(), [change("one"), change("two")]);
        fs::write(&path, text.replacen('{', "", 1)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 1"));
    }
}
