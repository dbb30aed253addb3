//! Lab files on disk: the good ones are good without a word, the bad ones break exactly the rules
//! that their first line names, at the place that it names, with the committed message.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use file::{Checked, Rule, Severity, check, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn checked(folder: &str) -> Vec<(String, String, Checked)> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder exists");
    let mut files: Vec<(String, String, Checked)> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".lab.yaml"))
        .map(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(path).expect("a lab file is UTF-8");
            let checked = check(&name, text.as_bytes());
            (name, text, checked)
        })
        .collect();
    files.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    files
}

/// `rule at line:column` for everything found, as the first line of a bad lab has it.
fn found(checked: &Checked) -> String {
    let places = checked.diagnostics.iter().map(|one| {
        format!(
            "{} at {}",
            one.rule,
            checked.source.position(one.span.start)
        )
    });
    places.collect::<Vec<_>>().join(", ")
}

#[test]
fn good_labs_are_good_without_a_word() {
    let labs = [checked("topologies"), checked("fixtures/labs/good")].concat_len(11);
    for (name, _, checked) in labs {
        assert_eq!(render::render(&checked, false), "", "{name}");
        assert!(checked.lab.is_some(), "{name}");
    }
}

/// Joins two lists and makes sure that the folders were not empty.
trait ConcatLen<T> {
    fn concat_len(self, least: usize) -> Vec<T>;
}

impl<T> ConcatLen<T> for [Vec<T>; 2] {
    fn concat_len(self, least: usize) -> Vec<T> {
        let all: Vec<T> = self.into_iter().flatten().collect();
        assert!(
            all.len() >= least,
            "{} files, expected at least {least}",
            all.len()
        );
        all
    }
}

#[test]
fn every_topology_says_what_it_is_for_and_plays_something() {
    for (name, _, checked) in checked("topologies") {
        let lab = checked.lab.expect("topologies are good");
        assert_eq!(format!("{}.lab.yaml", lab.name), name);
        assert!(
            lab.about.title.is_some_and(|title| !title.contains('\n')),
            "{name}"
        );
        assert!(!lab.scenario.is_empty(), "{name}");
    }
}

#[test]
fn bad_labs_break_exactly_the_rules_that_they_name() {
    let labs = checked("fixtures/labs/bad");
    assert!(labs.len() >= 150, "{} bad labs", labs.len());
    for (name, text, checked) in labs {
        let header = text.lines().next().unwrap_or_default();
        let named = header
            .trim_start_matches("# breaks ")
            .split("; schema ")
            .next();
        assert_eq!(Some(found(&checked).as_str()), named, "{name}");
        let only_warnings = checked
            .diagnostics
            .iter()
            .all(|one| one.severity == Severity::Warning);
        assert_eq!(checked.lab.is_some(), only_warnings, "{name}");
    }
}

#[test]
fn every_rule_has_a_bad_lab() {
    // Broken by bytes rather than by text: see `hostile.rs` and the tests of the program.
    let elsewhere = [
        Rule::Unreadable,
        Rule::TooLarge,
        Rule::Encoding,
        Rule::ControlCharacter,
    ];
    let mut seen: BTreeSet<Rule> = elsewhere.into();
    for (_, _, checked) in checked("fixtures/labs/bad") {
        seen.extend(checked.diagnostics.iter().map(|one| one.rule));
    }
    let missing: Vec<&Rule> = Rule::ALL
        .iter()
        .filter(|rule| !seen.contains(rule))
        .collect();
    assert!(missing.is_empty(), "rules without a bad lab: {missing:?}");
}

#[test]
fn messages_are_the_committed_ones() {
    let path = root().join("fixtures/labs/messages.txt");
    let all: Vec<String> = checked("fixtures/labs/bad")
        .iter()
        .map(|(_, _, checked)| render::render(checked, false))
        .collect();
    let messages = all.join("\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &messages).expect("the messages can be written");
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    for (line, (now, then)) in messages.lines().zip(committed.lines()).enumerate() {
        assert_eq!(now, then, "line {} of fixtures/labs/messages.txt", line + 1);
    }
    assert_eq!(messages.lines().count(), committed.lines().count());
}

#[test]
fn messages_name_file_line_and_column_and_mark_the_place() {
    for (name, _, checked) in checked("fixtures/labs/bad") {
        let text = render::render(&checked, false);
        for one in &checked.diagnostics {
            let position = checked.source.position(one.span.start);
            assert!(
                text.contains(&format!("{name}:{position}]")),
                "{name}: {text}"
            );
        }
        assert!(!text.contains('\u{1b}'), "{name}: no colour was asked for");
    }
}

#[test]
fn the_lab_in_the_readme_is_good() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let blocks = readme.split("```yaml\n").skip(1);
    let labs: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.starts_with("lab: 1"))
        .collect();
    assert!(!labs.is_empty(), "the README shows a lab file");
    for lab in labs {
        let checked = check("README.md", lab.as_bytes());
        assert_eq!(render::render(&checked, false), "");
    }
}
