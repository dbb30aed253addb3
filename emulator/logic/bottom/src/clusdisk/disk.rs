//! One disk: its phase, the one command in flight and the work that waits behind it.

use std::collections::VecDeque;

use base::{DiskFence, DiskId, Notice, Timestamp};
use scsi::pr::{InAction, Keys, Out, Reservation};
use scsi::{Command, Outcome, ReservationKey, ReservationType};
use volume::RootReader;

pub(super) use super::order::{Order, Purpose};
use super::shared::Sharing;
use super::{DiskFact, DiskReport, Output, Report, Request, Timing, is_own};

/// The type that the cluster disk driver uses; unsourced for the product, stated in the fact sheet.
pub(super) const KIND: ReservationType = ReservationType::WriteExclusiveRegistrantsOnly;
/// Unit attentions in a row that one command survives.
const ATTENTIONS_MAX: u32 = 8;
/// Requests that wait behind the one in flight.
pub(super) const WAITING_MAX: usize = 64;

/// Where the disk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not ours and not wanted.
    Idle,
    /// Wanted: registering and looking who holds it.
    Arbitrating,
    /// Somebody holds it; our registration stands until then for the holder to take out.
    Challenging { until: Timestamp },
    /// The holder had its chance: looking whether we are still registered, then preempting.
    Contesting,
    /// Reserved after a reset: waiting whether that lasts (2003).
    Settling { until: Timestamp },
    /// Ours.
    Held,
    /// Being given back.
    Releasing,
    /// Somebody else's, and this node registers beside the owner.
    Attaching,
    /// Somebody else's, and this node is registered beside the owner, or tries to be.
    Attached { until: Timestamp },
}

#[derive(Debug)]
pub(super) struct Flight {
    purpose: Purpose,
    order: Order,
    attentions: u32,
}

/// One disk of this node.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) id: DiskId,
    pub(super) key: ReservationKey,
    pub(super) timing: Timing,
    pub(super) phase: Phase,
    pub(super) healthy: bool,
    /// The holder that is being challenged.
    challenged: Option<ReservationKey>,
    /// PRGENERATION at the last look: foreign registrations change it. Unknown once the unit may
    /// have lost power, with which it begins anew and may come to the same number.
    pub(super) generation: Option<u32>,
    /// Next look at a held reservation.
    pub(super) defend_at: Timestamp,
    /// When the answer to the current look is overdue.
    pub(super) proof_due: Timestamp,
    /// Since when answers fail to come: the next look without one loses the disk.
    pub(super) doubted: Option<Timestamp>,
    /// How long a block is, once the disk was asked.
    pub(super) block_bytes: Option<u32>,
    /// What waits for the length of a block.
    pub(super) unasked: Option<Request>,
    /// The listing of the root that is under way.
    pub(super) reader: Option<RootReader>,
    /// What is so because the disk carries a cluster shared volume.
    pub(super) sharing: Option<Sharing>,
    pub(super) flight: Option<Flight>,
    /// A command of the disk's work that has ended while a look at the reservation was due: it goes
    /// on after the look, however slow the disk is.
    deferred: Option<(Flight, Outcome)>,
    pub(super) waiting: VecDeque<Request>,
    /// Reads and writes that waited when the disk was to be given back; whoever asked for them
    /// counts on one answer each.
    pub(super) dropped: Vec<Request>,
    orders: Vec<Order>,
    words: Vec<Output>,
}

impl Disk {
    pub(super) fn new(id: DiskId, key: ReservationKey, timing: Timing) -> Self {
        Self {
            id,
            key,
            timing,
            phase: Phase::Idle,
            healthy: false,
            challenged: None,
            generation: None,
            defend_at: Timestamp::NEVER,
            proof_due: Timestamp::NEVER,
            doubted: None,
            block_bytes: None,
            unasked: None,
            reader: None,
            sharing: None,
            flight: None,
            deferred: None,
            waiting: VecDeque::new(),
            dropped: Vec::new(),
            orders: Vec::new(),
            words: Vec::new(),
        }
    }

    pub(super) fn fact(&self) -> DiskFact {
        let held = self.phase == Phase::Held;
        DiskFact {
            held,
            healthy: held && self.healthy,
        }
    }

