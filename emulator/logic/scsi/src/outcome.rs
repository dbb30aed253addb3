//! What became of a command, as its sender sees it.

use crate::sense::Sense;

/// A SCSI status byte (SAM-5 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// Done as asked.
    Good = 0x00,
    /// Not done, or done with something to say: sense data follows.
    CheckCondition = 0x02,
    /// COMPARE AND the like: condition met (PRE-FETCH: all blocks fit the cache).
    ConditionMet = 0x04,
    /// Try again later.
    Busy = 0x08,
    /// Another nexus' reservation stands in the way. No sense data, nothing touched.
    ReservationConflict = 0x18,
    /// The unit's queue is full.
    TaskSetFull = 0x28,
    /// Aborted on behalf of another nexus, and the unit was told to say so (TAS = 1).
    TaskAborted = 0x40,
}

impl Status {
    /// The status for a byte from the wire.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x00 => Self::Good,
            0x02 => Self::CheckCondition,
            0x04 => Self::ConditionMet,
            0x08 => Self::Busy,
            0x18 => Self::ReservationConflict,
            0x28 => Self::TaskSetFull,
            0x40 => Self::TaskAborted,
            _ => return None,
        })
    }
}

/// What became of a command: exactly one of these for each command sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done; the data that came back, empty for commands that return none.
    Good(Vec<u8>),
    /// Refused because of a reservation. Nothing was transferred or changed.
    ReservationConflict,
    /// Refused, failed or interrupted by a unit attention.
    CheckCondition(Sense),
    /// The unit cannot take the command now; nothing was done.
    Busy,
    /// The unit's queue is full; nothing was done.
    TaskSetFull,
    /// Aborted on behalf of another nexus. It may or may not have been carried out.
    TaskAborted,
    /// No answer came and none will: the path is gone. It may or may not have been carried out.
    PathLost,
}

impl Outcome {
    /// The outcome that a status with its sense and data stands for. A CHECK CONDITION without
    /// sense data is reported as an aborted command, because nothing better is known of it.
    pub fn from_parts(status: Status, sense: Option<Sense>, data_in: Vec<u8>) -> Self {
        match status {
            Status::Good | Status::ConditionMet => Self::Good(data_in),
            Status::CheckCondition => Self::CheckCondition(sense.unwrap_or(Sense::UNKNOWN)),
            Status::Busy => Self::Busy,
            Status::ReservationConflict => Self::ReservationConflict,
            Status::TaskSetFull => Self::TaskSetFull,
            Status::TaskAborted => Self::TaskAborted,
        }
    }

    /// The data, if the command was done.
    pub fn good(&self) -> Option<&[u8]> {
        match self {
            Self::Good(data) => Some(data),
            _ => None,
        }
    }

    /// Whether this only reports that something happened before the command, which was not
    /// looked at: send it again.
    pub fn is_unit_attention(&self) -> bool {
        matches!(self, Self::CheckCondition(sense) if sense.is_unit_attention())
    }

    /// Whether the unit does not know the command at all.
    pub fn is_invalid_operation(&self) -> bool {
        let unknown = crate::sense::asc::INVALID_OPERATION_CODE;
        matches!(self, Self::CheckCondition(sense) if sense.additional == unknown)
    }
}
