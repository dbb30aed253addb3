//! Addresses of several subnets: of the alternatives that a name depends on, only those run here
//! whose network this node is on.
//!
//! Facts: reference section 9, event 1045 ("no matching interface for an IP resource (normal across
//! subnets)"). That such an address stays Offline and does not count for the state of its group is
//! unsourced.

use base::{NetworkId, NodeId, ResourceId};
use middle::settings::Settings;

use super::model::Model;
use super::{Rcm, ResourceParameters};
use crate::rcm::turn::Turn;

impl Rcm {
    /// Learns which networks this node is on.
    pub(super) fn learn_networks(&mut self, turn: &Turn<'_, '_>) {
        self.networks = networks_of(&turn.middle().settings, turn.me());
    }

    /// Whether a resource is one of several addresses and its network is not here.
    pub(super) fn is_elsewhere(&self, id: ResourceId) -> bool {
        is_elsewhere(&self.model, id, |network| {
            self.networks.is_empty() || self.networks.contains(&network)
        })
    }
}

fn networks_of(settings: &Settings, node: NodeId) -> Vec<NetworkId> {
    let known = settings.nodes.get(&node).into_iter();
    known.flat_map(|it| it.interfaces.keys().copied()).collect()
}

/// Whether a resource is one of several addresses that a name may do with, of a network that
/// `is_on` says no to.
#[must_use]
pub fn is_elsewhere(model: &Model, id: ResourceId, is_on: impl Fn(NetworkId) -> bool) -> bool {
    let Some(settings) = model.resources.get(&id) else {
        return false;
    };
    let ResourceParameters::IpAddress { network, .. } = &settings.parameters else {
        return false;
    };
    let is_alternative = || {
        let of_group = model.of_group(settings.group);
        let mut items = of_group.flat_map(|(_, it)| &it.dependencies.0);
        items.any(|item| item.len() > 1 && item.contains(&id))
    };
    !is_on(*network) && is_alternative()
}
