//! Owning groups: taking them when an update says so, leaving them, and finding owners for those
//! that have none.
//!
//! Facts: seed 001 (move, failover), reference sections 3 and 3.1. The object table decides who
//! owns a group; an owner leaves a group only after everything in it is offline. The view's leader
//! finds owners for groups that never had one and for those of nodes outside the view.

use base::{GroupId, NodeId, NodeSet, Notice, ResourceId, StateChangeCause};
use middle::database::{Change, Update};
use middle::object::{FailoverCount, GroupRow, StateChange};

use super::Rcm;
use super::deadlines::Due;
use super::group::{Group, Leaving, Timer};
use super::model::{CORE_GROUP, Model, Priority};
use super::placement::Reason;
use super::policy::Window;
use super::reload::is_ours;
use super::report::Then;
use super::turn::Turn;

impl Rcm {
    /// The view is quorate and open: everything is compared with the object table.
    pub(super) fn opened(&mut self, turn: &mut Turn<'_, '_>, formed: bool) {
        self.open = true;
        self.resume();
        self.reload_model(turn);
        if formed {
            self.formed_at = Some(turn.now());
            self.failovers.clear();
        }
        self.learn_failovers(turn);
        self.try_for_room_again();
        let rows: Vec<(GroupId, GroupRow)> = turn
            .middle()
            .objects
            .groups
            .iter()
            .map(|(id, row)| (*id, *row))
            .collect();
        for (group, row) in &rows {
            self.owner_is(turn, *group, *row);
        }
        let known = |id: &GroupId| rows.iter().any(|(group, _)| group == id);
        let strays: Vec<GroupId> = self
            .groups
            .keys()
            .filter(|id| !known(id))
            .copied()
            .collect();
        for group in strays {
            self.lose(group);
        }
        self.restart_report(turn);
        self.place_orphans(turn);
        self.retry_leaving();
        self.fail_back_on_join(turn);
        self.spread_conflicts(turn);
        self.try_queued_moves(turn);
        for group in self.groups.keys().copied().collect::<Vec<_>>() {
            self.fail_over(turn, group);
        }
        self.answer_unreachable(turn);
        self.look_at_servers(turn);
        self.call_core_group(turn);
        self.members = members(turn);
        self.unsettled.extend(self.groups.keys().copied());
    }

    /// A new view is being agreed on: nothing is decided or proposed until `opened`.
    pub(super) fn closed(&mut self, turn: &mut Turn<'_, '_>) {
        self.open = false;
        self.drop_unsent(turn);
    }

    /// An update was applied; the facts already show it.
    pub(super) fn applied(&mut self, turn: &mut Turn<'_, '_>, update: &Update) {
        if update.changes.iter().any(is_ours) {
            self.reload_model(turn);
        }
        self.servers_touched(turn, update);
        let mut place = false;
        for change in update.changes.iter() {
            match change {
                Change::State(
                    StateChange::Interface { .. }
                    | StateChange::NodeLeaving { .. }
                    | StateChange::MoveQueued { .. }
                    | StateChange::MoveUnqueued { .. }
                    | StateChange::Barrier,
                ) => {}
                Change::State(StateChange::GroupOwner {
                    group,
                    owner,
                    cause,
                }) => {
                    let row = GroupRow {
                        owner: *owner,
                        cause: *cause,
                    };
                    self.owner_is(turn, *group, row);
                    self.count_offline(*group);
                    // An update of a view before may name a node that is gone.
                    if *owner != turn.me() && members(turn).contains(*owner) {
                        self.lend_witness_out(turn, *group);
                    }
                }
                Change::State(StateChange::NodeStanding { .. }) => {
                    self.tell_unmonitored(turn);
                    place = true;
                }
                Change::State(StateChange::NodePaused { .. }) => place = true,
                Change::State(StateChange::GroupFailovers { group, count }) => {
                    let window = Window::resumed(turn.now(), count.count, count.age);
                    self.failovers.insert(*group, window);
                }
                Change::State(StateChange::Resource { group, .. }) => self.wake_dependents(*group),
                Change::State(StateChange::NoRoom { group, node }) => {
                    self.no_room(turn, *group, *node);
                }
                Change::Hive(_) => {}
            }
        }
        if place {
            self.place_orphans(turn);
            self.spread_conflicts(turn);
        }
        self.try_queued_moves(turn);
        self.wake_waiting_for_room();
    }

