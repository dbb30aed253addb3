//! Many seeds with random faults: each expands to a printable plan, runs through a safety phase in
//! which anything may fail and a liveness phase in which nothing does, and leaves a trace.

mod draw;
mod phases;
mod requests;
mod shrink;
#[cfg(test)]
mod tests;
mod text;

use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::Timestamp;
use bottom::csvfs::PageIo;
use file::model::Lab;
use middle::settings::Witness;
use serde::Serialize;
use top::api::AdminCommand;

use crate::report::{FailureKind, Millis};
use crate::world::{Fault, Options};

pub use draw::plan;
pub use phases::{run, run_kept, run_watched};
pub use shrink::{Shrunk, shrink};

/// What a swarm is about.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// The lab whose cluster is attacked; absent: a new outline per seed.
    pub lab: Option<Lab>,
    /// The first seed.
    pub first_seed: u64,
    /// How many seeds.
    pub seeds: u64,
    /// Every how-many-th seed is for this machine, counted from one.
    pub shard: Option<(u64, u64)>,
    /// How long the safety phase lasts, in virtual time.
    pub length: Duration,
    /// How many threads; absent: one per core.
    pub threads: Option<NonZeroUsize>,
}

/// Something that an administrator does in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Moves a group to the best node.
    MoveGroup(base::GroupId),
    /// Pauses a node, and moves its groups away or not.
    Pause(base::NodeId, bool),
    /// Ends a pause.
    Resume(base::NodeId),
    /// Declares a resource failed.
    FailResource(base::ResourceId),
    /// Changes what votes beside the nodes; whether the disk counts alone.
    SetQuorum(Witness, bool),
    /// Starts the cluster service of a node that is no active member, so that it only joins.
    PreventQuorum(base::NodeId),
    /// A program on a node reads a page of a shared volume, or writes this to it.
    UseVolume(base::ResourceId, base::NodeId, Option<u64>),
}

impl Deed {
    /// What the administrator asks the cluster for; nothing where the machine is asked.
    #[must_use]
    pub fn command(self) -> Option<AdminCommand> {
        Some(match self {
            Self::MoveGroup(group) => AdminCommand::MoveGroup { group, to: None },
            Self::Pause(node, drain) => AdminCommand::PauseNode { node, drain },
            Self::Resume(node) => AdminCommand::ResumeNode { node },
            Self::FailResource(resource) => AdminCommand::FailResource { resource },
            Self::SetQuorum(witness, disk_only) => AdminCommand::SetQuorum { witness, disk_only },
            Self::PreventQuorum(_) => return None,
            Self::UseVolume(resource, at, value) => {
                let page = 0;
                let write = |value: u64| PageIo::Write {
                    page,
                    data: value.to_be_bytes().to_vec(),
                };
                let io = value.map_or(PageIo::Read { page }, write);
                AdminCommand::VolumeIo { resource, at, io }
            }
        })
    }
}

/// One thing that a plan does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Breaks something for a while.
    Break {
        /// What; all of it heals together.
        faults: Vec<Fault>,
        /// For how long.
        lasts: Duration,
    },
    /// Does what an administrator would.
    Deed(Deed),
}

/// A plan: what a seed expands to.
#[derive(Clone, Debug)]
pub struct SwarmPlan {
    /// The seed.
    pub seed: u64,
    /// The lab that is attacked.
    pub lab: Lab,
    /// Clocks and ties.
    pub options: Options,
    /// How long the safety phase lasts.
    pub length: Duration,
    /// What happens in it: acts that a seed always had, by time, then those of newer kinds.
    pub acts: Vec<(Duration, Act)>,
}

impl SwarmPlan {
    /// The same plan with only these acts, counted from one as the plan prints them.
    #[must_use]
    pub fn only(&self, acts: &[usize]) -> Self {
        let numbered = (1..).zip(&self.acts);
        let kept = numbered.filter(|(number, _)| acts.contains(number));
        Self {
            acts: kept.map(|(_, act)| act.clone()).collect(),
            lab: self.lab.clone(),
            ..*self
        }
    }
}

/// Why a seed failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// The kind of it.
    pub kind: FailureKind,
    /// The checker that found it, for safety.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invariant: Option<String>,
    /// The clause that it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// When.
    pub at: Millis,
    /// In words.
    pub what: String,
}

/// What became of a seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Hash of everything that happened.
    pub trace: String,
    /// How many nodes the cluster has.
    pub nodes: usize,
    /// How much virtual time passed.
    pub elapsed: Millis,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Swarm {
    /// The seeds that this machine runs.
    pub fn own_seeds(&self) -> impl Iterator<Item = u64> + '_ {
        let seeds = self.first_seed..self.first_seed.saturating_add(self.seeds);
        seeds.filter(|seed| match self.shard {
            Some((place, of)) => seed % of.max(1) == place % of.max(1),
            None => true,
        })
    }

    /// Runs all seeds on all cores; `heard` hears of each as it ends, in no order. The outcomes
    /// come in the order of the seeds.
    pub fn run(&self, heard: impl Fn(&Outcome) + Sync) -> Vec<Outcome> {
        let seeds: Vec<u64> = self.own_seeds().collect();
        let next = AtomicU64::new(0);
        let outcomes = Mutex::new(Vec::with_capacity(seeds.len()));
        let cores = std::thread::available_parallelism().ok();
        let threads = self.threads.or(cores).map_or(1, NonZeroUsize::get);
        std::thread::scope(|scope| {
            for _ in 0..threads.min(seeds.len()) {
                scope.spawn(|| {
                    while let Some(seed) = take(&next, &seeds) {
                        let outcome = run_caught(&plan(seed, self.lab.as_ref(), self.length));
                        heard(&outcome);
                        let mut all = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(outcome);
                    }
                });
            }
        });
        let mut outcomes = outcomes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        outcomes.sort_by_key(|outcome| outcome.seed);
        outcomes
    }
}

fn take(next: &AtomicU64, seeds: &[u64]) -> Option<u64> {
    let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok()?;
    seeds.get(place).copied()
}

/// Runs a plan; an assertion of a node is a failure of its seed and not of the whole swarm.
#[must_use]
pub fn run_caught(plan: &SwarmPlan) -> Outcome {
    let nodes = plan.lab.cluster.members.len();
    panic::catch_unwind(AssertUnwindSafe(|| run(plan))).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Outcome {
            seed: plan.seed,
            trace: String::new(),
            nodes,
            elapsed: Timestamp::ZERO.into(),
            failure: Some(Failure {
                kind: FailureKind::Assertion,
                invariant: None,
                clause: None,
                at: Timestamp::ZERO.into(),
                what: text.unwrap_or("a panic without words").to_owned(),
            }),
        }
    })
}
