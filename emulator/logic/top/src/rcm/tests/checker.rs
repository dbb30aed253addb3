//! Judges every state change that a node tells: allowed edges, dependency order, one owner.

use std::collections::BTreeMap;

use base::ResourceState::{self, Failed, Offline, OfflinePending, Online, OnlinePending};
use base::{NodeId, ResourceId};

use crate::rcm::model::Model;

/// States of all resources on all nodes, as their notices tell.
#[derive(Default)]
pub(super) struct Checker {
    states: BTreeMap<(NodeId, ResourceId), ResourceState>,
}

/// A rule that was broken, in words.
pub(super) type Violation = String;

/// The edges that the state table may have, written down a second time.
const EDGES: [(ResourceState, ResourceState); 9] = [
    (Offline, OnlinePending),
    (OnlinePending, Online),
    (OnlinePending, OfflinePending),
    (OnlinePending, Failed),
    (Online, OfflinePending),
    (Online, Failed),
    (OfflinePending, Offline),
    (Failed, OnlinePending),
    (Failed, Offline),
];

impl Checker {
    pub(super) fn state(&self, node: NodeId, id: ResourceId) -> ResourceState {
        self.states.get(&(node, id)).copied().unwrap_or_default()
    }

    /// A node ended: nothing of it runs.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.states.retain(|(owner, _), _| *owner != node);
    }

    /// Takes in one state change; `owned` if the object table gives the group to this node.
    pub(super) fn see(
        &mut self,
        model: &Model,
        node: NodeId,
        id: ResourceId,
        (from, to): (ResourceState, ResourceState),
        owned: bool,
    ) -> Result<(), Violation> {
        let known = self.state(node, id);
        if known != from {
            return Err(format!("{node:?} says {id} was {from}; it was {known}"));
        }
        if !EDGES.contains(&(from, to)) {
            return Err(format!("{node:?}: {id} went from {from} to {to}"));
        }
        self.states.insert((node, id), to);
        if to == OnlinePending {
            self.check_start(model, node, id)?;
        }
        if owned && (from, to) == (Online, OfflinePending) {
            self.check_stop(model, node, id)?;
        }
        Ok(())
    }

    /// Providers first, and nobody else runs it.
    fn check_start(&self, model: &Model, node: NodeId, id: ResourceId) -> Result<(), Violation> {
        let needs = &model.resources[&id].dependencies;
        if !needs.satisfied(|provider| self.state(node, provider) == Online) {
            return Err(format!("{node:?} starts {id} before what it depends on"));
        }
        let other = self
            .states
            .iter()
            .find(|((at, known), state)| *known == id && *at != node && is_up(**state));
        match other {
            Some(((at, _), _)) => Err(format!("{node:?} starts {id} while {at:?} runs it")),
            None => Ok(()),
        }
    }

    /// Dependents first: nobody online may lean on it alone.
    fn check_stop(&self, model: &Model, node: NodeId, id: ResourceId) -> Result<(), Violation> {
        let up = |provider| self.state(node, provider) == Online;
        let leaning = model.resources.iter().find(|(other, settings)| {
            let needs = &settings.dependencies;
            up(**other) && needs.satisfied(|p| p == id || up(p)) && !needs.satisfied(up)
        });
        match leaning {
            Some((other, _)) => Err(format!("{node:?} stops {id} under {other}")),
            None => Ok(()),
        }
    }
}

fn is_up(state: ResourceState) -> bool {
    !matches!(state, Offline | Failed)
}
