//! LooksAlive and IsAlive: when they are asked and what an answer means.
//!
//! Facts: reference sections 1.1, 1.2 and 2. A false LooksAlive only brings IsAlive forward; a
//! false IsAlive fails and terminates the resource; the same interval runs again from the moment of
//! the question; leaving Online cancels both. A poll touches its resource and
//! the deadlines and nothing else. An IP address whose interface was declared failed says no by
//! itself: at its next LooksAlive up to 2012, within the event from 2012 R2 on (section 13).

use base::{Generation, NetworkId, Notice, ResourceId, ResourceState};
use bottom::clusdisk;

use super::model::TypeSettings;
use super::resource::{Entry, Place, Timer};
use super::turn::Turn;
use super::{EntryPoint, EntryResult, Output, Rcm};

/// NERR_NetNameNotFound: the server service has no such share.
const SHARE_NOT_FOUND: u32 = 2_310;

impl Rcm {
    /// A poll timer ended. The question waits while another call is in flight.
    pub(super) fn poll_due(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, timer: Timer) {
        if let Some(resource) = self.resources.get_mut(&id) {
            match timer {
                Timer::IsAlive => resource.polls.is_alive = true,
                _ => resource.polls.looks_alive = true,
            }
            self.pump(turn, id);
        }
    }

    /// Asks the poll that is due, the quick one first.
    pub(super) fn poll_next(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        if std::mem::take(&mut resource.polls.looks_alive) {
            self.ask(turn, id, Entry::LooksAlive);
        } else if std::mem::take(&mut resource.polls.is_alive) {
            self.ask_is_alive(turn, id, false);
        }
    }

    fn ask_is_alive(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, after_looks_alive: bool) {
        if self.trace_polls {
            turn.notice(Notice::IsAliveAsked {
                resource: id,
                after_looks_alive,
            });
        }
        self.ask(turn, id, Entry::IsAlive);
    }

    fn ask(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, entry: Entry) {
        if self.trace_polls && entry == Entry::LooksAlive {
            turn.notice(Notice::LooksAliveAsked { resource: id });
        }
        let down = self.interface_is_down(id);
        let now = turn.now();
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        let TypeSettings {
            looks_alive_interval,
            is_alive_interval,
            ..
        } = resource.intervals;
        // The next one is counted from this question; leaving Online cancels it.
        match entry {
            Entry::IsAlive => resource.set(Timer::IsAlive, now + is_alive_interval),
            _ => resource.set(Timer::LooksAlive, now + looks_alive_interval),
        }
        match (resource.place, entry) {
            (Place::Disk(disk), Entry::LooksAlive) => {
                let fact = turn.cx.bottom.disks.get(&disk);
                let healthy = fact.is_some_and(|fact| fact.held && fact.healthy);
                self.answer_at_once(turn, id, entry, healthy);
            }
            (Place::Disk(disk), _) => {
                // The answer carries no call: it is matched by the entry point in flight.
                self.call(turn, id, entry, EntryPoint::IsAlive);
                let request = clusdisk::Request::Check;
                turn.say(Output::Disk { disk, request });
            }
            (Place::Share, _) => self.answer_at_once(turn, id, entry, self.share_healthy),
            (Place::Host(_), _) if down => self.answer_at_once(turn, id, entry, false),
            (Place::Host(_), Entry::LooksAlive) => {
                self.call(turn, id, entry, EntryPoint::LooksAlive);
            }
            (Place::Host(_), _) => self.call(turn, id, entry, EntryPoint::IsAlive),
        }
    }

    fn answer_at_once(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        entry: Entry,
        alive: bool,
    ) {
        let result = if alive {
            EntryResult::Success
        } else {
            EntryResult::Failure { code: 0 }
        };
        self.answered(turn, id, entry, result);
        self.arm_resource(id);
        self.pump(turn, id);
    }

    /// A poll was answered.
    pub(super) fn answered(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        entry: Entry,
        result: EntryResult,
    ) {
        if self.state_of(id) != ResourceState::Online {
            return;
        }
        match (entry, result) {
            (_, EntryResult::Success | EntryResult::Watched) => {}
            _ if self.is_in_maintenance(id) => {}
            (Entry::LooksAlive, _) => self.looks_dead(turn, id),
            (Entry::IsAlive, failed) => {
                turn.notice(Notice::IsAliveFailed { resource: id });
                self.tell_unhealthy(turn, id);
                if let EntryResult::Failure {
                    code: SHARE_NOT_FOUND,
                } = failed
                {
                    turn.notice(Notice::ShareNotFound { resource: id });
                }
                self.fail(turn, id);
            }
            (Entry::Open | Entry::Online | Entry::Offline | Entry::Control, _) => {}
        }
    }

    /// IsAlive is asked at once; nothing else follows from a false LooksAlive.
    fn looks_dead(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        turn.notice(Notice::LooksAliveFailed { resource: id });
        if let Some(resource) = self.resources.get_mut(&id) {
            resource.polls.is_alive = false;
        }
        self.ask_is_alive(turn, id, true);
    }

    /// Online gave an event handle: LooksAlive is not asked while this lasts.
    pub(super) fn watch(&mut self, id: ResourceId) {
        if let Some(resource) = self.resources.get_mut(&id) {
            resource.watched = true;
            resource.clear(Timer::LooksAlive);
            self.arm_resource(id);
        }
    }

    /// The event handle of a resource was signalled. Documents disagree on what follows (conflict
    /// C1): IsAlive verifies it, or it is terminated at once; a property of the cluster chooses.
    pub(super) fn signalled(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let watched = self.resources.get(&id).is_some_and(|it| it.watched);
        if !watched || self.is_in_maintenance(id) {
            return;
        }
        turn.notice(Notice::FailureSignalled { resource: id });
        if self.model.cluster.verify_signalled_failures {
            if let Some(resource) = self.resources.get_mut(&id) {
                resource.polls.is_alive = true;
                self.pump(turn, id);
            }
        } else {
            self.fail(turn, id);
        }
    }

    fn is_in_maintenance(&self, id: ResourceId) -> bool {
        self.resources.get(&id).is_some_and(|it| it.maintenance)
    }

    /// An interface of this node changed.
    pub(super) fn interface_changed(
        &mut self,
        turn: &mut Turn<'_, '_>,
        network: NetworkId,
        up: bool,
    ) {
        if up {
            self.networks_down.remove(&network);
            return;
        }
        self.networks_down.insert(network);
        if turn.middle().settings.generation >= Generation::V2012R2 {
            for id in self.online_addresses(network) {
                self.tell_unhealthy(turn, id);
                self.fail(turn, id);
            }
        }
    }

    fn online_addresses(&self, network: NetworkId) -> Vec<ResourceId> {
        self.resources
            .iter()
            .filter(|(_, resource)| resource.state == ResourceState::Online)
            .map(|(id, _)| *id)
            .filter(|id| self.network_of(*id) == Some(network))
            .collect()
    }
}
