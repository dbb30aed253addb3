//! The node's own disk: one folder, a thread for each file, real syncs.
//!
//! Operations on one file are carried out in their order; those on different files are not held
//! up by each other. What was synced survives the death of the process and of the machine.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use base::IoId;
use bottom::txlog::{DiskOutcome, DiskRequest, FileName};
use node::Event;
use tokio::sync::mpsc as events;

use crate::driver::Input;
use crate::incarnation::replace;

/// Operations that may wait for one file; the transaction log has fewer under way.
const QUEUE_MAX: usize = 4_096;

/// The disk.
#[derive(Debug)]
pub(crate) struct Database {
    folder: PathBuf,
    inbox: events::Sender<Input>,
    files: BTreeMap<FileName, SyncSender<(IoId, DiskRequest)>>,
    failing: Arc<AtomicBool>,
}

impl Database {
    pub(crate) fn open(folder: &Path, inbox: events::Sender<Input>) -> Self {
        Self {
            folder: folder.to_owned(),
            inbox,
            files: BTreeMap::new(),
            failing: Arc::default(),
        }
    }

    /// From now on every write fails, or no longer.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    /// Begins an operation; its outcome goes to the inbox.
    ///
    /// # Panics
    /// When more operations wait than the transaction log may have under way.
    pub(crate) fn submit(&mut self, io: IoId, request: DiskRequest) {
        let name = name_of(&request);
        let (folder, inbox, failing) = (&self.folder, &self.inbox, &self.failing);
        let queue = self.files.entry(name).or_insert_with(|| {
            let path = folder.join(name.label());
            serve(path, inbox.clone(), Arc::clone(failing))
        });
        let sent = queue.try_send((io, request));
        assert!(sent.is_ok(), "the transaction log keeps its operations few");
    }
}

fn name_of(request: &DiskRequest) -> FileName {
    match request {
        DiskRequest::Read { file }
        | DiskRequest::Append { file, .. }
        | DiskRequest::Sync { file }
        | DiskRequest::Replace { file, .. } => *file,
    }
}

fn serve(
    path: PathBuf,
    inbox: events::Sender<Input>,
    failing: Arc<AtomicBool>,
) -> SyncSender<(IoId, DiskRequest)> {
    let (queue, requests) = mpsc::sync_channel::<(IoId, DiskRequest)>(QUEUE_MAX);
    thread::spawn(move || {
        let mut file = OwnFile { path, open: None };
        for (io, request) in requests {
            let outcome = if failing.load(Ordering::SeqCst) && writes(&request) {
                DiskOutcome::Failed
            } else {
                file.perform(&request).unwrap_or(DiskOutcome::Failed)
            };
            let event = Event::Disk { io, outcome };
            if inbox.blocking_send(Input::Event(event)).is_err() {
                return;
            }
        }
    });
    queue
}

fn writes(request: &DiskRequest) -> bool {
    !matches!(request, DiskRequest::Read { .. })
}

/// A file, opened for appending once something is appended.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    open: Option<File>,
}

impl OwnFile {
    fn perform(&mut self, request: &DiskRequest) -> io::Result<DiskOutcome> {
        match request {
            DiskRequest::Read { .. } => return self.read().map(DiskOutcome::Read),
            DiskRequest::Append { bytes, .. } => self.file()?.write_all(bytes)?,
            DiskRequest::Sync { .. } => self.file()?.sync_data()?,
            DiskRequest::Replace { bytes, .. } => {
                // What was open is no longer the file of this name.
                self.open = None;
                let folder = self.path.parent().unwrap_or(Path::new("."));
                let name = self.path.file_name().unwrap_or_default();
                replace(folder, &name.to_string_lossy(), bytes)?;
            }
        }
        Ok(DiskOutcome::Done)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// A file that is made here is not there after a crash until its folder is synced as well.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.open.is_none() {
            let is_new = !self.path.exists();
            let file = File::options().append(true).create(true).open(&self.path)?;
            if is_new && let Some(folder) = self.path.parent() {
                File::open(folder)?.sync_all()?;
            }
            self.open = Some(file);
        }
        self.open
            .as_mut()
            .ok_or_else(|| io::Error::other("the file was just opened"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn perform(file: &mut OwnFile, request: DiskRequest) -> DiskOutcome {
        file.perform(&request).unwrap()
    }

    #[test]
    fn what_is_appended_after_a_replacement_is_in_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = FileName::Log;
        let path = folder.path().join(file.label());
        let mut own = OwnFile { path, open: None };
        let read = |own: &mut OwnFile| perform(own, DiskRequest::Read { file });
        assert_eq!(read(&mut own), DiskOutcome::Read(Vec::new()));
        for (request, content) in [
            (
                DiskRequest::Append {
                    file,
                    bytes: vec![1],
                },
                vec![1],
            ),
            (DiskRequest::Sync { file }, vec![1]),
            (
                DiskRequest::Replace {
                    file,
                    bytes: vec![2],
                },
                vec![2],
            ),
            (
                DiskRequest::Append {
                    file,
                    bytes: vec![3],
                },
                vec![2, 3],
            ),
        ] {
            assert_eq!(perform(&mut own, request), DiskOutcome::Done);
            assert_eq!(read(&mut own), DiskOutcome::Read(content));
        }
    }
}
