//! Owners and states of groups, resources and nodes, and the changes that move them.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{
    GroupId, Incarnation, NetworkId, NodeId, NodeSet, NodeStanding, ResourceId, ResourceState,
    StateChangeCause,
};

/// One change of the volatile tables; travels in a global update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// The group belongs to `owner` from here on; all its resources count as offline.
    GroupOwner {
        group: GroupId,
        owner: NodeId,
        cause: StateChangeCause,
    },
    /// The owner reports a resource's state.
    Resource {
        resource: ResourceId,
        group: GroupId,
        state: ResourceState,
    },
    /// The node was paused or resumed.
    NodePaused { node: NodeId, paused: bool },
    /// This life of the node is stopping in order: its vote goes to the others before it does.
    NodeLeaving { node: NodeId, life: Incarnation },
    /// A move of the group waits until this node, or with none the best one, can take it.
    MoveQueued { group: GroupId, to: Option<NodeId> },
    /// The queued move of the group is over, one way or the other.
    MoveUnqueued { group: GroupId },
    /// A resource of the group found no room on this node, and nobody makes any.
    NoRoom { group: GroupId, node: NodeId },
    /// A node is isolated or quarantined, or no longer.
    NodeStanding {
        node: NodeId,
        standing: NodeStanding,
    },
    /// Nothing: whoever sees it carried out has everything before it.
    Barrier,
    /// How often the group has failed over because of its resources, as its owner counts.
    GroupFailovers {
        group: GroupId,
        count: FailoverCount,
    },
    /// What a node sees of its interface on a network.
    Interface {
        node: NodeId,
        network: NetworkId,
        row: InterfaceRow,
    },
}

/// Failovers of a group within one window. It travels with the group, so that a new owner goes on
/// counting; an age instead of a time, because no clock is compared between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FailoverCount {
    /// Failovers in the window.
    pub count: u32,
    /// How long ago the window began when this was told.
    pub age: Duration,
}

/// A group as all members know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// The node that runs it or would.
    pub owner: NodeId,
    /// Why it is there.
    pub cause: StateChangeCause,
}

/// A resource as all members know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceRow {
    /// Its group.
    pub group: GroupId,
    /// Its state as last reported by the owner.
    pub state: ResourceState,
}

/// An interface as its own node reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceRow {
    /// It has a link.
    pub linked: bool,
    /// Members of the view that it does not reach.
    pub unreached: NodeSet,
}

impl InterfaceRow {
    /// Nothing is wrong with it.
    pub const SOUND: Self = Self {
        linked: true,
        unreached: NodeSet::EMPTY,
    };
}

/// The tables.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ObjectTable {
    /// Groups that ever had an owner since the cluster formed.
    pub groups: BTreeMap<GroupId, GroupRow>,
    /// Resources that ever reported a state since the cluster formed.
    pub resources: BTreeMap<ResourceId, ResourceRow>,
    /// Nodes that take no new groups.
    pub paused: NodeSet,
    /// Lives of members that are stopping in order.
    pub leaving: BTreeMap<NodeId, Incarnation>,
    /// Moves that wait for their target.
    pub queued: BTreeMap<GroupId, Option<NodeId>>,
    /// Nodes that had no room for a group, and on which nothing has ended since.
    pub full: BTreeMap<GroupId, NodeSet>,
    /// Nodes that are isolated or quarantined.
    pub standings: BTreeMap<NodeId, NodeStanding>,
    /// Failovers of groups that have failed over since the cluster formed.
    pub failovers: BTreeMap<GroupId, FailoverCount>,
    /// Interfaces that something is wrong with.
    pub interfaces: BTreeMap<(NodeId, NetworkId), InterfaceRow>,
}

impl ObjectTable {
    /// What a node last reported of its interface.
    #[must_use]
    pub fn interface(&self, node: NodeId, network: NetworkId) -> InterfaceRow {
        let known = self.interfaces.get(&(node, network));
        known.copied().unwrap_or(InterfaceRow::SOUND)
    }

