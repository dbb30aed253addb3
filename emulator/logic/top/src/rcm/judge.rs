//! Judging an administrator's command at the node that carries it out: refused, or the changes that
//! the cluster has to agree on first.
//!
//! Facts: reference sections 1.1 (maintenance mode), 1.3, 3, 7 and 9 (error numbers).

use base::{GroupId, NodeId, ResourceId, ResourceState};
use middle::database::Change;
use middle::object::StateChange;
use middle::settings::ReadWriteMode;

use super::commands::Refusal;
use super::placement::Reason;
use super::turn::Turn;
use super::{Rcm, persist};
use crate::api::{AdminCommand, code};
use crate::restype::ResourceKind;

impl Rcm {
    /// What has to be agreed on by the cluster before a command takes effect; nothing where it
    /// takes effect here and now.
    pub(super) fn changes_for(
        &mut self,
        turn: &mut Turn<'_, '_>,
        command: &AdminCommand,
    ) -> Result<Vec<Change>, Refusal> {
        let pause = |node, paused| Change::State(StateChange::NodePaused { node, paused });
        let paused = |node| turn.middle().objects.paused.contains(node);
        match command {
            AdminCommand::PauseNode { node, .. } if !paused(*node) => Ok(vec![pause(*node, true)]),
            AdminCommand::ResumeNode { node } if paused(*node) => Ok(vec![pause(*node, false)]),
            AdminCommand::PauseNode { .. } | AdminCommand::ResumeNode { .. } => Ok(vec![]),
            AdminCommand::MoveGroup { group, to } => {
                self.stays_put(*group)?;
                self.judge_move(turn, *group, *to)
            }
            AdminCommand::QueueMove { group, to } => {
                self.stays_put(*group)?;
                self.judge_queued_move(turn, *group, *to)
            }
            AdminCommand::OnlineGroup { group } => self.judge_group(turn, *group, true),
            AdminCommand::OfflineGroup { group } => self.judge_group(turn, *group, false),
            AdminCommand::OnlineResource { resource } => {
                self.stays_put(self.group_of(*resource)?)?;
                let mut wanted = self.with_providers(*resource);
                wanted.reverse();
                Ok(persist::online(&turn.middle().hive, &self.model, &wanted))
            }
            AdminCommand::OfflineResource { resource } => {
                self.stays_put(self.group_of(*resource)?)?;
                Ok(persist::offline(&turn.middle().hive, *resource))
            }
            AdminCommand::FailResource { resource } => self.judge_failing(*resource),
            AdminCommand::SetMaintenanceMode { resource, on, at } => {
                self.judge_maintenance(turn, *resource, *at)?;
                Ok(self.maintenance_changes(turn, *resource, *on))
            }
            AdminCommand::VolumeIo { resource, io, .. } => {
                self.judge_volume_io(*resource, io).map(|()| Vec::new())
            }
            AdminCommand::ControlResource {
                resource, input, ..
            } => self.judge_control(*resource, input).map(|()| Vec::new()),
            AdminCommand::ControlType { label, input, .. } => match self.of_type(turn, label) {
                Some(resource) => self.judge_control(resource, input).map(|()| Vec::new()),
                None => Ok(Vec::new()),
            },
            AdminCommand::ListObjects => Ok(Vec::new()),
            AdminCommand::GetProperty { .. } | AdminCommand::ListProperties { .. } => {
                // A read that a majority has to agree to is one after an update of nothing.
                let mode = turn.middle().settings.read_write_mode;
                let by_majority = mode == ReadWriteMode::MajorityReadWrite;
                let barrier = by_majority.then_some(Change::State(StateChange::Barrier));
                Ok(barrier.into_iter().collect())
            }
            AdminCommand::SetProperty {
                object,
                name,
                value,
            } => self.judge_property(turn, object, name, value),
            AdminCommand::EvictNode { node } => self.judge_evict(turn, *node),
            AdminCommand::AddNode { node, settings } => self.judge_add(turn, *node, settings),
            AdminCommand::SetQuorum { witness, disk_only } => {
                self.judge_quorum(turn, *witness, *disk_only)
            }
        }
    }

