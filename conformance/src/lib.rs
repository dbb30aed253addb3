//! The conformance suite: what a failover cluster must do, written once and run on any subject.
//!
//! A [`Case`] drives a [`Subject`] in the lab file's words and judges only what can be seen from
//! outside: an [`Observation`]. It names the clauses of the register that it shows and the rows of
//! the reference that it rests on. Facts that nobody could source are not asserted anywhere: the
//! marks of [`Mark`] leave no word for them.
//!
//! Not done here: checking rules after every event (the simulator's checkers do that).

mod case;
mod cases;
mod lab;
mod observation;
mod reference;
mod register;
mod report;
pub mod storage;
mod subject;
mod suite;
mod table;
mod trial;

#[cfg(test)]
mod tests;

pub use case::{Case, Mark, Source, Stop, Verdict};
pub use cases::all as all_cases;
pub use lab::{Lab, Witness};
pub use observation::{
    Event, Frame, GroupSeen, NodeSeen, Observation, Protection, ResourceSeen, Service, Votes,
    WitnessSeen, WitnessState,
};
pub use reference::{Answer, Fact, Reference};
pub use register::{Clause, Register, Scope, Status};
pub use report::{Report, Row};
pub use subject::{Database, Factory, Health, Of, Refusal, Simulator, Staged, Subject, Told};
pub use suite::{Listed, Selection, judge, list, run_silently, run_with_progress};
pub use table::{Line, Outcome, Table};
pub use trial::Trial;

/// The register of clauses as text.
pub const CLAUSES: &str = include_str!("../clauses.toml");
/// The register of reference rows as text.
pub const REFERENCE: &str = include_str!("../reference.toml");
