//! What a run of the suite found, as a table for people and as JSON for machines.

use crate::case::{Case, Mark, Verdict};
use base::Generation;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// One case on one generation.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Id of the case.
    pub case: String,
    /// Its sentence.
    pub title: String,
    /// The generation that this run was for, in the lab file's word.
    pub generation: String,
    /// Clauses that it shows.
    pub clauses: &'static [&'static str],
    /// Rows of the reference that it rests on.
    pub source: &'static [(&'static str, Mark)],
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not `passed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Wall time; left out of JSON, which is equal for equal runs.
    #[serde(skip)]
    pub took: Duration,
}

impl Row {
    pub(crate) fn new(
        case: &Case,
        generation: Generation,
        verdict: Verdict,
        why: Option<String>,
        took: Duration,
    ) -> Self {
        Self {
            case: case.id.clone(),
            title: case.title.clone(),
            generation: generation.to_string(),
            clauses: case.clauses,
            source: case.source,
            verdict,
            why,
            took,
        }
    }

    fn component(&self) -> &str {
        self.case.split('/').next().unwrap_or(&self.case)
    }
}

/// Everything that one run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of this document.
    pub version: u32,
    /// The subject, in the word under which it was chosen.
    pub subject: &'static str,
    /// Verdict of the run as a whole.
    pub verdict: Verdict,
    /// Number of runs by verdict, in words.
    pub counts: BTreeMap<&'static str, usize>,
    /// The runs, in the order of the suite.
    pub cases: Vec<Row>,
}

impl Report {
    pub(crate) fn new(subject: &'static str, cases: Vec<Row>) -> Self {
        let mut counts = BTreeMap::new();
        for row in &cases {
            *counts.entry(row.verdict.label()).or_default() += 1;
        }
        Self {
            version: 1,
            subject,
            verdict: overall(&cases),
            counts,
            cases,
        }
    }

    /// The process exit code that this report asks for: 0, 1 or 2.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Passed => 0,
            Verdict::Failed => 1,
            Verdict::Inconclusive | Verdict::NotApplicable => 2,
        }
    }

    /// The report as one JSON document.
    ///
    /// # Errors
    /// Never in practice: nothing in it can refuse to be JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    fn count(&self, component: &str, verdict: Verdict) -> usize {
        let counts = |row: &&Row| row.component() == component && row.verdict == verdict;
        self.cases.iter().filter(counts).count()
    }
}

/// As bad as the worst run; a run of nothing but *not applicable*, or of nothing, proved nothing.
fn overall(cases: &[Row]) -> Verdict {
    let worst = cases.iter().map(|row| row.verdict).max();
    match worst {
        None | Some(Verdict::NotApplicable) => Verdict::Inconclusive,
        Some(worst) => worst,
    }
}

const COLUMNS: [Verdict; 4] = [
    Verdict::Passed,
    Verdict::Failed,
    Verdict::Inconclusive,
    Verdict::NotApplicable,
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self
            .cases
            .iter()
            .filter(|row| row.verdict != Verdict::Passed)
        {
            let why = row.why.as_deref().unwrap_or("no reason given");
            writeln!(
                f,
                "{}: {} {} ({})\n    {why}",
                row.verdict, row.case, row.generation, row.title
            )?;
        }
        let mut components: Vec<&str> = self.cases.iter().map(Row::component).collect();
        components.dedup();
        write!(f, "{:<18}", "component")?;
        COLUMNS
            .iter()
            .try_for_each(|verdict| write!(f, " {verdict:>14}"))?;
        for component in components {
            write!(f, "\n{component:<18}")?;
            let cells = COLUMNS.map(|verdict| self.count(component, verdict));
            cells
                .iter()
                .try_for_each(|count| write!(f, " {count:>14}"))?;
        }
        write!(
            f,
            "\n{} runs on {}: {}",
            self.cases.len(),
            self.subject,
            self.verdict
        )
    }
}
