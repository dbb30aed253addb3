//! REPORT CAPABILITIES (fact sheet section 3).

use super::ReservationType;
use crate::bytes::{Malformed, be16};

/// What a target says of commands that the standard leaves open under a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllowCommands(pub u8);

impl AllowCommands {
    /// Code 4: TEST UNIT READY and the variable commands pass every reservation.
    pub const ALL_PASS: Self = Self(4);
}

/// What a target can do with persistent reservations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// RLR_C: REPLACE LOST RESERVATION is supported.
    pub replace_lost: bool,
    /// CRH: RESERVE and RELEASE of SPC-2 pass for those whom the reservation admits.
    pub compatible_reservation_handling: bool,
    /// SIP_C: registrations may name initiator ports.
    pub specify_initiator_ports: bool,
    /// ATP_C: registrations may be for all target ports.
    pub all_target_ports: bool,
    /// PTPL_C: registrations can survive power loss.
    pub persist_capable: bool,
    /// PTPL_A: they do now.
    pub persist_active: bool,
    /// What passes a reservation besides the commands that always do; absent: not told.
    pub allow_commands: AllowCommands,
    /// The types, in the order of their codes; absent when TMV = 0.
    pub types: Option<TypeMask>,
}

/// A set of reservation types as the two mask bytes have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeMask([u8; 2]);

impl TypeMask {
    /// All six types.
    pub const ALL: Self = Self([0xea, 0x01]);

    /// Whether `kind` is in the set.
    pub fn contains(self, kind: ReservationType) -> bool {
        match kind {
            ReservationType::ExclusiveAccessAllRegistrants => self.0[1] & 1 != 0,
            other => self.0[0] & (1 << (other as u8)) != 0,
        }
    }
}

impl Capabilities {
    /// The eight bytes of the answer.
    pub fn to_bytes(&self) -> [u8; 8] {
        let can = u8::from(self.replace_lost) << 7
            | u8::from(self.compatible_reservation_handling) << 4
            | u8::from(self.specify_initiator_ports) << 3
            | u8::from(self.all_target_ports) << 2
            | u8::from(self.persist_capable);
        let is = u8::from(self.types.is_some()) << 7
            | (self.allow_commands.0 & 7) << 4
            | u8::from(self.persist_active);
        let [low, high] = self.types.map_or([0, 0], |types| types.0);
        [0, 8, can, is, low, high, 0, 0]
    }

    /// Reads the answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let Some(&[_, _, can, is, low, high, ..]) = bytes.first_chunk::<8>() else {
            return Err(Malformed {
                what: "REPORT CAPABILITIES data",
                why: "below 8 bytes",
            });
        };
        if be16(bytes, 0) < 8 {
            return Err(Malformed {
                what: "REPORT CAPABILITIES data",
                why: "length below 8",
            });
        }
        Ok(Self {
            replace_lost: can & 0x80 != 0,
            compatible_reservation_handling: can & 0x10 != 0,
            specify_initiator_ports: can & 0x08 != 0,
            all_target_ports: can & 0x04 != 0,
            persist_capable: can & 0x01 != 0,
            persist_active: is & 0x01 != 0,
            allow_commands: AllowCommands(is >> 4 & 7),
            types: (is & 0x80 != 0).then_some(TypeMask([low, high])),
        })
    }
}
