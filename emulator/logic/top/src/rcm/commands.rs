//! Administrators' commands: sent to the node that can carry them out, judged there, answered once.
//!
//! A command that changes the cluster database takes effect when the change is committed, so that a
//! definite refusal means no effect and an answer means effect. Numbers are the product's (see
//! `api::code`).

use base::{GroupId, NodeId, NodeSet, RequestId, ResourceId, ResourceState};
use middle::database::Change;
use middle::object::StateChange;

use super::owner::members;
use super::placement::Reason;
use super::report::Then;
use super::turn::Turn;
use super::{Message, Output, Rcm, persist};
use crate::api::{AdminCommand, AdminReply, code};

/// Most requests of this node that wait for an answer from another.
const REQUESTS_MAX: usize = 1_024;

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub node: NodeId,
    pub request: RequestId,
}

/// A definite refusal.
struct Refusal(u32, String);

impl Rcm {
    /// A request came in at this node.
    pub(super) fn command(
        &mut self,
        turn: &mut Turn<'_, '_>,
        request: RequestId,
        command: AdminCommand,
    ) {
        let origin = Origin {
            node: turn.me(),
            request,
        };
        match self.handler(turn, &command) {
            Err(refusal) => self.refuse(turn, origin, refusal),
            Ok(node) if node == turn.me() => self.carry_out(turn, origin, command),
            Ok(_) if self.asked.len() >= REQUESTS_MAX => {
                let reason = "too many requests of this node are under way".to_owned();
                self.refuse(turn, origin, Refusal(code::BUSY, reason));
            }
            Ok(node) => {
                self.asked.insert(request, node);
                let to = NodeSet::one(node);
                let message = Message::Command { request, command };
                turn.say(Output::Send { to, message });
            }
        }
    }

    /// A peer sent a command or answered one.
    pub(super) fn message(&mut self, turn: &mut Turn<'_, '_>, from: NodeId, message: Message) {
        match message {
            Message::Command { request, command } => {
                let origin = Origin {
                    node: from,
                    request,
                };
                self.carry_out(turn, origin, command);
            }
            Message::Reply { request, reply } => {
                if self.asked.get(&request) == Some(&from) {
                    self.asked.remove(&request);
                    turn.say(Output::Reply { request, reply });
                }
            }
        }
    }

    /// The node that a command is for.
    fn handler(&self, turn: &Turn<'_, '_>, command: &AdminCommand) -> Result<NodeId, Refusal> {
        if !self.open {
            return Err(no_quorum());
        }
        match command {
            AdminCommand::MoveGroup { group, .. }
            | AdminCommand::OnlineGroup { group }
            | AdminCommand::OfflineGroup { group } => self.owner_of(turn, *group),
            AdminCommand::OnlineResource { resource }
            | AdminCommand::OfflineResource { resource }
            | AdminCommand::FailResource { resource } => {
                self.owner_of(turn, self.group_of(*resource)?)
            }
            AdminCommand::PauseNode { node, .. } | AdminCommand::ResumeNode { node } => {
                self.live_member(turn, *node)
            }
        }
    }

    fn group_of(&self, resource: ResourceId) -> Result<GroupId, Refusal> {
        let settings = self.model.resources.get(&resource);
        settings.map(|settings| settings.group).ok_or_else(|| {
            Refusal(
                code::RESOURCE_NOT_FOUND,
                format!("there is no resource {resource}"),
            )
        })
    }

    fn owner_of(&self, turn: &Turn<'_, '_>, group: GroupId) -> Result<NodeId, Refusal> {
        if !self.model.groups.contains_key(&group) {
            let reason = format!("there is no group {group}");
            return Err(Refusal(code::GROUP_NOT_FOUND, reason));
        }
        let row = turn.middle().objects.groups.get(&group);
        row.map(|row| row.owner)
            .filter(|owner| members(turn).contains(*owner))
            .ok_or_else(|| {
                let group = self.model.group_name(group);
                let reason = format!("group {group} has no owner at the moment; try again");
                Refusal(code::GROUP_NOT_AVAILABLE, reason)
            })
    }

    fn live_member(&self, turn: &Turn<'_, '_>, node: NodeId) -> Result<NodeId, Refusal> {
        let settings = &turn.middle().settings;
        if !settings.nodes.contains_key(&node) {
            let reason = format!("there is no node {node}");
            return Err(Refusal(code::NODE_NOT_FOUND, reason));
        }
        if !members(turn).contains(node) {
            let reason = format!("{} is down", settings.node_name(node));
            return Err(Refusal(code::NODE_DOWN, reason));
        }
        Ok(node)
    }

    /// Judges a command and begins what it asks for.
    fn carry_out(&mut self, turn: &mut Turn<'_, '_>, origin: Origin, command: AdminCommand) {
        let judged = self.handler(turn, &command).and_then(|node| {
            if node == turn.me() {
                self.changes_for(turn, &command)
            } else {
                Err(self.moved_on(turn, node))
            }
        });
        match judged {
            Err(refusal) => self.refuse(turn, origin, refusal),
            Ok(changes) if changes.is_empty() => {
                self.act(turn, &command);
                self.answer_done(turn, origin);
            }
            Ok(_) if self.report.is_full() => {
                let reason = "too many changes wait for the cluster".to_owned();
                self.refuse(turn, origin, Refusal(code::BUSY, reason));
            }
            Ok(changes) => self.report.push(changes, Then::Act { origin, command }),
        }
    }

