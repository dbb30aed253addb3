//! Answers in the words of the standard, for expectations and for people.

use std::fmt;

use libiscsi::Answer;

/// Status codes (SAM-5 5.3).
pub(super) const GOOD: u8 = 0;
pub(super) const RESERVATION_CONFLICT: u8 = 0x18;
const CHECK_CONDITION: u8 = 2;

/// Sense keys (SPC-4 4.5.6).
pub(super) const ILLEGAL_REQUEST: u8 = 5;
pub(super) const UNIT_ATTENTION: u8 = 6;

/// Additional sense codes with their qualifiers.
pub(super) const PARAMETER_LIST_LENGTH: u16 = 0x1a00;
pub(super) const INVALID_OPERATION_CODE: u16 = 0x2000;
pub(super) const INVALID_FIELD_IN_CDB: u16 = 0x2400;
pub(super) const INVALID_FIELD_IN_LIST: u16 = 0x2600;
pub(super) const INVALID_RELEASE: u16 = 0x2604;
pub(super) const RESERVATIONS_PREEMPTED: u16 = 0x2a03;
pub(super) const RESERVATIONS_RELEASED: u16 = 0x2a04;
pub(super) const REGISTRATIONS_PREEMPTED: u16 = 0x2a05;

/// What an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// GOOD.
    Good,
    /// RESERVATION CONFLICT.
    Conflict,
    /// ILLEGAL REQUEST with this additional sense code.
    Illegal(u16),
    /// ILLEGAL REQUEST, whatever the code.
    AnyIllegal,
    /// The sources disagree: RESERVATION CONFLICT or ILLEGAL REQUEST.
    ConflictOrIllegal,
    /// Anything but RESERVATION CONFLICT.
    NoConflict,
}

impl Want {
    pub(super) fn takes(self, answer: &Answer) -> bool {
        let is_conflict = answer.status == RESERVATION_CONFLICT;
        let illegal = matches!(answer.sense, Some((ILLEGAL_REQUEST, _)));
        match self {
            Self::Good => answer.status == GOOD,
            Self::Conflict => is_conflict,
            Self::Illegal(code) => answer.sense == Some((ILLEGAL_REQUEST, code)),
            Self::AnyIllegal => illegal,
            Self::ConflictOrIllegal => is_conflict || illegal,
            Self::NoConflict => !is_conflict,
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("GOOD"),
            Self::Conflict => f.write_str("RESERVATION CONFLICT"),
            Self::Illegal(code) => write!(f, "CHECK CONDITION {}", sense(ILLEGAL_REQUEST, *code)),
            Self::AnyIllegal => f.write_str("CHECK CONDITION with ILLEGAL REQUEST"),
            Self::ConflictOrIllegal => f.write_str("RESERVATION CONFLICT or ILLEGAL REQUEST"),
            Self::NoConflict => f.write_str("anything but RESERVATION CONFLICT"),
        }
    }
}

fn sense(key: u8, code: u16) -> String {
    format!("{key:X}/{}", attention(code))
}

/// An additional sense code as people write it.
pub(super) fn attention(code: u16) -> String {
    format!("{:02X}/{:02X}", code >> 8, code & 0xff)
}

/// An answer as people write it.
pub(super) fn words(answer: &Answer) -> String {
    match (answer.status, answer.sense) {
        (GOOD, _) => "GOOD".to_owned(),
        (RESERVATION_CONFLICT, _) => "RESERVATION CONFLICT".to_owned(),
        (CHECK_CONDITION, Some((key, code))) => format!("CHECK CONDITION {}", sense(key, code)),
        (CHECK_CONDITION, None) => "CHECK CONDITION without sense data".to_owned(),
        (8, _) => "BUSY".to_owned(),
        (0x28, _) => "TASK SET FULL".to_owned(),
        (0x40, _) => "TASK ABORTED".to_owned(),
        (status, _) => format!("status {status:02X}h"),
    }
}

/// Whether the unit does not know the command at all.
pub(super) fn is_unknown(answer: &Answer) -> bool {
    answer.sense == Some((ILLEGAL_REQUEST, INVALID_OPERATION_CODE))
}
