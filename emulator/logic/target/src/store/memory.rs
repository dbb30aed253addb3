//! A sparse store in memory with a volatile write cache, for the simulator.
//!
//! The model: a write is seen at once and durable after a sync. At power loss each write since
//! then is kept, lost or torn, as the caller decides. At most [`UNSYNCED_MAX`] writes are held
//! back; older ones become durable by themselves, as in a cache of limited size.

use std::collections::{BTreeMap, VecDeque};

use super::{Extent, Store, StoreError};

const PAGE_BYTES: usize = 4096;
const PAGE: u64 = PAGE_BYTES as u64;
/// What a disk writes as one: the unit of tearing.
const SECTOR: usize = 512;
/// How many writes wait in the cache.
pub const UNSYNCED_MAX: usize = 256;

type Page = Box<[u8; PAGE_BYTES]>;

/// A write that no sync has covered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsynced {
    /// Where it starts, in bytes.
    pub offset: u64,
    /// How many bytes it covers.
    pub bytes: u64,
    /// The data; absent when the bytes were let go of.
    data: Option<Vec<u8>>,
}

/// What power loss makes of a write that no sync has covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It reached the medium.
    Kept,
    /// It did not.
    Lost,
    /// Only its first so many 512-byte sectors did.
    Torn(u64),
}

/// A sparse store in memory with a volatile write cache.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    /// What survives power loss.
    durable: BTreeMap<u64, Page>,
    /// Pages that differ from it; `None` for a page that was let go of.
    cached: BTreeMap<u64, Option<Page>>,
    unsynced: VecDeque<Unsynced>,
    discards_writes: bool,
}

impl MemoryStore {
    /// A store that keeps no data and reads as zeros, for measuring.
    pub fn null() -> Self {
        Self {
            discards_writes: true,
            ..Self::default()
        }
    }

    /// Makes all writes so far durable.
    pub fn sync(&mut self) {
        self.unsynced.clear();
        for (at, page) in std::mem::take(&mut self.cached) {
            match page {
                Some(page) => self.durable.insert(at, page),
                None => self.durable.remove(&at),
            };
        }
    }

    /// The power goes: `fate` decides for each write since the last sync, oldest first.
    pub fn power_loss(&mut self, mut fate: impl FnMut(&Unsynced) -> Fate) {
        self.cached.clear();
        for write in std::mem::take(&mut self.unsynced) {
            match fate(&write) {
                Fate::Kept => self.apply(&write, write.bytes),
                Fate::Lost => {}
                Fate::Torn(sectors) => {
                    let kept = sectors.saturating_mul(SECTOR as u64).min(write.bytes);
                    self.apply(&write, kept);
                }
            }
        }
    }

    /// Reads as many bytes as `into` is long, for those who only look.
    pub fn peek(&self, offset: u64, into: &mut [u8]) {
        for (at, within, range) in pages(offset, into.len() as u64) {
            let into = &mut into[range];
            match self.page(at) {
                Some(page) => into.copy_from_slice(&page[within..within + into.len()]),
                None => into.fill(0),
            }
        }
    }

    /// How many writes a power loss could take now.
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// Applies the first `bytes` of a write to what survives.
    fn apply(&mut self, write: &Unsynced, bytes: u64) {
        let Some(data) = &write.data else {
            return self.apply_discard(write.offset, bytes);
        };
        for (at, within, range) in pages(write.offset, bytes) {
            let data = &data[range];
            let page = self.durable.entry(at).or_insert_with(blank);
            page[within..within + data.len()].copy_from_slice(data);
        }
    }

    fn apply_discard(&mut self, offset: u64, bytes: u64) {
        let end = offset + bytes;
        let first_whole = offset.div_ceil(PAGE);
        let mut tail = self.durable.split_off(&first_whole);
        let mut rest = tail.split_off(&(end / PAGE).max(first_whole));
        self.durable.append(&mut rest);
        for edge in [offset / PAGE, end / PAGE] {
            let from = offset.max(edge * PAGE);
            let to = end.min((edge + 1) * PAGE);
            if let Some(page) = self.durable.get_mut(&edge).filter(|_| from < to) {
                page[size(from - edge * PAGE)..size(to - edge * PAGE)].fill(0);
            }
        }
    }

