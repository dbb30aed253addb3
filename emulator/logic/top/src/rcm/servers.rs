//! Virtual servers as every member knows them: told when one comes, goes or changes.
//!
//! Clauses: seed 000, item 7: a product of another vendor tells its service on each physical node
//! about changes of a virtual server. A virtual server is a network name with its group; the object
//! table and the cluster database say on every member where it is and what it is made of. Services
//! get the notice through the shell (docs/protocol/resource-plug-in.md).

use std::collections::BTreeSet;

use base::{GroupId, NodeId, Notice, ResourceId, ResourceState, ServerChange};
use middle::database::{Change, Update};
use middle::object::StateChange;

use super::Rcm;
use super::turn::Turn;
use crate::restype::{ResourceKind, ResourceParameters};

/// A virtual server that is online, as it was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    name: String,
    node: NodeId,
    /// What its group is made of.
    parts: Vec<ResourceParameters>,
}

impl Rcm {
    /// An update may have changed virtual servers.
    pub(super) fn servers_touched(&mut self, turn: &mut Turn<'_, '_>, update: &Update) {
        let mut groups = BTreeSet::new();
        for change in update.changes.iter() {
            match change {
                Change::State(
                    StateChange::GroupOwner { group, .. } | StateChange::Resource { group, .. },
                ) => {
                    groups.insert(*group);
                }
                Change::State(_) => {}
                Change::Hive(_) if super::reload::is_ours(change) => {
                    return self.look_at_servers(turn);
                }
                Change::Hive(_) => {}
            }
        }
        for group in groups {
            self.look_at_servers_of(turn, group);
        }
    }

    /// Compares all virtual servers with what was last told.
    pub(super) fn look_at_servers(&mut self, turn: &mut Turn<'_, '_>) {
        let groups: Vec<GroupId> = self.model.groups.keys().copied().collect();
        for group in groups {
            self.look_at_servers_of(turn, group);
        }
    }

    fn look_at_servers_of(&mut self, turn: &mut Turn<'_, '_>, group: GroupId) {
        let named = |kind| {
            matches!(
                kind,
                ResourceKind::NetworkName | ResourceKind::DistributedNetworkName
            )
        };
        let of_group = self.model.of_group(group);
        let names: Vec<ResourceId> = of_group
            .filter(|(_, settings)| named(settings.kind()))
            .map(|(id, _)| id)
            .collect();
        for id in names {
            let now = self.server(turn, group, id);
            let change = match (self.servers.get(&id), &now) {
                (None, Some(_)) => ServerChange::Came,
                (Some(_), None) => ServerChange::Went,
                (Some(before), Some(now)) if before != now => ServerChange::Changed,
                _ => continue,
            };
            let told = now.clone().or_else(|| self.servers.get(&id).cloned());
            match now {
                Some(server) => self.servers.insert(id, server),
                None => self.servers.remove(&id),
            };
            if let Some(Server { name, node, .. }) = told {
                turn.notice(Notice::VirtualServer { name, node, change });
            }
        }
    }

    fn server(&self, turn: &Turn<'_, '_>, group: GroupId, id: ResourceId) -> Option<Server> {
        let objects = &turn.middle().objects;
        let node = objects.groups.get(&group)?.owner;
        let row = objects.resources.get(&id)?;
        let name = match &self.model.resources.get(&id)?.parameters {
            ResourceParameters::NetworkName { name, .. }
            | ResourceParameters::DistributedNetworkName { name } => name.clone(),
            _ => return None,
        };
        let parts = self.model.of_group(group);
        (row.state == ResourceState::Online).then(|| Server {
            name,
            node,
            parts: parts.map(|(_, part)| part.parameters.clone()).collect(),
        })
    }
}
