//! The register of reference rows: every fact that the vendor states, by section, with the cases
//! that show it or the reason why none does.
//!
//! `xtask clauses` reads the same file through this module. The sources themselves are named in
//! the reference; a row here says in our own words what must be so. Facts that nobody could source
//! have no row.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// All rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// In the order of the reference.
    #[serde(default)]
    pub row: Vec<Fact>,
}

/// One fact, in our own words, with what becomes of it here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Section and a word, as `1.1/pending-timeout`.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How sure it is: `MS`, `MSx`, `SEC` or `INF`.
    pub mark: String,
    /// Cases that show it: an id, or all below `name/`.
    #[serde(default)]
    pub cases: Vec<String>,
    /// What shows it beside the suite: a test, a table, a rule of lab files.
    pub elsewhere: Option<String>,
    /// What it waits for; beside cases, what they leave open.
    pub later: Option<String>,
    /// Why nothing here can show it.
    pub not_here: Option<String>,
}

/// What becomes of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// A case shows it.
    Shown,
    /// A test beside the suite shows it.
    Elsewhere,
    /// It waits for something.
    Later,
    /// It is nothing that an emulator could show.
    NotHere,
}

impl Fact {
    /// What becomes of it; nothing where the register does not say.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        let said = |text: &Option<String>| text.as_ref().is_some_and(|it| !it.trim().is_empty());
        if !self.cases.is_empty() {
            Some(Answer::Shown)
        } else if said(&self.elsewhere) {
            Some(Answer::Elsewhere)
        } else if said(&self.later) {
            Some(Answer::Later)
        } else {
            said(&self.not_here).then_some(Answer::NotHere)
        }
    }

    /// The section that it stands in.
    #[must_use]
    pub fn section(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    fn problem(&self) -> Option<&'static str> {
        let (section, word) = self.id.split_once('/').unwrap_or_default();
        if section.is_empty() || word.is_empty() {
            return Some("an id is a section and a word, as 1.1/pending-timeout");
        }
        if !["MS", "MSx", "SEC", "INF"].contains(&self.mark.as_str()) {
            return Some("the mark is MS, MSx, SEC or INF; nothing is asserted without a source");
        }
        if self.text.trim().is_empty() {
            return Some("the text says what must be so");
        }
        if self.not_here.is_some() && (!self.cases.is_empty() || self.later.is_some()) {
            return Some("what cannot be shown here has no case and waits for nothing");
        }
        let none = self.answer().is_none();
        none.then_some("no case shows it, and nothing says why: cases, elsewhere, later, not_here")
    }
}

impl Reference {
    /// Reads the text of a register.
    ///
    /// # Errors
    /// Where and why the text is not a register.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What is wrong with the rows by themselves.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        let mut found = Vec::new();
        for fact in &self.row {
            if !known.insert(fact.id.as_str()) {
                found.push(format!("{}: this id stands twice in the register", fact.id));
            }
            found.extend(fact.problem().map(|text| format!("{}: {text}", fact.id)));
        }
        found
    }

    /// Cases that rows name and that are not among these.
    #[must_use]
    pub fn unknown_cases(&self, ids: &BTreeSet<String>) -> Vec<String> {
        let mut unknown = Vec::new();
        for fact in &self.row {
            let missing = fact.cases.iter().filter(|named| {
                let is =
                    |id: &String| id == *named || named.ends_with('/') && id.starts_with(*named);
                !ids.iter().any(is)
            });
            unknown.extend(missing.map(|named| format!("{}: there is no case {named}", fact.id)));
        }
        unknown
    }

    /// A line for each section with the number of its rows by what becomes of them, and one for
    /// the rows that the vendor states.
    #[must_use]
    pub fn table(&self) -> String {
        let mut sections: BTreeMap<Vec<u32>, (&str, [usize; 5])> = BTreeMap::new();
        let mut stated = [0; 5];
        for fact in &self.row {
            let name = fact.section();
            let order = name
                .split('.')
                .filter_map(|part| part.parse().ok())
                .collect();
            let counts = &mut sections.entry(order).or_insert((name, [0; 5])).1;
            let both = [Some(counts), (fact.mark == "MS").then_some(&mut stated)];
            for counts in both.into_iter().flatten() {
                counts[0] += 1;
                if let Some(answer) = fact.answer() {
                    counts[1 + answer as usize] += 1;
                }
            }
        }
        let mut text = line(
            "section",
            ["rows", "shown", "elsewhere", "later", "not here"],
        );
        for (name, counts) in sections.into_values() {
            text += &line(name, counts.map(|count| count.to_string()));
        }
        text + &line("marked MS", stated.map(|count| count.to_string()))
    }

    /// Every row in one paragraph, those first that a filter names.
    #[must_use]
    pub fn rows(&self, filter: Option<&str>) -> String {
        let mut text = String::new();
        let wanted = |fact: &&Fact| filter.is_none_or(|it| fact.id.contains(it));
        for fact in self.row.iter().filter(wanted) {
            let Fact {
                id,
                mark,
                text: says,
                ..
            } = fact;
            let _never_fails = writeln!(text, "{id} [{mark}]\n    {says}");
            if !fact.cases.is_empty() {
                let _never_fails = writeln!(text, "    shown by {}", fact.cases.join(", "));
            }
            let others = [
                ("elsewhere", &fact.elsewhere),
                ("later", &fact.later),
                ("not here", &fact.not_here),
            ];
            for (word, why) in others {
                if let Some(why) = why {
                    let _never_fails = writeln!(text, "    {word}: {why}");
                }
            }
        }
        text
    }
}

