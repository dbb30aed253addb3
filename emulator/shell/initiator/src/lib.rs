//! The nodes' iSCSI initiator on sockets: one path from an initiator port to a target port.
//!
//! Serves the initiator part of issue "the reservation target". The session machine is `scsi`'s;
//! here are the socket, the clock, deadlines and reconnecting. Every command gets exactly one
//! outcome: what the target said, or [`scsi::Outcome::PathLost`]. A reconnect uses the same ISID,
//! so that the nexus finds its registrations again. Not done here: choosing among paths, retrying
//! after unit attentions, deciding anything about reservations.

mod discovery;
mod driver;
mod link;
mod path;
mod settings;

pub use discovery::{Found, discover};
pub use link::{Link, LinkError};
pub use path::{Path, PathState};
pub use settings::{Patience, Settings};