    fn moved_on(&self, turn: &Turn<'_, '_>, node: NodeId) -> Refusal {
        let name = turn.middle().settings.node_name(node);
        let reason = format!("the owner is {name} now; try again");
        Refusal(code::NOT_GROUP_OWNER, reason)
    }

    /// What has to be agreed on by the cluster before a command takes effect; nothing where it
    /// takes effect here and now.
    fn changes_for(
        &mut self,
        turn: &mut Turn<'_, '_>,
        command: &AdminCommand,
    ) -> Result<Vec<Change>, Refusal> {
        let pause = |node, paused| Change::State(StateChange::NodePaused { node, paused });
        let paused = |node| turn.middle().objects.paused.contains(node);
        match *command {
            AdminCommand::PauseNode { node, .. } if !paused(node) => Ok(vec![pause(node, true)]),
            AdminCommand::ResumeNode { node } if paused(node) => Ok(vec![pause(node, false)]),
            AdminCommand::PauseNode { .. } | AdminCommand::ResumeNode { .. } => Ok(vec![]),
            AdminCommand::MoveGroup { group, to } => {
                self.stays_put(group)?;
                self.judge_move(turn, group, to)
            }
            AdminCommand::OnlineGroup { group } => {
                self.stays_put(group)?;
                Ok(persist::group(
                    &turn.middle().hive,
                    &self.model,
                    group,
                    true,
                ))
            }
            AdminCommand::OfflineGroup { group } => {
                self.stays_put(group)?;
                Ok(persist::group(
                    &turn.middle().hive,
                    &self.model,
                    group,
                    false,
                ))
            }
            AdminCommand::OnlineResource { resource } => {
                self.stays_put(self.group_of(resource)?)?;
                let mut wanted = self.with_providers(resource);
                wanted.reverse();
                Ok(persist::online(&turn.middle().hive, &self.model, &wanted))
            }
            AdminCommand::OfflineResource { resource } => {
                self.stays_put(self.group_of(resource)?)?;
                Ok(persist::offline(&turn.middle().hive, resource))
            }
            AdminCommand::FailResource { resource } => self.judge_failing(resource),
        }
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

    fn judge_move(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        to: Option<NodeId>,
    ) -> Result<Vec<Change>, Refusal> {
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

    /// A command takes effect.
    pub(super) fn act(&mut self, turn: &mut Turn<'_, '_>, command: &AdminCommand) {
        match *command {
            AdminCommand::MoveGroup { group, to } => self.act_move(turn, group, to),
            AdminCommand::OnlineGroup { group } => self.want_group(group, true),
            AdminCommand::OfflineGroup { group } => self.want_group(group, false),
            AdminCommand::OnlineResource { resource } => {
                for id in self.with_providers(resource) {
                    self.want(id, true);
                }
            }
            AdminCommand::OfflineResource { resource } => self.want(resource, false),
            AdminCommand::FailResource { resource } => {
                let state = self.state_of(resource);
                if matches!(state, ResourceState::Online | ResourceState::OnlinePending) {
                    self.fail(turn, resource);
                }
            }
            AdminCommand::PauseNode { drain: true, .. } => {
                let groups: Vec<GroupId> = self.groups.keys().copied().collect();
                for group in groups {
                    self.send_away(turn, group);
                }
            }
            AdminCommand::PauseNode { drain: false, .. } | AdminCommand::ResumeNode { .. } => {}
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
        let order = self.groups.get(&group).map(|group| group.order.clone());
        for resource in order.unwrap_or_default() {
            self.want(resource, wanted);
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
    fn with_providers(&self, resource: ResourceId) -> Vec<ResourceId> {
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

    /// Members that were asked something and are gone: nobody knows how it ended.
    pub(super) fn answer_unreachable(&mut self, turn: &mut Turn<'_, '_>) {
        let asked = std::mem::take(&mut self.asked);
        for (request, node) in asked {
            let name = turn.middle().settings.node_name(node);
            let reply = AdminReply::Refused {
                code: code::NODE_DOWN,
                reason: format!("the membership changed while {name} carried it out"),
                definite: false,
            };
            turn.say(Output::Reply { request, reply });
        }
    }

    fn refuse(&self, turn: &mut Turn<'_, '_>, origin: Origin, refusal: Refusal) {
        let Refusal(code, reason) = refusal;
        let reply = AdminReply::Refused {
            code,
            reason,
            definite: true,
        };
        answer(turn, origin, reply);
    }

    /// The cluster did not agree in time.
    pub(super) fn answer_no_quorum(&self, turn: &mut Turn<'_, '_>, origin: Origin, definite: bool) {
        let Refusal(code, reason) = no_quorum();
        let reply = AdminReply::Refused {
            code,
            reason,
            definite,
        };
        answer(turn, origin, reply);
    }

    pub(super) fn answer_done(&self, turn: &mut Turn<'_, '_>, origin: Origin) {
        answer(turn, origin, AdminReply::Done);
    }
}

fn no_quorum() -> Refusal {
    let reason = "the cluster has no quorum or is regrouping; try again".to_owned();
    Refusal(code::NO_QUORUM, reason)
}

fn answer(turn: &mut Turn<'_, '_>, origin: Origin, reply: AdminReply) {
    let request = origin.request;
    if origin.node == turn.me() {
        turn.say(Output::Reply { request, reply });
    } else {
        let to = NodeSet::one(origin.node);
        let message = Message::Reply { request, reply };
        turn.say(Output::Send { to, message });
    }
}