    fn judge_group(
        &self,
        turn: &Turn<'_, '_>,
        group: GroupId,
        online: bool,
    ) -> Result<Vec<Change>, Refusal> {
        self.stays_put(group)?;
        let hive = &turn.middle().hive;
        Ok(persist::group(hive, &self.model, group, online))
    }

    fn stays_put(&self, group: GroupId) -> Result<(), Refusal> {
        let known = self.groups.get(&group);
        let group = self.model.group_name(group);
        match known {
            Some(known) if known.runs() => Ok(()),
            Some(_) => {
                let reason = format!("group {group} is moving");
                Err(Refusal(code::GROUP_MOVING, reason))
            }
            None => {
                let reason = format!("group {group} is on its way to this node; try again");
                Err(Refusal(code::GROUP_NOT_AVAILABLE, reason))
            }
        }
    }

    pub(super) fn judge_move(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        to: Option<NodeId>,
    ) -> Result<Vec<Change>, Refusal> {
        let locked = self.model.groups.get(&group).is_some_and(|it| it.locked);
        if locked {
            let name = self.model.group_name(group);
            let reason = format!("group {name} is locked from moving");
            return Err(Refusal(code::LOCKED, reason));
        }
        let Some(to) = to else {
            let owner = turn.me();
            let reason = "no other possible owner is up".to_owned();
            return match self.choose(turn, group, Reason::BestPossible { owner }) {
                Some(_) => Ok(vec![]),
                None => Err(Refusal(code::NODE_CANNOT_HOST, reason)),
            };
        };
        let name = turn.middle().settings.node_name(to);
        self.live_member(turn, to)?;
        if turn.middle().objects.paused.contains(to) {
            return Err(Refusal(code::NODE_PAUSED, format!("{name} is paused")));
        }
        if !self.can_host(turn, group, to) {
            let group = self.model.group_name(group);
            let reason = format!("{name} is not a possible owner of group {group}");
            return Err(Refusal(code::NODE_CANNOT_HOST, reason));
        }
        Ok(vec![])
    }

    fn judge_failing(&self, resource: ResourceId) -> Result<Vec<Change>, Refusal> {
        let name = self.model.resource_name(resource);
        match self.state_of(resource) {
            ResourceState::Online | ResourceState::OnlinePending => Ok(vec![]),
            ResourceState::Failed => {
                let reason = format!("resource {name} has failed already");
                Err(Refusal(code::RESOURCE_FAILED, reason))
            }
            state @ (ResourceState::Offline | ResourceState::OfflinePending) => {
                let reason = format!("resource {name} is {state}");
                Err(Refusal(code::INVALID_STATE, reason))
            }
        }
    }

    /// Maintenance mode is for disks that are online, and never for the witness (reference section
    /// 1.1).
    fn judge_maintenance(
        &self,
        turn: &Turn<'_, '_>,
        resource: ResourceId,
        at: Option<NodeId>,
    ) -> Result<(), Refusal> {
        let name = self.model.resource_name(resource);
        let refuse = |code, reason: &str| Err(Refusal(code, format!("resource {name} {reason}")));
        let kind = self.model.resources.get(&resource).map(|it| it.kind());
        if at.is_some_and(|at| at != turn.me()) {
            return refuse(code::NOT_RESOURCE_OWNER, "belongs to another node");
        }
        if self.witness_resource(turn) == Some(resource) {
            return refuse(code::INVALID_REQUEST, "is the witness");
        }
        if kind != Some(ResourceKind::PhysicalDisk) {
            return refuse(
                code::INVALID_REQUEST,
                "is no disk; only disks have maintenance mode",
            );
        }
        match self.state_of(resource) {
            ResourceState::Online => Ok(()),
            state => refuse(code::INVALID_STATE, &format!("is {state}, not Online")),
        }
    }
}
