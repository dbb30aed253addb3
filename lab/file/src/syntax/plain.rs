//! Text, names and references: single values that people make up.

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use super::decode::{Plain, Problem, Scalar};
use super::macros::text_form;
use super::number::is_number_or_boolean;
use crate::rule::Rule;

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