    /// A failover because of a resource counts against the group's limit; one because of a lost
    /// node does not (reference section 3: a group never fails by itself). The owner that gives the
    /// group away counts, and the count goes with the group.
    fn count_failover(
        &self,
        turn: &Turn<'_, '_>,
        group: GroupId,
        cause: StateChangeCause,
    ) -> Option<Change> {
        let settings = self.model.groups.get(&group)?;
        if cause != StateChangeCause::Failover {
            return None;
        }
        let mut window = self.failovers.get(&group).copied().unwrap_or_default();
        let count = window.add(turn.now(), settings.failover_period);
        let age = window.age(turn.now());
        let count = FailoverCount { count, age };
        Some(Change::State(StateChange::GroupFailovers { group, count }))
    }

    /// Takes the counts over that the object table has and this node has not: it has just joined.
    /// The core group has to follow the witness wherever it goes, so for it a joiner starts anew.
    fn learn_failovers(&mut self, turn: &Turn<'_, '_>) {
        let now = turn.now();
        let counts = turn.middle().objects.failovers.iter();
        for (group, known) in counts.filter(|(group, _)| **group != CORE_GROUP) {
            let window = || Window::resumed(now, known.count, known.age);
            self.failovers.entry(*group).or_insert_with(window);
        }
    }

    /// A change of owner makes all resources of a group count as offline in the object table.
    fn count_offline(&mut self, group: GroupId) {
        let order = self.groups.get(&group).map(|group| group.order.clone());
        for resource in order.unwrap_or_default() {
            self.report.assume_offline(resource);
        }
    }

    /// The object table names the owner of a group.
    fn owner_is(&mut self, turn: &mut Turn<'_, '_>, group: GroupId, row: GroupRow) {
        let previous = self.owners.insert(group, row.owner);
        if previous != Some(row.owner) {
            self.haunt(turn, group, previous);
        }
        self.unplaceable.remove(&group);
        if row.owner != turn.me() {
            self.lose(group);
        } else if let Some(known) = self.groups.get_mut(&group) {
            if known.foreign || previous != Some(row.owner) {
                known.foreign = false;
                known.leaving = None;
                known.arrived = row.cause;
            }
            self.unsettled.insert(group);
        } else {
            self.take(turn, group, row.cause, previous);
        }
    }

    fn take(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        cause: StateChangeCause,
        previous: Option<NodeId>,
    ) {
        let model = std::sync::Arc::clone(&self.model);
        let to = turn.me();
        if previous != Some(to) {
            turn.notice(Notice::GroupMoved {
                group,
                from: previous,
                to,
                cause,
            });
        }
        let mut record = Group::new(&model, group, cause);
        record.since = turn.now();
        if let Some(until) = self.haunted.get(&group).copied() {
            record.gated = true;
            record.set(Timer::Gate, until);
        }
        for resource in &record.order {
            self.add_resource(&model, group, *resource);
            self.leave_to_people(&model, *resource, cause);
        }
        if group == CORE_GROUP {
            // Its witness resource takes over what was lent to quorum.
            self.witness_lent = false;
        }
        self.groups.insert(group, record);
        self.tell_elsewhere(turn, group);
        self.note_cold_start(turn, group);
        self.arm_group(group);
        self.unsettled.insert(group);
        if self.stopping {
            self.send_away(turn, group);
        }
    }

    /// A group without automatic start comes online by a move, and else only by its administrator.
    fn leave_to_people(&mut self, model: &Model, id: ResourceId, cause: StateChangeCause) {
        let moved = matches!(cause, StateChangeCause::Move | StateChangeCause::Shutdown);
        if let Some(record) = self.resources.get_mut(&id).filter(|_| !moved) {
            let group = model.groups.get(&record.group);
            record.wanted &= group.is_none_or(|group| group.priority != Priority::NoAutoStart);
        }
    }

    /// Another node owns the group now, or nobody: what still runs of it is terminated.
    fn lose(&mut self, group: GroupId) {
        if let Some(known) = self.groups.get_mut(&group) {
            known.foreign = true;
            known.leaving = None;
            self.unsettled.insert(group);
        }
    }

