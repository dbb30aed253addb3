//! The SCSI-3 reservation target as a pure state machine: units, registrations and reservations,
//! block commands, unit attentions, task management, power loss.
//!
//! Serves issue "the reservation target" and the shared and witness disks of the simulator; facts
//! from the reservation fact sheet, SPC-4, SBC-4 and SAM-5. The very same machine answers in the
//! simulator and behind a socket. Not done here: time (a slow unit is the path's business), IO (a
//! [`Store`] keeps the blocks, an [`Obligation`] says what must be durable before a status goes
//! out, a [`Connection`] turns bytes into bytes).

mod array;
mod attention;
mod config;
mod connection;
mod device;
mod fault;
mod nexus;
mod outsider;
mod reservation;
mod response;
mod store;
mod target;
mod task;
mod unit;

pub use array::{Array, Holding, Picture};
pub use attention::Attention;
pub use config::{Config, ConfigError, PORTS_MAX, PortId, UNITS_MAX, UnitConfig};
pub use connection::{Closed, Connection, Portal, Progress, SaveFailed, Vault};
pub use fault::{BAD_RANGES_MAX, Fault};
pub use nexus::NEXUSES_MAX;
pub use outsider::{Intrusion, OUTSIDER_KEY};
pub use reservation::REGISTRANTS_MAX;
pub use reservation::image::ImageError;
pub use response::{Obligation, Response};
pub use store::{Extent, Fate, MemoryStore, Store, StoreError, UNSYNCED_MAX, Unsynced};
pub use target::{Request, Target};
pub use task::{Function, TaskTag};
