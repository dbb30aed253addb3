//! Numbers, truth values and generations, and what YAML takes for one.

use std::borrow::Cow;

use base::Generation;
use serde_json::{Value as Json, json};

use super::decode::{Plain, Problem, Scalar};
use crate::rule::Rule;

/// A whole number up to a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Natural(pub(crate) u32);

impl Plain for Natural {
    fn what() -> String {
        "a whole number".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Natural".into()
    }
    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 0, "maximum": NATURAL_MAX })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        let number = read_integer(scalar, u64::from(NATURAL_MAX))?;
        Ok(Self(u32::try_from(number).unwrap_or(NATURAL_MAX)))
    }
}

const NATURAL_MAX: u32 = 1_000_000;

/// An hour of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hour(pub(crate) u8);

impl Plain for Hour {
    fn what() -> String {
        "an hour from 0 to 23".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Hour".into()
    }
    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 0, "maximum": 23 })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        let number = read_integer(scalar, 23)?;
        Ok(Self(u8::try_from(number).unwrap_or(23)))
    }
}

/// A seed, or `random`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) Option<u64>);

impl Plain for Seed {
    fn what() -> String {
        "a whole number or `random`".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Seed".into()
    }
    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": "random" }] })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        match scalar.text {
            "random" => Ok(Self(None)),
            _ => read_integer(scalar, u64::MAX).map(|seed| Self(Some(seed))),
        }
    }
}

fn read_integer(scalar: &Scalar<'_>, max: u64) -> Result<u64, Problem> {
    let text = scalar.text;
    if scalar.quoted || !is_number(text) {
        return Err(Problem::new(
            Rule::WrongType,
            format!("expected a whole number, found `{text}`"),
        ));
    }
    match text.parse() {
        Ok(number) if number <= max => Ok(number),
        _ => Err(
            Problem::new(Rule::BadNumber, format!("`{text}` is not allowed here"))
                .hint(format!("a whole number from 0 to {max}")),
        ),
    }
}

impl Plain for bool {
    fn what() -> String {
        "`true` or `false`".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Boolean".into()
    }
    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        match (scalar.text, scalar.quoted) {
            ("true", false) => Ok(true),
            ("false", false) => Ok(false),
            (text, _) => Err(Problem::new(
                Rule::WrongType,
                format!("expected `true` or `false`, found `{text}`"),
            )),
        }
    }
}

impl Plain for Generation {
    fn what() -> String {
        format!("one of {}", generation_words().join(", "))
    }
    fn schema_id() -> Cow<'static, str> {
        "Generation".into()
    }
    fn schema() -> Json {
        let mut words: Vec<Json> = generation_words().into_iter().map(Json::from).collect();
        words.extend(
            generation_words()
                .iter()
                .filter_map(|word| word.parse().ok())
                .map(|number: u32| Json::from(number)),
        );
        json!({ "enum": words, "description": "A generation of Windows Server." })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        scalar.text.parse().map_err(|_| {
            let words = generation_words();
            let table: Vec<(&str, &str)> = words.iter().map(|word| (*word, "")).collect();
            Problem::unknown_word(scalar.text, &table)
        })
    }
}

fn generation_words() -> Vec<&'static str> {
    Generation::ALL
        .iter()
        .map(|generation| generation.label())
        .collect()
}

/// What a variable may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VariableType {
    Text,
    Int,
    Duration,
    Size,
}

/// Whether YAML 1.2 reads a plain word as a number or a truth value.
pub(crate) fn is_number_or_boolean(text: &str) -> bool {
    let boolean = ["true", "True", "TRUE", "false", "False", "FALSE"];
    boolean.contains(&text) || is_number(text)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |prefix: &str, digits: fn(char) -> bool| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(digits))
    };
    if [".inf", ".Inf", ".INF"].contains(&unsigned) || [".nan", ".NaN", ".NAN"].contains(&text) {
        return true;
    }
    if radix("0x", |c| c.is_ascii_hexdigit()) || radix("0o", |c| ('0'..='7').contains(&c)) {
        return true;
    }
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned
            .strip_prefix('.')
            .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
    starts && unsigned.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_that_yaml_reads_as_numbers_are_known() {
        for text in [
            "0", "12", "-3", "+4", "1.5", ".5", "1e3", "0x1F", "0o17", ".inf", ".nan",
        ] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "abc", "1.2.3", "10s", "0x", "1_000", "-", ".", "e3", "inf", "nan",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }
}
