//! The periodic look at a reservation that is held.

use std::time::Duration;

use base::{DiskFence, Notice, Timestamp};
use scsi::pr::{InAction, Keys, Out, Reservation};
use scsi::{Command, Outcome};

use super::Report;
use super::disk::{Disk, KIND, Phase, Purpose, read};
use super::reserve::Spc2;

/// How soon an unanswered look is repeated. Look, repeat and loss fit well inside the time that a
/// challenger waits.
const REPEAT: Duration = Duration::from_secs(1);

impl Disk {
    /// The look at a reservation that is held is due.
    pub(super) fn prove(&mut self, now: Timestamp) {
        self.defend_at = now + self.timing.interval;
        self.proof_due = self.defend_at;
        match self.timing.fence {
            DiskFence::ReserveRelease => self.reserve(Spc2::Renew),
            DiskFence::PersistentReservation => {
                self.send(Purpose::Defend, read(InAction::ReadReservation));
            }
        }
    }

    pub(super) fn defended(&mut self, now: Timestamp, purpose: Purpose, end: &Outcome) {
        let Some(data) = end.good() else {
            self.unanswered(now, end);
            return;
        };
        match purpose {
            Purpose::Defend => match Reservation::parse(data) {
                Ok(found) => self.looked(now, &found),
                Err(_) => self.unanswered(now, end),
            },
            Purpose::DefendKeys => self.scrub(now, data),
            _ => self.answered(now),
        }
    }

    fn looked(&mut self, now: Timestamp, found: &Reservation) {
        match found.holder() {
            Some(holder) if holder == self.key => {
                if self.generation == Some(found.generation) {
                    self.answered(now);
                } else {
                    self.generation = Some(found.generation);
                    self.send(Purpose::DefendKeys, read(InAction::ReadKeys));
                }
            }
            Some(_) => self.lose(),
            None if found.held.is_some() => self.lose(),
            // Nobody holds it: the target forgot. Whoever reserves first has it; be that one.
            None => {
                self.phase = Phase::Arbitrating;
                let register = Out::register_and_ignore(Some(self.key)).persistent();
                self.send(Purpose::Register, Command::PersistentReserveOut(register));
            }
        }
    }

    /// Takes the first foreign registration out: that is how an owner answers a challenge.
    fn scrub(&mut self, now: Timestamp, data: &[u8]) {
        let keys = Keys::parse(data).map_or(Vec::new(), |keys| keys.keys);
        if !keys.contains(&self.key) {
            // Gone since the look, whose word is out of date.
            return self.lose();
        }
        match keys.into_iter().find(|key| self.is_foreign(*key)) {
            Some(key) => {
                // The preemption itself changes the generation, so the next look comes back here
                // until no foreign key is left.
                self.defend_at = now;
                let preempt = Out::preempt(self.key, Some(key), KIND);
                self.send(Purpose::Scrub, Command::PersistentReserveOut(preempt));
            }
            None => self.answered(now),
        }
    }

    pub(super) fn answered(&mut self, now: Timestamp) {
        self.healthy = true;
        self.doubted = None;
        self.defend_at = self.defend_at.min(now + self.timing.interval);
    }

    /// A look has no answer, and the disk is given a moment for one more unless it has had that.
    pub(super) fn unanswered(&mut self, now: Timestamp, end: &Outcome) {
        self.generation = None;
        let since = *self.doubted.get_or_insert(now);
        let patient = now.since(since) < REPEAT;
        if matches!(end, Outcome::ReservationConflict) || !patient {
            self.lose();
        } else {
            self.healthy = false;
            self.defend_at = since + REPEAT;
        }
    }

    pub(super) fn lose(&mut self) {
        self.drop_hold();
        self.say(Notice::DiskLost { disk: self.id });
        self.report(Report::Lost);
    }
}
