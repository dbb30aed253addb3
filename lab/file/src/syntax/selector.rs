//! Selectors as the file has them: a word, or a list of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::At;
use super::decode::{Decode, Decoder, Plain, Problem, Scalar, to_schema};
use crate::model::Selector;
use crate::rule::Rule;
use crate::source::Span;
use crate::template::{expand_word, is_name};
use crate::yaml::{Node, Value};

/// A selector and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct SelectorSpec {
    pub(crate) selector: Selector,
    pub(crate) span: Span,
}

impl Decode for SelectorSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::List(items) = &node.value else {
            let At { value, span } = At::<Selector>::decode(node, decoder)?;
            return Some(Self {
                selector: value,
                span,
            });
        };
        if items.is_empty() {
            decoder
                .sink
                .error(Rule::BadSelector, node.span, "an empty list picks nothing");
            return None;
        }
        let words = items
            .iter()
            .filter_map(|item| At::<Selector>::decode(item, decoder));
        let parts = words.map(|word| word.value).collect();
        Some(Self {
            selector: Selector::List(parts),
            span: node.span,
        })
    }
}

impl JsonSchema for SelectorSpec {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<At<Selector>>();
        let list = json!({ "type": "array", "items": word, "minItems": 1 });
        to_schema(json!({ "anyOf": [word, list] }))
    }
}

const WHAT: &str = "a name, a pattern with `*`, all, any N, minority, majority, coordinator, \
                    owner-of(group), site(name) or kind(member)";

/// The same as a regular expression.
const PATTERN: &str = concat!(
    r"^(any +[0-9]+",
    r"|(owner-of|site|kind)\([A-Za-z][A-Za-z0-9_-]*\)",
    r"|[A-Za-z*?][A-Za-z0-9_*?\[\]-]*)$",
);

impl Plain for Selector {
    fn what() -> String {
        WHAT.to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "SelectorWord".into()
    }
    fn schema() -> serde_json::Value {
        json!({
            "type": "string",
            "pattern": PATTERN,
            "description": WHAT,
        })
    }
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem> {
        parse(scalar.text)
    }
}

/// Reads a selector word.
pub(crate) fn parse(text: &str) -> Result<Selector, Problem> {
    match text {
        "all" => return Ok(Selector::All),
        "minority" => return Ok(Selector::Minority),
        "majority" => return Ok(Selector::Majority),
        "coordinator" => return Ok(Selector::Coordinator),
        _ => {}
    }
    if let Some(count) = text.strip_prefix("any ") {
        return any(count.trim(), text);
    }
    if let Some((function, rest)) = text.split_once('(') {
        return call(function.trim(), rest, text);
    }
    if text.contains(['*', '?']) {
        return glob(text);
    }
    let names = expand_word(text).map_err(|(rule, message)| Problem::new(rule, message))?;
    if !names.iter().all(|name| is_name(name)) {
        return Err(bad(text));
    }
    let mut names: Vec<Selector> = names.into_iter().map(Selector::Name).collect();
    match (names.pop(), names.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => Ok(Selector::List(names.into_iter().chain(last).collect())),
    }
}

fn any(count: &str, text: &str) -> Result<Selector, Problem> {
    match count.parse() {
        Ok(count @ 1..=64) => Ok(Selector::Any(count)),
        _ => Err(bad(text)),
    }
}

fn call(function: &str, rest: &str, text: &str) -> Result<Selector, Problem> {
    let argument = rest
        .strip_suffix(')')
        .map(str::trim)
        .filter(|name| is_name(name));
    match (function, argument) {
        ("owner-of", Some(group)) => Ok(Selector::OwnerOf(group.to_owned())),
        ("site", Some(site)) => Ok(Selector::Site(site.to_owned())),
        ("kind", Some(kind)) => Ok(Selector::Kind(kind.to_owned())),
        _ => Err(bad(text)),
    }
}

fn glob(text: &str) -> Result<Selector, Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '?');
    if text.chars().all(allowed) && text.len() <= 63 {
        return Ok(Selector::Glob(text.to_owned()));
    }
    Err(bad(text))
}

fn bad(text: &str) -> Problem {
    Problem::new(Rule::BadSelector, format!("`{text}` picks nothing")).hint(WHAT)
}
