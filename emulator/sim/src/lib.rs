//! The virtual world: clock, networks, disks, hosts, faults, checkers, scenario player.

mod clock;
mod disk;
mod net;
mod queue;
mod storage;

pub use clock::Clock;

/// Names a fault from the moment it is made until it is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);
