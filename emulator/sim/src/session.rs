//! A lab with its world: faults and actions in the lab file's words, healing in time, and running
//! until something is true. What a scenario does step by step, and what a conformance case drives.

mod act;
mod administer;
mod ask;
mod directory;
mod fault;
mod random;
mod select;
mod sides;

use std::collections::BTreeMap;
use std::time::Duration;

pub use act::property_value;
pub use ask::{Of, Told, page_text, text};
use base::{GroupId, NodeId, NodeSet, RequestId, ResourceId, Rng, Timestamp};
use file::model::Lab;
use plan::{Plan, PlanError};
pub use random::{Drawing, Drawn};

use crate::FaultId;
use crate::hosts::Behaviour;
use crate::observation::Observation;
use crate::service::Service;
use crate::stage::{Stage, Unable};
use crate::world::{Fault, Options, Stop, World};

/// Random stream of a scenario's own draws (`any 2`, `minority`).
const STREAM: u64 = 0x300;

/// Why something that the lab file asks for could not be done now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A selector picks nothing at the moment.
    #[error("`{0}` picks nothing at the moment")]
    PicksNothing(String),
    /// An expectation draws no nodes of its own.
    #[error("nothing before has drawn `{0}`, and an expectation draws no nodes of its own")]
    NotDrawn(String),
    /// A node would stand on two sides of one cut.
    #[error("{0} stands on two sides at the moment")]
    TwoSides(String),
    /// There is no live node that an administrator could ask.
    #[error("no running node of the cluster can be asked")]
    NobodyToAsk,
    /// A machine without power starts nothing.
    #[error("{0} has no power")]
    NoPower(String),
    /// An active member cannot be started again.
    #[error("the cluster service of {0} is up already")]
    UpAlready(String),
    /// Something that does not exist; the lab file's rules exclude it.
    #[error("there is no {0}")]
    Unknown(String),
    /// The backend has no way to do it.
    #[error(transparent)]
    Unable(#[from] Unable),
}

/// What was so when the latest fault began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// Place in the log.
    pub entry: usize,
    /// Who owned each group.
    pub owners: BTreeMap<GroupId, NodeId>,
}

/// A fault that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    id: FaultId,
    heals_at: Option<Timestamp>,
}

/// A lab with its world.
#[derive(Debug)]
pub struct Session<W: Stage = World> {
    lab: Lab,
    world: W,
    rng: Rng,
    drawn: BTreeMap<select::Draw, NodeSet>,
    open: Vec<Open>,
    mark: Mark,
    health: BTreeMap<ResourceId, FaultId>,
    own_disks: BTreeMap<NodeId, FaultId>,
}

impl<S: Service> Session<World<S>> {
    /// Builds the world of a lab; its machines start at once.
    ///
    /// # Errors
    /// What the lab file may say and this version cannot build.
    pub fn new(lab: Lab, options: Options) -> Result<Self, PlanError> {
        let plan = Plan::new(&lab)?;
        Ok(Self::on(lab, World::new(plan, options), options.seed))
    }
}

impl<W: Stage> Session<W> {
    /// A session on a stage that was built from the lab; `seed` decides what selectors draw.
    #[must_use]
    pub fn on(lab: Lab, world: W, seed: u64) -> Self {
        Self {
            lab,
            world,
            rng: Rng::new(seed, STREAM),
            drawn: BTreeMap::new(),
            open: Vec::new(),
            mark: Mark::default(),
            health: BTreeMap::new(),
            own_disks: BTreeMap::new(),
        }
    }

