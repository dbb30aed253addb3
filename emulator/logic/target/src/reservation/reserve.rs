//! RESERVE, RELEASE and CLEAR.

use scsi::{NexusId, ReservationKey, ReservationType, asc};

use super::{Consequences, Held, Refusal, Reservations};
use crate::attention::Attention;

impl Reservations {
    /// The key and then the type are looked at, in that order.
    pub(crate) fn reserve(
        &mut self,
        sender: NexusId,
        key: Option<ReservationKey>,
        kind: Result<ReservationType, Refusal>,
    ) -> Result<(), Refusal> {
        self.own_key(sender, key)?;
        let kind = kind?;
        match self.held {
            None => self.hold(sender, kind),
            Some(held) if held.kind == kind && self.is_holder(sender) => {}
            Some(_) => return Err(Refusal::Conflict),
        }
        Ok(())
    }

    /// `nexus` holds the reservation from now on.
    pub(super) fn hold(&mut self, nexus: NexusId, kind: ReservationType) {
        let holder = (!kind.is_all_registrants()).then_some(nexus);
        self.held = Some(Held { kind, holder });
    }

    pub(crate) fn release(
        &mut self,
        sender: NexusId,
        key: Option<ReservationKey>,
        kind: Result<ReservationType, Refusal>,
        consequences: &mut Consequences,
    ) -> Result<(), Refusal> {
        self.own_key(sender, key)?;
        let kind = kind?;
        let Some(held) = self.held.filter(|_| self.is_holder(sender)) else {
            return Ok(());
        };
        if held.kind != kind {
            return Err(asc::INVALID_RELEASE.into());
        }
        self.held = None;
        if kind.admits_registrants() {
            self.tell_others(sender, Attention::ReservationsReleased, consequences);
        }
        Ok(())
    }

    pub(crate) fn clear(
        &mut self,
        sender: NexusId,
        key: Option<ReservationKey>,
        consequences: &mut Consequences,
    ) -> Result<(), Refusal> {
        self.own_key(sender, key)?;
        self.tell_others(sender, Attention::ReservationsPreempted, consequences);
        self.registrations.clear();
        self.held = None;
        self.count_generation();
        Ok(())
    }
}
