//! The node's clocks: the system's monotonic clock counted from an epoch, and the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use base::{Now, Timestamp, WallTime};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// A clock that shows the time since an epoch. All processes of one machine read the same
/// monotonic clock, so those that share an epoch show the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    epoch_nanos: u64,
}

impl Clock {
    /// A clock whose epoch is so many nanoseconds of the system's monotonic clock.
    #[must_use]
    pub fn since(epoch_nanos: u64) -> Self {
        Self { epoch_nanos }
    }

    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self::since(monotonic_nanos())
    }

    /// Its epoch, for other processes.
    #[must_use]
    pub fn epoch_nanos(self) -> u64 {
        self.epoch_nanos
    }

    /// Time since the epoch.
    #[must_use]
    pub fn mono(self) -> Timestamp {
        Timestamp(monotonic_nanos().saturating_sub(self.epoch_nanos))
    }

    /// Both clocks.
    #[must_use]
    pub fn now(self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = wall.unwrap_or_default().as_millis();
        Now {
            mono: self.mono(),
            wall: WallTime(u64::try_from(wall).unwrap_or(u64::MAX)),
        }
    }

    /// The runtime's word for a time of this clock.
    pub(crate) fn instant(self, at: Timestamp) -> Instant {
        Instant::now() + at.since(self.mono())
    }
}

fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
