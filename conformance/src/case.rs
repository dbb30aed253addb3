//! A case: one sentence about behaviour, the clauses it shows, and the code that shows it.

use crate::subject::Refusal;
use crate::trial::Trial;
use base::Generation;
use serde::Serialize;
use std::fmt;

/// One case. It runs once for each of its generations.
pub struct Case {
    /// `component/behaviour`, unique, for filters and reports.
    pub id: String,
    /// What must be true, as a sentence.
    pub title: String,
    /// Clauses of the register that this case shows.
    pub clauses: &'static [&'static str],
    /// Rows of the reference that its assertions rest on, besides the clauses.
    pub source: &'static [Source],
    /// Generations of the product that it applies to.
    pub generations: &'static [Generation],
    /// The steps and assertions.
    pub run: Steps,
}

/// The steps of a case.
pub(crate) type Steps = Box<dyn Fn(&mut Trial<'_>) -> Result<(), Stop> + Send + Sync>;

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("id", &self.id)
            .field("title", &self.title)
            .finish()
    }
}

/// A row of the reference: section and how sure it is.
pub type Source = (&'static str, Mark);

/// How sure a row of the reference is. There is no word for rows without a source, because
/// nothing may be asserted from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Mark {
    /// Stated by the vendor, whole page read.
    #[serde(rename = "MS")]
    Stated,
    /// Stated by the vendor, only an excerpt could be read.
    #[serde(rename = "MSx")]
    Excerpt,
    /// From a second source: a captured output, a book, a script.
    #[serde(rename = "SEC")]
    Secondary,
    /// Follows from sourced facts.
    #[serde(rename = "INF")]
    Inferred,
}

/// Why a case ended before its last step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// An assertion did not hold.
    Failed(String),
    /// The case could not get to the point where it would have shown something.
    Inconclusive(String),
    /// The subject lacks something that the case needs.
    NotApplicable(String),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotApplicable(why) => Self::NotApplicable(why),
            Refusal::Broken(why) => Self::Inconclusive(why),
        }
    }
}

/// The four verdicts, from best to worst for a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The subject cannot have this.
    NotApplicable,
    /// Every assertion held.
    Passed,
    /// It ran and proved nothing.
    Inconclusive,
    /// An assertion did not hold.
    Failed,
}

impl Verdict {
    /// The word as people and tables have it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            Self::Passed => "passed",
            Self::Inconclusive => "inconclusive",
            Self::Failed => "failed",
        }
    }

    /// The process exit code that a run of this verdict asks for: 0, 1 or 2.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Inconclusive | Self::NotApplicable => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
