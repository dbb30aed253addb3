//! A single YAML mapping in words: what `looksalive fault` takes on the command line.
//!
//! Every value becomes text under its path of keys, so `{path: {portal: 0}, do: drop}` is
//! `path.portal` and `do`. What the words mean is for whoever they are sent to.

use crate::source::Source;
use crate::yaml::{self, Node, Value};
use crate::{read, render};

/// A path of keys and the values that stand there: one, or those of a list.
pub type Word = (String, Vec<String>);

/// Reads one mapping.
///
/// # Errors
/// When the text is no YAML mapping of words, with where and why, ready to print.
pub fn words(text: &str) -> Result<Vec<Word>, String> {
    let (source, problem) = read::read("the fault", text.as_bytes());
    let root = match problem {
        Some(problem) => Err(problem),
        None => yaml::parse(&source),
    };
    let root = root.map_err(|problem| show(source, problem))?;
    let mut words = Vec::new();
    let Value::Map(entries) = &root.value else {
        return Err(format!(
            "the fault is {}, not a mapping such as {EXAMPLE}",
            root.describe()
        ));
    };
    for (key, node) in entries {
        collect(&key.text, node, &mut words);
    }
    Ok(words)
}

const EXAMPLE: &str = "{lun: 0, do: offline}";

fn show(source: Source, problem: crate::Diagnostic) -> String {
    let checked = crate::Checked {
        source,
        diagnostics: vec![problem],
        omitted: 0,
        lab: None,
    };
    render::render(&checked, false)
}

/// The depth is bounded by the parser.
fn collect(path: &str, node: &Node, words: &mut Vec<Word>) {
    match &node.value {
        Value::Scalar { text, .. } => words.push((path.to_owned(), vec![text.clone()])),
        Value::List(items) => {
            let text = |item: &Node| match &item.value {
                Value::Scalar { text, .. } => text.clone(),
                _ => item.describe().to_owned(),
            };
            words.push((path.to_owned(), items.iter().map(text).collect()));
        }
        Value::Map(entries) => {
            entries
                .iter()
                .for_each(|(key, node)| collect(&format!("{path}.{}", key.text), node, words));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_becomes_words_under_their_keys() {
        let told = words("{path: {portal: 0, from: n1}, do: drop, blocks: [8, 15]}").unwrap();
        let word = |key: &str, values: &[&str]| {
            (
                key.to_owned(),
                values.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            told,
            [
                word("path.portal", &["0"]),
                word("path.from", &["n1"]),
                word("do", &["drop"]),
                word("blocks", &["8", "15"]),
            ]
        );
    }

    #[test]
    fn what_is_no_mapping_is_refused_with_a_place_or_an_example() {
        assert!(
            words("offline")
                .unwrap_err()
                .contains("{lun: 0, do: offline}")
        );
        assert!(words("{lun: ").unwrap_err().contains("the fault:1"));
    }
}
