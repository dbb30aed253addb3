//! What a command ends with.

use scsi::{Lun, Outcome, Sense, SenseKey, Status, asc};

use crate::reservation::Refusal;
use crate::store::StoreError;

/// What must be done before a status may be sent. Nothing is acknowledged that could be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Obligation {
    /// Send it now.
    #[default]
    None,
    /// Make all writes of the unit so far durable first.
    Sync(Lun),
    /// Wait until the unit's sanitize has ended, then ask [`crate::Target::sanitized`].
    Sanitize(Lun),
    /// Replace the unit's saved reservations by this record first, atomically and durably; an
    /// empty record means that nothing is to survive.
    Save(Lun, Vec<u8>),
}

/// What a command ends with. The data that it returns is handed out separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// Why, for CHECK CONDITION.
    pub sense: Option<Sense>,
    /// Whether the sense data goes out in descriptor format (D_SENSE).
    pub descriptor_sense: bool,
    /// What must be done before the status is sent.
    pub obligation: Obligation,
}

impl Response {
    pub(crate) const GOOD: Self = Self::with_status(Status::Good);

    pub(crate) const fn with_status(status: Status) -> Self {
        Self {
            status,
            sense: None,
            descriptor_sense: false,
            obligation: Obligation::None,
        }
    }

    pub(crate) const fn check(sense: Sense) -> Self {
        Self {
            status: Status::CheckCondition,
            sense: Some(sense),
            descriptor_sense: false,
            obligation: Obligation::None,
        }
    }

    /// The answer when writes could not be made durable.
    pub fn sync_failed(error: StoreError) -> Self {
        Self::check(crate::unit::medium_sense(error))
    }

    /// The answer when the reservations could not be saved: the unit has failed closed.
    pub(crate) fn save_failed() -> Self {
        Self::check(Sense::new(
            SenseKey::HardwareError,
            asc::INTERNAL_TARGET_FAILURE,
        ))
    }

    /// The sense data as it goes on the wire; empty without any.
    pub fn sense_bytes(&self) -> Vec<u8> {
        match &self.sense {
            Some(sense) if self.descriptor_sense => sense.to_descriptor(),
            Some(sense) => sense.to_fixed().to_vec(),
            None => Vec::new(),
        }
    }

    /// What the sender sees of it.
    pub fn outcome(self, data_in: Vec<u8>) -> Outcome {
        Outcome::from_parts(self.status, self.sense, data_in)
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Conflict => Self::with_status(Status::ReservationConflict),
            Refusal::Check(sense) => Self::check(sense),
        }
    }
}
