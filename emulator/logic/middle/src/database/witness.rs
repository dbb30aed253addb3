//! The copy on the witness disk: two slots that are written in turn, so that one is whole whenever
//! power fails (seed 001, Database Manager 3 and 7). Layout in docs/protocol/witness-replica.md.
//!
//! Knows slots and requests; what a copy means for the local replica is decided in `reconcile`.

use std::collections::BTreeMap;

use base::{DiskId, PaxosTag};
use bottom::clusdisk::{PAGE_BYTES, Report, Request};
use wire::{Codec, Reader, checksum};

use super::replica::Replica;

const MAGIC: [u8; 8] = *b"LAWITNS1";
/// First page of each slot, within the partition that a disk witness keeps for the copy.
const SLOT_PAGE: [u64; 2] = [256, 256 + SLOT_PAGES];
/// Size of a slot: a header page and a replica of up to 4 MiB.
const SLOT_PAGES: u64 = 1_025;

const PAGE: usize = PAGE_BYTES as usize;

/// What the header page of a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// Grows with every write of either slot.
    serial: u64,
    len: u32,
    sum: u32,
}

wire::codec!(struct Header { serial, len, sum });

impl Header {
    fn of(serial: u64, content: &[u8]) -> Option<Self> {
        let len = u32::try_from(content.len()).ok()?;
        let header = Self {
            serial,
            len,
            sum: checksum(&[&serial.to_be_bytes(), content]),
        };
        (u64::from(header.pages()) <= SLOT_PAGES).then_some(header)
    }

    /// Pages of the slot that are in use, this one included.
    fn pages(self) -> u32 {
        1 + self.len.div_ceil(PAGE_BYTES)
    }

    fn parse(page: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(page);
        if reader.array() != Ok(MAGIC) {
            return None;
        }
        let header = Self::decode(&mut reader).ok()?;
        (u64::from(header.pages()) <= SLOT_PAGES).then_some(header)
    }
}

/// The bytes of a slot that holds `replica`; none if it does not fit.
fn slot_bytes(serial: u64, replica: &Replica) -> Option<Vec<u8>> {
    let content = replica.durable().to_bytes();
    let header = Header::of(serial, &content)?;
    let mut bytes = [&MAGIC, header.to_bytes().as_slice()].concat();
    bytes.resize(PAGE, 0);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
    Some(bytes)
}

/// The replica in a slot whose header was read before.
fn parse_slot(header: Header, bytes: &[u8]) -> Option<Replica> {
    let len = usize::try_from(header.len).ok()?;
    let content = bytes.get(PAGE..)?.get(..len)?;
    let sum = checksum(&[&header.serial.to_be_bytes(), content]);
    (Header::parse(bytes)? == header && sum == header.sum)
        .then(|| Replica::from_bytes(content).ok())?
}

/// The tag of the newest whole copy on a witness disk, for those who look from outside. `read`
/// gives the bytes of the disk at an offset.
pub fn witness_tag(read: impl Fn(u64, usize) -> Option<Vec<u8>>) -> Option<PaxosTag> {
    let copy = |page: u64| {
        let offset = page * u64::from(PAGE_BYTES);
        let header = Header::parse(&read(offset, PAGE)?)?;
        let bytes = read(offset, usize::try_from(header.pages()).ok()? * PAGE)?;
        Some((header.serial, parse_slot(header, &bytes)?.tag))
    };
    SLOT_PAGE
        .into_iter()
        .filter_map(copy)
        .max_by_key(|(serial, _)| *serial)
        .map(|(_, tag)| tag)
}

/// What the copy waits for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum Step {
    /// For the disk to be held.
    #[default]
    Unloaded,
    /// For the header of slot `found.len()`.
    ExpectHeader { found: Vec<Option<Header>> },
    /// For the first of these slots, newest first.
    ExpectBody { candidates: Vec<(usize, Header)> },
    /// For something to write.
    Loaded,
    /// For this version to be on the disk.
    ExpectWritten { version: u64 },
}

/// What a report led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing to tell yet.
    None,
    /// Both slots were looked at: the newest whole copy, if there is one.
    Found(Option<Replica>),
    /// A version is on the disk.
    Written,
    /// The disk refused, or the replica does not fit. The copy is unloaded.
    Failed,
}

/// The copy on the witness disk that this node holds.
#[derive(Debug, Default)]
pub(super) struct WitnessCopy {
    disk: Option<DiskId>,
    step: Step,
    /// Reports still to come, by disk, for requests of before a disk was held anew.
    stale: BTreeMap<DiskId, u32>,
    /// Serial of the newest slot, and the slot to write next.
    serial: u64,
    slot: usize,
    /// Counts changes of the local replica, and which of them is on the disk.
    version: u64,
    written: u64,
    requests: Vec<Request>,
}

