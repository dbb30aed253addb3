//! Persistent reservations of one unit: who is registered, who holds what, who may do what.
//!
//! Serves fact sheet sections 5 to 7, 9 and 10. Works on nexus numbers and keys only; reading
//! parameter lists and finding the nexus behind a TransportID is done by the caller. What has to
//! be told to whom is collected in [`Consequences`], so that the caller acts on it once.

mod conflict;
pub(crate) mod image;
mod parameters;
mod preempt;
mod register;
mod relocate;
mod report;
mod reserve;

use scsi::{NexusId, ReservationKey, ReservationType};

pub(crate) use conflict::Guard;
pub(crate) use parameters::{List, kind, parse};
pub(crate) use preempt::Preempt;
pub(crate) use register::Registering;

use crate::attention::Attention;

/// How many registrations one unit has room for.
pub const REGISTRANTS_MAX: usize = 1024;

/// One registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Registration {
    pub nexus: NexusId,
    pub key: ReservationKey,
    /// Made for all target ports at once.
    pub all_ports: bool,
}

/// A reservation. The holder is absent for types 7 and 8, where every registrant is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub kind: ReservationType,
    pub holder: Option<NexusId>,
}

/// The persistent reservation state of one unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reservations {
    /// PRGENERATION.
    pub generation: u32,
    /// In order of registration.
    pub registrations: Vec<Registration>,
    pub held: Option<Held>,
    /// APTPL of the last registration: the state survives power loss.
    pub persist: bool,
}

/// What an action asks to be done besides changing the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consequences {
    /// Who is to be told of what.
    pub attentions: Vec<(NexusId, Attention)>,
    /// Whose commands are to be aborted, for PREEMPT AND ABORT.
    pub aborted: Vec<NexusId>,
}

/// Why an action is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// RESERVATION CONFLICT.
    Conflict,
    /// CHECK CONDITION.
    Check(scsi::Sense),
}

impl From<scsi::Additional> for Refusal {
    fn from(additional: scsi::Additional) -> Self {
        Self::Check(scsi::Sense::illegal(additional))
    }
}

impl From<scsi::Sense> for Refusal {
    fn from(sense: scsi::Sense) -> Self {
        Self::Check(sense)
    }
}

impl Reservations {
    /// The registration of `nexus`.
    pub(crate) fn registration(&self, nexus: NexusId) -> Option<&Registration> {
        self.registrations.iter().find(|it| it.nexus == nexus)
    }

    pub(crate) fn is_registered(&self, nexus: NexusId) -> bool {
        self.registration(nexus).is_some()
    }

    /// Whether `nexus` holds the reservation.
    pub(crate) fn is_holder(&self, nexus: NexusId) -> bool {
        match self.held {
            Some(Held {
                holder: Some(holder),
                ..
            }) => holder == nexus,
            Some(Held { holder: None, .. }) => self.is_registered(nexus),
            None => false,
        }
    }

    /// The key of `nexus`, which must be `claimed` (fact sheet section 5, key rules).
    fn own_key(
        &self,
        nexus: NexusId,
        claimed: Option<ReservationKey>,
    ) -> Result<ReservationKey, Refusal> {
        match self.registration(nexus) {
            Some(own) if Some(own.key) == claimed => Ok(own.key),
            _ => Err(Refusal::Conflict),
        }
    }

    fn unregister(&mut self, nexus: NexusId) {
        self.registrations.retain(|it| it.nexus != nexus);
    }

    /// Tells every registrant but `sender`.
    fn tell_others(&self, sender: NexusId, what: Attention, consequences: &mut Consequences) {
        let others = self
            .registrations
            .iter()
            .map(|it| it.nexus)
            .filter(|it| *it != sender);
        consequences
            .attentions
            .extend(others.map(|nexus| (nexus, what)));
    }

    fn count_generation(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    /// Asserts what must always hold.
    pub(crate) fn check(&self) {
        assert!(
            self.registrations.len() <= REGISTRANTS_MAX,
            "too many registrations"
        );
        if let Some(held) = self.held {
            assert_eq!(held.holder.is_none(), held.kind.is_all_registrants());
            assert!(
                !self.registrations.is_empty(),
                "reserved without any registrant"
            );
            let holder = held.holder.is_none_or(|holder| self.is_registered(holder));
            assert!(holder, "the holder is not registered");
        }
    }
}
