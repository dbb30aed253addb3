//! What can be broken on a unit, in the lab file's words.

use std::ops::Range;

use scsi::Lun;

/// Something wrong with a unit. Each stays until healed, except the storm, which ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The unit answers NOT READY to everything that needs its medium.
    Offline(Lun),
    /// No room for blocks that were not written before: 7/27/07.
    Full(Lun),
    /// Blocks in the range can be neither read nor written: 3/11/00, 3/0C/00.
    MediumError(Lun, Range<u64>),
    /// The store for reservations that survive power loss refuses to save.
    SaveFails(Lun),
    /// So many next commands of each nexus meet a unit attention.
    AttentionStorm(Lun, u16),
}

impl Fault {
    /// The unit that it is about.
    pub fn lun(&self) -> Lun {
        match self {
            Self::Offline(lun)
            | Self::Full(lun)
            | Self::MediumError(lun, _)
            | Self::SaveFails(lun)
            | Self::AttentionStorm(lun, _) => *lun,
        }
    }
}

/// How many ranges of bad blocks a unit may have.
pub const BAD_RANGES_MAX: usize = 64;

/// What is wrong with a unit now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub offline: bool,
    pub full: bool,
    pub save_fails: bool,
    bad: Vec<Range<u64>>,
}

impl Faults {
    /// Adds bad blocks; the oldest range heals when there are too many.
    pub(crate) fn add_bad(&mut self, range: Range<u64>) {
        if self.bad.len() == BAD_RANGES_MAX {
            self.bad.remove(0);
        }
        self.bad.push(range);
    }

    /// The first bad block among `blocks` from `lba` on.
    pub(crate) fn first_bad(&self, lba: u64, blocks: u64) -> Option<u64> {
        let end = lba.saturating_add(blocks);
        let hit = |range: &Range<u64>| range.start.max(lba) < range.end.min(end);
        self.bad
            .iter()
            .filter(|range| hit(range))
            .map(|range| range.start.max(lba))
            .min()
    }
}
