//! The record of one resource that this node runs or would run, and its state changes.
//!
//! Facts: reference sections 1.1 (pending timeout), 1.4 (at most one entry point at a time, except
//! Terminate) and 1.5. What calls what, and when, is in `entry`.

use std::time::Duration;

use base::{
    CallId, DiskId, GroupId, HostId, Notice, ResourceId, ResourceState, StateChangeCause, Timers,
    Timestamp,
};

use super::Rcm;
use super::control::Control;
use super::deadlines::Due;
use super::model::{Model, ResourceSettings, TypeSettings};
use super::policy::Window;
use super::state::{self, Cause};
use super::turn::Turn;
use crate::restype::{ResourceParameters, Runner};

/// Timers of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The next LooksAlive.
    LooksAlive,
    /// The next IsAlive.
    IsAlive,
    /// No status report for too long while pending.
    Pending,
    /// The entry point in flight takes too long.
    Call,
    /// Terminate takes too long.
    Terminate,
    /// The restart delay is over.
    Restart,
    /// The retry period after giving up is over.
    Retry,
}

impl Timer {
    pub(super) const ALL: [Self; 7] = [
        Self::LooksAlive,
        Self::IsAlive,
        Self::Pending,
        Self::Call,
        Self::Terminate,
        Self::Restart,
        Self::Retry,
    ];
}

/// Who runs it on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Host(HostId),
    Disk(DiskId),
    Share,
}

/// How far a pending state has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// The entry point was not called yet: its host starts, or another call is in flight.
    #[default]
    Begin,
    /// The entry point was called and has not returned.
    Called,
    /// The entry point returned; a worker goes on.
    Working,
}

/// An entry point other than Terminate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Open,
    Online,
    Offline,
    LooksAlive,
    IsAlive,
    /// ResourceControl or ResourceTypeControl.
    Control,
}

/// An entry point in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub id: CallId,
    pub entry: Entry,
}

/// How far the checkpoints of a resource are that comes online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Restoring {
    /// Nobody was asked.
    #[default]
    Wanted,
    /// The checkpoint manager was asked.
    Asked,
    /// They are in place.
    Done,
}

/// Polls that are due and wait for the call in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PollsDue {
    pub looks_alive: bool,
    pub is_alive: bool,
}

/// One resource of a group that this node owns.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub group: GroupId,
    pub state: ResourceState,
    /// It is to run while its group runs (persistent state, administrator).
    pub wanted: bool,
    /// It failed and may not be started until a timer or an administrator lets it.
    pub held: bool,
    /// The retry after giving up is under way: one more failure ends it.
    pub last_try: bool,
    pub phase: Phase,
    pub call: Option<Call>,
    /// Terminate is to be called as soon as it may.
    pub terminate: bool,
    pub terminating: Option<CallId>,
    pub place: Place,
    /// It made its host hang, so it runs in a host of its own.
    pub isolated: bool,
    pub polls: PollsDue,
    /// Online gave an event handle: LooksAlive is never asked (reference section 1.2).
    pub watched: bool,
    /// Maintenance mode: what the health checks answer is ignored (reference section 1.1).
    pub maintenance: bool,
    /// How far the checkpoints are that precede Online.
    pub checkpoints: Restoring,
    /// A control code that waits for its turn or for its answer.
    pub control: Option<Control>,
    pub failures: Window,
    pub intervals: TypeSettings,
    /// Longest call of an entry point; `None`: nobody watches (2003 without deadlock detection).
    pub deadlock_timeout: Option<Duration>,
    pub timers: Timers<{ Timer::ALL.len() }>,
    /// The time it is entered under in the deadlines.
    pub armed: Timestamp,
}

impl Resource {
    /// Whether nothing of it runs and nothing is on its way.
    pub(super) fn is_down(&self) -> bool {
        matches!(self.state, ResourceState::Offline | ResourceState::Failed)
            && !self.terminate
            && self.terminating.is_none()
    }

    /// Down, not failed, and no call is left in its host.
    pub(super) fn is_settled_offline(&self) -> bool {
        self.state == ResourceState::Offline && self.is_down() && self.call.is_none()
    }

    pub(super) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.timers.set(timer as usize, at);
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.timers.clear(timer as usize);
    }

    /// The earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        let index = self.timers.pop_due(now)?;
        Timer::ALL
            .into_iter()
            .find(|timer| *timer as usize == index)
    }

    /// Forgets whatever was in flight: it ended with its host.
    pub(super) fn forget_calls(&mut self) {
        self.call = None;
        self.checkpoints = Restoring::default();
        self.terminate = false;
        self.terminating = None;
        self.clear(Timer::Call);
        self.clear(Timer::Terminate);
    }
}

/// The host that is a resource's own.
pub(super) fn own_host(resource: ResourceId) -> HostId {
    HostId(resource.0.saturating_add(1))
}

/// The host that all resources share by default.
pub(super) const SHARED_HOST: HostId = HostId(0);

fn place(resource: ResourceId, settings: &ResourceSettings, isolated: bool) -> Place {
    match (settings.kind().runner(), &settings.parameters) {
        (Runner::Disk, ResourceParameters::PhysicalDisk { disk, .. }) => Place::Disk(*disk),
        (Runner::Share, _) => Place::Share,
        _ if settings.separate_monitor || isolated || settings.kind().has_own_monitor() => {
            Place::Host(own_host(resource))
        }
        _ => Place::Host(SHARED_HOST),
    }
}

