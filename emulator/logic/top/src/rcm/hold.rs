//! What keeps a whole group from starting although it is wanted: its cold-start setting, a group
//! that it avoids on the same node, groups that have to start first.
//!
//! Facts: reference section 3 (ColdStartSetting, ClusterEnforcedAntiAffinity,
//! GroupDependencyTimeout, the bits of StatusInformation). A hold only ever keeps a group from
//! starting; nothing that runs is taken offline by it.

use base::{GroupId, GroupState, NodeId, Notice, ResourceState, StateChangeCause, Timestamp};

use super::Rcm;
use super::group::{Group, Timer};
use super::model::ColdStart;
use super::persist;
use super::queue;
use super::report::Then;
use super::turn::Turn;

/// Why nothing of a group starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Its cold-start setting; an administrator's Online ends it.
    ColdStart,
    /// A group that it avoids runs on this node, and anti-affinity is enforced.
    AntiAffinity { with: GroupId },
    /// It makes room for this group, which has a higher priority.
    Preempted { by: GroupId },
    /// This group has to be online first.
    Dependency { on: GroupId },
}

/// Whether other groups on the same node keep it offline.
fn is_by_others(hold: Option<Hold>) -> bool {
    matches!(
        hold,
        Some(Hold::AntiAffinity { .. } | Hold::Preempted { .. })
    )
}

impl Rcm {
    /// Finds out whether a group is held back, and says so once.
    pub(super) fn look_for_hold(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let hold = self.hold(turn, id);
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        if group.hold == hold {
            return;
        }
        group.hold = hold;
        match hold {
            Some(Hold::AntiAffinity { with }) => {
                turn.notice(Notice::AntiAffinityConflict { group: id, with });
            }
            Some(Hold::Dependency { on }) => turn.notice(Notice::GroupWaits { group: id, on }),
            Some(Hold::Preempted { by }) => turn.notice(Notice::GroupPreempted { group: id, by }),
            Some(Hold::ColdStart) | None => {}
        }
    }

    fn hold(&mut self, turn: &Turn<'_, '_>, id: GroupId) -> Option<Hold> {
        let preemptor = self.preemptor(id);
        let group = self.groups.get(&id)?;
        if !group.runs() {
            return None;
        }
        if let Some(by) = preemptor {
            return Some(Hold::Preempted { by });
        }
        if self.is_active(group) {
            return None;
        }
        if group.cold {
            return Some(Hold::ColdStart);
        }
        self.conflict(id)
            .map(|with| Hold::AntiAffinity { with })
            .or_else(|| self.waits_for(turn, id))
    }

    /// Whether something of it runs or is on its way.
    pub(super) fn is_active(&self, group: &Group) -> bool {
        let idle = |state| matches!(state, ResourceState::Offline | ResourceState::Failed);
        group.order.iter().any(|id| !idle(self.state_of(*id)))
    }

    /// A group on this node that this one avoids and that comes before it: because it runs
    /// already, or because it is placed first.
    fn conflict(&self, id: GroupId) -> Option<GroupId> {
        if !self.model.cluster.enforced_anti_affinity {
            return None;
        }
        let first = |other: GroupId, group: &Group| {
            let ahead = self.model.start_order(other) < self.model.start_order(id);
            let wanted = group.order.iter().any(|it| {
                let record = self.resources.get(it);
                record.is_some_and(|record| record.wanted)
            });
            group.runs() && (self.is_active(group) || (ahead && wanted && group.hold.is_none()))
        };
        self.groups
            .iter()
            .filter(|(other, _)| self.model.avoid_each_other(id, **other))
            .find(|(other, group)| first(**other, group))
            .map(|(other, _)| *other)
    }

    /// The first group that this one still has to wait for.
    fn waits_for(&mut self, turn: &Turn<'_, '_>, id: GroupId) -> Option<Hold> {
        let settings = self.model.groups.get(&id)?;
        let group = self.groups.get(&id)?;
        let since = group.since;
        let until = since + self.model.cluster.group_dependency_timeout;
        if group.started || turn.now() >= until {
            return None;
        }
        let missing = settings
            .after
            .iter()
            .find(|it| !self.is_group_online(turn, it.group))
            .map(|it| it.group);
        let delayed = settings.after.iter().max_by_key(|it| it.delay).copied();
        match (missing, delayed) {
            (Some(on), _) => {
                self.wake_at(id, until);
                self.all_online(id, None);
                Some(Hold::Dependency { on })
            }
            (None, Some(last)) => {
                let began = self.all_online(id, Some(turn.now()));
                let start = began + last.delay;
                let waits = turn.now() < start;
                if waits {
                    self.wake_at(id, start);
                }
                waits.then_some(Hold::Dependency { on: last.group })
            }
            (None, None) => None,
        }
    }

