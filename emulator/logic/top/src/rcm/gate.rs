//! The wait before a group starts that another node may still be running.
//!
//! Facts: architecture section 7.3, single owner. Disks start at once, because only one node gets
//! their reservation, and what depends on a disk follows it. Everything else waits until the node
//! outside the view has certainly stopped: it detects its loss as late as anybody, regroups and
//! halts for want of votes. A disk does not speak for an address beside it: its old holder may have
//! lost the path to the disk and still answer to clients.

use std::time::Duration;

use base::{GroupId, NodeId, NodeSet, ResourceId, Timestamp};
use middle::settings::{Heartbeat, Witness};

use super::Rcm;
use super::group::Timer;
use super::owner::members;
use super::turn::Turn;
use crate::restype::ResourceKind;

/// A service that has decided to end is gone after this.
const HALT: Duration = Duration::from_secs(1);

impl Rcm {
    /// Until when a group waits: for a lost owner, or, where the cluster has just formed without
    /// all its nodes, for any that is missing.
    pub(super) fn gate_until(
        &self,
        turn: &Turn<'_, '_>,
        previous: Option<NodeId>,
    ) -> Option<Timestamp> {
        let all: NodeSet = turn.middle().settings.nodes.keys().copied().collect();
        let missing = all.difference(members(turn));
        match previous {
            Some(owner) if !members(turn).contains(owner) => {
                let heard = turn.middle().last_heard.get(owner.index()).copied();
                let heard = heard.filter(|at| *at != Timestamp::ZERO);
                let last = heard.unwrap_or(turn.now());
                let stopped = stop_time(turn, NodeSet::one(owner), last, self.opening());
                Some(stopped.max(turn.now() + witness_notice(turn)))
            }
            None if !missing.is_empty() => self
                .formed_at
                .map(|formed| stop_time(turn, missing, formed, self.opening())),
            _ => None,
        }
    }

    fn opening(&self) -> Duration {
        self.defaults.regroup_opening_timeout
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
                group.set(Timer::Gate, turn.now() + HALT);
                self.arm_group(id);
                return;
            }
            group.gated = false;
            self.unsettled.insert(id);
        }
    }
}

/// How long a node that held quorum by the witness needs to notice that the witness was taken from
/// it: two looks at the reservation, and the halt. Looks at a share are less than that apart.
fn witness_notice(turn: &Turn<'_, '_>) -> Duration {
    let settings = &turn.middle().settings;
    match settings.witness {
        Witness::None => Duration::ZERO,
        Witness::Disk(_) | Witness::Share => settings.disk_arbitration_interval * 2 + HALT,
    }
}

/// When nodes that were cut off at `last` have certainly stopped.
fn stop_time(turn: &Turn<'_, '_>, lost: NodeSet, last: Timestamp, opening: Duration) -> Timestamp {
    let settings = &turn.middle().settings;
    let pairs = lost.iter().flat_map(|node| {
        let others = settings.nodes.keys().filter(move |other| **other != node);
        others.map(move |other| settings.heartbeat(node, *other))
    });
    let wait = |beat: Heartbeat| beat.detection() + beat.delay * 2;
    last + pairs.map(wait).max().unwrap_or_default() + opening + HALT
}
