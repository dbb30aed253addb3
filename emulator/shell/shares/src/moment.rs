//! Moments as the three sides write them: the system, the protocol and the volume.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fatfs::{Date, DateTime, Time};

/// Seconds from 1601, where the protocol begins to count, to 1970.
const SECONDS_TO_1970: u64 = 11_644_473_600;
/// Ticks of the protocol's clock in a second.
const TICKS: u64 = 10_000_000;
/// Years that a volume can write.
const YEARS: std::ops::RangeInclusive<u64> = 1980..=2107;

/// The clock that a volume writes into its entries, in UTC.
#[derive(Debug)]
pub(crate) struct Clock;

impl fatfs::TimeProvider for Clock {
    fn get_current_date(&self) -> Date {
        self.get_current_date_time().date
    }

    fn get_current_date_time(&self) -> DateTime {
        from_unix(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        )
    }
}

/// A moment of the volume in the protocol's count (100 ns since 1601).
pub(crate) fn ticks(moment: DateTime) -> u64 {
    let DateTime { date, time } = moment;
    let days = days_from_civil(
        u64::from(date.year),
        u64::from(date.month.clamp(1, 12)),
        u64::from(date.day.max(1)),
    );
    let seconds =
        ((days * 24 + u64::from(time.hour)) * 60 + u64::from(time.min)) * 60 + u64::from(time.sec);
    (seconds + SECONDS_TO_1970) * TICKS + u64::from(time.millis) * (TICKS / 1000)
}

/// A moment of the protocol's count as a volume writes it.
pub(crate) fn from_ticks(ticks: u64) -> DateTime {
    let since = ticks.saturating_sub(SECONDS_TO_1970 * TICKS);
    from_unix(Duration::from_millis(since / (TICKS / 1000)))
}

fn from_unix(since: Duration) -> DateTime {
    let seconds = since.as_secs();
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let small = |number: u64| u16::try_from(number).unwrap_or(0);
    let date = Date {
        year: small(year.clamp(*YEARS.start(), *YEARS.end())),
        month: small(month),
        day: small(day),
    };
    let time = Time {
        hour: small(seconds / 3600 % 24),
        min: small(seconds / 60 % 60),
        sec: small(seconds % 60),
        millis: small(u64::from(since.subsec_millis())),
    };
    DateTime { date, time }
}

/// Days since 1970 of a day of the Gregorian calendar; years begin in March, so that the leap day
/// is a year's last.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    (year * 365 + leap_days + day_of_year).saturating_sub(719_468)
}

fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_that_a_volume_can_write_is_read_again() {
        for days in 3_652..50_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
    }

    #[test]
    fn a_moment_of_the_protocol_comes_back_to_the_millisecond() {
        // 2009-07-25 23:00:00 UTC.
        let moment = 128_930_364_000_000_000;
        assert_eq!(ticks(from_ticks(moment)), moment);
        assert_eq!(ticks(from_ticks(moment + 1_239_999)), moment + 1_230_000);
    }
}
