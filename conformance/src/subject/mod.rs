//! What a case drives: a cluster of some kind, known only by what can be done to it and seen of it.

mod simulator;
mod staged;

pub use simulator::Simulator;
pub use staged::Staged;

use crate::observation::Observation;
pub use sim::session::{Of, Told};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A cluster under test: the simulator, a lab of processes or containers, or a real cluster.
///
/// Words come from the lab file, so a subject needs no second vocabulary. Time is the subject's
/// own: virtual in the simulator, the clock on the wall elsewhere.
pub trait Subject {
    /// Builds the lab of this text and starts it; returns before it is quorate.
    ///
    /// # Errors
    /// A [`Refusal`] when the subject cannot have such a lab, or failed to build it.
    fn form(&mut self, lab: &str) -> Result<(), Refusal>;

    /// Begins one fault, written as the value of `fault:`, for example
    /// `{ node: n1, do: power-off, for: 3m }`.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject has no such fault.
    fn fault(&mut self, fault: &str) -> Result<(), Refusal>;

    /// Does one thing as an administrator would, written as a step with `do:`, for example
    /// `{ do: move, group: app, to: n2 }`.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject cannot, or when the cluster refused the command.
    fn act(&mut self, action: &str) -> Result<(), Refusal>;

    /// As [`Subject::act`], and waits for what the cluster answers.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject cannot; what the cluster refuses is an answer.
    fn answer(&mut self, _action: &str) -> Result<Told, Refusal> {
        Err(cannot("show what an administrator is answered"))
    }

    /// Reads a property by its documented name, through the named node or any.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject cannot; what the cluster refuses is an answer.
    fn property(&mut self, _through: Option<&str>, _of: &Of, _name: &str) -> Result<Told, Refusal> {
        Err(cannot("read properties"))
    }

    /// Every object that a node's object manager has, a line each: name, colon, state.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject cannot; what the cluster refuses is an answer.
    fn objects(&mut self, _through: &str) -> Result<Told, Refusal> {
        Err(cannot("list objects"))
    }

    /// What a node shows as its cluster database: keys with their values.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject cannot, or when the node does not run.
    fn database(&mut self, _node: &str) -> Result<Database, Refusal> {
        Err(cannot("look into a node's cluster database"))
    }

    /// The cluster log of a node, line by line.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject keeps none.
    fn cluster_log(&mut self, _node: &str) -> Result<Vec<String>, Refusal> {
        Err(cannot("show a cluster log"))
    }

    /// From now on, or no longer, the disk on which a node keeps its own replica refuses to write.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject has no such fault.
    fn own_disk(&mut self, _node: &str, _fails: bool) -> Result<(), Refusal> {
        Err(cannot("break a node's own disk"))
    }

    /// From now on every entry point of a resource, as `group/resource`, takes so much longer.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject has no such fault.
    fn slow(&mut self, _resource: &str, _by: Duration) -> Result<(), Refusal> {
        Err(cannot("slow a resource down"))
    }

    /// From now on Online of a resource, as `group/resource`, fails with this error of the product.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject has no such fault.
    fn refuse(&mut self, _resource: &str, _code: u32) -> Result<(), Refusal> {
        Err(cannot("have Online of a resource fail with a given error"))
    }

    /// From now on the resource answers its health checks like this, on whatever node it runs.
    /// `resource` is `group/resource`.
    ///
    /// # Errors
    /// A [`Refusal`] when this subject cannot script the answers apart.
    fn health(&mut self, resource: &str, health: Health) -> Result<(), Refusal>;

    /// How much of its own time the subject has taken for all labs that were formed on it.
    fn elapsed(&mut self) -> Duration;

    /// How late, by its own time, whatever happens may be seen, because computing takes time.
    fn lateness(&self) -> Duration {
        Duration::ZERO
    }

    /// What can be seen now. Events accumulate from the forming of the lab.
    fn observe(&mut self) -> &Observation;

    /// Lets time pass until the condition holds, and says whether it did within the bound. The
    /// condition is looked at now, and then at every visible change (virtual time) or at least
    /// ten times a second (wall time).
    fn wait(&mut self, bound: Duration, until: &mut dyn FnMut(&Observation) -> bool) -> bool;
}

/// How a resource answers the two health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Answer of the quick check.
    pub looks_alive: bool,
    /// Answer of the thorough check.
    pub is_alive: bool,
}

/// Keys of the cluster database with their values, as text.
pub type Database = BTreeMap<String, BTreeMap<String, String>>;

fn cannot(what: &str) -> Refusal {
    Refusal::NotApplicable(format!("this subject cannot {what}"))
}

/// Why a subject did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot do this at all; the case does not apply to it.
    NotApplicable(String),
    /// It should have been able to, and something went wrong; the case proves nothing.
    Broken(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotApplicable(why) | Self::Broken(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refusal {}

/// Makes a fresh subject for every case, on the thread that runs the case.
pub trait Factory: Send + Sync {
    /// The word under which people choose this subject, for example `sim`.
    fn name(&self) -> &'static str;

    /// The longest time that a case may take on this subject; absent where time costs nothing. What
    /// takes longer in the simulator does not apply.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// How many cases may run at a time where nobody says how many: none disturbs another.
    fn jobs(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// A subject with nothing formed yet.
    ///
    /// # Errors
    /// A [`Refusal`] when this machine lacks what the subject needs.
    fn make(&self) -> Result<Box<dyn Subject>, Refusal>;
}
