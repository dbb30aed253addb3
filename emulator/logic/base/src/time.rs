//! Time as the logic sees it: a number that enters with each call.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Monotonic time of one node in nanoseconds since that node's clock started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The clock's start.
    pub const ZERO: Self = Self(0);
    /// Later than any time that can be reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// Time passed since `earlier`, zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whole milliseconds since the clock started.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:03}s",
            self.0 / 1_000_000_000,
            self.0 / 1_000_000 % 1_000
        )
    }
}

/// Wall-clock time in milliseconds since 1970-01-01 UTC. Data for notices and failback windows
/// only; never compared between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct WallTime(pub u64);

impl WallTime {
    /// The hour of the day, 0 to 23.
    #[must_use]
    pub fn hour_of_day(self) -> u8 {
        u8::try_from(self.0 / 3_600_000 % 24).unwrap_or(0)
    }

    /// Date and time as Paxos tags have them: ``2007/12/31-15`35`55.889`` (reference section 4.3).
    #[must_use]
    pub fn stamp(self) -> String {
        let (year, month, day) = self.date();
        let (seconds, millis) = (self.0 / 1_000, self.0 % 1_000);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        format!("{year:04}/{month:02}/{day:02}-{hour:02}`{minute:02}`{second:02}.{millis:03}")
    }

    /// Year, month and day in the Gregorian calendar (days since 0000-03-01, so that the leap day
    /// comes last in a year).
    #[must_use]
    pub fn date(self) -> (u64, u64, u64) {
        let days = self.0 / 86_400_000 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        (era * 400 + year_of_era + u64::from(month <= 2), month, day)
    }
}

/// Both clocks at the moment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// The node's monotonic clock: the only one that decides anything.
    pub mono: Timestamp,
    /// The node's wall clock.
    pub wall: WallTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::NEVER + Duration::from_secs(1), Timestamp::NEVER);
        assert_eq!(Timestamp::ZERO - Duration::from_secs(1), Timestamp::ZERO);
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }

    #[test]
    fn the_hour_of_the_day_wraps_at_midnight() {
        assert_eq!(WallTime(0).hour_of_day(), 0);
        assert_eq!(WallTime(25 * 3_600_000).hour_of_day(), 1);
    }
}
