//! What a run was: plain data for text, JSON, JUnit and events, equal for equal seeds.
//!
//! Times are milliseconds of virtual time with three decimals.

use base::{Generation, Timestamp};
use serde::Serialize;

/// Version of the JSON document.
pub const VERSION: u32 = 1;

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// It ran but proved nothing.
    Inconclusive,
    /// It cannot be done here, for a reason that is given.
    NotApplicable,
}

impl Verdict {
    /// The word for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::NotApplicable => "not applicable",
        }
    }

    /// A run is as bad as its worst step: failed, then inconclusive, then passed; steps that do
    /// not apply, or none at all, make it inconclusive.
    #[must_use]
    pub fn of_run(steps: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::NotApplicable;
        for step in steps {
            all = match (all, step) {
                (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
                (Self::Inconclusive, _) | (_, Self::Inconclusive) => Self::Inconclusive,
                (Self::Passed, _) | (_, Self::Passed) => Self::Passed,
                (Self::NotApplicable, Self::NotApplicable) => Self::NotApplicable,
            };
        }
        if all == Self::NotApplicable {
            Self::Inconclusive
        } else {
            all
        }
    }
}

/// Milliseconds of virtual time.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Millis(pub f64);

impl From<Timestamp> for Millis {
    fn from(at: Timestamp) -> Self {
        Self::of_nanos(at.0)
    }
}

impl From<std::time::Duration> for Millis {
    fn from(span: std::time::Duration) -> Self {
        Self::of_nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Millis {
    /// The same in seconds.
    pub(crate) fn seconds(self) -> f64 {
        self.0 / 1_000.0
    }

    #[allow(clippy::cast_precision_loss, reason = "microseconds of centuries fit")]
    fn of_nanos(nanos: u64) -> Self {
        Self((nanos / 1_000) as f64 / 1e3)
    }
}

/// What a step of the scenario was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepWord {
    /// Something was broken.
    Fault,
    /// An administrator did something.
    Do,
    /// Time passed.
    Run,
    /// Something had to be true.
    Expect,
    /// Something was waited for before a step.
    When,
}

impl StepWord {
    /// The word of the lab file.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Do => "do",
            Self::Run => "run",
            Self::Expect => "expect",
            Self::When => "when",
        }
    }
}

/// One step of the scenario, or one expectation of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its line in the lab file.
    pub line: u32,
    /// Its column there.
    pub column: u32,
    /// The name that the file gives the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it was.
    pub step: StepWord,
    /// What the file has after the word.
    pub text: String,
    /// How it ended.
    pub verdict: Verdict,
    /// When it began.
    pub at: Millis,
    /// When its verdict was known.
    pub until: Millis,
    /// Why, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The phases of a failover or move; a phase that did not occur is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Phases {
    /// From the fault until somebody knew: the node is down, or the resource has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection: Option<Millis>,
    /// Until the survivors had agreed on a view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regroup: Option<Millis>,
    /// Until that view had quorum, the witness included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Millis>,
    /// Until the new owner was agreed on everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Millis>,
    /// Until the new owner held the group's disks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arbitration: Option<Millis>,
    /// Until every resource of the group was online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<Millis>,
}

/// A group that went to another node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failover {
    /// The group.
    pub group: String,
    /// Where it was.
    pub from: String,
    /// Where it went.
    pub to: String,
    /// Why: `failover`, `move`, `failed-move`, `shutdown` or `unknown`.
    pub cause: &'static str,
    /// When what led to it happened.
    pub at: Millis,
    /// Its phases.
    pub phases: Phases,
    /// From the fault until the group was online; absent when it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Millis>,
}

/// A time without an answer, as a client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outage {
    /// When the first look had none.
    pub at: Millis,
    /// Until the next one that had, or to the end of the run.
    pub took: Millis,
}

/// What a background client saw of an address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkloadSeen {
    /// Its name.
    pub name: String,
    /// The machine that it ran on.
    pub from: String,
    /// How it looked: `ping` or `connect`.
    pub kind: &'static str,
    /// What it looked at.
    pub target: String,
    /// Whether there ever was an answer.
    pub answered: bool,
    /// The longest time without an answer since the first one, in seconds.
    pub longest_outage_s: f64,
    /// All of them.
    pub outages: Vec<Outage>,
}

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Which checker found it.
    pub invariant: String,
    /// What the checker stands for.
    pub clause: String,
    /// When, in microseconds of virtual time.
    pub at_us: u64,
    /// In words.
    pub what: String,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// When.
    pub at: Millis,
    /// Who said it: a node, or nobody for the world and the scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The number in the product's event log, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// In words.
    pub text: String,
}

/// How a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A rule was broken that must hold at all times.
    Safety,
    /// After all faults had ended the cluster did not come back in time.
    Liveness,
    /// An expectation of the scenario did not hold.
    Expectation,
    /// Two runs of one seed differed.
    NotReproducible,
    /// A node asserted that it is broken.
    Assertion,
}

impl FailureKind {
    /// The word for people, which JSON has too.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Liveness => "liveness",
            Self::Expectation => "expectation",
            Self::NotReproducible => "not-reproducible",
            Self::Assertion => "assertion",
        }
    }
}

/// A run of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Version of this document.
    pub version: u32,
    /// Name of the lab.
    pub lab: String,
    /// What decided every draw.
    pub seed: u64,
    /// The product version.
    #[serde(serialize_with = "generation_label")]
    pub generation: Generation,
    /// Where it ran: `sim`, `local` or `docker`.
    pub backend: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// The kind of the failure, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureKind>,
    /// Hash of everything that happened.
    pub trace: String,
    /// How much virtual time passed.
    pub elapsed: Millis,
    /// The cluster log of each node, by its name; written beside the report, not into it.
    #[serde(skip)]
    pub cluster_logs: Vec<(String, String)>,
    /// Steps and expectations in the order in which they began.
    pub steps: Vec<Step>,
    /// Groups that went to another node.
    pub failovers: Vec<Failover>,
    /// What background clients saw.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadSeen>,
    /// Rules that did not hold.
    pub violations: Vec<Broken>,
    /// The timeline; a file of its own in reports.
    #[serde(skip)]
    pub events: Vec<Event>,
}

fn generation_label<S: serde::Serializer>(
    generation: &Generation,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(generation.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_as_bad_as_its_worst_step() {
        use Verdict::{Failed, Inconclusive, NotApplicable, Passed};
        let cases: [(&[Verdict], Verdict); 6] = [
            (&[], Inconclusive),
            (&[NotApplicable], Inconclusive),
            (&[Passed, NotApplicable], Passed),
            (&[Passed, Inconclusive], Inconclusive),
            (&[Inconclusive, Failed, Passed], Failed),
            (&[Passed, Passed], Passed),
        ];
        for (steps, expected) in cases {
            assert_eq!(
                Verdict::of_run(steps.iter().copied()),
                expected,
                "{steps:?}"
            );
        }
    }
}
