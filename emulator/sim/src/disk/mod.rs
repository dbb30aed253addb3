//! A node's own disk: files with a page cache, and what a power loss makes of it.
//!
//! Operations on one file are carried out in order; those on different files may overtake each
//! other. An operation counts when it completes; at a power loss the seed decides what became of
//! the ones under way and of everything that no sync has covered: kept, lost, torn at a sector, or
//! with holes. `Replace` is atomic: old or new. When only the process dies the cache survives.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{IoId, Rng, Timestamp};
use bottom::txlog::{DiskOutcome, DiskRequest, FileName};

/// What a disk writes as one: the unit of tearing.
const SECTOR: usize = 512;

/// One file.
#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    /// Appended since the last sync, in the cache only.
    cached: Vec<u8>,
    under_way: VecDeque<(IoId, DiskRequest)>,
    busy_until: Timestamp,
}

/// A node's own disk.
#[derive(Clone, Debug)]
pub struct NodeDisk {
    files: BTreeMap<FileName, File>,
    rng: Rng,
    failing: bool,
}

impl NodeDisk {
    /// A blank disk.
    #[must_use]
    pub fn new(rng: Rng) -> Self {
        Self {
            files: BTreeMap::new(),
            rng,
            failing: false,
        }
    }

    /// Puts a file on the disk before the node starts, as setup does.
    pub fn install(&mut self, name: FileName, content: Vec<u8>) {
        self.files.insert(
            name,
            File {
                durable: content,
                ..File::default()
            },
        );
    }

    /// Removes every file, as the clean-up after an eviction does.
    pub(crate) fn wipe(&mut self) {
        self.files.clear();
    }

    /// From now on every write fails, or no longer.
    pub fn set_failing(&mut self, failing: bool) {
        self.failing = failing;
    }

    /// What a reader would see of a file, for tests and checkers.
    #[must_use]
    pub fn content(&self, name: FileName) -> Vec<u8> {
        self.files.get(&name).map(File::content).unwrap_or_default()
    }

    /// Takes an operation on; it completes at the time returned, by [`Self::complete`].
    pub(crate) fn submit(&mut self, now: Timestamp, io: IoId, request: DiskRequest) -> Timestamp {
        let duration = self.duration(&request);
        let file = self.files.entry(file_of(&request)).or_default();
        let start = file.busy_until.max(now);
        file.busy_until = start + duration;
        file.under_way.push_back((io, request));
        file.busy_until
    }

    /// Carries out the oldest operation of a file. `None` when a power loss took it.
    pub(crate) fn complete(&mut self, name: FileName, io: IoId) -> Option<DiskOutcome> {
        let failing = self.failing;
        let file = self.files.get_mut(&name)?;
        let position = file.under_way.iter().position(|(it, _)| *it == io)?;
        let (_, request) = file.under_way.remove(position)?;
        let half = self.rng.chance(500_000);
        if failing {
            file.fail(request, half);
            return Some(DiskOutcome::Failed);
        }
        Some(file.perform(request))
    }

    /// The power goes.
    pub(crate) fn lose_power(&mut self) {
        for file in self.files.values_mut() {
            for (_, request) in std::mem::take(&mut file.under_way) {
                if !self.rng.chance(500_000) {
                    break;
                }
                let _lost_answer = file.perform(request);
            }
            let cached = std::mem::take(&mut file.cached);
            file.durable.extend(survivors(cached, &mut self.rng));
            file.busy_until = Timestamp::ZERO;
        }
    }

    /// Only the process dies: what is under way is finished by the system, nobody hears of it.
    pub(crate) fn lose_process(&mut self) {
        for file in self.files.values_mut() {
            for (_, request) in std::mem::take(&mut file.under_way) {
                let _unheard = file.perform(request);
            }
        }
    }

    fn duration(&mut self, request: &DiskRequest) -> Duration {
        let micros = match request {
            DiskRequest::Read { .. } => self.rng.between(100, 400),
            DiskRequest::Append { .. } => self.rng.between(10, 50),
            DiskRequest::Sync { .. } => self.rng.between(500, 4_000),
            DiskRequest::Replace { .. } => self.rng.between(1_000, 8_000),
        };
        Duration::from_micros(micros)
    }
}

/// Which file an operation is about.
pub(crate) fn file_of(request: &DiskRequest) -> FileName {
    match request {
        DiskRequest::Read { file }
        | DiskRequest::Append { file, .. }
        | DiskRequest::Sync { file }
        | DiskRequest::Replace { file, .. } => *file,
    }
}

impl File {
    fn content(&self) -> Vec<u8> {
        [self.durable.as_slice(), self.cached.as_slice()].concat()
    }

    fn perform(&mut self, request: DiskRequest) -> DiskOutcome {
        match request {
            DiskRequest::Read { .. } => return DiskOutcome::Read(self.content()),
            DiskRequest::Append { bytes, .. } => self.cached.extend(bytes),
            DiskRequest::Sync { .. } => self.durable.append(&mut self.cached),
            DiskRequest::Replace { bytes, .. } => {
                self.durable = bytes;
                self.cached.clear();
            }
        }
        DiskOutcome::Done
    }

    /// The disk refuses: any part of an append may still be there.
    fn fail(&mut self, request: DiskRequest, half: bool) {
        if let DiskRequest::Append { bytes, .. } = request
            && half
        {
            self.cached.extend_from_slice(&bytes[..bytes.len() / 2]);
        }
    }
}

/// What a power loss leaves of bytes that were only in the cache.
fn survivors(mut cached: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    let sectors = cached.len().div_ceil(SECTOR);
    if sectors == 0 {
        return cached;
    }
    match rng.below(4) {
        0 => Vec::new(),
        1 => cached,
        2 => {
            let kept = usize::try_from(rng.below(sectors as u64)).unwrap_or(0);
            cached.truncate(kept * SECTOR);
            cached
        }
        _ => {
            for sector in cached.chunks_mut(SECTOR) {
                if rng.chance(500_000) {
                    sector.fill(0);
                }
            }
            cached
        }
    }
}
