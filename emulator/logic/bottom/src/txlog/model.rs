//! A node's disk for tests: keeps what was synced, and tears what was not when power fails.
//!
//! Built for tests of this crate and, by feature `disk-model`, of the crates above.

use std::collections::BTreeMap;

use super::{DiskOutcome, DiskRequest, FileName};

/// Two files, performed on in the order of the requests.
#[derive(Clone, Debug, Default)]
pub struct DiskModel {
    /// Content as a running node reads it.
    pub files: BTreeMap<FileName, Vec<u8>>,
    /// How much of each file outlives a crash.
    pub synced: BTreeMap<FileName, usize>,
    /// Refuses everything.
    pub refuses: bool,
    /// Planted fault: says that it synced and did not.
    pub lies: bool,
}

impl DiskModel {
    /// Performs one request.
    pub fn perform(&mut self, request: DiskRequest) -> DiskOutcome {
        if self.refuses {
            return DiskOutcome::Failed;
        }
        match request {
            DiskRequest::Read { file } => {
                return DiskOutcome::Read(self.files.get(&file).cloned().unwrap_or_default());
            }
            DiskRequest::Append { file, bytes } => {
                self.files.entry(file).or_default().extend(bytes);
            }
            DiskRequest::Sync { .. } if self.lies => {}
            DiskRequest::Sync { file } => {
                let len = self.files.get(&file).map_or(0, Vec::len);
                self.synced.insert(file, len);
            }
            DiskRequest::Replace { file, bytes } => {
                self.synced.insert(file, bytes.len());
                self.files.insert(file, bytes);
            }
        }
        DiskOutcome::Done
    }

    /// What a power failure leaves: what was synced, and `kept` bytes (modulo what there is) of the
    /// rest, the last of them rotten by `rot`.
    #[must_use]
    pub fn crash(mut self, kept: usize, rot: u8) -> Self {
        for (file, content) in &mut self.files {
            let synced = self.synced.get(file).copied().unwrap_or(0);
            let unsynced = content.len().saturating_sub(synced);
            content.truncate(synced + kept % (unsynced + 1));
            if content.len() > synced
                && let Some(last) = content.last_mut()
            {
                *last ^= rot;
            }
        }
        self
    }
}
