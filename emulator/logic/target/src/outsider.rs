//! An outsider at a unit: someone with a tool who takes the reservation away or clears it.

use scsi::pr::Out;
use scsi::{Command, Lun, NexusId, ReservationKey, ReservationType, asc};

use crate::response::Response;
use crate::store::Store;
use crate::target::{Request, Target};
use crate::task::Function;

/// What an outsider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intrusion {
    /// Takes the reservation away from its holder: by PREEMPT, or as [`Intrusion::Reserve`] where
    /// the holder has a reservation of SPC-2, which PERSISTENT RESERVE OUT cannot touch.
    Preempt,
    /// Resets the unit and reserves it, as SPC-2 has it.
    Reserve,
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
        let picture = self.picture(lun);
        if what == Intrusion::Reserve || picture.reserved_by.is_some() {
            return self.reset_and_reserve(outsider, lun, what);
        }
        let key = OUTSIDER_KEY;
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
            Intrusion::Clear => self.insist(outsider, lun, &Out::clear(key)),
            Intrusion::Preempt | Intrusion::Reserve => {
                self.insist(outsider, lun, &Out::preempt(key, victim, held))
            }
        }
    }

    /// A reset clears what SPC-2 has, and whoever reserves next has it.
    fn reset_and_reserve(&mut self, outsider: NexusId, lun: Lun, what: Intrusion) -> Response {
        self.manage(outsider, Function::LogicalUnitReset(lun));
        let next = match what {
            Intrusion::Clear => Command::TestUnitReady,
            Intrusion::Preempt | Intrusion::Reserve => Command::Reserve6,
        };
        self.insist_on(outsider, lun, next.cdb().as_bytes(), &[])
    }

    /// Sends a command until it meets no unit attention.
    fn insist(&mut self, nexus: NexusId, lun: Lun, out: &Out) -> Response {
        self.insist_on(nexus, lun, out.cdb().as_bytes(), &out.data_out())
    }

    fn insist_on(&mut self, nexus: NexusId, lun: Lun, cdb: &[u8], data_out: &[u8]) -> Response {
        let offered = data_out.len() as u64;
        for _ in 0..ATTENTIONS_MAX {
            let request = Request {
                nexus,
                lun: Some(lun),
                cdb,
                data_out,
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
