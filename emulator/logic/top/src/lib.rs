//! The top tier: cluster abstractions. Groups, resources and what keeps them running.
//!
//! The event-log replication manager is absent so far; ARCHITECTURE.md says so.

pub mod api;
pub mod rcm;
pub mod restype;

use std::collections::BTreeMap;

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

/// What rcm runs on this node right now, for pictures and checkers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Facts {
    /// State of every resource of the groups that this node owns.
    pub running: BTreeMap<ResourceId, ResourceState>,
}