    /// What to send and words to say since the last call.
    pub(super) fn take(&mut self) -> (Vec<Order>, Vec<Output>) {
        (
            std::mem::take(&mut self.orders),
            std::mem::take(&mut self.words),
        )
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        if self.flight.is_some() {
            return None;
        }
        match self.phase {
            Phase::Challenging { until }
            | Phase::Settling { until }
            | Phase::Attached { until } => Some(until),
            Phase::Held => Some(self.defend_at),
            _ => None,
        }
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Attached { until } if until <= now => self.look_attached(now),
            Phase::Held if self.defend_at <= now => self.prove(now),
            _ if self.timing.fence == DiskFence::ReserveRelease => self.expire_spc2(now),
            Phase::Challenging { until } if until <= now => {
                self.phase = Phase::Contesting;
                self.send(Purpose::ContestKeys, read(InAction::ReadKeys));
            }
            _ => {}
        }
    }

    pub(super) fn request(&mut self, request: Request) {
        if let Request::Share { with } = request {
            self.share(with);
            return;
        }
        if request == Request::Release {
            let dropped = std::mem::take(&mut self.waiting);
            // Readers and writers of a shared volume are still there, and wait for an answer.
            if self.sharing.is_some() {
                dropped.iter().for_each(|request| self.refuse(request));
            } else {
                self.dropped.extend(dropped.into_iter().filter(is_transfer));
            }
        }
        if self.waiting.len() >= WAITING_MAX {
            self.refuse(&request);
            return;
        }
        self.waiting.push_back(request);
        self.pump();
    }

    /// Answers a request that cannot be taken.
    pub(super) fn refuse(&mut self, request: &Request) {
        let report = match request {
            Request::Arbitrate => Report::ArbitrationLost { unreachable: true },
            Request::Release => Report::Released,
            Request::Check => Report::Checked { ok: false },
            Request::Read { .. } => Report::Read { data: None },
            Request::Write { .. } => Report::Written { ok: false },
            Request::Share { .. } | Request::Attach => Report::Attached { ok: false },
            Request::Identify => Report::Table { table: None },
        };
        self.report(report);
    }

    /// Takes up the next request when nothing is in flight and no arbitration is under way.
    pub(super) fn pump(&mut self) {
        while self.flight.is_none() && self.deferred.is_none() {
            let free = matches!(
                self.phase,
                Phase::Idle | Phase::Held | Phase::Attached { .. }
            );
            let busy = !free;
            let releasing = self.waiting.front() == Some(&Request::Release);
            // Whether the disk is still ours comes first.
            let busy = busy || self.doubted.is_some();
            if busy && !(releasing && self.phase != Phase::Releasing) {
                return;
            }
            let Some(request) = self.waiting.pop_front() else {
                return;
            };
            self.begin(request);
        }
    }

    fn begin(&mut self, request: Request) {
        let spc2 = self.timing.fence == DiskFence::ReserveRelease;
        match request {
            Request::Release if self.phase == Phase::Idle => self.report(Report::Released),
            Request::Arbitrate | Request::Release if spc2 => self.begin_spc2(&request),
            Request::Arbitrate if self.phase == Phase::Held => {
                // Asking again proves that the hold is still good.
                self.send(Purpose::Verify, read(InAction::ReadReservation));
            }
            Request::Arbitrate => {
                self.phase = Phase::Arbitrating;
                let register = Out::register_and_ignore(Some(self.key)).persistent();
                self.send(Purpose::Register, Command::PersistentReserveOut(register));
            }
            Request::Release => {
                self.phase = Phase::Releasing;
                if !self.leave_cleanly() {
                    self.unreserve();
                }
            }
            Request::Attach => self.attach(),
            Request::Share { with } => self.share(with),
            Request::Check | Request::Identify | Request::Read { .. } | Request::Write { .. } => {
                self.work(request);
            }
        }
    }

    pub(super) fn unreserve(&mut self) {
        let release = Out::release(self.key, KIND);
        self.send(Purpose::Unreserve, Command::PersistentReserveOut(release));
    }

    pub(super) fn send(&mut self, purpose: Purpose, command: Command) {
        self.order(purpose, Order::Command(command));
    }

    pub(super) fn order(&mut self, purpose: Purpose, order: Order) {
        self.orders.push(order.clone());
        self.flight = Some(Flight {
            purpose,
            order,
            attentions: 0,
        });
    }

    /// The command in flight ended.
    pub(super) fn done(&mut self, now: Timestamp, outcome: Outcome) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        if flight.purpose.is_work() && self.phase == Phase::Held {
            if !matches!(outcome, Outcome::Good(_)) {
                // It may be another node's by now, or answer nobody.
                self.defend_at = now;
            }
            if outcome == Outcome::PathLost {
                self.doubted.get_or_insert(now);
            }
            if self.defend_at <= now {
                self.deferred = Some((flight, outcome));
                return self.expire(now);
            }
        }
        self.ended(now, flight, outcome);
        if self.flight.is_none()
            && let Some((flight, outcome)) = self.deferred.take_if(|_| self.doubted.is_none())
        {
            self.ended(now, flight, outcome);
        }
        self.pump();
    }

    fn ended(&mut self, now: Timestamp, mut flight: Flight, outcome: Outcome) {
        if outcome.is_unit_attention() && flight.attentions < ATTENTIONS_MAX {
            self.generation = None;
            if flight.purpose.is_proof() && self.proof_due <= now {
                // What it tells of may have been the reservation, and asking again takes too long.
                return self.lose();
            }
            flight.attentions += 1;
            self.orders.push(flight.order.clone());
            self.flight = Some(flight);
            return;
        }
        match flight.purpose {
            Purpose::Capacity
            | Purpose::Identify
            | Purpose::CheckReady
            | Purpose::CheckRoot
            | Purpose::Read
            | Purpose::Write => self.worked(flight.purpose, outcome),
            Purpose::Unreserve => {
                let unregister = Out::register_and_ignore(None);
                self.send(
                    Purpose::Unregister,
                    Command::PersistentReserveOut(unregister),
                );
            }
            Purpose::Unregister => self.released(),
            Purpose::Shared(purpose) => self.shared_done(now, purpose, &outcome),
            Purpose::Spc2(purpose) => {
                self.done_spc2(now, purpose, flight.attentions > 0, &outcome);
            }
            Purpose::Defend | Purpose::DefendKeys | Purpose::Scrub => {
                self.defended(now, flight.purpose, &outcome);
            }
            purpose => self.arbitrated(now, purpose, &outcome),
        }
    }

    pub(super) fn released(&mut self) {
        self.drop_hold();
        self.say(Notice::DiskReleased { disk: self.id });
        self.report(Report::Released);
    }

    fn arbitrated(&mut self, now: Timestamp, purpose: Purpose, end: &Outcome) {
        let Some(data) = end.good() else {
            if purpose == Purpose::Register && end.is_invalid_operation() {
                self.say(Notice::DiskWithoutReservations { disk: self.id });
            }
            self.lose_arbitration(!matches!(end, Outcome::ReservationConflict));
            return;
        };
        match purpose {
            Purpose::Register => self.send(Purpose::ReadHolder, read(InAction::ReadReservation)),
            Purpose::ReadHolder | Purpose::ContestHolder => match Reservation::parse(data) {
                Ok(found) => self.found(now, purpose, &found),
                Err(_) => self.lose_arbitration(true),
            },
            Purpose::Reserve | Purpose::Preempt => {
                self.send(Purpose::Verify, read(InAction::ReadReservation));
            }
            Purpose::ContestKeys => match Keys::parse(data) {
                Ok(keys) if keys.keys.contains(&self.key) => {
                    self.send(Purpose::ContestHolder, read(InAction::ReadReservation));
                }
                // The holder has taken our registration out: it lives and defends.
                Ok(_) => self.lose_arbitration(false),
                Err(_) => self.lose_arbitration(true),
            },
            Purpose::ClaimKeys => match Keys::parse(data) {
                Ok(keys) => self.claim(now, &keys),
                Err(_) => self.lose_arbitration(true),
            },
            Purpose::ClaimScrub => self.send(Purpose::ClaimKeys, read(InAction::ReadKeys)),
            _ => match Reservation::parse(data) {
                Ok(found) if found.holder() == Some(self.key) => {
                    self.send(Purpose::ClaimKeys, read(InAction::ReadKeys));
                }
                _ => self.lose_arbitration(false),
            },
        }
    }

    /// The reservation is ours. It counts once nobody else is registered: a challenger whose wait
    /// is under way would otherwise preempt before the next look.
    fn claim(&mut self, now: Timestamp, keys: &Keys) {
        if !keys.keys.contains(&self.key) {
            // Cleared between the two looks: what the first one saw is gone.
            return self.lose_arbitration(false);
        }
        match keys.keys.iter().find(|key| self.is_foreign(**key)) {
            Some(foreign) => {
                let preempt = Out::preempt(self.key, Some(*foreign), KIND);
                self.send(Purpose::ClaimScrub, Command::PersistentReserveOut(preempt));
            }
            None => self.hold(now, keys.generation),
        }
    }

    /// A look at who holds the disk, during arbitration.
    fn found(&mut self, now: Timestamp, purpose: Purpose, found: &Reservation) {
        match found.holder() {
            Some(holder) if holder == self.key => {
                self.send(Purpose::ClaimKeys, read(InAction::ReadKeys));
            }
            // All registrants hold it: somebody else's kind of reservation.
            None if found.held.is_some() => self.lose_arbitration(false),
            None => {
                let reserve = Out::reserve(self.key, KIND);
                self.send(Purpose::Reserve, Command::PersistentReserveOut(reserve));
            }
            // Another challenger may have won meanwhile. That one lives, so it is challenged anew.
            Some(holder)
                if (purpose == Purpose::ContestHolder && self.challenged == Some(holder))
                    || is_own(holder, self.key) =>
            {
                let preempt = Out::preempt(self.key, Some(holder), KIND);
                self.send(Purpose::Preempt, Command::PersistentReserveOut(preempt));
            }
            Some(holder) => {
                self.challenged = Some(holder);
                self.phase = Phase::Challenging {
                    until: now + self.timing.challenge_wait,
                };
                self.words
                    .push(Output::Notice(Notice::DiskChallenged { disk: self.id }));
            }
        }
    }

    pub(super) fn hold(&mut self, now: Timestamp, generation: u32) {
        if self.phase != Phase::Held {
            self.words
                .push(Output::Notice(Notice::DiskHeld { disk: self.id }));
        }
        self.phase = Phase::Held;
        self.generation = Some(generation);
        self.defend_at = now + self.timing.interval;
        self.healthy = true;
        self.doubted = None;
        self.report(Report::Held);
    }

    pub(super) fn lose_arbitration(&mut self, unreachable: bool) {
        let held = self.phase == Phase::Held;
        self.drop_hold();
        self.words.push(Output::Notice(Notice::DiskArbitrationLost {
            disk: self.id,
        }));
        if held {
            self.report(Report::Lost);
        }
        self.report(Report::ArbitrationLost { unreachable });
    }

    pub(super) fn drop_hold(&mut self) {
        self.phase = Phase::Idle;
        self.healthy = false;
        self.doubted = None;
        self.generation = None;
        self.block_bytes = None;
        self.forget_volume();
        self.defend_at = Timestamp::NEVER;
    }

    pub(super) fn report(&mut self, report: Report) {
        let given_back = report == Report::Released;
        self.words.push(Output::Report(DiskReport {
            disk: self.id,
            report,
        }));
        // Not before that: until then their failure would be one of the disk.
        if given_back {
            let dropped = std::mem::take(&mut self.dropped);
            dropped.iter().for_each(|request| self.refuse(request));
        }
    }

    pub(super) fn say(&mut self, notice: Notice) {
        self.words.push(Output::Notice(notice));
    }
}

fn is_transfer(request: &Request) -> bool {
    matches!(request, Request::Read { .. } | Request::Write { .. })
}

/// PERSISTENT RESERVE IN.
pub(super) fn read(action: InAction) -> Command {
    Command::PersistentReserveIn(action)
}
