//! Values with units on the command line, as lab files write them.

use std::time::Duration;

/// A duration such as `500ms`, `90s`, `3m`, `1h` or `7d`; not zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("write a number and a unit: 500ms, 90s, 3m, 1h or 7d".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "the number is missing or too large")?;
    match number.checked_mul(millis) {
        Some(0) => Err("it must not be zero".to_owned()),
        Some(millis) if millis <= 366 * 86_400_000 => Ok(Duration::from_millis(millis)),
        _ => Err("it must not be longer than a year".to_owned()),
    }
}

/// A shard such as `2/4`: the second of four.
pub(crate) fn shard(text: &str) -> Result<(u64, u64), String> {
    let shape = || "write which and of how many, for example 2/4".to_owned();
    let (place, of) = text.split_once('/').ok_or_else(shape)?;
    let place: u64 = place.parse().map_err(|_| shape())?;
    let of: u64 = of.parse().map_err(|_| shape())?;
    if place == 0 || place > of {
        return Err(format!("the first number must be 1 to {of}"));
    }
    Ok((place, of))
}

/// Numbers of the acts of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acts(pub(crate) Vec<usize>);

/// Numbers of acts such as `3,7,12`; nothing at all is none of them.
pub(crate) fn acts(text: &str) -> Result<Acts, String> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let numbers: Result<Vec<usize>, _> = words.map(str::parse).collect();
    let numbers = numbers.map_err(|_| "write the numbers of acts, for example 3,7,12")?;
    Ok(Acts(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in [
            "",
            "s",
            "10",
            "10 s",
            "0s",
            "-1s",
            "99999999999999999999d",
            "800d",
            "1w",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn acts_are_numbers_with_commas() {
        assert_eq!(acts("3,7, 12"), Ok(Acts(vec![3, 7, 12])));
        assert_eq!(acts(""), Ok(Acts(Vec::new())));
        assert!(acts("3;7").is_err());
    }

    #[test]
    fn shards_count_from_one() {
        assert_eq!(shard("2/4"), Ok((2, 4)));
        for bad in ["0/4", "5/4", "4", "a/b", "1/0"] {
            assert!(shard(bad).is_err(), "{bad}");
        }
    }
}
