//! PREEMPT and PREEMPT AND ABORT: removing others' registrations and taking their reservation.

use scsi::{NexusId, ReservationKey, ReservationType, asc};

use super::{Consequences, Held, Refusal, Reservations};
use crate::attention::Attention;

/// A PREEMPT.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preempt {
    pub sender: NexusId,
    /// The sender's own key.
    pub key: Option<ReservationKey>,
    /// The key whose registrations go; absent where the field is zero.
    pub victim: Option<ReservationKey>,
    /// Looked at only where the reservation is taken.
    pub kind: Result<ReservationType, Refusal>,
    /// Whether the commands of those removed are aborted.
    pub abort: bool,
}

impl Reservations {
    pub(crate) fn preempt(
        &mut self,
        ask: &Preempt,
        consequences: &mut Consequences,
    ) -> Result<(), Refusal> {
        let own = self.own_key(ask.sender, ask.key)?;
        let taken = self.taken_by(ask)?;
        let spared = taken.is_some() || self.is_holder(ask.sender);
        self.remove_victims(ask, own, spared, consequences);
        if let Some(kind) = taken {
            self.take_over(ask.sender, kind, consequences);
        }
        self.drop_without_registrants();
        self.count_generation();
        Ok(())
    }

    /// The type of the reservation that the sender gets, if it gets one; what is not allowed is
    /// refused here, before anything has changed.
    fn taken_by(&self, ask: &Preempt) -> Result<Option<ReservationType>, Refusal> {
        let holder_key = match self.held {
            Some(Held {
                holder: Some(holder),
                ..
            }) => self.registration(holder).map(|it| it.key),
            _ => None,
        };
        let all_registrants = matches!(self.held, Some(Held { holder: None, .. }));
        match ask.victim {
            None if all_registrants => ask.kind.map(Some),
            None => Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into()),
            Some(victim) if holder_key == Some(victim) => ask.kind.map(Some),
            Some(victim) if self.registrations.iter().any(|it| it.key == victim) => Ok(None),
            Some(_) => Err(Refusal::Conflict),
        }
    }

    /// Removes the registrations that match, the sender's own only when it is not `spared`.
    fn remove_victims(
        &mut self,
        ask: &Preempt,
        own: ReservationKey,
        spared: bool,
        consequences: &mut Consequences,
    ) {
        self.registrations.retain(|it| {
            let goes = ask.victim.is_none_or(|victim| it.key == victim);
            let is_sender = it.nexus == ask.sender;
            if goes && !is_sender {
                consequences
                    .attentions
                    .push((it.nexus, Attention::RegistrationsPreempted));
            }
            if goes && !is_sender && ask.abort {
                consequences.aborted.push(it.nexus);
            }
            !goes || (is_sender && spared)
        });
        if ask.abort && ask.victim == Some(own) {
            consequences.aborted.push(ask.sender);
        }
    }

    fn take_over(
        &mut self,
        sender: NexusId,
        kind: ReservationType,
        consequences: &mut Consequences,
    ) {
        if self.held.is_some_and(|held| held.kind != kind) {
            self.tell_others(sender, Attention::ReservationsReleased, consequences);
        }
        self.hold(sender, kind);
    }
}
