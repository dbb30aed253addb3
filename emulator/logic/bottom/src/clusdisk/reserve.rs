//! SPC-2 reservations, the 2003 way (reference section 5.1; seed 000, Physical Disk: a reservation
//! every 3 seconds).
//!
//! The owner renews its RESERVE every DiskArbInterval. A challenger resets the unit, which takes
//! the reservation away, and waits: an owner that lives has renewed by then, and the challenger's
//! RESERVE meets a conflict. A reservation won after a reset has to last a while before it counts,
//! so that an owner whose renewal now fails has stopped first.

use base::{Notice, Timestamp};
use scsi::{Command, Outcome};

use super::Request;
use super::disk::{Disk, Order, Phase, Purpose};

/// Why a command of this protocol is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spc2 {
    /// The first RESERVE of an arbitration.
    Claim,
    /// The reset of a challenge.
    Reset,
    /// The RESERVE after the wait.
    Contest,
    /// The RESERVE that ends the settling.
    Settle,
    /// The periodic RESERVE of the owner.
    Renew,
    /// Asked to arbitrate for a disk that is held.
    Confirm,
    /// RELEASE.
    Release,
}

impl Disk {
    pub(super) fn begin_spc2(&mut self, request: &Request) {
        if *request == Request::Release {
            self.phase = Phase::Releasing;
            self.send(Purpose::Spc2(Spc2::Release), Command::Release6);
        } else if self.phase == Phase::Held {
            self.reserve(Spc2::Confirm);
        } else {
            self.phase = Phase::Arbitrating;
            self.reserve(Spc2::Claim);
        }
    }

    pub(super) fn expire_spc2(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Challenging { until } if until <= now => {
                self.phase = Phase::Contesting;
                self.reserve(Spc2::Contest);
            }
            Phase::Settling { until } if until <= now => {
                self.phase = Phase::Contesting;
                self.reserve(Spc2::Settle);
            }
            _ => {}
        }
    }

    pub(super) fn reserve(&mut self, purpose: Spc2) {
        self.send(Purpose::Spc2(purpose), Command::Reserve6);
    }

    /// A command ended. `disturbed`: the unit told of a reset or of new power on the way, so an
    /// owner may be about to renew.
    pub(super) fn done_spc2(
        &mut self,
        now: Timestamp,
        purpose: Spc2,
        disturbed: bool,
        end: &Outcome,
    ) {
        let good = matches!(end, Outcome::Good(_));
        let conflict = matches!(end, Outcome::ReservationConflict);
        match purpose {
            Spc2::Release => self.released(),
            Spc2::Claim if conflict => {
                self.say(Notice::DiskChallenged { disk: self.id });
                self.order(Purpose::Spc2(Spc2::Reset), Order::Reset);
            }
            Spc2::Reset if good => {
                let until = now + self.timing.challenge_wait;
                self.phase = Phase::Challenging { until };
            }
            Spc2::Renew if good => self.answered(now),
            Spc2::Renew => self.unanswered(now, end),
            _ if !good => self.lose_arbitration(!conflict),
            Spc2::Claim | Spc2::Contest if disturbed || purpose == Spc2::Contest => {
                let wait = self.timing.settle_wait.max(self.timing.interval);
                self.phase = Phase::Settling { until: now + wait };
            }
            _ => self.hold(now, 0),
        }
    }
}
