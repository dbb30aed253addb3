//! What is sent to a disk, and why.

use scsi::Command;

use super::reserve::Spc2;
use super::shared::Shared;

/// Why a command is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Register,
    ReadHolder,
    Reserve,
    ContestKeys,
    ContestHolder,
    Preempt,
    Verify,
    ClaimKeys,
    ClaimScrub,
    Defend,
    DefendKeys,
    Scrub,
    Unreserve,
    Unregister,
    Capacity,
    Identify,
    CheckReady,
    CheckRoot,
    Read,
    Write,
    /// The purposes of volumes that all nodes use.
    Shared(Shared),
    /// The purposes of SPC-2 reservations.
    Spc2(Spc2),
}

impl Purpose {
    /// Whether it belongs to the periodic look at a reservation that is held.
    pub(super) fn is_proof(self) -> bool {
        matches!(
            self,
            Self::Defend | Self::DefendKeys | Self::Scrub | Self::Spc2(Spc2::Renew)
        )
    }

    /// Whether it is what the disk is used for, not its reservation.
    pub(super) fn is_work(self) -> bool {
        matches!(
            self,
            Self::Capacity
                | Self::Identify
                | Self::CheckReady
                | Self::CheckRoot
                | Self::Read
                | Self::Write
        )
    }
}

/// What is sent to the disk.
#[derive(Clone, Debug)]
pub(super) enum Order {
    Command(Command),
    /// A logical unit reset.
    Reset,
}
