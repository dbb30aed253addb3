//! One route per peer and network.

use base::limits::NODES_MAX;
use base::{NetworkId, NodeId, NodeSet, Timestamp};

use crate::netft::Network;

/// The way to one peer over one network.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Route {
    /// Requests sent since the last reply.
    pub(super) missed: u32,
    /// Replies come.
    pub(super) up: bool,
    /// When the last reply came.
    pub(super) last_heard: Timestamp,
    /// When the last request or reply came.
    pub(super) last_seen: Timestamp,
    /// How often this node has declared the route down.
    pub(super) losses: u32,
    /// How often the peer had, when the route came up.
    pub(super) peer_losses: u32,
}

/// This node's interface on one network.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) network: NetworkId,
    pub(super) metric: u32,
    pub(super) up: bool,
    pub(super) peers: NodeSet,
    routes: Vec<Route>,
}

impl Link {
    /// A link for `network`, keeping what an older one knew.
    pub(super) fn new(network: &Network, me: NodeId, old: Option<&Self>) -> Self {
        Self {
            network: network.network,
            metric: network.metric,
            up: old.is_none_or(|link| link.up),
            peers: network.nodes.without(me),
            routes: old.map_or_else(|| vec![Route::default(); NODES_MAX], |l| l.routes.clone()),
        }
    }

    /// The route to `peer`, if the peer is on this network.
    pub(super) fn route(&self, peer: NodeId) -> Option<&Route> {
        self.peers
            .contains(peer)
            .then(|| &self.routes[peer.index()])
    }

    /// The route to `peer`, which is on this network.
    pub(super) fn route_mut(&mut self, peer: NodeId) -> &mut Route {
        &mut self.routes[peer.index()]
    }
}
