//! SCSI as bytes and types: commands, outcomes, sense data, reservation parameter lists, and the
//! names that initiators and targets go by.
//!
//! Serves the shared-disk clauses of the seeds and sections 2 to 6 and 11 of the reservation fact
//! sheet. Not done here: deciding anything. What a logical unit answers is `target`; when a node
//! sends what is the cluster disk driver.

mod bytes;
pub mod cdb;
mod command;
mod identity;
pub mod inquiry;
pub mod iscsi;
mod outcome;
pub mod pr;
mod sense;

pub use bytes::{Malformed, be16, be32, be64};
pub use cdb::Cdb;
pub use command::{Capacity, Command};
pub use identity::{
    InitiatorPort, Isid, Lun, NexusId, TargetPort, TransportId, TransportIdError, UnitId,
};
pub use outcome::{Outcome, Status};
pub use pr::{ReservationKey, ReservationType};
pub use sense::{Additional, Sense, SenseKey, asc};