impl WitnessCopy {
    /// Requests to send since the last call, with their disk.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (DiskId, Request)> + use<> {
        let requests = std::mem::take(&mut self.requests);
        let disk = self.disk;
        requests
            .into_iter()
            .filter_map(move |request| Some((disk?, request)))
    }

    /// Which version is on the disk; none while no copy goes along.
    pub(super) fn written(&self) -> Option<u64> {
        let loaded = matches!(self.step, Step::Loaded | Step::ExpectWritten { .. });
        loaded.then_some(self.written)
    }

    /// The disk is this node's: reads both slots.
    pub(super) fn load(&mut self, disk: DiskId) {
        self.unload();
        self.disk = Some(disk);
        self.step = Step::ExpectHeader { found: Vec::new() };
        self.read(0, 1);
    }

    /// The disk is no longer this node's, or does not work.
    pub(super) fn unload(&mut self) {
        if let Some(disk) = self.disk.filter(|_| self.is_waiting()) {
            *self.stale.entry(disk).or_default() += 1;
        }
        self.step = Step::Unloaded;
    }

    /// Whether a request is under way that still matters.
    fn is_waiting(&self) -> bool {
        !matches!(self.step, Step::Unloaded | Step::Loaded)
    }

    /// The local replica has changed. Answers the version that the disk has to have.
    pub(super) fn changed(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// The copy that was found is the local replica: nothing is to be written. Answers the version
    /// of both.
    pub(super) fn is_current(&mut self) -> u64 {
        self.written = self.version;
        self.version
    }

    fn read(&mut self, slot: usize, pages: u32) {
        if let Some(page) = SLOT_PAGE.get(slot).copied() {
            self.requests.push(Request::Read { page, pages });
        }
    }

    /// Writes the newest state if it is not on the disk and nothing is under way. False if it
    /// cannot be written.
    pub(super) fn write(&mut self, replica: &Replica) -> bool {
        if self.step != Step::Loaded || self.written == self.version {
            return true;
        }
        let page = SLOT_PAGE.get(self.slot).copied();
        let (Some(page), Some(data)) = (page, slot_bytes(self.serial + 1, replica)) else {
            self.unload();
            return false;
        };
        self.requests.push(Request::Write { page, data });
        self.step = Step::ExpectWritten {
            version: self.version,
        };
        true
    }

    /// A read or write has ended.
    pub(super) fn report(&mut self, disk: DiskId, report: Report) -> Progress {
        let of_ours = matches!(report, Report::Read { .. } | Report::Written { .. });
        let stale = self.stale.get_mut(&disk).filter(|left| **left > 0);
        if let Some(left) = stale.filter(|_| of_ours) {
            *left -= 1;
            return Progress::None;
        }
        if self.disk != Some(disk) {
            return Progress::None;
        }
        match (std::mem::take(&mut self.step), report) {
            (Step::ExpectHeader { found }, Report::Read { data: Some(data) }) => {
                self.header_read(found, &data)
            }
            (Step::ExpectBody { candidates }, Report::Read { data: Some(data) }) => {
                self.body_read(&candidates, &data)
            }
            (Step::ExpectWritten { version }, Report::Written { ok: true }) => {
                self.step = Step::Loaded;
                self.serial += 1;
                self.slot = 1 - self.slot;
                self.written = version;
                Progress::Written
            }
            (step @ (Step::Unloaded | Step::Loaded), _) => {
                self.step = step;
                Progress::None
            }
            (_, Report::Read { .. } | Report::Written { .. }) => Progress::Failed,
            (step, _) => {
                self.step = step;
                Progress::None
            }
        }
    }

    fn header_read(&mut self, mut found: Vec<Option<Header>>, page: &[u8]) -> Progress {
        found.push(Header::parse(page));
        if found.len() < SLOT_PAGE.len() {
            self.read(found.len(), 1);
            self.step = Step::ExpectHeader { found };
            return Progress::None;
        }
        let mut candidates: Vec<_> = found
            .into_iter()
            .enumerate()
            .filter_map(|(slot, header)| Some((slot, header?)))
            .collect();
        candidates.sort_by_key(|(_, header)| std::cmp::Reverse(header.serial));
        // Above whatever either header claims, so that the next write is the newest.
        self.serial = candidates.first().map_or(0, |(_, header)| header.serial);
        self.slot = candidates.first().map_or(0, |(slot, _)| 1 - slot);
        self.look_at(candidates)
    }

    fn look_at(&mut self, candidates: Vec<(usize, Header)>) -> Progress {
        let Some((slot, header)) = candidates.first().copied() else {
            self.step = Step::Loaded;
            return Progress::Found(None);
        };
        self.read(slot, header.pages());
        self.step = Step::ExpectBody { candidates };
        Progress::None
    }

    fn body_read(&mut self, candidates: &[(usize, Header)], bytes: &[u8]) -> Progress {
        let Some(((slot, header), others)) = candidates.split_first() else {
            return Progress::Failed;
        };
        match parse_slot(*header, bytes) {
            Some(replica) => {
                self.slot = 1 - slot;
                self.step = Step::Loaded;
                Progress::Found(Some(replica))
            }
            // Torn when it was written: overwrite it, the other slot is the one to keep.
            None => {
                self.slot = *slot;
                self.look_at(others.to_vec())
            }
        }
    }
}
