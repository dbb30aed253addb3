//! Preemption: a group of a lower priority makes room for one that lacks resources (2012 and
//! later).
//!
//! Facts: reference section 3 (Priority, MinimumPreemptorPriority, MinimumNeverPreemptPriority,
//! bits 2 and 8 of StatusInformation) and section 9 (event 1251). A group lacks resources when
//! Online of one of its resources says so by its error code. Who makes room is unsourced: here the
//! group of the lowest priority on the same node, one at a time, the one that came last first. It
//! goes to another node if there is one, else it waits until the other group is gone.

use base::{Generation, GroupId, ResourceId, StateChangeCause, Timestamp};

use super::Rcm;
use super::group::Group;
use super::hold::Hold;
use super::model::CORE_GROUP;
use super::placement::Reason;
use super::state::Cause;
use super::turn::Turn;

/// ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_COMMITMENT_LIMIT:
/// the node has no room for the resource.
const LACKING: [u32; 4] = [8, 14, 1_450, 1_455];

/// Whether an error number of Online says that there is no room.
pub(super) fn says_no_room(code: u32) -> bool {
    LACKING.contains(&code)
}

/// What a group lacks resources for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lacking {
    /// The resource that could not come online.
    pub resource: ResourceId,
    /// The group that makes room; without one it waits until there is some.
    pub from: Option<GroupId>,
    /// Since when.
    pub since: Timestamp,
    /// All members know that there was no room here.
    pub told: bool,
}

impl Rcm {
    /// Has a group of a lower priority make room for a resource whose Online failed for want of
    /// resources, or has its group wait for room; false when that was not the reason.
    pub(super) fn make_room(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, code: u32) -> bool {
        let of_2012 = turn.middle().settings.generation >= Generation::V2012;
        let group = self.resources.get(&id).map(|record| record.group);
        let Some(group) = group.filter(|_| of_2012 && says_no_room(code)) else {
            return false;
        };
        let from = self.victim(group);
        self.transition(turn, id, Cause::OfflineBegun);
        self.terminate(turn, id);
        if let Some(record) = self.resources.get_mut(&id) {
            record.held = true;
        }
        if let Some(record) = self.groups.get_mut(&group) {
            record.lacking = Some(Lacking {
                resource: id,
                from,
                since: turn.now(),
                told: false,
            });
        }
        match from.and_then(|victim| self.groups.get_mut(&victim)) {
            Some(record) => record.preempted_by = Some(group),
            None => self.tell_no_room(turn, group),
        }
        self.unsettled.extend(from.into_iter().chain([group]));
        true
    }

    /// The group that makes room for another one, if any may.
    fn victim(&self, group: GroupId) -> Option<GroupId> {
        let priority = |id: &GroupId| {
            let settings = self.model.groups.get(id);
            settings.map_or(u32::MAX, |settings| settings.priority.number())
        };
        let cluster = &self.model.cluster;
        let own = priority(&group);
        if own < cluster.minimum_preemptor_priority {
            return None;
        }
        let may = |(id, record): &(&GroupId, &Group)| {
            let lower = priority(id) < own && priority(id) < cluster.minimum_never_preempt_priority;
            **id != CORE_GROUP
                && lower
                && record.runs()
                && record.preempted_by.is_none()
                && self.is_active(record)
        };
        let candidates = self.groups.iter().filter(may);
        let order = |(id, record): &(&GroupId, &Group)| {
            (priority(id), std::cmp::Reverse(record.since), **id)
        };
        candidates.min_by_key(order).map(|(id, _)| *id)
    }

    /// Whoever a group makes room for, as long as that one is here and wants it.
    pub(super) fn preemptor(&mut self, id: GroupId) -> Option<GroupId> {
        let by = self.groups.get(&id)?.preempted_by?;
        let stays = self.groups.get(&by).is_some_and(|other| {
            other.runs() && (other.lacking.is_some() || self.is_active(other))
        });
        if !stays && let Some(group) = self.groups.get_mut(&id) {
            group.preempted_by = None;
        }
        stays.then_some(by)
    }

    /// Tries again what a group lacked resources for, once room was made.
    pub(super) fn look_for_room(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let Some(lacking) = self.groups.get(&id).and_then(|it| it.lacking) else {
            return;
        };
        let resource = lacking.resource;
        let wanted = self
            .resources
            .get(&resource)
            .is_some_and(|it| it.wanted && it.held);
        let made = match lacking.from {
            Some(from) => self.is_group_down(from),
            None => self.finds_room(turn, id, lacking),
        };
        if wanted && !made {
            return;
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.lacking = None;
        }
        if let Some(record) = self.resources.get_mut(&resource) {
            record.held = false;
        }
    }

    /// A group that made room goes where there is some.
    pub(super) fn send_preempted(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let Some(by) = self.groups.get(&id).and_then(|group| match group.hold {
            Some(Hold::Preempted { by }) if group.runs() => Some(by),
            _ => None,
        }) else {
            return;
        };
        if !self.open || !self.is_group_down(id) {
            return;
        }
        self.unsettled.insert(by);
        let owner = turn.me();
        if let Some(to) = self.choose(turn, id, Reason::BestPossible { owner }) {
            self.leave(id, Some(to), StateChangeCause::Move);
        }
    }

    /// A group is gone: those that made room for it look again.
    pub(super) fn wake_preempted(&mut self, by: GroupId) {
        let made_room = |(_, group): &(&GroupId, &Group)| group.preempted_by == Some(by);
        let groups = self.groups.iter().filter(made_room);
        let groups: Vec<GroupId> = groups.map(|(id, _)| *id).collect();
        self.unsettled.extend(groups);
    }
}
