//! The top tier: cluster abstractions. Groups, resources and what keeps them running.

pub mod api;
pub mod checkpoint;
pub mod eventlog;
pub mod plugin;
pub mod rcm;
pub mod restype;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{NodeId, Now, ResourceId, ResourceState, Rng};

/// What a manager of this tier sees during one call.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time of the call.
    pub now: Now,
    /// This node.
    pub me: NodeId,
    /// Facts of the bottom tier.
    pub bottom: &'a bottom::Facts,
    /// Facts of the middle tier.
    pub middle: &'a middle::Facts,
    /// This node's randomness.
    pub rng: &'a mut Rng,
}

/// What the managers of this tier have published, for pictures and checkers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Facts {
    /// State of every resource of the groups that this node owns.
    pub running: BTreeMap<ResourceId, ResourceState>,
    /// The event log of this node, other members' events included; oldest first.
    pub events: Arc<Vec<eventlog::EventRecord>>,
}
