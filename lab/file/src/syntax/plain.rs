//! Single values with a form of their own: durations, sizes, addresses, names, numbers.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::Generation;
use serde_json::{Value as Json, json};

use super::decode::{Plain, Problem, Scalar};
use crate::model::{Probability, Subnet};
use crate::rule::Rule;

/// Implements [`Plain`] for text with a pattern.
macro_rules! text_form {
    ($type:ty, $id:literal, $what:literal, $pattern:literal, $read:expr) => {
        impl Plain for $type {
            fn what() -> String {
                $what.to_owned()
            }
            fn schema_id() -> Cow<'static, str> {
                $id.into()
            }
            fn schema() -> Json {
                json!({ "type": "string", "pattern": $pattern, "description": $what })
            }
            fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
                let read: fn(&str) -> Result<Self, Problem> = $read;
                read(scalar.text)
            }
        }
    };
}

/// Free text of one line or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Plain for Text {
    fn what() -> String {
        "text".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Text".into()
    }
    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        if !scalar.quoted && is_number_or_boolean(scalar.text) {
            let message = format!("expected text, found `{}`", scalar.text);
            return Err(Problem::new(Rule::WrongType, message).hint("put quotes around it"));
        }
        if scalar.text.is_empty() {
            return Err(Problem::new(Rule::BadValue, "the text is empty"));
        }
        Ok(Self(scalar.text.to_owned()))
    }
}

/// Any single value, kept as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnyScalar(pub(crate) String);

impl Plain for AnyScalar {
    fn what() -> String {
        "a single value".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "AnyScalar".into()
    }
    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"] })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        Ok(Self(scalar.text.to_owned()))
    }
}

/// The name of something in the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

text_form!(
    Name,
    "Name",
    "a name",
    r"^[A-Za-z][A-Za-z0-9_-]{0,62}(\[[^\]]*\][A-Za-z0-9_-]*)?$",
    |text| {
        let member = crate::template::expand_word(text)
            .map_err(|(rule, message)| Problem::new(rule, message))?;
        match member.first() {
            Some(first) if crate::template::is_name(first) => Ok(Self(text.to_owned())),
            _ => Err(
                Problem::new(Rule::BadName, format!("`{text}` cannot be a name"))
                    .hint("names start with a letter and go on with letters, digits, `-` and `_`"),
            ),
        }
    }
);

/// The name of a rack, which is free text without spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RackName(pub(crate) String);

text_form!(
    RackName,
    "RackName",
    "the name of a rack",
    r"^[A-Za-z0-9_-]{1,63}$",
    |text| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > 63 || !text.chars().all(fits) {
            return Err(Problem::new(
                Rule::BadName,
                format!("`{text}` cannot be the name of a rack"),
            ));
        }
        Ok(Self(text.to_owned()))
    }
);

/// `group/resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceName {
    pub(crate) group: String,
    pub(crate) resource: String,
}

text_form!(
    ResourceName,
    "ResourceName",
    "a resource as `group/resource`",
    r"^[A-Za-z][A-Za-z0-9_-]*/[A-Za-z][A-Za-z0-9_-]*$",
    |text| {
        let (group, resource) = two_names(text, "a resource is named as `group/resource`")?;
        Ok(Self { group, resource })
    }
);

/// `array/lun`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LunName {
    pub(crate) array: String,
    pub(crate) lun: String,
}

text_form!(
    LunName,
    "LunName",
    "a logical unit as `array/lun`",
    r"^[A-Za-z][A-Za-z0-9_-]*/[A-Za-z][A-Za-z0-9_-]*$",
    |text| {
        let (array, lun) = two_names(text, "a logical unit is named as `array/lun`")?;
        Ok(Self { array, lun })
    }
);

fn two_names(text: &str, hint: &str) -> Result<(String, String), Problem> {
    match text.split_once('/') {
        Some((left, right))
            if crate::template::is_name(left) && crate::template::is_name(right) =>
        {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => Err(Problem::new(Rule::BadValue, format!("`{text}` names no such thing")).hint(hint)),
    }
}

/// A dependency expression, read by [`crate::depends`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency(pub(crate) Vec<Vec<String>>);

text_form!(
    Dependency,
    "Dependency",
    "a dependency expression such as `name and (ip1 or ip2)`",
    r"^[A-Za-z0-9_() -]+$",
    |text| crate::depends::parse(text).map(Self)
);

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

text_form!(
    Ipv4Addr,
    "Address",
    "an IPv4 address",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$",
    |text| {
        text.parse().map_err(|_| {
            Problem::new(Rule::BadAddress, format!("`{text}` is not an IPv4 address"))
                .hint("four numbers from 0 to 255, as in 10.10.1.100")
        })
    }
);

text_form!(
    Subnet,
    "Subnet",
    "an IPv4 subnet such as 10.10.1.0/24",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",
    read_subnet
);

fn read_subnet(text: &str) -> Result<Subnet, Problem> {
    let bad = |hint: String| {
        Problem::new(Rule::BadSubnet, format!("`{text}` is not a subnet")).hint(hint)
    };
    let (address, bits) = text
        .split_once('/')
        .ok_or_else(|| bad("write the prefix, as in 10.10.1.0/24".into()))?;
    let address: Ipv4Addr = address
        .parse()
        .map_err(|_| bad("it starts with an IPv4 address".into()))?;
    let prefix_bits: u8 = bits
        .parse()
        .map_err(|_| bad("it ends with the number of network bits".into()))?;
    if !(8..=30).contains(&prefix_bits) {
        return Err(bad("the prefix has 8 to 30 bits".into()));
    }
    let whole = Subnet {
        base: address,
        prefix_bits,
    };
    let base = Ipv4Addr::from_bits(address.to_bits() & whole.mask().to_bits());
    if base != address {
        return Err(bad(format!(
            "its host bits are not zero; did you mean {base}/{prefix_bits}?"
        )));
    }
    Ok(whole)
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
