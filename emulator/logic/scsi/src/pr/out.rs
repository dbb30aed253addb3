//! PERSISTENT RESERVE OUT: service actions and their parameter lists (fact sheet section 5).

use super::{ReservationKey, ReservationType};
use crate::cdb::{Cdb, opcode};
use crate::identity::TransportId;

/// A service action of PERSISTENT RESERVE OUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum OutAction {
    /// Register, change or remove the sender's key, which it must name.
    Register = 0,
    /// Create a reservation.
    Reserve = 1,
    /// Give the reservation up.
    Release = 2,
    /// Remove the reservation and all registrations.
    Clear = 3,
    /// Remove others' registrations, and take the reservation if they held it.
    Preempt = 4,
    /// As preempt, and abort the commands of those removed.
    PreemptAndAbort = 5,
    /// Register, change or remove the sender's key, whatever it is.
    RegisterAndIgnoreExistingKey = 6,
    /// Register another nexus and hand the reservation to it.
    RegisterAndMove = 7,
    /// Optional, and not supported by the emulator's target (RLR_C = 0).
    ReplaceLostReservation = 8,
}

impl OutAction {
    /// The actions in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::Register,
        Self::Reserve,
        Self::Release,
        Self::Clear,
        Self::Preempt,
        Self::PreemptAndAbort,
        Self::RegisterAndIgnoreExistingKey,
        Self::RegisterAndMove,
        Self::ReplaceLostReservation,
    ];

    /// The action with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Where REGISTER AND MOVE moves the reservation to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The initiator port.
    pub initiator: TransportId,
    /// The relative target port identifier.
    pub target_port: u16,
    /// Whether the sender's own registration is dropped.
    pub unregister_sender: bool,
}

/// A PERSISTENT RESERVE OUT command. The constructors set what each action looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Out {
    /// What to do.
    pub action: OutAction,
    /// The RESERVATION KEY field: the sender's own key.
    pub reservation_key: Option<ReservationKey>,
    /// The SERVICE ACTION RESERVATION KEY field: the new key, or the key to preempt.
    pub service_action_key: Option<ReservationKey>,
    /// The reservation's type, for the actions that use one.
    pub kind: Option<ReservationType>,
    /// Whether registrations and reservation are to survive power loss.
    pub aptpl: bool,
    /// Whether the registration is for every target port.
    pub all_target_ports: bool,
    /// Further initiator ports to register (SPEC_I_PT).
    pub also_register: Vec<TransportId>,
    /// For REGISTER AND MOVE only.
    pub destination: Option<Destination>,
}

impl Out {
    /// An action that names the sender's own key and nothing else yet.
    fn new(action: OutAction, reservation_key: Option<ReservationKey>) -> Self {
        Self {
            action,
            reservation_key,
            service_action_key: None,
            kind: None,
            aptpl: false,
            all_target_ports: false,
            also_register: Vec::new(),
            destination: None,
        }
    }

    /// REGISTER: from key `old` (none: not registered yet) to `new` (none: unregister).
    pub fn register(old: Option<ReservationKey>, new: Option<ReservationKey>) -> Self {
        Self {
            service_action_key: new,
            ..Self::new(OutAction::Register, old)
        }
    }

    /// REGISTER AND IGNORE EXISTING KEY: to `new` (none: unregister).
    pub fn register_and_ignore(new: Option<ReservationKey>) -> Self {
        let action = OutAction::RegisterAndIgnoreExistingKey;
        Self {
            service_action_key: new,
            ..Self::new(action, None)
        }
    }

    /// RESERVE.
    pub fn reserve(key: ReservationKey, kind: ReservationType) -> Self {
        Self {
            kind: Some(kind),
            ..Self::new(OutAction::Reserve, Some(key))
        }
    }

    /// RELEASE.
    pub fn release(key: ReservationKey, kind: ReservationType) -> Self {
        Self {
            kind: Some(kind),
            ..Self::new(OutAction::Release, Some(key))
        }
    }

    /// CLEAR.
    pub fn clear(key: ReservationKey) -> Self {
        Self::new(OutAction::Clear, Some(key))
    }

    /// PREEMPT the registrations of `victim` (none: everyone, for types 7 and 8).
    pub fn preempt(
        key: ReservationKey,
        victim: Option<ReservationKey>,
        kind: ReservationType,
    ) -> Self {
        let action = OutAction::Preempt;
        Self {
            service_action_key: victim,
            kind: Some(kind),
            ..Self::new(action, Some(key))
        }
    }

    /// PREEMPT AND ABORT the registrations and commands of `victim`.
    pub fn preempt_and_abort(
        key: ReservationKey,
        victim: Option<ReservationKey>,
        kind: ReservationType,
    ) -> Self {
        Self {
            action: OutAction::PreemptAndAbort,
            ..Self::preempt(key, victim, kind)
        }
    }

    /// REGISTER AND MOVE the reservation to `destination`, registered with `new`.
    pub fn register_and_move(
        key: ReservationKey,
        new: ReservationKey,
        destination: Destination,
    ) -> Self {
        Self {
            service_action_key: Some(new),
            destination: Some(destination),
            ..Self::new(OutAction::RegisterAndMove, Some(key))
        }
    }

    /// The same, to survive power loss.
    pub fn persistent(mut self) -> Self {
        self.aptpl = true;
        self
    }

    /// The command descriptor block.
    pub fn cdb(&self) -> Cdb {
        let kind = self.kind.map_or(0, |kind| kind as u8);
        let length = u32::try_from(self.data_out().len()).unwrap_or(u32::MAX);
        Cdb::new(opcode::PERSISTENT_RESERVE_OUT, 10)
            .with(1, &[self.action as u8, kind])
            .with(5, &length.to_be_bytes())
    }

    /// The parameter list.
    pub fn data_out(&self) -> Vec<u8> {
        let mut list = Vec::with_capacity(24);
        list.extend(ReservationKey::wire(self.reservation_key).to_be_bytes());
        list.extend(ReservationKey::wire(self.service_action_key).to_be_bytes());
        match &self.destination {
            Some(destination) => self.extend_move(&mut list, destination),
            None => self.extend_basic(&mut list),
        }
        list
    }

    fn extend_basic(&self, list: &mut Vec<u8>) {
        let specific = !self.also_register.is_empty();
        let flags =
            u8::from(specific) << 3 | u8::from(self.all_target_ports) << 2 | u8::from(self.aptpl);
        list.extend([0, 0, 0, 0, flags, 0, 0, 0]);
        if specific {
            let ids: Vec<u8> = self
                .also_register
                .iter()
                .flat_map(TransportId::to_bytes)
                .collect();
            list.extend(u32::try_from(ids.len()).unwrap_or(u32::MAX).to_be_bytes());
            list.extend(ids);
        }
    }

    fn extend_move(&self, list: &mut Vec<u8>, destination: &Destination) {
        let id = destination.initiator.to_bytes();
        let flags = u8::from(destination.unregister_sender) << 1 | u8::from(self.aptpl);
        list.extend([0, flags]);
        list.extend(destination.target_port.to_be_bytes());
        list.extend(u32::try_from(id.len()).unwrap_or(u32::MAX).to_be_bytes());
        list.extend(id);
    }
}
