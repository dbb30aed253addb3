//! The wait before a group starts that another node may still be running, and what that node does
//! meanwhile.
//!
//! Facts: architecture section 7.3, single owner. Disks start at once, because only one node gets
//! their reservation, and what depends on a disk follows it. Everything else waits until the node
//! outside the view has certainly stopped: it detects its loss as late as anybody, regroups and
//! halts for want of votes. A disk does not speak for an address beside it: its old holder may have
//! lost the path to the disk and still answer to clients.
//!
//! The other end keeps to the same clock. A node that has been without quorum for as long as a
//! regroup and a witness in order may take ends what runs in its hosts, although it may go on
//! trying for the witness until QuorumArbitrationTimeMax; so does one whose view has lost the
//! witness that it rests on. Both bring everything back once quorum is certain.

use std::time::Duration;

use base::{
    GroupId, NodeId, NodeSet, QuorumModel, QuorumState, ResourceId, ResourceState, Timestamp,
};
use middle::quorum::count;
use middle::settings::{Heartbeat, Settings, Witness};

use super::Rcm;
use super::deadlines::Due;
use super::group::Timer;
use super::owner::members;
use super::resource::Place;
use super::state::Cause;
use super::turn::Turn;
use crate::restype::ResourceKind;

/// How long the witness may be on its way from one member to another.
const HANDOVER: Duration = Duration::from_secs(1);
/// How much longer than its usual wait a witness in order takes to be won or lost.
const WITNESS_SLACK: Duration = Duration::from_secs(1);

impl Rcm {
    /// Remembers until when a group waits that has another owner now: for a lost one, or, where
    /// this node does not know of one, for any that is missing.
    pub(super) fn haunt(&mut self, turn: &Turn<'_, '_>, group: GroupId, previous: Option<NodeId>) {
        let now = turn.now();
        self.haunted.retain(|_, until| *until > now);
        if let Some(until) = self.gate_until(turn, previous).filter(|until| *until > now) {
            let known = self.haunted.entry(group).or_insert(until);
            *known = until.max(*known);
        }
    }

    fn gate_until(&self, turn: &Turn<'_, '_>, previous: Option<NodeId>) -> Option<Timestamp> {
        let settings = &turn.middle().settings;
        let all: NodeSet = settings.nodes.keys().copied().collect();
        let missing = all.difference(members(turn));
        let lost = match previous {
            Some(owner) if missing.contains(owner) => NodeSet::one(owner),
            None => missing,
            _ => NodeSet::EMPTY,
        };
        let stopped = lost.iter().map(|node| self.stopped_by(turn, node, missing));
        stopped.max()
    }

    /// When a node outside the view has certainly stopped.
    fn stopped_by(&self, turn: &Turn<'_, '_>, node: NodeId, missing: NodeSet) -> Timestamp {
        let facts = turn.middle();
        let settings = &facts.settings;
        let silence = facts.view.as_ref().map(|view| view.silence(node));
        let heard = facts.view_at - silence.unwrap_or_default();
        let times = settings.regroup;
        let regroup = detection(settings, node) + times.undecided_max() + times.halt;
        if !may_tie(settings, missing) {
            return heard + regroup;
        }
        // Its partition may be one vote short, or may have had the witness until a moment ago: then
        // it notices that at its next look, or has to detect the loss of the holder first.
        let notice = settings.disk_arbitration_interval * 2 + times.halt;
        let holders = if missing.len() > 1 { regroup } else { notice };
        (heard + regroup + self.witness_patience(settings)).max(turn.now() + holders)
    }

    /// How long a witness in order takes to be won or lost.
    fn witness_patience(&self, settings: &Settings) -> Duration {
        match settings.witness {
            Witness::None => Duration::ZERO,
            Witness::Disk(_) => settings.disk_challenge_wait + WITNESS_SLACK,
            Witness::Share | Witness::Cloud => {
                self.defaults.share_arbitration_delay + WITNESS_SLACK
            }
        }
    }

    /// Whether a resource has to wait with its group.
    pub(super) fn is_gated(&self, group: GroupId, id: ResourceId) -> bool {
        self.groups.get(&group).is_some_and(|group| group.gated) && !self.is_fenced(id)
    }

