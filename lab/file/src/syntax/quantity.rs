//! Durations, sizes and percentages: numbers with a unit.

use std::time::Duration;

use super::decode::Problem;
use super::macros::text_form;
use crate::model::Probability;
use crate::rule::Rule;

text_form!(
    Duration,
    "Duration",
    "a duration such as 500ms, 90s, 3m, 1h or 7d",
    r"^([0-9]+(\.[0-9]{1,3})?)(ms|s|m|h|d)$",
    read_duration
);

fn read_duration(text: &str) -> Result<Duration, Problem> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split).unwrap_or((text, ""));
    let unit_millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => {
            return Err(bad_duration(
                text,
                "the unit is missing: write 500ms, 90s, 3m, 1h or 7d",
            ));
        }
        _ => {
            return Err(bad_duration(
                text,
                "units are ms, s, m, h and d, as in 500ms or 90s",
            ));
        }
    };
    let thousandths = thousandths(number)
        .ok_or_else(|| bad_duration(text, "write a number and a unit, as in 500ms or 90s"))?;
    let micros = thousandths
        .checked_mul(unit_millis)
        .filter(|micros| *micros <= MICROS_MAX);
    match micros {
        None => Err(bad_duration(text, "the longest duration is 3650d")),
        Some(0) => Err(
            Problem::new(Rule::ZeroDuration, format!("`{text}` is no time at all"))
                .hint("leave the key out if nothing should be waited for"),
        ),
        Some(micros) => Ok(Duration::from_micros(micros)),
    }
}

/// Ten years.
const MICROS_MAX: u64 = 3_650 * 86_400 * 1_000_000;

fn bad_duration(text: &str, hint: &str) -> Problem {
    Problem::new(Rule::BadDuration, format!("`{text}` is not a duration")).hint(hint)
}

/// A decimal number with at most three places, times a thousand.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<3}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(fraction)
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

text_form!(
    ByteSize,
    "ByteSize",
    "a size such as 512MiB or 10GB",
    r"^([0-9]+(\.[0-9]{1,3})?)(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)$",
    |text| {
        let split = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(split).unwrap_or((text, ""));
        let bad =
            |hint: &str| Problem::new(Rule::BadSize, format!("`{text}` is not a size")).hint(hint);
        let unit_bytes = unit_bytes(unit).ok_or_else(|| {
            bad("units are B, KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB, TB")
        })?;
        let thousandths = thousandths(number).ok_or_else(|| bad("write a number and a unit"))?;
        let bytes = u128::from(thousandths) * u128::from(unit_bytes) / 1_000;
        match u64::try_from(bytes) {
            Ok(0) => Err(Problem::new(
                Rule::ZeroSize,
                format!("`{text}` is no space at all"),
            )),
            Ok(bytes) if bytes <= BYTES_MAX => Ok(Self(bytes)),
            _ => Err(bad("the largest size is 256TiB")),
        }
    }
);

const BYTES_MAX: u64 = 256 << 40;

fn unit_bytes(unit: &str) -> Option<u64> {
    Some(match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    })
}

/// A percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fraction(pub(crate) Probability);

text_form!(
    Fraction,
    "Percentage",
    "a percentage such as 0.5%",
    r"^[0-9]{1,3}(\.[0-9]{1,4})?%$",
    |text| {
        let bad = || {
            Problem::new(Rule::BadPercentage, format!("`{text}` is not a percentage"))
                .hint("a number from 0 to 100 with at most four places, as in 0.5%")
        };
        let number = text.strip_suffix('%').ok_or_else(bad)?;
        let (whole, places) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(places) || places.len() > 4 || whole.len() > 3 {
            return Err(bad());
        }
        let whole: u32 = whole.parse().map_err(|_| bad())?;
        let places: u32 = format!("{places:0<4}").parse().map_err(|_| bad())?;
        let per_million = whole * 10_000 + places;
        if per_million > 1_000_000 {
            return Err(bad());
        }
        Ok(Self(Probability { per_million }))
    }
);

/// A duration, or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry(pub(crate) Option<Duration>);

text_form!(
    Retry,
    "Retry",
    "a duration such as 1h, or never",
    r"^(never|([0-9]+(\.[0-9]{1,3})?)(ms|s|m|h|d))$",
    |text| match text {
        "never" => Ok(Self(None)),
        _ => read_duration(text).map(|duration| Self(Some(duration))),
    }
);

/// A span of time as the file writes it.
#[must_use]
pub fn span_words(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        _ if !millis.is_multiple_of(1_000) => format!("{millis}ms"),
        _ if !millis.is_multiple_of(60_000) || millis == 0 => format!("{}s", millis / 1_000),
        _ if !millis.is_multiple_of(3_600_000) => format!("{}m", millis / 60_000),
        _ => format!("{}h", millis / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Plain, Scalar};

    fn read<T: Plain>(text: &str) -> Result<T, Rule> {
        T::read(&Scalar {
            text,
            quoted: false,
        })
        .map_err(|problem| problem.rule)
    }

    #[test]
    fn durations_have_a_unit_and_up_to_three_places() {
        assert_eq!(read("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(read("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(read("3m"), Ok(Duration::from_secs(180)));
        assert_eq!(read("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(read("7d"), Ok(Duration::from_secs(604_800)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "s", "10", "10 s", "1.s", ".5s", "1.2345s", "-1s", "1e3s", "10sec", "1S",
        ] {
            assert_eq!(read::<Duration>(text), Err(Rule::BadDuration), "{text}");
        }
        for text in ["99999999999999999999s", "4000d", "18446744073709551615d"] {
            assert_eq!(read::<Duration>(text), Err(Rule::BadDuration), "{text}");
        }
        assert_eq!(read::<Duration>("0s"), Err(Rule::ZeroDuration));
        assert_eq!(read::<Duration>("0.000ms"), Err(Rule::ZeroDuration));
    }

    #[test]
    fn sizes_count_by_1024_with_an_i_and_by_1000_without() {
        assert_eq!(read("1KiB"), Ok(ByteSize(1_024)));
        assert_eq!(read("1KB"), Ok(ByteSize(1_000)));
        assert_eq!(read("1.5GiB"), Ok(ByteSize(1_610_612_736)));
        assert_eq!(read::<ByteSize>("0GiB"), Err(Rule::ZeroSize));
        for text in ["1", "1Gib", "1 GiB", "-1GiB", "999999TiB", "GiB"] {
            assert_eq!(read::<ByteSize>(text), Err(Rule::BadSize), "{text}");
        }
    }

    #[test]
    fn percentages_are_parts_of_a_million() {
        let per_million = |text| read::<Fraction>(text).map(|one| one.0.per_million);
        assert_eq!(per_million("0.01%"), Ok(100));
        assert_eq!(per_million("100%"), Ok(1_000_000));
        for text in ["101%", "5", "-1%", "0.00001%", "%"] {
            assert_eq!(per_million(text), Err(Rule::BadPercentage), "{text}");
        }
    }
}
