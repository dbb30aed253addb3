//! A single YAML mapping in words: what `looksalive fault` takes on the command line.
//!
//! For a lab it is a fault as in the scenario of its file. For a part that runs alone every value
//! becomes text under its path of keys, so `{path: {portal: 0}, do: drop}` is `path.portal` and
//! `do`; what the words mean is for whoever they are sent to.

use crate::model::{Action, Fault};
use crate::source::Source;
use crate::syntax::{Decode, Decoder, LabFile};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, parse, render, resolve, variables};

/// A path of keys and the values that stand there: one, or those of a list.
pub type Word = (String, Vec<String>);

/// Reads one mapping.
///
/// # Errors
/// When the text is no YAML mapping of words, with where and why, ready to print.
pub fn words(text: &str) -> Result<Vec<Word>, String> {
    let (source, root) = parse("the fault", text.as_bytes());
    let root = root.map_err(|problem| show(source, vec![problem]))?;
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

/// Reads a fault about a lab, whose file is given as it was written.
///
/// # Errors
/// What is wrong with the fault, with where and why, ready to print; or with the file, which a lab
/// that is up has none of.
pub fn fault(lab: &str, text: &str) -> Result<Fault, String> {
    about(lab, "the fault", text, resolve::fault)
}

/// Reads what an administrator does, in the words of a step, about a lab as [`fault`] does.
///
/// # Errors
/// As [`fault`].
pub fn action(lab: &str, text: &str) -> Result<Action, String> {
    about(lab, "the step", text, resolve::action_of)
}

/// Reads words called `what` about a lab.
fn about<S: Decode, T>(
    lab: &str,
    what: &str,
    text: &str,
    resolve: impl FnOnce(&LabFile, &S, &mut Decoder<'_>) -> Option<T>,
) -> Result<T, String> {
    let (file, lab_root) = parse("the lab", lab.as_bytes());
    let lab_root = lab_root.map_err(|problem| show(file.clone(), vec![problem]))?;
    let (source, root) = parse(what, text.as_bytes());
    let root = root.map_err(|problem| show(source.clone(), vec![problem]))?;
    let mut unheard = Decoder::new(&file);
    let filled = variables::fill(&lab_root, &mut unheard);
    let lab_file = LabFile::decode(&filled, &mut unheard);
    let mut decoder = Decoder::new(&source);
    let root = variables::fill_aside(&lab_root, root, &mut decoder);
    let spec = S::decode(&root, &mut decoder);
    let read = match (lab_file, spec) {
        (Some(file), Some(spec)) => resolve(&file, &spec, &mut decoder),
        _ => None,
    };
    let good = !decoder.sink.has_errors();
    let (diagnostics, _) = decoder.sink.finish();
    read.filter(|_| good)
        .ok_or_else(|| show(source, diagnostics))
}

fn show(source: Source, diagnostics: Vec<Diagnostic>) -> String {
    let checked = crate::Checked {
        source,
        diagnostics,
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

    const LAB: &str = "lab: 1
name: small
vars: { slow: { default: 2s, type: duration } }
networks: { lan: { subnet: 10.1.0.0/24 } }
nodes: { n1: { networks: [lan] } }
cluster: { name: C, address: 10.1.0.100 }
scenario: [ { run: 1s } ]
";

    #[test]
    fn a_fault_is_read_as_if_it_stood_in_the_file_of_the_lab() {
        let told = fault(LAB, "{ node: n1, do: power-off, for: \"${var.slow}\" }").unwrap();
        assert_eq!(told.heal_after, Some(std::time::Duration::from_secs(2)));
        for (words, why) in [
            ("{ node: n9, do: power-off }", "n9"),
            ("{ node: n1, do: power-of }", "power-off"),
            ("{ nod: n1, do: power-off }", "node"),
            ("node: n1\ndo: power-off\n- run: 1s", "YAML"),
            ("power-off", "the fault:1:1"),
        ] {
            let refused = fault(LAB, words).unwrap_err();
            assert!(refused.contains(why), "{words}: {refused}");
        }
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
