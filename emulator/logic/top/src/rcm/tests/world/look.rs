//! What tests look at in the small world.

use std::collections::BTreeMap;

use base::{GroupId, GroupState, Notice, ResourceId, ResourceState, StateChangeCause, Timestamp};

use super::{World, node};

impl World {
    pub(crate) fn owner(&self, group: GroupId) -> Option<u8> {
        self.objects
            .groups
            .get(&group)
            .map(|row| row.owner.number())
    }

    /// The node that runs a resource and its state there; offline if nobody knows it.
    pub(crate) fn state(&self, id: ResourceId) -> ResourceState {
        let group = self.model.resources[&id].group;
        let owner = self.objects.groups.get(&group).map(|row| row.owner);
        let live = owner.and_then(|owner| self.lives.get(&owner));
        live.and_then(|live| live.running.get(&id).copied())
            .unwrap_or_default()
    }

    pub(crate) fn group_state(&self, group: GroupId) -> GroupState {
        let resources = self.model.groups[&group].resources.iter();
        GroupState::derive(resources.map(|id| self.state(*id)))
    }

    pub(crate) fn running_on(&self, number: u8) -> &BTreeMap<ResourceId, ResourceState> {
        &self.lives[&node(number)].running
    }

    pub(crate) fn has_stopped(&self, number: u8) -> bool {
        self.lives[&node(number)].stopped
    }

    pub(crate) fn live_nodes(&self) -> Vec<u8> {
        self.lives.keys().map(|node| node.number()).collect()
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.lives
            .values()
            .flat_map(|live| live.running.values())
            .all(|state| !state.is_pending())
    }

    pub(crate) fn hive(&self) -> &middle::database::Hive {
        &self.hive
    }

    /// When a notice was told, newest last.
    pub(crate) fn times(&self, wanted: impl Fn(&Notice) -> bool) -> Vec<Timestamp> {
        let found = self.log.iter().filter(|(_, _, notice)| wanted(notice));
        found.map(|(at, _, _)| *at).collect()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Notice) -> bool) -> usize {
        self.times(wanted).len()
    }

    /// Times at which a resource reached a state.
    pub(crate) fn reached(&self, id: ResourceId, state: ResourceState) -> Vec<Timestamp> {
        self.times(|notice| {
            matches!(notice, Notice::ResourceState { resource, to, .. }
                if *resource == id && *to == state)
        })
    }

    /// Resources in the order in which they reached a state.
    pub(crate) fn order(&self, state: ResourceState) -> Vec<ResourceId> {
        let found = self.log.iter().filter_map(|(_, _, notice)| match notice {
            Notice::ResourceState { resource, to, .. } if *to == state => Some(*resource),
            _ => None,
        });
        found.collect()
    }

    pub(crate) fn moves(&self, group: GroupId) -> Vec<(u8, StateChangeCause)> {
        let found = self.log.iter().filter_map(|(_, _, notice)| match notice {
            Notice::GroupMoved {
                group: id,
                to,
                cause,
                ..
            } if *id == group => Some((to.number(), *cause)),
            _ => None,
        });
        found.collect()
    }

    pub(crate) fn calls_of(&self, id: ResourceId, entry: &str) -> Vec<Timestamp> {
        let found = self
            .calls
            .iter()
            .filter(|(_, _, _, resource, label)| *resource == id && *label == entry);
        found.map(|(at, ..)| *at).collect()
    }
}