fn line<T: std::fmt::Display>(name: &str, cells: [T; 5]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>10}")).collect();
    format!("{name:<12}{}\n", cells.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rest: &str) -> Reference {
        let row = format!("[[row]]\nid = \"1.1/a\"\ntext = \"t\"\nmark = \"MS\"\n{rest}\n");
        Reference::parse(&row).unwrap()
    }

    #[test]
    fn a_row_without_an_answer_is_named() {
        assert_eq!(parsed("").problems().len(), 1);
        assert_eq!(parsed("later = \" \"").problems().len(), 1);
        for answer in [
            "cases = [\"a/b\"]",
            "elsewhere = \"a test\"",
            "later = \"waits\"",
            "not_here = \"no\"",
            "cases = [\"a/b\"]\nlater = \"the rest\"",
        ] {
            assert_eq!(parsed(answer).problems(), [""; 0], "{answer}");
        }
        assert_eq!(
            parsed("cases = [\"a/b\"]\nnot_here = \"no\"")
                .problems()
                .len(),
            1
        );
    }

    #[test]
    fn unsourced_rows_and_ids_that_stand_twice_are_named() {
        let twice = "later = \"x\"\n[[row]]\nid = \"1.1/a\"\ntext = \"t\"\nmark = \"UNS\"\n\
                     later = \"x\"";
        assert_eq!(parsed(twice).problems().len(), 2);
    }

    #[test]
    fn cases_that_do_not_exist_are_named() {
        let ids = BTreeSet::from(["a/b".to_owned(), "c/d".to_owned()]);
        let unknown = |cases: &str| parsed(&format!("cases = [{cases}]")).unknown_cases(&ids);
        assert_eq!(unknown("\"a/b\", \"c/\""), [""; 0]);
        assert_eq!(unknown("\"a\"").len(), 1);
        assert_eq!(unknown("\"x/\"").len(), 1);
    }

    #[test]
    fn the_table_counts_by_answer_in_the_order_of_sections() {
        let table = parsed(
            "cases = [\"a/b\"]\n[[row]]\nid = \"10/x\"\ntext = \"t\"\nmark = \"SEC\"\n\
             not_here = \"n\"\n[[row]]\nid = \"2.1/x\"\ntext = \"t\"\nmark = \"MS\"\nlater = \"l\"",
        )
        .table();
        let lines: Vec<Vec<&str>> = table
            .lines()
            .map(|it| it.split_whitespace().collect())
            .collect();
        assert_eq!(lines[1], ["1.1", "1", "1", "0", "0", "0"]);
        assert_eq!(lines[2], ["2.1", "1", "0", "0", "1", "0"]);
        assert_eq!(lines[3], ["10", "1", "0", "0", "0", "1"]);
        assert_eq!(lines[4], ["marked", "MS", "2", "1", "0", "1", "0"]);
    }
}
