//! One moment in the forms that the protocols use.
//!
//! A moment is [`base::WallTime`]: milliseconds since 1970, given with each call.

use base::WallTime;
use chrono::{DateTime, Utc};

/// 100-nanosecond steps between 1601 and 1970.
const EPOCH_1601: u64 = 116_444_736_000_000_000;

/// What `accountExpires` and others hold for "never".
pub const NEVER: u64 = 9_223_372_036_854_775_807;

/// 100-nanosecond steps since 1601.
#[must_use]
pub fn file_time(at: WallTime) -> u64 {
    EPOCH_1601.saturating_add(at.0.saturating_mul(10_000))
}

/// The moment of a file time; 1970 for everything before.
#[must_use]
pub fn from_file_time(steps: u64) -> WallTime {
    WallTime(steps.saturating_sub(EPOCH_1601) / 10_000)
}

/// Generalized time as the directory writes it, `20261123000000.0Z`.
#[must_use]
pub fn generalized(at: WallTime) -> String {
    calendar(at).format("%Y%m%d%H%M%S.0Z").to_string()
}

/// The moment as a calendar time, whole seconds.
pub(crate) fn calendar(at: WallTime) -> DateTime<Utc> {
    let seconds = i64::try_from(at.0 / 1_000).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}