    /// Takes the next step of a group that goes away, once everything in it is offline.
    pub(super) fn leave_when_down(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        if !self.is_group_down(id) {
            return;
        }
        if group.foreign {
            self.forget(id);
            return;
        }
        let Some(leaving) = group.leaving else {
            return;
        };
        if !self.open || leaving.proposed || leaving.to.is_none() {
            return;
        }
        match leaving.to.filter(|to| self.can_host(turn, id, *to)) {
            Some(to) => self.propose_owner(turn, id, to, leaving.cause),
            None => self.leave_elsewhere(turn, id, leaving.cause),
        }
    }

    /// The chosen node is gone meanwhile: another one, or the group stays.
    fn leave_elsewhere(&mut self, turn: &mut Turn<'_, '_>, id: GroupId, cause: StateChangeCause) {
        let owner = turn.me();
        let to = self.choose(turn, id, Reason::BestPossible { owner });
        match to {
            Some(to) => {
                self.leave(id, Some(to), cause);
                self.propose_owner(turn, id, to, cause);
            }
            None if self.stopping => self.leave(id, None, cause),
            None => {
                turn.notice(Notice::NoOwnerAvailable { group: id });
                self.drain_failed(turn, id);
                if let Some(group) = self.groups.get_mut(&id) {
                    group.leaving = None;
                    group.arrived = StateChangeCause::FailedMove;
                }
                self.unsettled.insert(id);
            }
        }
    }

    fn propose_owner(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        owner: NodeId,
        cause: StateChangeCause,
    ) {
        if let Some(leaving) = self.groups.get_mut(&group).and_then(|g| g.leaving.as_mut()) {
            leaving.proposed = true;
        }
        let change = StateChange::GroupOwner {
            group,
            owner,
            cause,
        };
        let mut changes = vec![Change::State(change)];
        changes.extend(self.count_failover(turn, group, cause));
        changes.extend(self.default_owner(turn, group, owner));
        changes.extend(self.unqueue(turn, group, owner));
        self.report.push(changes, Then::Nothing);
    }

    fn forget(&mut self, id: GroupId) {
        if let Some(mut group) = self.groups.remove(&id) {
            self.wake_preempted(id);
            self.deadlines.arm(Due::Group(id), &mut group.armed, None);
            for resource in group.order {
                self.remove_resource(resource);
            }
            self.wake_conflicts();
        }
    }

    /// Starts taking a group away: dependents go offline first, then `to` becomes the owner.
    pub(super) fn leave(&mut self, id: GroupId, to: Option<NodeId>, cause: StateChangeCause) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.failover_wanted = false;
            group.lacking = None;
            group.preempted_by = None;
            group.leaving = Some(Leaving {
                to,
                cause,
                proposed: false,
            });
            self.unsettled.insert(id);
        }
    }

    /// Moves a group to the best possible node; if there is none, it stays, or goes offline when
    /// the service stops.
    pub(super) fn send_away(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let owner = turn.me();
        let stays = self.stopping && !self.model.cluster.drain_on_shutdown;
        let to = if stays {
            None
        } else {
            self.choose(turn, id, Reason::BestPossible { owner })
        };
        let cause = if self.stopping {
            StateChangeCause::Shutdown
        } else {
            StateChangeCause::Move
        };
        if to.is_some() || self.stopping {
            self.leave(id, to.filter(|_| self.open), cause);
        } else {
            turn.notice(Notice::NoOwnerAvailable { group: id });
            self.drain_failed(turn, id);
        }
    }

    /// Proposals of the old view have ended one way or the other; what is still ours to give away
    /// is proposed again.
    pub(super) fn retry_leaving(&mut self) {
        for (id, group) in &mut self.groups {
            if let Some(leaving) = &mut group.leaving {
                leaving.proposed = false;
                self.unsettled.insert(*id);
            }
        }
    }
}

/// Members of the current view.
pub(super) fn members(turn: &Turn<'_, '_>) -> NodeSet {
    turn.middle()
        .view
        .as_ref()
        .map_or(NodeSet::EMPTY, |view| view.members)
}