    /// The lab.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &W {
        &self.world
    }

    /// The world, to be broken in ways that the lab file has no words for.
    pub fn world_mut(&mut self) -> &mut W {
        &mut self.world
    }

    /// What can be seen now.
    #[must_use]
    pub fn observe(&self) -> Observation {
        Observation::of(&self.world)
    }

    /// What was so when the latest fault began.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Runs until something changes that could be seen, at most to `limit`; faults heal in time.
    pub fn run_to_change(&mut self, limit: Timestamp) -> Stop {
        let heal_at = self.open.iter().filter_map(|open| open.heals_at).min();
        let until = heal_at.map_or(limit, |at| at.min(limit));
        if self.world.run_to_change(until) == Stop::Changed {
            return Stop::Changed;
        }
        if heal_at.is_some_and(|at| at <= limit) {
            self.heal_due();
            return Stop::Changed;
        }
        Stop::Time
    }

    /// Runs to `limit`.
    pub fn run_to(&mut self, limit: Timestamp) {
        while self.run_to_change(limit) == Stop::Changed {}
    }

    /// Runs until `done` holds, looking now and after every change; whether it did within `bound`.
    pub fn run_until(&mut self, bound: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let limit = self.world.now() + bound;
        loop {
            if done(self) {
                return true;
            }
            if self.run_to_change(limit) == Stop::Time {
                return done(self);
            }
        }
    }

    /// From now on a resource answers its two health checks like this, wherever it runs.
    ///
    /// # Errors
    /// The backend has no way to do it.
    pub fn set_health(
        &mut self,
        resource: ResourceId,
        looks_alive: bool,
        is_alive: bool,
    ) -> Result<(), Unable> {
        self.set_behaviour(
            resource,
            Behaviour::Answers {
                looks_alive,
                is_alive,
            },
        )
    }

    /// From now on every entry point of a resource takes so much longer, wherever it runs.
    ///
    /// # Errors
    /// The backend has no way to do it.
    pub fn set_slow(&mut self, resource: ResourceId, by: Duration) -> Result<(), Unable> {
        self.set_behaviour(resource, Behaviour::Slow(by))
    }

    /// From now on a resource does not come online: its Online fails with this error.
    ///
    /// # Errors
    /// The backend has no way to do it.
    pub fn set_refusing(&mut self, resource: ResourceId, code: u32) -> Result<(), Unable> {
        self.set_behaviour(resource, Behaviour::Refusing(code))
    }

    /// In place of what it was told before.
    fn set_behaviour(&mut self, resource: ResourceId, behaviour: Behaviour) -> Result<(), Unable> {
        if let Some(before) = self.health.remove(&resource) {
            self.world.heal(before);
        }
        let id = self.world.next_fault();
        self.world.make(id, Fault::Resource(resource, behaviour))?;
        self.health.insert(resource, id);
        Ok(())
    }

    /// Undoes every fault still in force.
    pub fn heal(&mut self) {
        for open in std::mem::take(&mut self.open) {
            self.world.heal(open.id);
        }
        let unnamed = std::mem::take(&mut self.health).into_values();
        let unnamed = unnamed.chain(std::mem::take(&mut self.own_disks).into_values());
        for id in unnamed {
            self.world.heal(id);
        }
    }

    /// The answer to an administrator's request: none yet, done, or the reason of the refusal.
    #[must_use]
    pub fn answer(&self, request: RequestId) -> Option<&top::api::AdminReply> {
        self.world.asked(request)?.reply.as_ref()
    }

    fn heal_due(&mut self) {
        let now = self.world.now();
        let due = |open: &Open| open.heals_at.is_some_and(|at| at <= now);
        let (due, open) = std::mem::take(&mut self.open).into_iter().partition(due);
        self.open = open;
        for open in due {
            self.world.heal(open.id);
        }
    }

    /// Remembers what is so now, because a fault begins.
    fn set_mark(&mut self) {
        let seen = self.observe();
        let groups = self.world.plan().model.groups.keys();
        let owners = groups.filter_map(|group| Some((*group, seen.owner(*group)?)));
        self.mark = Mark {
            at: self.world.now(),
            entry: self.world.log().entries().len(),
            owners: owners.collect(),
        };
    }
}
