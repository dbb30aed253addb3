//! What several subjects made of the same cases, side by side.

use crate::case::Verdict;
use crate::report::{Report, Row};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// One table: case and generation by subject.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Version of this document.
    pub version: u32,
    /// The subjects, in the order in which they were chosen.
    pub subjects: Vec<String>,
    /// Verdict of all runs together.
    pub verdict: Verdict,
    /// Number of runs by subject and verdict.
    pub counts: BTreeMap<String, BTreeMap<&'static str, usize>>,
    /// The cases, in the order of their ids.
    pub cases: Vec<Line>,
}

/// One case on one generation, on every subject.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Id of the case.
    pub case: String,
    /// The generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// What each subject made of it, in the order of subjects.
    pub outcomes: Vec<Outcome>,
}

/// What a subject made of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not `passed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Line {
    /// Whether subjects that could have the case do not agree.
    #[must_use]
    pub fn differs(&self) -> bool {
        let verdicts = self.outcomes.iter().map(|it| it.verdict);
        let mut judged = verdicts.filter(|it| *it != Verdict::NotApplicable);
        let first = judged.next();
        judged.any(|it| Some(it) != first)
    }
}

impl Table {
    /// The reports of several subjects on one selection, as a table.
    #[must_use]
    pub fn of(reports: Vec<Report>) -> Self {
        let mut lines: BTreeMap<(String, Option<String>), Vec<Option<Outcome>>> = BTreeMap::new();
        for (place, report) in reports.iter().enumerate() {
            for row in &report.cases {
                let key = (row.case.clone(), row.generation.clone());
                let line = lines
                    .entry(key)
                    .or_insert_with(|| vec![None; reports.len()]);
                line[place] = Some(outcome(row));
            }
        }
        let cases = lines
            .into_iter()
            .map(|((case, generation), outcomes)| Line {
                case,
                generation,
                outcomes: outcomes
                    .into_iter()
                    .map(|it| it.unwrap_or_else(not_run))
                    .collect(),
            });
        let worst = reports.iter().map(|it| it.verdict).max();
        let counts = reports
            .iter()
            .map(|it| (it.subject.clone(), it.counts.clone()));
        Self {
            version: 1,
            verdict: worst.unwrap_or(Verdict::Inconclusive),
            counts: counts.collect(),
            cases: cases.collect(),
            subjects: reports.into_iter().map(|it| it.subject).collect(),
        }
    }

    /// The process exit code that this table asks for: 0, 1 or 2.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.verdict.exit_code()
    }

    /// The table as one JSON document.
    ///
    /// # Errors
    /// Never in practice: nothing in it can refuse to be JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// Reasons by number, in the order in which the table needs them.
    fn reasons(&self) -> Vec<&str> {
        let mut reasons: Vec<&str> = Vec::new();
        let outcomes = self.cases.iter().flat_map(|it| &it.outcomes);
        for why in outcomes.filter_map(|it| it.why.as_deref()) {
            if !reasons.contains(&why) {
                reasons.push(why);
            }
        }
        reasons
    }
}

fn outcome(row: &Row) -> Outcome {
    Outcome {
        verdict: row.verdict,
        why: row.why.clone(),
    }
}

/// A case that a subject was not asked for.
fn not_run() -> Outcome {
    Outcome {
        verdict: Verdict::NotApplicable,
        why: Some("it was not run on this subject".to_owned()),
    }
}

/// Width of the name of a case with its generation.
const NAME: usize = 56;
/// Width of a verdict with the number of its reason.
const CELL: usize = 20;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.reasons();
        write!(f, "{:<NAME$}", "case")?;
        for subject in &self.subjects {
            write!(f, " {subject:<CELL$}")?;
        }
        for line in &self.cases {
            let generation = line.generation.as_deref().unwrap_or_default();
            let name = format!("{} {generation}", line.case);
            write!(f, "\n{:<NAME$}", name.trim_end())?;
            for outcome in &line.outcomes {
                write!(f, " {:<CELL$}", cell(outcome, &reasons))?;
            }
            if line.differs() {
                write!(f, " DIFFERS")?;
            }
        }
        for (number, why) in (1..).zip(&reasons) {
            write!(f, "\n[{number}] {why}")?;
        }
        for subject in &self.subjects {
            let counts = self.counts.get(subject).into_iter().flatten();
            let counts: Vec<String> = counts
                .map(|(word, count)| format!("{count} {word}"))
                .collect();
            write!(f, "\n{subject}: {}", counts.join(", "))?;
        }
        let differing = self.cases.iter().filter(|it| it.differs()).count();
        let (cases, verdict) = (self.cases.len(), self.verdict);
        write!(
            f,
            "\n{cases} cases, {differing} with different verdicts: {verdict}"
        )
    }
}

fn cell(outcome: &Outcome, reasons: &[&str]) -> String {
    let why = outcome.why.as_deref();
    let number = why.and_then(|why| reasons.iter().position(|it| *it == why));
    let number = number
        .map(|it| format!(" [{}]", it + 1))
        .unwrap_or_default();
    format!("{}{number}", outcome.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(case: &str, verdict: Verdict, why: Option<&str>) -> Row {
        Row {
            case: case.to_owned(),
            title: "A sentence.".to_owned(),
            generation: Some("2022".to_owned()),
            clauses: &[],
            source: &[],
            verdict,
            why: why.map(str::to_owned),
            took: Duration::ZERO,
        }
    }

    fn table() -> Table {
        let sim = vec![
            row("a/one", Verdict::Passed, None),
            row("a/two", Verdict::Passed, None),
        ];
        let real = vec![
            row("a/one", Verdict::NotApplicable, Some("it takes an hour")),
            row("a/two", Verdict::Failed, Some("nobody came")),
        ];
        Table::of(vec![Report::new("sim", sim), Report::new("local", real)])
    }

    #[test]
    fn every_case_has_a_verdict_of_every_subject_and_a_reason_where_one_is_due() {
        let text = table().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("case") && lines[0].contains("sim"),
            "{text}"
        );
        assert!(lines[1].starts_with("a/one 2022"), "{text}");
        assert!(lines[1].contains("passed") && lines[1].contains("not applicable [1]"));
        assert!(
            lines[2].ends_with("DIFFERS") && lines[2].contains("failed [2]"),
            "{text}"
        );
        assert!(text.contains("[1] it takes an hour") && text.contains("[2] nobody came"));
        assert!(
            text.ends_with("2 cases, 1 with different verdicts: failed"),
            "{text}"
        );
    }

    #[test]
    fn a_table_is_as_bad_as_its_worst_subject_and_what_does_not_apply_is_no_difference() {
        let table = table();
        assert_eq!(table.exit_code(), 1);
        assert!(!table.cases[0].differs());
        assert!(table.cases[1].differs());
    }

    #[test]
    fn a_case_that_one_subject_was_not_asked_for_says_so() {
        let sim = vec![row("a/one", Verdict::Passed, None)];
        let table = Table::of(vec![
            Report::new("sim", sim),
            Report::new("local", Vec::new()),
        ]);
        assert_eq!(table.cases[0].outcomes[1], not_run());
    }
}
