//! Draining a paused node: its groups move away, and how that ended is known.
//!
//! Facts: reference section 1.3 (NodeDrainStatus; bits 4, 8 and 16 of a node's StatusInformation)
//! and section 9 (events 1137 and 1677).

use base::{GroupId, Notice};

use super::Rcm;
use super::turn::Turn;

/// NodeDrainStatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DrainStatus {
    /// 0: nobody asked for it.
    #[default]
    NotInitiated,
    /// 1: groups are on their way; `failed` when one of them could not go.
    InProgress { failed: bool },
    /// 2: nothing is owned here any more.
    Completed,
    /// 3: something had to stay.
    Failed,
}

impl DrainStatus {
    /// The number of the property.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::NotInitiated => 0,
            Self::InProgress { .. } => 1,
            Self::Completed => 2,
            Self::Failed => 3,
        }
    }

    /// The bits of a node's StatusInformation: 4 in progress, 8 completed, 16 failed.
    #[must_use]
    pub fn status_bits(self) -> u32 {
        match self {
            Self::NotInitiated => 0,
            Self::InProgress { .. } => 4,
            Self::Completed => 8,
            Self::Failed => 16,
        }
    }
}

impl Rcm {
    /// Sends every group of this node away.
    pub(super) fn drain(&mut self, turn: &mut Turn<'_, '_>) {
        self.drain = DrainStatus::InProgress { failed: false };
        let groups: Vec<GroupId> = self.groups.keys().copied().collect();
        for group in groups {
            self.send_away(turn, group);
        }
    }

    /// The pause is over.
    pub(super) fn end_drain(&mut self) {
        self.drain = DrainStatus::NotInitiated;
    }

    /// A group cannot leave (event 1137).
    pub(super) fn drain_failed(&mut self, turn: &mut Turn<'_, '_>, group: GroupId) {
        if let DrainStatus::InProgress { failed } = &mut self.drain {
            *failed = true;
            turn.notice(Notice::DrainMoveFailed { group });
        }
    }

    /// Every group has gone, or stays for good.
    pub(super) fn end_drain_if_done(&mut self, turn: &mut Turn<'_, '_>) {
        let DrainStatus::InProgress { failed } = self.drain else {
            return;
        };
        if self.groups.values().any(|group| !group.runs()) {
            return;
        }
        let completed = !failed && self.groups.is_empty();
        self.drain = if completed {
            DrainStatus::Completed
        } else {
            DrainStatus::Failed
        };
        turn.notice(Notice::DrainEnded { completed });
    }
}
