//! Name ranges (`n[1-4]`) and the templates (`{i}`, `{110+i}`) that follow them.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::Decoder;
use crate::yaml::{Key, Node, VALUES_MAX, Value};

/// Names that one range may stand for, as many as a cluster may have nodes.
pub(crate) const RANGE_NAMES_MAX: u32 = 64;
/// What a name or a name range looks like, as a regular expression.
pub(crate) const NAME_OR_RANGE_PATTERN: &str =
    r"^[A-Za-z](?:[A-Za-z0-9_-]|\[[^\]]*\]|\$\{[^}]*\})*$";
/// Characters of a name; the product's own limit for resource names is far higher.
const NAME_CHARACTERS_MAX: usize = 63;

/// The names that a key stands for, each with the value that belongs to it.
pub(crate) fn expand<'n>(
    key: &Key,
    node: &'n Node,
    decoder: &mut Decoder<'_>,
) -> Vec<(String, Cow<'n, Node>)> {
    let range = match parse_range(&key.text) {
        Ok(Some(range)) => range,
        Ok(None) => {
            check_name(&key.text, key.span, decoder);
            return vec![(key.text.clone(), Cow::Borrowed(node))];
        }
        Err((rule, message)) => {
            decoder.sink.report(
                Diagnostic::error(rule, key.span, message)
                    .hint("a range looks like `n[1-4]` and stands for n1, n2, n3, n4"),
            );
            return Vec::new();
        }
    };
    if !affordable(key.span, node, &range, decoder) {
        return Vec::new();
    }
    let names: Vec<(String, u32)> = range.names().collect();
    if let Some((name, _)) = names.first() {
        check_name(name, key.span, decoder);
    }
    names
        .into_iter()
        .map(|(name, i)| (name, Cow::Owned(with_index(node, i))))
        .collect()
}

/// The names that a word in a list stands for: itself, or the members of a range.
pub(crate) fn expand_word(word: &str) -> Result<Vec<String>, (Rule, String)> {
    match parse_range(word)? {
        Some(range) => Ok(range.names().map(|(name, _)| name).collect()),
        None => Ok(vec![word.to_owned()]),
    }
}

/// Whether a text may be a name.
pub(crate) fn is_name(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let goes_well = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    starts_well && goes_well && text.len() <= NAME_CHARACTERS_MAX
}

fn check_name(name: &str, span: Span, decoder: &mut Decoder<'_>) {
    if !is_name(name) {
        decoder.sink.report(
            Diagnostic::error(Rule::BadName, span, format!("`{name}` cannot be a name")).hint(
                "names start with a letter and go on with letters, digits, `-` and `_`, \
                 63 characters at most",
            ),
        );
    }
}

fn affordable(span: Span, node: &Node, range: &Range<'_>, decoder: &mut Decoder<'_>) -> bool {
    decoder.expanded += node.weight() * range.width();
    if decoder.expanded > VALUES_MAX {
        let message = format!("the name ranges expand to more than {VALUES_MAX} values");
        decoder.sink.error(Rule::TooManyValues, span, message);
        return false;
    }
    true
}

struct Range<'t> {
    before: &'t str,
    first: u32,
    last: u32,
    after: &'t str,
}

impl Range<'_> {
    fn names(&self) -> impl Iterator<Item = (String, u32)> + '_ {
        (self.first..=self.last).map(|i| (format!("{}{i}{}", self.before, self.after), i))
    }

    fn width(&self) -> usize {
        usize::try_from(self.last - self.first)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }
}

fn parse_range(text: &str) -> Result<Option<Range<'_>>, (Rule, String)> {
    let Some((before, rest)) = text.split_once('[') else {
        return Ok(None);
    };
    let malformed = || (Rule::BadRange, format!("`{text}` is not a name range"));
    let (inside, after) = rest.split_once(']').ok_or_else(malformed)?;
    let (first, last) = inside.split_once('-').ok_or_else(malformed)?;
    let first: u32 = first.trim().parse().map_err(|_| malformed())?;
    let last: u32 = last.trim().parse().map_err(|_| malformed())?;
    if after.contains(['[', ']']) {
        return Err((Rule::BadRange, format!("`{text}` has more than one range")));
    }
    if first > last {
        return Err((
            Rule::RangeBackwards,
            format!("the range `{text}` runs backwards"),
        ));
    }
    if last - first >= RANGE_NAMES_MAX {
        let message = format!("`{text}` stands for more than {RANGE_NAMES_MAX} names");
        return Err((Rule::RangeTooWide, message));
    }
    Ok(Some(Range {
        before,
        first,
        last,
        after,
    }))
}

/// A copy of the value with `{i}` and `{N+i}` filled in.
fn with_index(node: &Node, i: u32) -> Node {
    let value = match &node.value {
        Value::Scalar { text, quoted } => {
            let filled = fill(text, i);
            // `{110+i}` has to be quoted in YAML, but what it makes may be a number.
            let quoted = *quoted && filled == *text;
            Value::Scalar {
                text: filled,
                quoted,
            }
        }
        Value::List(items) => Value::List(items.iter().map(|item| with_index(item, i)).collect()),
        Value::Map(entries) => {
            let filled = |(key, node): &(Key, Node)| {
                (
                    Key {
                        text: fill(&key.text, i),
                        span: key.span,
                    },
                    with_index(node, i),
                )
            };
            Value::Map(entries.iter().map(filled).collect())
        }
    };
    Node {
        span: node.span,
        value,
    }
}

fn fill(text: &str, i: u32) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after
            .split_once('}')
            .and_then(|(inside, tail)| Some((index(inside, i)?, tail)))
        {
            Some((number, tail)) => {
                filled.push_str(&number.to_string());
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn index(inside: &str, i: u32) -> Option<u64> {
    if inside == "i" {
        return Some(u64::from(i));
    }
    let base: u32 = inside.strip_suffix("+i")?.parse().ok()?;
    Some(u64::from(base) + u64::from(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        expand_word(text).unwrap_or_default()
    }

    #[test]
    fn a_range_stands_for_its_members() {
        assert_eq!(names("n[1-3]"), ["n1", "n2", "n3"]);
        assert_eq!(names("rack[9-10]-a"), ["rack9-a", "rack10-a"]);
        assert_eq!(names("plain"), ["plain"]);
    }

    #[test]
    fn a_range_that_cannot_be_is_refused_with_its_reason() {
        let rule = |text| expand_word(text).err().map(|(rule, _)| rule);
        assert_eq!(rule("n[4-1]"), Some(Rule::RangeBackwards));
        assert_eq!(rule("n[1-65]"), Some(Rule::RangeTooWide));
        assert_eq!(rule("n[0-4294967295]"), Some(Rule::RangeTooWide));
        for text in [
            "n[1-2",
            "n[1]",
            "n[a-b]",
            "n[1-2][3-4]",
            "n[-1-2]",
            "n[1-99999999999]",
        ] {
            assert_eq!(rule(text), Some(Rule::BadRange), "{text}");
        }
        assert_eq!(names("n[1-64]").len(), 64);
    }

    #[test]
    fn templates_are_filled_and_other_braces_stay() {
        assert_eq!(fill("10.1.0.{110+i}", 2), "10.1.0.112");
        assert_eq!(fill("r{i}-{x}-{", 7), "r7-{x}-{");
    }
}