    /// What the cluster thinks of a node.
    #[must_use]
    pub fn standing(&self, node: NodeId) -> NodeStanding {
        self.standings.get(&node).copied().unwrap_or_default()
    }

    /// Applies one change. A state of a resource whose group has no owner is dropped: it was on
    /// its way while the group was removed.
    pub fn apply(&mut self, change: &StateChange) {
        match change {
            StateChange::GroupOwner {
                group,
                owner,
                cause,
            } => {
                let (owner, cause) = (*owner, *cause);
                self.change_owner(*group, GroupRow { owner, cause });
            }
            StateChange::Resource {
                resource,
                group,
                state,
            } => {
                if let Some(owner) = self.groups.get(group).map(|row| row.owner) {
                    let row = ResourceRow {
                        group: *group,
                        state: *state,
                    };
                    let before = self.resources.insert(*resource, row);
                    let ran = before.is_some_and(|row| row.state == ResourceState::Online);
                    if ran && *state != ResourceState::Online {
                        self.ended_on(owner, *group);
                    }
                }
            }
            StateChange::GroupFailovers { group, count } => {
                self.failovers.insert(*group, *count);
            }
            StateChange::Interface { node, network, row } => {
                if *row == InterfaceRow::SOUND {
                    self.interfaces.remove(&(*node, *network));
                } else {
                    self.interfaces.insert((*node, *network), *row);
                }
            }
            StateChange::MoveQueued { group, to } => {
                self.queued.insert(*group, *to);
            }
            StateChange::MoveUnqueued { group } => {
                self.queued.remove(group);
            }
            StateChange::NoRoom { group, node } => {
                self.full.entry(*group).or_default().insert(*node);
            }
            StateChange::Barrier => {}
            StateChange::NodeStanding { node, standing } => self.stand(*node, *standing),
            StateChange::NodeLeaving { node, life } => {
                self.leaving.insert(*node, *life);
            }
            StateChange::NodePaused { node, paused: true } => self.paused.insert(*node),
            StateChange::NodePaused {
                node,
                paused: false,
            } => self.paused.remove(*node),
        }
    }

    fn change_owner(&mut self, group: GroupId, row: GroupRow) {
        let online = |row: &ResourceRow| row.group == group && row.state == ResourceState::Online;
        let ran = self.resources.values().any(online);
        let before = self.groups.insert(group, row);
        if let Some(before) = before.filter(|_| ran) {
            self.ended_on(before.owner, group);
        }
        let resources = self.resources.values_mut();
        resources
            .filter(|row| row.group == group)
            .for_each(|row| row.state = ResourceState::Offline);
    }

    fn stand(&mut self, node: NodeId, standing: NodeStanding) {
        if standing == NodeStanding::Normal {
            self.standings.remove(&node);
        } else {
            self.standings.insert(node, standing);
        }
    }

    /// Something of `group` has ended on a node: there may be room for others now.
    fn ended_on(&mut self, node: NodeId, group: GroupId) {
        let others = self.full.iter_mut().filter(|(other, _)| **other != group);
        others.for_each(|(_, full)| full.remove(node));
    }
}

wire::codec!(enum StateChange {
    0 = GroupOwner { group, owner, cause },
    1 = Resource { resource, group, state },
    2 = NodePaused { node, paused },
    3 = GroupFailovers { group, count },
    4 = Interface { node, network, row },
    20 = NodeLeaving { node, life },
    21 = Barrier,
    22 = MoveQueued { group, to },
    23 = MoveUnqueued { group },
    24 = NoRoom { group, node },
    25 = NodeStanding { node, standing },
});
wire::codec!(struct FailoverCount { count, age });
wire::codec!(struct GroupRow { owner, cause });
wire::codec!(struct ResourceRow { group, state });
wire::codec!(struct InterfaceRow { linked, unreached });
wire::codec!(struct ObjectTable {
    groups, resources, paused, leaving, standings, queued, full, failovers, interfaces,
});
