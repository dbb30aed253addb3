//! An outsider at a unit: someone with a tool who takes the reservation away or clears it.

use scsi::pr::Out;
use scsi::{Lun, NexusId, ReservationKey, ReservationType, asc};

use crate::response::Response;
use crate::store::Store;
use crate::target::{Request, Target};

/// What an outsider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intrusion {
    /// Takes the reservation away from its holder.
    Preempt,
    /// Clears the reservation and all registrations.
    Clear,
}

/// The key that outsiders register with.
pub const OUTSIDER_KEY: ReservationKey = match ReservationKey::new(0x6f75_7473_6964_6572) {
    Some(key) => key,
    None => unreachable!(),
};

/// More attentions than can wait for a nexus.
const ATTENTIONS_MAX: usize = 16;

impl<S: Store> Target<S> {
    /// Has `outsider`, whose session stands, register and do its worst. Preempting where nobody
    /// holds anything ends as the target answers it. What the response promises to save covers
    /// both commands.
    pub fn intrude(&mut self, outsider: NexusId, lun: Lun, what: Intrusion) -> Response {
        let key = OUTSIDER_KEY;
        let picture = self.picture(lun);
        // Whether the state survives power loss is not the outsider's to change.
        let persist = self
            .unit(Some(lun))
            .is_some_and(|unit| unit.reservations.persist);
        let register = Out {
            aptpl: persist,
            ..Out::register_and_ignore(Some(key))
        };
        let held = picture
            .kind
            .unwrap_or(ReservationType::WriteExclusiveRegistrantsOnly);
        let holder = picture
            .registrations
            .iter()
            .find(|it| it.is_holder)
            .map(|it| it.key);
        let victim = holder.filter(|_| !held.is_all_registrants());
        let registered = self.insist(outsider, lun, &register);
        if registered.status != scsi::Status::Good {
            return registered;
        }
        match what {
            Intrusion::Preempt => self.insist(outsider, lun, &Out::preempt(key, victim, held)),
            Intrusion::Clear => self.insist(outsider, lun, &Out::clear(key)),
        }
    }

    /// Sends a command until it meets no unit attention.
    fn insist(&mut self, nexus: NexusId, lun: Lun, out: &Out) -> Response {
        let (cdb, data_out) = (out.cdb(), out.data_out());
        let (cdb, offered) = (cdb.as_bytes(), data_out.len() as u64);
        for _ in 0..ATTENTIONS_MAX {
            let request = Request {
                nexus,
                lun: Some(lun),
                cdb,
                data_out: &data_out,
                offered,
            };
            let response = self.execute(request, &mut Vec::new());
            if !response
                .sense
                .is_some_and(|sense| sense.is_unit_attention())
            {
                return response;
            }
        }
        Response::check(scsi::Sense::attention(asc::POWER_ON_OR_RESET))
    }
}
