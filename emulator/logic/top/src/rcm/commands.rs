//! Administrators' commands: sent to the node that can carry them out, judged there, answered once.
//!
//! A command that changes the cluster database takes effect when the change is committed, so that a
//! definite refusal means no effect and an answer means effect. Numbers are the product's (see
//! `api::code`).

use base::{GroupId, NodeId, NodeSet, NodeStanding, RequestId, ResourceId};

use super::isolated;
use super::model::CORE_GROUP;
use super::owner::members;
use super::report::Then;
use super::turn::Turn;
use super::{Message, Output, Rcm};
use crate::api::{AdminCommand, AdminReply, Object, code};

/// Most requests of this node that wait for an answer from another.
const REQUESTS_MAX: usize = 1_024;

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub node: NodeId,
    pub request: RequestId,
}

/// A definite refusal.
#[derive(Debug)]
pub(super) struct Refusal(pub u32, pub String);

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
            | AdminCommand::QueueMove { group, .. }
            | AdminCommand::OnlineGroup { group }
            | AdminCommand::OfflineGroup { group } => self.owner_of(turn, *group),
            AdminCommand::OnlineResource { resource }
            | AdminCommand::OfflineResource { resource }
            | AdminCommand::FailResource { resource }
            | AdminCommand::SetMaintenanceMode { resource, .. }
            | AdminCommand::ControlResource { resource, .. } => {
                self.owner_of(turn, self.group_of(*resource)?)
            }
            AdminCommand::PauseNode { node, .. }
            | AdminCommand::ResumeNode { node }
            | AdminCommand::VolumeIo { at: node, .. } => self.live_member(turn, *node),
            // What only the owner, or the node itself, knows.
            AdminCommand::GetProperty {
                object: Object::Group { group },
                name,
            } if name.eq_ignore_ascii_case("StatusInformation")
                && !self.is_unmonitored(turn, *group) =>
            {
                self.owner_of(turn, *group)
            }
            AdminCommand::GetProperty {
                object: Object::Resource { resource },
                name,
            } if name.eq_ignore_ascii_case("StatusInformation") => {
                self.owner_of(turn, self.group_of(*resource)?)
            }
            AdminCommand::GetProperty {
                object: Object::Node { node },
                name,
            } if (name.eq_ignore_ascii_case("StatusInformation")
                || name.eq_ignore_ascii_case("NodeDrainStatus"))
                && turn.middle().objects.standing(*node) == NodeStanding::Normal =>
            {
                self.live_member(turn, *node)
            }
            AdminCommand::EvictNode { node } => self.evicting_member(turn, *node),
            // Who owns the core group knows whether the witness is online.
            AdminCommand::SetQuorum { .. } => self.owner_of(turn, CORE_GROUP),
            AdminCommand::AddNode { .. }
            | AdminCommand::ControlType { .. }
            | AdminCommand::GetProperty { .. }
            | AdminCommand::ListProperties { .. }
            | AdminCommand::ListObjects
            | AdminCommand::SetProperty { .. } => Ok(turn.me()),
        }
    }

    pub(super) fn group_of(&self, resource: ResourceId) -> Result<GroupId, Refusal> {
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
        if self.is_unmonitored(turn, group) {
            return Err(self.unmonitored_refusal(group));
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

    pub(super) fn live_member(&self, turn: &Turn<'_, '_>, node: NodeId) -> Result<NodeId, Refusal> {
        let settings = &turn.middle().settings;
        if !settings.nodes.contains_key(&node) {
            let reason = format!("there is no node {node}");
            return Err(Refusal(code::NODE_NOT_FOUND, reason));
        }
        if !members(turn).contains(node) {
            return Err(isolated::absent(turn, node));
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
            Ok(changes) if changes.is_empty() => self.carry_out_here(turn, origin, command),
            Ok(_) if self.report.is_full() => {
                let reason = "too many changes wait for the cluster".to_owned();
                self.refuse(turn, origin, Refusal(code::BUSY, reason));
            }
            Ok(changes) => self.report.push(changes, Then::Act { origin, command }),
        }
    }

    /// Carries out what needs nobody's agreement, and answers.
    pub(super) fn carry_out_here(
        &mut self,
        turn: &mut Turn<'_, '_>,
        origin: Origin,
        command: AdminCommand,
    ) {
        match command {
            AdminCommand::ControlResource {
                resource,
                code,
                input,
            } => self.control(turn, origin, resource, code, input),
            AdminCommand::VolumeIo { resource, io, .. } => {
                self.volume_io(turn, origin, resource, io);
            }
            AdminCommand::ControlType { label, code, input } => match self.of_type(turn, &label) {
                Some(resource) => self.control(turn, origin, resource, code, input),
                None => {
                    let reason = format!("there is no resource of type `{label}`");
                    let refusal = Refusal(code::RESOURCE_NOT_FOUND, reason);
                    self.refuse(turn, origin, refusal);
                }
            },
            AdminCommand::GetProperty { object, name } => {
                match self.property(turn, &object, &name) {
                    Ok(value) => answer(turn, origin, AdminReply::Value { value }),
                    Err(refusal) => self.refuse(turn, origin, refusal),
                }
            }
            AdminCommand::ListObjects => {
                let entries = self.objects(turn);
                answer(turn, origin, AdminReply::Objects { entries });
            }
            AdminCommand::ListProperties { object } => {
                let values = self.properties_of(turn, &object);
                answer(turn, origin, AdminReply::Properties { values });
            }
            command => {
                self.act(turn, &command);
                self.answer_done(turn, origin);
            }
        }
    }

    fn moved_on(&self, turn: &Turn<'_, '_>, node: NodeId) -> Refusal {
        let name = turn.middle().settings.node_name(node);
        let reason = format!("the owner is {name} now; try again");
        Refusal(code::NOT_GROUP_OWNER, reason)
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

    pub(super) fn refuse(&self, turn: &mut Turn<'_, '_>, origin: Origin, refusal: Refusal) {
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

/// Answers a request where it came in.
pub(super) fn answer(turn: &mut Turn<'_, '_>, origin: Origin, reply: AdminReply) {
    let request = origin.request;
    if origin.node == turn.me() {
        turn.say(Output::Reply { request, reply });
    } else {
        let to = NodeSet::one(origin.node);
        let message = Message::Reply { request, reply };
        turn.say(Output::Send { to, message });
    }
}