    /// Remembers since when all that a group waits for is online.
    fn all_online(&mut self, id: GroupId, since: Option<Timestamp>) -> Timestamp {
        let now = since.unwrap_or_default();
        match (self.groups.get_mut(&id), since) {
            (Some(group), Some(_)) => *group.providers_since.get_or_insert(now),
            (Some(group), None) => {
                group.providers_since = None;
                now
            }
            (None, _) => now,
        }
    }

    pub(super) fn wake_at(&mut self, id: GroupId, at: Timestamp) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.set(Timer::Dependencies, at);
            self.arm_group(id);
        }
    }

    /// Whether the object table shows every resource of a group online.
    fn is_group_online(&self, turn: &Turn<'_, '_>, id: GroupId) -> bool {
        let rows = &turn.middle().objects.resources;
        let states = self.model.of_group(id).map(|(resource, _)| {
            let row = rows.get(&resource);
            row.map_or(ResourceState::Offline, |row| row.state)
        });
        GroupState::derive(states) == GroupState::Online
    }

    /// A group's states changed: those that wait for it look again.
    pub(super) fn wake_dependents(&mut self, provider: GroupId) {
        let waits = |id: &GroupId| {
            let settings = self.model.groups.get(id);
            settings.is_some_and(|it| it.after.iter().any(|after| after.group == provider))
        };
        let waiting: Vec<GroupId> = self.groups.keys().copied().filter(waits).collect();
        self.unsettled.extend(waiting);
    }

    /// The cluster has just formed and this node got the group: its cold-start setting counts.
    pub(super) fn note_cold_start(&mut self, turn: &Turn<'_, '_>, id: GroupId) {
        let setting = self.model.groups.get(&id).map(|it| it.cold_start);
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let cold = group.arrived == StateChangeCause::Unknown;
        match setting {
            None | Some(ColdStart::Always) => {}
            Some(ColdStart::DoNotStart) => group.cold = true,
            Some(ColdStart::Allowed) => {
                group.cold = cold;
                if cold && self.owners.get(&id) == Some(&turn.me()) {
                    let change = persist::cold_start(id, ColdStart::DoNotStart);
                    self.report.push(vec![change], Then::Nothing);
                }
            }
        }
    }

    /// A group changed its state or left: those that it kept offline look again.
    pub(super) fn wake_conflicts(&mut self) {
        let held = |group: &Group| is_by_others(group.hold) || group.lacking.is_some();
        let groups = self.groups.iter().filter(|(_, group)| held(group));
        let groups: Vec<GroupId> = groups.map(|(id, _)| *id).collect();
        self.unsettled.extend(groups);
    }

    /// Bits of a group's StatusInformation that this node knows as its owner (reference section
    /// 3): 1 locked, 2 preempted, 4 queued for move, 8 lacking resources, 0x10 waiting to start,
    /// 0x40 anti-affinity conflict, 0x1000 waiting for groups that start first.
    pub(super) fn group_status(&self, turn: &Turn<'_, '_>, id: GroupId) -> u32 {
        let locked = self.model.groups.get(&id).is_some_and(|it| it.locked);
        let hold = self.groups.get(&id).and_then(|group| group.hold);
        let held = match hold {
            None => 0,
            Some(Hold::Preempted { .. }) => 0x2,
            Some(Hold::ColdStart) => 0x10,
            Some(Hold::AntiAffinity { .. }) => 0x40,
            Some(Hold::Dependency { .. }) => 0x1000,
        };
        let group = self.groups.get(&id);
        let queued = queue::queued(turn, id).is_some();
        let lacking = group.is_some_and(|group| group.lacking.is_some());
        u32::from(locked) | u32::from(queued) << 2 | u32::from(lacking) << 3 | held
    }

    /// Groups that are kept offline here by one that they avoid go to a node that is free.
    pub(super) fn spread_conflicts(&mut self, turn: &mut Turn<'_, '_>) {
        let held = |(id, group): (&GroupId, &Group)| {
            let conflict = is_by_others(group.hold);
            let settled = !self.is_active(group);
            (conflict && settled && group.runs()).then_some(*id)
        };
        let groups: Vec<GroupId> = self.groups.iter().filter_map(held).collect();
        for id in groups {
            let owner: NodeId = turn.me();
            let reason = super::placement::Reason::BestPossible { owner };
            if let Some(to) = self.choose(turn, id, reason) {
                self.leave(id, Some(to), StateChangeCause::Move);
            }
        }
    }
}
