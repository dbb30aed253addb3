//! How long each failover took, by phase, from what was logged.

use std::collections::BTreeMap;

use base::{DiskId, GroupId, GroupState, NodeId, Notice, ResourceState, Timestamp};
use plan::Plan;
use top::rcm::ResourceParameters;

use crate::log::{Entry, What, WorldEvent};
use crate::report::{Failover, Phases};
use crate::words::cause_word;

/// Every move of a group from one node to another.
pub(super) fn breakdown(entries: &[Entry], plan: &Plan) -> Vec<Failover> {
    let mut owners: BTreeMap<GroupId, NodeId> = BTreeMap::new();
    let mut moves = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let What::Notice(
            _,
            Notice::GroupMoved {
                group,
                from: Some(from),
                to,
                cause,
            },
        ) = &entry.what
        else {
            continue;
        };
        // Every node tells of every move; the first one counts.
        if from == to || owners.insert(*group, *to) == Some(*to) {
            continue;
        }
        let moved = Move {
            entries,
            plan,
            place,
            group: *group,
            from: *from,
            to: *to,
        };
        moves.push(moved.describe(cause_word(*cause)));
    }
    moves
}

struct Move<'a> {
    entries: &'a [Entry],
    plan: &'a Plan,
    /// Where the log has it.
    place: usize,
    group: GroupId,
    from: NodeId,
    to: NodeId,
}

impl Move<'_> {
    fn describe(&self, cause: &'static str) -> Failover {
        let began = self.trigger();
        let start = self.entries[began].at;
        let committed = self.entries[self.place].at;
        let before = &self.entries[began..=self.place];
        let after = &self.entries[self.place..];
        let detected = first(before, |entry| self.is_symptom(entry));
        let viewed = first(before, |entry| self.is_view(entry));
        let held = last(before, |entry| self.is_quorum(entry)).filter(|_| viewed.is_some());
        let next = self.next_move();
        let online = first(after, |entry| self.is_online(entry)).filter(|at| *at <= next);
        let until = online.unwrap_or(next);
        let disks = last(before, |entry| self.is_disk(entry));
        let disks = last(after, |entry| entry.at <= until && self.is_disk(entry)).or(disks);
        let mut clock = PhaseClock(start);
        let names = &self.plan.names;
        Failover {
            group: names.of_group(self.group),
            from: names.of_node(self.from),
            to: names.of_node(self.to),
            cause,
            at: start.into(),
            phases: Phases {
                detection: clock.lap(detected),
                regroup: clock.lap(viewed),
                quorum: clock.lap(held),
                placement: clock.lap(Some(committed)),
                arbitration: clock.lap(disks),
                online: clock.lap(online),
            },
            total: online.map(|at| at.since(start).into()),
        }
    }

    /// What led to the move: the latest fault, healing or step before it, else the first symptom.
    fn trigger(&self) -> usize {
        let caused = |entry: &Entry| {
            matches!(
                entry.what,
                What::World(WorldEvent::Fault(..) | WorldEvent::Healed(_) | WorldEvent::Asked(..))
            )
        };
        let before = &self.entries[..self.place];
        before
            .iter()
            .rposition(caused)
            .or_else(|| before.iter().rposition(|entry| self.is_symptom(entry)))
            .unwrap_or(self.place)
    }

    /// When the group moves again.
    fn next_move(&self) -> Timestamp {
        let again = |entry: &&Entry| {
            matches!(&entry.what, What::Notice(_, Notice::GroupMoved { group, from, .. })
                if *group == self.group && *from == Some(self.to))
        };
        let after = self.entries[self.place..].iter().skip(1);
        after
            .into_iter()
            .find(again)
            .map_or(Timestamp::NEVER, |entry| entry.at)
    }

    fn is_symptom(&self, entry: &Entry) -> bool {
        let What::Notice(node, notice) = &entry.what else {
            return false;
        };
        match notice {
            Notice::PeerLost { peer, .. } => *peer == self.from && *node != self.from,
            Notice::LooksAliveFailed { resource }
            | Notice::IsAliveFailed { resource }
            | Notice::EntryPointTimedOut { resource }
            | Notice::ResourceState {
                resource,
                to: ResourceState::Failed,
                ..
            } => *node == self.from && self.has(*resource),
            Notice::DiskLost { disk } => *node == self.from && self.disks().any(|it| it == *disk),
            _ => false,
        }
    }

    fn is_view(&self, entry: &Entry) -> bool {
        matches!(&entry.what, What::Notice(node, Notice::ViewInstalled { members, .. })
            if *node == self.to && !members.contains(self.from))
    }

    fn is_quorum(&self, entry: &Entry) -> bool {
        matches!(&entry.what, What::Notice(node, Notice::QuorumCounted { held: true, .. })
            if *node == self.to)
    }

    fn is_disk(&self, entry: &Entry) -> bool {
        matches!(&entry.what, What::Notice(node, Notice::DiskHeld { disk })
            if *node == self.to && self.disks().any(|it| it == *disk))
    }

    fn is_online(&self, entry: &Entry) -> bool {
        matches!(&entry.what, What::Notice(node, Notice::GroupState { group, state })
            if *node == self.to && *group == self.group && *state == GroupState::Online)
    }

    fn has(&self, resource: base::ResourceId) -> bool {
        let settings = self.plan.model.resources.get(&resource);
        settings.is_some_and(|it| it.group == self.group)
    }

    fn disks(&self) -> impl Iterator<Item = DiskId> + '_ {
        let of_group = self.plan.model.of_group(self.group);
        of_group.filter_map(|(_, settings)| match settings.parameters {
            ResourceParameters::PhysicalDisk { disk, .. } => Some(disk),
            _ => None,
        })
    }
}

/// Measures one phase after the other; one that did not occur leaves the time to the next.
struct PhaseClock(Timestamp);

impl PhaseClock {
    fn lap<T: From<std::time::Duration>>(&mut self, at: Option<Timestamp>) -> Option<T> {
        let at = at.filter(|at| *at >= self.0)?;
        let span = at.since(self.0);
        self.0 = at;
        Some(span.into())
    }
}

fn first(entries: &[Entry], is: impl Fn(&Entry) -> bool) -> Option<Timestamp> {
    entries.iter().find(|entry| is(entry)).map(|entry| entry.at)
}

fn last(entries: &[Entry], is: impl Fn(&Entry) -> bool) -> Option<Timestamp> {
    entries
        .iter()
        .rfind(|entry| is(entry))
        .map(|entry| entry.at)
}
