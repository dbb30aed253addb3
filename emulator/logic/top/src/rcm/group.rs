//! The record of a group that this node owns, and what its dependency tree lets happen next.
//!
//! Facts: seed 001 (dependency tree), reference section 3.2: providers online first, dependents
//! offline first, an OR list holds while one of its providers is online; section 1.2: dependents
//! of a failed resource go offline and come back with it.
//!
//! After every call each group that changed is looked at once more ("settled"): whatever may start
//! or stop now, does. A resource is *ready* while its group runs, it is wanted and not held back by
//! a failure, and every item of its dependencies has a ready provider that is online.

use std::collections::BTreeSet;

use base::{
    GroupId, GroupState, NodeId, Notice, ResourceId, ResourceState, StateChangeCause, Timers,
    Timestamp,
};

use super::Rcm;
use super::deadlines::Due;
use super::hold::Hold;
use super::model::Model;
use super::preempt::Lacking;
use super::resource::Resource;
use super::state::Cause;
use super::turn::Turn;

/// Timers of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The lost owner has certainly stopped.
    Gate,
    /// A failback window opens.
    Failback,
    /// The groups that start first are online for long enough, or were waited for long enough.
    Dependencies,
}

impl Timer {
    pub(super) const ALL: [Self; 3] = [Self::Gate, Self::Failback, Self::Dependencies];
}

/// A group on its way off this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaving {
    /// Where it goes; `None`: nowhere, it only goes offline because the service stops.
    pub to: Option<NodeId>,
    /// Why.
    pub cause: StateChangeCause,
    /// The new owner was proposed and the proposal has not failed.
    pub proposed: bool,
}

/// One group that this node owns, or has just lost and still terminates.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Its resources, providers first.
    pub order: Vec<ResourceId>,
    /// Why it is here.
    pub arrived: StateChangeCause,
    /// It is on its way off this node.
    pub leaving: Option<Leaving>,
    /// Another node owns it: everything is terminated, then it is forgotten.
    pub foreign: bool,
    /// A resource has used up its restarts; the group goes elsewhere as soon as that can be
    /// decided.
    pub failover_wanted: bool,
    /// Somebody outside the view may still run it: see `gate`.
    pub gated: bool,
    /// When it came here.
    pub since: Timestamp,
    /// A resource of it was started here.
    pub started: bool,
    /// An administrator has to bring it online: its cold-start setting says so.
    pub cold: bool,
    /// Why nothing of it starts, although it is wanted.
    pub hold: Option<Hold>,
    /// What it lacks resources for, and the group that makes room.
    pub lacking: Option<Lacking>,
    /// It makes room for this group.
    pub preempted_by: Option<GroupId>,
    /// Since when all groups that start first are online.
    pub providers_since: Option<Timestamp>,
    /// The derived state that was last told.
    pub state: GroupState,
    pub timers: Timers<{ Timer::ALL.len() }>,
    /// The time it is entered under in the deadlines.
    pub armed: Timestamp,
}

impl Group {
    pub(super) fn new(model: &Model, group: GroupId, arrived: StateChangeCause) -> Self {
        Self {
            order: model.providers_first(group).unwrap_or_default(),
            arrived,
            leaving: None,
            foreign: false,
            failover_wanted: false,
            gated: false,
            since: Timestamp::ZERO,
            started: false,
            cold: false,
            hold: None,
            lacking: None,
            preempted_by: None,
            providers_since: None,
            state: GroupState::Offline,
            timers: Timers::default(),
            armed: Timestamp::NEVER,
        }
    }

    /// Why its resources change state now.
    pub(super) fn cause(&self) -> StateChangeCause {
        self.leaving.map_or(self.arrived, |leaving| leaving.cause)
    }

    /// Whether resources may run here.
    pub(super) fn runs(&self) -> bool {
        self.leaving.is_none() && !self.foreign
    }