    /// Whether it is a disk, or cannot be online without one.
    fn is_fenced(&self, id: ResourceId) -> bool {
        let Some(settings) = self.model.resources.get(&id) else {
            return false;
        };
        let fenced = |item: &Vec<ResourceId>| item.iter().all(|id| self.is_fenced(*id));
        settings.kind() == ResourceKind::PhysicalDisk || settings.dependencies.0.iter().any(fenced)
    }

    /// The lost owner has certainly stopped. A node between two views may be the lost one itself,
    /// so it starts nothing.
    pub(super) fn gate_due(&mut self, turn: &Turn<'_, '_>, id: GroupId) {
        if let Some(group) = self.groups.get_mut(&id) {
            if !self.open {
                let halt = turn.middle().settings.regroup.halt;
                group.set(Timer::Gate, turn.now() + halt);
                self.arm_group(id);
                return;
            }
            group.gated = false;
            self.unsettled.insert(id);
        }
    }

    /// This node looks for a view with quorum.
    pub(super) fn undecided(&mut self, turn: &Turn<'_, '_>) {
        let settings = &turn.middle().settings;
        let patience = settings.regroup.undecided_max() + self.witness_patience(settings);
        self.arm_limbo(turn.now() + patience);
    }

    fn arm_limbo(&mut self, at: Timestamp) {
        let mut armed = self.limbo_armed;
        self.deadlines.arm(Due::Limbo, &mut armed, Some(at));
        self.limbo_armed = armed;
    }

    /// This node has looked for a view with quorum for as long as others wait for it.
    pub(super) fn limbo_due(&mut self) {
        self.end_limbo();
        self.suspend();
    }

    fn end_limbo(&mut self) {
        let mut armed = self.limbo_armed;
        self.deadlines.arm(Due::Limbo, &mut armed, None);
        self.limbo_armed = armed;
    }

    /// The open view may have lost its quorum with the witness, or has it back. Where the witness
    /// only changes hands within the view, it is back soon.
    pub(super) fn quorum_changed(&mut self, turn: &Turn<'_, '_>, state: QuorumState) {
        let waits = self.limbo_armed != Timestamp::NEVER || self.suspended;
        match state {
            QuorumState::Held if self.open => self.resume(),
            QuorumState::Arbitrating if self.open && !waits => {
                self.arm_limbo(turn.now() + HANDOVER);
            }
            _ => {}
        }
    }

    fn suspend(&mut self) {
        self.suspended = true;
        self.unsettled.extend(self.groups.keys().copied());
    }

    /// Quorum is certain.
    pub(super) fn resume(&mut self) {
        self.end_limbo();
        if std::mem::take(&mut self.suspended) {
            self.unsettled.extend(self.groups.keys().copied());
        }
    }

    /// Ends at once whatever of a group runs in hosts. Disks and the witness stay: the target and
    /// the share say whose they are.
    pub(super) fn terminate_hosted(&mut self, turn: &mut Turn<'_, '_>, order: &[ResourceId]) {
        for id in order.iter().rev() {
            let Some(resource) = self.resources.get(id) else {
                continue;
            };
            let hosted = matches!(resource.place, Place::Host(_));
            match resource.state {
                ResourceState::Online | ResourceState::OnlinePending if hosted => {
                    self.transition(turn, *id, Cause::OfflineBegun);
                    self.terminate(turn, *id);
                }
                ResourceState::OfflinePending if hosted && resource.terminating.is_none() => {
                    self.terminate(turn, *id);
                }
                _ => {}
            }
        }
    }
}

/// How late a node detects that it hears nothing more, at most.
fn detection(settings: &Settings, node: NodeId) -> Duration {
    let others = settings.nodes.keys().filter(|other| **other != node);
    let wait = |beat: Heartbeat| beat.detection() + beat.delay * 2;
    let waits = others.map(|other| wait(settings.heartbeat(node, *other)));
    waits.max().unwrap_or_default()
}

/// Whether the nodes outside the view could have quorum with the witness: by the votes of now, or
/// by those that were configured, because weights may have been adjusted meanwhile.
fn may_tie(settings: &Settings, missing: NodeSet) -> bool {
    if settings.witness == Witness::None {
        return false;
    }
    let configured = Settings {
        dynamic_quorum: false,
        ..settings.clone()
    };
    let enough = |settings| count(settings, missing, true).has_quorum();
    settings.model == QuorumModel::DiskOnly || enough(settings) || enough(&configured)
}
