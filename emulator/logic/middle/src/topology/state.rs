//! States of interfaces and networks, worked out by every node alike from what all have reported
//! (reference section 1.3; events 1127, 1129 and 1130, section 9).

use base::{InterfaceState, NetworkId, NetworkState, NodeId, NodeSet};

use crate::object::ObjectTable;

/// One network of a view: who is attached, and what they report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) network: NetworkId,
    /// Members of the view with an interface on it.
    pub(super) members: NodeSet,
    pub(super) objects: &'a ObjectTable,
}

impl Segment<'_> {
    fn is_linked(self, node: NodeId) -> bool {
        self.objects.interface(node, self.network).linked
    }

    fn linked(self) -> NodeSet {
        let linked = self.members.iter();
        linked.filter(|node| self.is_linked(*node)).collect()
    }

    /// Whether two nodes with a link reach each other.
    fn are_joined(self, a: NodeId, b: NodeId) -> bool {
        let misses = |from, to| {
            let row = self.objects.interface(from, self.network);
            row.unreached.contains(to)
        };
        !misses(a, b) && !misses(b, a)
    }

    /// The state of one node's interface.
    pub(super) fn interface(self, node: NodeId) -> InterfaceState {
        let others = self.linked().without(node);
        if !self.members.contains(node) {
            InterfaceState::Unavailable
        } else if !self.is_linked(node) {
            InterfaceState::Failed
        } else if !others.is_empty() && others.iter().all(|it| !self.are_joined(node, it)) {
            InterfaceState::Unreachable
        } else {
            InterfaceState::Up
        }
    }

    /// The state of the network.
    pub(super) fn network(self) -> NetworkState {
        let works = |node: NodeId| self.interface(node) == InterfaceState::Up;
        let linked = self.linked();
        let all_joined = linked.iter().all(|a| {
            let mut others = linked.without(a).iter();
            others.all(|b| self.are_joined(a, b))
        });
        if self.members.is_empty() {
            NetworkState::Unavailable
        } else if !self.members.iter().any(works) {
            NetworkState::Down
        } else if all_joined {
            NetworkState::Up
        } else {
            NetworkState::Partitioned
        }
    }
}
