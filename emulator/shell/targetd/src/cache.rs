//! What a power loss could take from a disk: the writes that no sync has covered.
//!
//! Kept only while a fault asks for it, as each write then reads what it overwrites. At the power
//! loss a seed decides for each of these writes whether it is kept, lost, or torn at a sector, as
//! the simulator's disks do. Bounded: what is older than the newest writes is durable, as in a
//! cache of limited size.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use target::Fate;

/// What a disk writes as one.
const SECTOR: u64 = 512;
/// How many writes wait in the cache.
const WRITES_MAX: usize = 256;
/// How many bytes of them.
const BYTES_MAX: usize = 64 << 20;

/// A write that no sync has covered.
#[derive(Debug)]
struct Write {
    offset: u64,
    old: Vec<u8>,
    new: Vec<u8>,
}

/// The writes that no sync has covered, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    writes: VecDeque<Write>,
    bytes: usize,
    /// How many have left at the front.
    gone: u64,
}

impl Cache {
    /// Remembers what a write is about to overwrite.
    pub(crate) fn remember(&mut self, file: &File, offset: u64, new: &[u8]) -> io::Result<()> {
        let mut old = vec![0; new.len()];
        file.read_exact_at(&mut old, offset)?;
        self.bytes += old.len() + new.len();
        let new = new.to_vec();
        self.writes.push_back(Write { offset, old, new });
        while self.writes.len() > WRITES_MAX || self.bytes > BYTES_MAX {
            self.forget_oldest();
        }
        Ok(())
    }

    /// The writes so far, for [`Self::synced`] once a sync that starts now has succeeded.
    pub(crate) fn mark(&self) -> u64 {
        self.gone + self.writes.len() as u64
    }

    /// Everything up to the mark is durable.
    pub(crate) fn synced(&mut self, mark: u64) {
        while self.gone < mark && !self.writes.is_empty() {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(write) = self.writes.pop_front() {
            self.bytes -= write.old.len() + write.new.len();
            self.gone += 1;
        }
    }

    /// The power goes: each write meets the fate that `decide` has for it and its sectors.
    pub(crate) fn lose(
        &mut self,
        file: &File,
        mut decide: impl FnMut(u64) -> Fate,
    ) -> io::Result<()> {
        for write in self.writes.iter().rev() {
            file.write_all_at(&write.old, write.offset)?;
        }
        for write in self.writes.drain(..) {
            let bytes = write.new.len() as u64;
            let kept = match decide(bytes.div_ceil(SECTOR)) {
                Fate::Kept => bytes,
                Fate::Lost => 0,
                Fate::Torn(sectors) => bytes.min(sectors.saturating_mul(SECTOR)),
            };
            let kept = usize::try_from(kept).unwrap_or(usize::MAX);
            let part = write.new.get(..kept).unwrap_or(&write.new);
            file.write_all_at(part, write.offset)?;
        }
        self.bytes = 0;
        file.sync_data()
    }
}

/// A third each: kept, lost, torn somewhere; what is one sector long cannot tear.
pub(crate) fn fates(seed: u64) -> impl FnMut(u64) -> Fate {
    // SplitMix64: every seed is a good one, zero too.
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    move |sectors| match (next() % 3, sectors) {
        (0, _) => Fate::Kept,
        (1, _) | (_, 0 | 1) => Fate::Lost,
        _ => Fate::Torn(1 + next() % (sectors - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    }

    fn write(cache: &mut Cache, file: &File, offset: u64, data: &[u8]) {
        cache.remember(file, offset, data).unwrap();
        file.write_all_at(data, offset).unwrap();
    }

    fn content(file: &File, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        file.read_exact_at(&mut read, 0).unwrap();
        read
    }

    #[test]
    fn each_write_is_kept_lost_or_torn_and_a_synced_one_stays() {
        let file = file_of(&[0; 4096]);
        let mut cache = Cache::default();
        write(&mut cache, &file, 0, &[1; 512]);
        let mark = cache.mark();
        write(&mut cache, &file, 0, &[2; 4096]);
        write(&mut cache, &file, 1024, &[3; 512]);
        cache.synced(mark);
        let mut fates = [Fate::Torn(3), Fate::Lost].into_iter();
        cache.lose(&file, |_| fates.next().unwrap()).unwrap();
        let read = content(&file, 4096);
        assert_eq!(read[..1536], [2; 1536]);
        assert_eq!(read[1536..], [0; 2560]);
        assert_eq!(cache.mark(), 1);
    }

    #[test]
    fn the_cache_is_bounded_and_what_leaves_it_is_durable() {
        let file = file_of(&[0; 512]);
        let mut cache = Cache::default();
        for number in 0..=WRITES_MAX {
            write(
                &mut cache,
                &file,
                0,
                &[u8::try_from(number % 250).unwrap() + 1; 512],
            );
        }
        assert_eq!(cache.writes.len(), WRITES_MAX);
        cache.lose(&file, |_| Fate::Lost).unwrap();
        assert_eq!(content(&file, 512), [1; 512], "only the oldest was durable");
    }

    #[test]
    fn every_fate_comes_up_and_a_seed_decides_the_same_way_twice() {
        let list = |seed| {
            let mut fate = fates(seed);
            (0..64).map(|_| fate(8)).collect::<Vec<_>>()
        };
        assert_eq!(list(7), list(7));
        let fates = list(7);
        assert!(fates.contains(&Fate::Kept) && fates.contains(&Fate::Lost));
        assert!(fates.iter().any(|it| matches!(it, Fate::Torn(1..=7))));
    }
}
