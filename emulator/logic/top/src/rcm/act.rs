//! Carrying out an administrator's command at the node that it is for.
//!
//! Facts: reference sections 1.1 (maintenance mode), 1.2 (FailClusterResource) and 3.1.

use base::{GroupId, NodeId, ResourceId, ResourceState};

use super::Rcm;
use super::turn::Turn;
use crate::api::AdminCommand;

impl Rcm {
    /// A command takes effect.
    pub(super) fn act(&mut self, turn: &mut Turn<'_, '_>, command: &AdminCommand) {
        match command {
            AdminCommand::MoveGroup { group, to } => self.act_move(turn, *group, *to),
            AdminCommand::QueueMove { group, to } => self.queue_move(turn, *group, *to),
            AdminCommand::OnlineGroup { group } => self.want_group(*group, true),
            AdminCommand::OfflineGroup { group } => self.want_group(*group, false),
            AdminCommand::OnlineResource { resource } => {
                for id in self.with_providers(*resource) {
                    self.warm(id);
                    self.want(id, true);
                }
            }
            AdminCommand::OfflineResource { resource } => self.want(*resource, false),
            AdminCommand::FailResource { resource } => {
                let state = self.state_of(*resource);
                if matches!(state, ResourceState::Online | ResourceState::OnlinePending) {
                    self.fail(turn, *resource);
                }
            }
            AdminCommand::PauseNode { drain: true, .. } => self.drain(turn),
            AdminCommand::ResumeNode { .. } => self.end_drain(),
            AdminCommand::SetMaintenanceMode { resource, on, .. } => {
                if let Some(record) = self.resources.get_mut(resource) {
                    record.maintenance = *on && record.state == ResourceState::Online;
                }
            }
            AdminCommand::PauseNode { drain: false, .. }
            | AdminCommand::VolumeIo { .. }
            | AdminCommand::ControlResource { .. }
            | AdminCommand::ControlType { .. }
            | AdminCommand::GetProperty { .. }
            | AdminCommand::ListProperties { .. }
            | AdminCommand::ListObjects
            | AdminCommand::SetProperty { .. }
            | AdminCommand::EvictNode { .. }
            | AdminCommand::AddNode { .. }
            | AdminCommand::SetQuorum { .. } => {}
        }
    }

    fn act_move(&mut self, turn: &mut Turn<'_, '_>, group: GroupId, to: Option<NodeId>) {
        match to {
            None => self.send_away(turn, group),
            Some(to) if to != turn.me() => {
                self.leave(group, Some(to), base::StateChangeCause::Move);
            }
            Some(_) => {}
        }
    }

    fn want_group(&mut self, group: GroupId, wanted: bool) {
        if let Some(record) = self.groups.get_mut(&group) {
            record.cold &= !wanted;
        }
        let order = self.groups.get(&group).map(|group| group.order.clone());
        for resource in order.unwrap_or_default() {
            self.want(resource, wanted);
        }
    }

    fn warm(&mut self, id: ResourceId) {
        let group = self.resources.get(&id).map(|record| record.group);
        if let Some(record) = group.and_then(|group| self.groups.get_mut(&group)) {
            record.cold = false;
        }
    }

    fn want(&mut self, id: ResourceId, wanted: bool) {
        if let Some(record) = self.resources.get_mut(&id) {
            record.wanted = wanted;
            record.last_try = false;
            record.held &= !wanted;
            self.unsettled.insert(record.group);
        }
    }

    /// A resource with everything that it depends on, itself first.
    pub(super) fn with_providers(&self, resource: ResourceId) -> Vec<ResourceId> {
        let (mut found, mut at) = (vec![resource], 0);
        while let Some(next) = found.get(at).copied() {
            at += 1;
            let settings = self.model.resources.get(&next);
            for provider in settings
                .into_iter()
                .flat_map(|s| s.dependencies.providers())
            {
                if !found.contains(&provider) {
                    found.push(provider);
                }
            }
        }
        found
    }
}
