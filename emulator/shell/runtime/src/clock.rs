//! The node's clocks: the system's monotonic clock counted from an epoch, and the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base::{Now, Timestamp, WallTime};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// A clock that shows the time since an epoch. All processes of one machine read the same
/// monotonic clock, so those that share an epoch and a speed show the same time.
///
/// A lab may let it run faster than the time of the world around: then every interval and timeout
/// of the cluster passes so much faster, and only what computing takes does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    epoch_nanos: u64,
    speed: u32,
}

impl Clock {
    /// A clock whose epoch is so many nanoseconds of the system's monotonic clock.
    #[must_use]
    pub fn since(epoch_nanos: u64) -> Self {
        Self {
            epoch_nanos,
            speed: 1,
        }
    }

    /// The same clock at so many times the speed, once at least.
    #[must_use]
    pub fn at_speed(self, speed: u32) -> Self {
        let speed = speed.max(1);
        Self { speed, ..self }
    }

    /// How many times faster than the world around it runs.
    #[must_use]
    pub fn speed(self) -> u32 {
        self.speed
    }

    /// How long a time of this clock is in the world around.
    #[must_use]
    pub fn real(self, span: Duration) -> Duration {
        span / self.speed
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
        Timestamp(self.real_nanos().saturating_mul(self.speed.into()))
    }

    fn real_nanos(self) -> u64 {
        monotonic_nanos().saturating_sub(self.epoch_nanos)
    }

    /// Both clocks.
    #[must_use]
    pub fn now(self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = u64::try_from(wall.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
        let real = self.real_nanos();
        let mono = Timestamp(real.saturating_mul(self.speed.into()));
        let gained = mono.0.saturating_sub(real) / 1_000_000;
        Now {
            mono,
            wall: WallTime(wall.saturating_add(gained)),
        }
    }

    /// The runtime's word for a time of this clock.
    pub(crate) fn instant(self, at: Timestamp) -> Instant {
        Instant::now() + self.real(at.since(self.mono()))
    }
}

fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_gains_on_the_world_by_its_speed_and_its_wall_clock_with_it() {
        let hour = 3_600_000_000_000;
        let usual = Clock::since(monotonic_nanos().saturating_sub(hour));
        let fast = usual.at_speed(10);
        let (one, other) = (usual.now(), fast.now());
        let ahead = other.mono.since(one.mono);
        assert!(ahead >= Duration::from_secs(9 * usual.real_nanos() / 1_000_000_001));
        let wall = Duration::from_millis(other.wall.0 - one.wall.0);
        assert!(
            wall.abs_diff(ahead) < Duration::from_secs(1),
            "{wall:?} {ahead:?}"
        );
        assert_eq!(fast.real(Duration::from_secs(10)), Duration::from_secs(1));
    }
}