    pub(super) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.timers.set(timer as usize, at);
    }

    /// The earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        let index = self.timers.pop_due(now)?;
        Timer::ALL
            .into_iter()
            .find(|timer| *timer as usize == index)
    }
}

impl Rcm {
    /// Brings the deadlines in step with a group's timers.
    pub(super) fn arm_group(&mut self, id: GroupId) {
        if let Some(group) = self.groups.get_mut(&id) {
            let at = group.timers.deadline();
            self.deadlines.arm(Due::Group(id), &mut group.armed, at);
        }
    }

    /// Looks at every group that changed until nothing more follows.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_, '_>) {
        if !self.unsettled.is_empty() {
            self.learn_networks(turn);
        }
        while let Some(id) = self.next_unsettled() {
            self.unsettled.remove(&id);
            if self.groups.contains_key(&id) {
                self.look_for_room(turn, id);
                self.settle_group(turn, id);
                self.tell_state(turn, id);
                self.send_preempted(turn, id);
                self.leave_when_down(turn, id);
            }
        }
    }

    /// The core group first, then by priority (reference section 3).
    fn next_unsettled(&self) -> Option<GroupId> {
        let order = |id: &GroupId| self.model.start_order(*id);
        self.unsettled.iter().copied().min_by_key(order)
    }

    fn settle_group(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        let order = group.order.clone();
        if group.foreign {
            self.terminate_all(turn, &order);
            return;
        }
        if self.suspended {
            self.terminate_hosted(turn, &order);
            return;
        }
        self.look_for_hold(turn, id);
        let ready = self.ready(id, &order);
        for resource in &order {
            self.start_if_due(turn, id, *resource, &ready);
        }
        for resource in order.iter().rev() {
            self.stop_if_due(turn, id, *resource, &ready);
        }
    }

    /// Resources that are ready, see the module head.
    fn ready(&self, id: GroupId, order: &[ResourceId]) -> BTreeSet<ResourceId> {
        let mut ready = BTreeSet::new();
        let may_run = |group: &Group| group.runs() && group.hold.is_none();
        if !self.groups.get(&id).is_some_and(may_run) {
            return ready;
        }
        for resource in order {
            let Some(record) = self.resources.get(resource) else {
                continue;
            };
            let here = !record.held && !self.is_elsewhere(*resource);
            if record.wanted && here && self.is_carried(*resource, None, &ready) {
                ready.insert(*resource);
            }
        }
        ready
    }

    /// Whether every item of a resource's dependencies has a ready provider online, other than
    /// `without`.
    fn is_carried(
        &self,
        id: ResourceId,
        without: Option<ResourceId>,
        ready: &BTreeSet<ResourceId>,
    ) -> bool {
        let carries = |provider: ResourceId| {
            Some(provider) != without
                && ready.contains(&provider)
                && self.state_of(provider) == ResourceState::Online
        };
        self.model
            .resources
            .get(&id)
            .is_none_or(|settings| settings.dependencies.satisfied(carries))
    }

    fn start_if_due(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        id: ResourceId,
        ready: &BTreeSet<ResourceId>,
    ) {
        let startable = self
            .resources
            .get(&id)
            .is_some_and(|record| record.is_down() && record.call.is_none());
        if !startable || !ready.contains(&id) || self.is_gated(group, id) {
            return;
        }
        // What leant on it before it failed goes down first.
        let falling = self.dependents(group, id).any(|dependent| {
            !ready.contains(&dependent)
                && !self.resources.get(&dependent).is_none_or(Resource::is_down)
        });
        if !falling {
            self.place_resource(turn, id);
            if let Some(group) = self.groups.get_mut(&group) {
                group.started = true;
            }
            self.transition(turn, id, Cause::OnlineBegun);
            self.pump(turn, id);
        }
    }

    fn stop_if_due(
        &mut self,
        turn: &mut Turn<'_, '_>,
        group: GroupId,
        id: ResourceId,
        ready: &BTreeSet<ResourceId>,
    ) {
        if ready.contains(&id) {
            return;
        }
        match self.state_of(id) {
            ResourceState::Online if !self.is_leant_on(group, id, ready) => {
                self.transition(turn, id, Cause::OfflineBegun);
                self.pump(turn, id);
            }
            ResourceState::OnlinePending => {
                self.transition(turn, id, Cause::OfflineBegun);
                self.terminate(turn, id);
            }
            ResourceState::Failed if self.may_forget_failure(group, id) => {
                self.transition(turn, id, Cause::WentOffline);
            }
            _ => {}
        }
    }

    /// A failed resource counts as offline once nobody wants it here any more and all that leant on
    /// it is down.
    fn may_forget_failure(&self, group: GroupId, id: ResourceId) -> bool {
        let down = |id| self.resources.get(&id).is_none_or(Resource::is_down);
        let runs = self.groups.get(&group).is_some_and(Group::runs);
        let wanted = self.resources.get(&id).is_some_and(|record| record.wanted);
        down(id) && !(runs && wanted) && self.dependents(group, id).all(down)
    }

    /// Whether a dependent that is not down yet needs this resource to be online.
    fn is_leant_on(&self, group: GroupId, id: ResourceId, ready: &BTreeSet<ResourceId>) -> bool {
        self.dependents(group, id).any(|dependent| {
            !self.resources.get(&dependent).is_none_or(Resource::is_down)
                && !self.is_carried(dependent, Some(id), ready)
        })
    }

    /// Resources that name this one among their dependencies.
    fn dependents(&self, group: GroupId, id: ResourceId) -> impl Iterator<Item = ResourceId> + '_ {
        let order = self.groups.get(&group).map(|group| group.order.as_slice());
        order
            .unwrap_or_default()
            .iter()
            .copied()
            .filter(move |other| {
                let settings = self.model.resources.get(other);
                settings.is_some_and(|other| other.dependencies.providers().any(|p| p == id))
            })
    }

    /// Providers of a resource that are online, nearest first.
    pub(super) fn online_providers(&self, id: ResourceId) -> Vec<ResourceId> {
        let (mut found, mut at) = (vec![id], 0);
        while let Some(next) = found.get(at).copied() {
            at += 1;
            let settings = self.model.resources.get(&next);
            for provider in settings
                .into_iter()
                .flat_map(|s| s.dependencies.providers())
            {
                let online = self.state_of(provider) == ResourceState::Online;
                if online && !found.contains(&provider) {
                    found.push(provider);
                }
            }
        }
        found.split_off(1)
    }

    /// Another node owns the group: whatever runs here ends at once, in no order.
    fn terminate_all(&mut self, turn: &mut Turn<'_, '_>, order: &[ResourceId]) {
        for id in order {
            match self.state_of(*id) {
                ResourceState::Online | ResourceState::OnlinePending => {
                    self.transition(turn, *id, Cause::OfflineBegun);
                    self.terminate(turn, *id);
                }
                ResourceState::Failed if self.resources.get(id).is_some_and(Resource::is_down) => {
                    self.transition(turn, *id, Cause::WentOffline);
                }
                _ => {}
            }
        }
    }

    fn tell_state(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        let here = group.order.iter().filter(|id| !self.is_elsewhere(**id));
        let state = GroupState::derive(here.map(|id| self.state_of(*id)));
        if state != group.state {
            turn.notice(Notice::GroupState { group: id, state });
            if let Some(group) = self.groups.get_mut(&id) {
                group.state = state;
            }
            self.wake_conflicts();
        }
    }

    /// Whether all of a group is offline here, calls in flight included.
    pub(super) fn is_group_down(&self, id: GroupId) -> bool {
        self.groups.get(&id).is_none_or(|group| {
            group
                .order
                .iter()
                .filter_map(|id| self.resources.get(id))
                .all(Resource::is_settled_offline)
        })
    }
}
