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
    /// The generation that this run was for, in the lab file's word; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
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
            generation: Some(generation.to_string()),
            clauses: case.clauses,
            source: case.source,
            verdict,
            why,
            took,
        }
    }

    /// Everything before the behaviour.
    fn component(&self) -> &str {
        self.case
            .rsplit_once('/')
            .map_or(&self.case, |parts| parts.0)
    }
}

/// Everything that one run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of this document.
    pub version: u32,
    /// The subject, in the word under which it was chosen.
    pub subject: String,
    /// Verdict of the run as a whole.
    pub verdict: Verdict,
    /// Number of runs by verdict, in words.
    pub counts: BTreeMap<&'static str, usize>,
    /// The runs, in the order of the suite.
    pub cases: Vec<Row>,
}

impl Report {
    pub(crate) fn new(subject: impl Into<String>, cases: Vec<Row>) -> Self {
        let mut counts = BTreeMap::new();
        for row in &cases {
            *counts.entry(row.verdict.label()).or_default() += 1;
        }
        Self {
            version: 1,
            subject: subject.into(),
            verdict: overall(&cases),
            counts,
            cases,
        }
    }

    /// The process exit code that this report asks for: 0, 1 or 2.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.verdict.exit_code()
    }

    /// The report as one JSON document.
    ///
    /// # Errors
    /// Never in practice: nothing in it can refuse to be JSON.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// Reasons that so many cases do not apply for that they are told together.
    fn told_together(&self) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for row in &self.cases {
            if let (Verdict::NotApplicable, Some(why)) = (row.verdict, &row.why) {
                *reasons.entry(why.as_str()).or_default() += 1;
            }
        }
        reasons.retain(|_, count| *count >= MANY);
        reasons
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

/// From so many cases on that do not apply for one reason, the reason is told once.
const MANY: usize = 5;

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.generation.as_deref().unwrap_or_default();
        let name = format!("{} {generation}", self.case);
        let why = self.why.as_deref().unwrap_or("no reason given");
        let (name, title) = (name.trim_end(), &self.title);
        write!(f, "{}: {name} ({title})\n    {why}", self.verdict)
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
        let together = self.told_together();
        let is_alone = |row: &&Row| {
            let why = row.why.as_deref().unwrap_or_default();
            row.verdict != Verdict::NotApplicable || !together.contains_key(why)
        };
        let open = self
            .cases
            .iter()
            .filter(|row| row.verdict != Verdict::Passed);
        open.filter(is_alone)
            .try_for_each(|row| writeln!(f, "{row}"))?;
        for (why, count) in together.iter() {
            writeln!(f, "not applicable: {count} cases\n    {why}")?;
        }
        let mut components: Vec<&str> = self.cases.iter().map(Row::component).collect();
        components.dedup();
        write!(f, "{:<24}", "component")?;
        COLUMNS
            .iter()
            .try_for_each(|verdict| write!(f, " {verdict:>14}"))?;
        for component in components {
            write!(f, "\n{component:<24}")?;
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