impl Rcm {
    /// Makes the record of a resource of `group`, offline.
    pub(super) fn add_resource(&mut self, model: &Model, group: GroupId, id: ResourceId) {
        let Some(settings) = model.resources.get(&id) else {
            return;
        };
        let starts = model
            .groups
            .get(&group)
            .is_some_and(|group| group.persistent_state);
        let resource = Resource {
            group,
            state: ResourceState::Offline,
            wanted: settings.persistent_state.unwrap_or(starts),
            held: false,
            last_try: false,
            phase: Phase::Begin,
            call: None,
            terminate: false,
            terminating: None,
            place: place(id, settings, false),
            isolated: false,
            polls: PollsDue::default(),
            watched: false,
            maintenance: false,
            checkpoints: Restoring::default(),
            control: None,
            failures: Window::default(),
            intervals: model.intervals(settings, &self.defaults),
            deadlock_timeout: model.deadlock_timeout(settings),
            timers: Timers::default(),
            armed: Timestamp::NEVER,
        };
        self.resources.insert(id, resource);
        self.report.touch(id);
        self.changed = true;
    }

    /// Takes new settings over. A change of the monitor applies when the resource is next down.
    pub(super) fn refresh_resource(&mut self, model: &Model, id: ResourceId) {
        let (Some(resource), Some(settings)) =
            (self.resources.get_mut(&id), model.resources.get(&id))
        else {
            return;
        };
        resource.intervals = model.intervals(settings, &self.defaults);
        resource.deadlock_timeout = model.deadlock_timeout(settings);
    }

    /// Decides anew where a resource runs, before it comes online; an instance in another host is
    /// closed.
    pub(super) fn place_resource(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let (Some(resource), Some(settings)) =
            (self.resources.get_mut(&id), self.model.resources.get(&id))
        else {
            return;
        };
        let before = std::mem::replace(&mut resource.place, place(id, settings, resource.isolated));
        if let Place::Host(host) = before
            && before != resource.place
        {
            self.close(turn, id, host);
        }
    }

    /// Takes a resource's record away.
    pub(super) fn remove_resource(&mut self, id: ResourceId) {
        if let Some(mut resource) = self.resources.remove(&id) {
            self.deadlines
                .arm(Due::Resource(id), &mut resource.armed, None);
            self.changed = true;
        }
    }

    /// Brings the deadlines in step with a resource's timers.
    pub(super) fn arm_resource(&mut self, id: ResourceId) {
        if let Some(resource) = self.resources.get_mut(&id) {
            let at = resource.timers.deadline();
            self.deadlines
                .arm(Due::Resource(id), &mut resource.armed, at);
        }
    }

    /// Moves a resource along an edge of the state table; notices, timers and reports follow.
    ///
    /// # Panics
    /// When the table has no such edge: a bug of the caller.
    pub(super) fn transition(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, cause: Cause) {
        let why = self.cause_of(id, cause);
        let timeout = self.pending_timeout(id);
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        let from = resource.state;
        let Some(to) = state::next(from, cause) else {
            unreachable!("resource {id} is {from} and cannot take {cause:?}");
        };
        resource.state = to;
        resource.phase = Phase::Begin;
        resource.polls = PollsDue::default();
        resource.watched = false;
        resource.checkpoints = Restoring::default();
        resource.maintenance &= to == ResourceState::Online;
        for timer in [Timer::LooksAlive, Timer::IsAlive, Timer::Pending] {
            resource.clear(timer);
        }
        let now = turn.now();
        match to {
            ResourceState::OnlinePending | ResourceState::OfflinePending => {
                resource.set(Timer::Pending, now + timeout);
            }
            ResourceState::Online => {
                resource.last_try = false;
                resource.clear(Timer::Retry);
                resource.set(
                    Timer::LooksAlive,
                    now + resource.intervals.looks_alive_interval,
                );
                resource.set(Timer::IsAlive, now + resource.intervals.is_alive_interval);
            }
            ResourceState::Offline => {
                resource.clear(Timer::Restart);
                resource.clear(Timer::Retry);
            }
            ResourceState::Failed => resource.held = true,
        }
        let group = resource.group;
        turn.notice(Notice::ResourceState {
            resource: id,
            from,
            to,
            cause: why,
        });
        self.note_change(id, group);
        if matches!(to, ResourceState::Offline | ResourceState::Failed) {
            self.end_maintenance(turn, id);
        }
    }

    /// What a change of state entails: a report, a new picture and another look at the group.
    fn note_change(&mut self, id: ResourceId, group: GroupId) {
        self.arm_resource(id);
        self.report.touch(id);
        self.unsettled.insert(group);
        self.changed = true;
    }

    fn cause_of(&self, id: ResourceId, cause: Cause) -> StateChangeCause {
        let group = self
            .resources
            .get(&id)
            .and_then(|resource| self.groups.get(&resource.group));
        match (cause, group) {
            (Cause::Broke, _) => StateChangeCause::Failover,
            (_, Some(group)) => group.cause(),
            (_, None) => StateChangeCause::Unknown,
        }
    }

    /// The pending timeout, bounded by the deadlock timeout (reference section 1.1).
    pub(super) fn pending_timeout(&self, id: ResourceId) -> Duration {
        self.model
            .resources
            .get(&id)
            .map_or(self.defaults.pending_timeout, |settings| {
                let bound = self.model.deadlock_timeout(settings);
                bound.map_or(settings.pending_timeout, |bound| {
                    settings.pending_timeout.min(bound)
                })
            })
    }
}
