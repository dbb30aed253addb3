//! The few flags that chores take, read without a library to keep `cargo xtask` quick to build.

use anyhow::{Result, bail};

/// Reads `--name N` pairs; anything else is refused with the list of what is known.
pub(crate) fn numbers<const N: usize>(
    args: &[String],
    known: [(&str, u64); N],
) -> Result<[u64; N]> {
    let mut values = known.map(|(_, default)| default);
    for pair in args.chunks(2) {
        let place = known.iter().position(|(name, _)| *name == pair[0]);
        match (place, pair.get(1).and_then(|text| text.parse().ok())) {
            (Some(place), Some(number)) => values[place] = number,
            _ => {
                let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                bail!(
                    "do not understand {pair:?}; known are {} NUMBER",
                    names.join(", ")
                );
            }
        }
    }
    Ok(values)
}

/// Refuses arguments for chores that take none.
pub(crate) fn none(args: &[String]) -> Result<()> {
    match args.first() {
        Some(first) => bail!("takes no arguments, but was given {first:?}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_override_defaults_in_any_order() {
        let known = [("--seeds", 20), ("--first-seed", 1)];
        assert_eq!(numbers(&words("--first-seed 7"), known).unwrap(), [20, 7]);
        assert_eq!(
            numbers(&words("--first-seed 7 --seeds 3"), known).unwrap(),
            [3, 7]
        );
    }

    #[test]
    fn an_unknown_flag_or_a_missing_number_is_refused() {
        assert!(numbers(&words("--sedes 3"), [("--seeds", 20)]).is_err());
        assert!(numbers(&words("--seeds"), [("--seeds", 20)]).is_err());
        assert!(none(&words("extra")).is_err());
    }
}
