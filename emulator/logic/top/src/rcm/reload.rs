//! Taking a changed database over: groups and resources are read anew where an update or a new
//! replica touched them.

use std::sync::Arc;

use base::{GroupId, Notice, ResourceId};
use middle::database::{Change, HiveChange};

use super::Rcm;
use super::group::Group;
use super::model::Model;
use super::resource::{Place, Resource};
use super::turn::Turn;

impl Rcm {
    /// Reads groups and resources anew; a hive that makes no sense leaves the old ones in force.
    pub(super) fn reload_model(&mut self, turn: &mut Turn<'_, '_>) {
        match Model::read(&turn.middle().hive) {
            Ok(model) if model == *self.model => {}
            Ok(model) => self.adopt(turn, model),
            Err(error) => turn.notice(Notice::Refused {
                what: format!("groups and resources of the cluster database: {error}"),
            }),
        }
    }

    fn adopt(&mut self, turn: &mut Turn<'_, '_>, model: Model) {
        let model = Arc::new(model);
        self.model = Arc::clone(&model);
        self.volumes.read(&model);
        let groups: Vec<GroupId> = self.groups.keys().copied().collect();
        for id in groups {
            let Some(group) = self.groups.get_mut(&id) else {
                continue;
            };
            let before: Vec<ResourceId> = std::mem::replace(
                &mut group.order,
                Group::new(&model, id, group.arrived).order,
            );
            let now = group.order.clone();
            for resource in before.iter().filter(|id| !now.contains(id)) {
                self.end_deleted(turn, *resource);
            }
            for resource in now {
                if self.resources.contains_key(&resource) {
                    self.refresh_resource(&model, resource);
                } else {
                    self.add_resource(&model, id, resource);
                }
            }
            self.unsettled.insert(id);
        }
    }

    /// A deleted resource is terminated and its instance closed; nothing waits for the answers.
    fn end_deleted(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        if !self.resources.get(&id).is_none_or(Resource::is_down) {
            self.terminate(turn, id);
        }
        if let Some(Place::Host(host)) = self.resources.get(&id).map(|resource| resource.place) {
            self.close(turn, id, host);
        }
        self.remove_resource(id);
    }
}

/// Whether a change touches what the model is read from.
pub(super) fn is_ours(change: &Change) -> bool {
    let key = match change {
        Change::Hive(
            HiveChange::Set { key, .. }
            | HiveChange::Unset { key, .. }
            | HiveChange::DeleteKey { key },
        ) => key,
        Change::State(_) => return false,
    };
    ["", "Groups", "Resources", "ResourceTypes"]
        .iter()
        .any(|root| key.split('\\').next() == Some(root))
}
