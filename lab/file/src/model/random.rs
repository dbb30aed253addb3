//! Faults that are drawn while a scenario plays.

use std::time::Duration;

/// Faults that are drawn, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomFaults {
    /// For so long.
    pub lasts: Duration,
    /// The shortest and the longest time until the next fault begins.
    pub every: (Duration, Duration),
    /// The shortest and the longest time until a fault ends.
    pub heals_after: (Duration, Duration),
    /// What may happen, and how often in comparison: never zero.
    pub picks: Vec<(RandomFault, u32)>,
    /// So many members are always left alone.
    pub keep_members: usize,
}

/// What may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RandomFault {
    /// A node stops at once, and boots when the fault ends.
    Crash,
    /// Nothing runs on a node.
    Pause,
    /// The process of a node's cluster service dies.
    KillService,
    /// The resource hosts of a node die.
    KillMonitors,
    /// A node's wall clock is set forward.
    ClockJump,
    /// A node reaches nobody.
    Partition,
    /// A network carries nothing.
    NetworkDown,
    /// A network is slow and loses packets.
    Impair,
    /// A logical unit of the cluster answers nothing.
    LunOffline,
    /// Nobody reaches the witness.
    WitnessUnreachable,
    /// A resource stops working.
    ResourceFail,
}

impl RandomFault {
    /// The word of lab files.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Pause => "pause",
            Self::KillService => "kill-service",
            Self::KillMonitors => "monitor-kill",
            Self::ClockJump => "clock-jump",
            Self::Partition => "partition",
            Self::NetworkDown => "network-down",
            Self::Impair => "impair",
            Self::LunOffline => "lun-offline",
            Self::WitnessUnreachable => "witness-unreachable",
            Self::ResourceFail => "resource-fail",
        }
    }

    /// Whether it takes a member away from the others.
    #[must_use]
    pub fn is_of_member(self) -> bool {
        matches!(
            self,
            Self::Crash
                | Self::Pause
                | Self::KillService
                | Self::KillMonitors
                | Self::ClockJump
                | Self::Partition
        )
    }
}