    fn remember(&mut self, write: Unsynced) {
        if self.unsynced.len() == UNSYNCED_MAX
            && let Some(oldest) = self.unsynced.pop_front()
        {
            self.apply(&oldest, oldest.bytes);
        }
        self.unsynced.push_back(write);
    }

    fn page(&self, at: u64) -> Option<&Page> {
        match self.cached.get(&at) {
            Some(page) => page.as_ref(),
            None => self.durable.get(&at),
        }
    }

    fn page_mut(&mut self, at: u64) -> &mut Page {
        let durable = &self.durable;
        let cached = self
            .cached
            .entry(at)
            .or_insert_with(|| durable.get(&at).cloned());
        cached.get_or_insert_with(blank)
    }
}

/// A count of bytes that lies within memory.
fn size(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a part of a page or of a buffer")
}

fn blank() -> Page {
    Box::new([0; PAGE_BYTES])
}

/// Splits a run of bytes into pages: page number, start within it, and range within the run.
fn pages(offset: u64, bytes: u64) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done;
        let length = (bytes - done).min(PAGE - at % PAGE);
        let start = size(done);
        done += length;
        let within = size(at % PAGE);
        (length > 0).then(|| (at / PAGE, within, start..start + size(length)))
    })
}

impl Store for MemoryStore {
    fn read(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StoreError> {
        self.peek(offset, into);
        Ok(())
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), StoreError> {
        if self.discards_writes {
            return Ok(());
        }
        for (at, within, range) in pages(offset, data.len() as u64) {
            let data = &data[range];
            self.page_mut(at)[within..within + data.len()].copy_from_slice(data);
        }
        let bytes = data.len() as u64;
        self.remember(Unsynced {
            offset,
            bytes,
            data: Some(data.to_vec()),
        });
        Ok(())
    }

    fn discard(&mut self, offset: u64, bytes: u64) -> Result<(), StoreError> {
        let end = offset + bytes;
        let mut next = self.next_present(offset / PAGE);
        while let Some(at) = next.filter(|at| at * PAGE < end) {
            self.discard_within(at, offset.max(at * PAGE), end.min((at + 1) * PAGE));
            next = self.next_present(at + 1);
        }
        self.remember(Unsynced {
            offset,
            bytes,
            data: None,
        });
        Ok(())
    }

    fn extent(&mut self, offset: u64, bytes: u64) -> Extent {
        let first = offset / PAGE;
        let mapped = self.page(first).is_some();
        let next = if mapped {
            self.next_absent(first)
        } else {
            self.next_present(first)
        };
        let room = next
            .and_then(|page| page.checked_mul(PAGE))
            .map_or(bytes, |end| end - offset);
        Extent {
            mapped,
            bytes: bytes.min(room),
        }
    }
}

impl MemoryStore {
    /// Lets go of the bytes `from..to`, which lie in the page `at`.
    fn discard_within(&mut self, at: u64, from: u64, to: u64) {
        if to - from == PAGE {
            self.cached.insert(at, None);
            return;
        }
        let start = size(from % PAGE);
        let length = size(to - from);
        self.page_mut(at)[start..start + length].fill(0);
    }

    fn next_absent(&self, from: u64) -> Option<u64> {
        (from..).find(|at| self.page(*at).is_none())
    }

    fn next_present(&self, from: u64) -> Option<u64> {
        let cached = self
            .cached
            .range(from..)
            .find(|(_, page)| page.is_some())
            .map(|it| *it.0);
        let mut durable = self.durable.range(from..).map(|it| *it.0);
        let durable = durable.find(|at| !matches!(self.cached.get(at), Some(None)));
        cached.into_iter().chain(durable).min()
    }
}

#[cfg(test)]
mod tests;
