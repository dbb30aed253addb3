//! The directory services of a domain on sockets: moves bytes between clients and the pure
//! handlers of `directory`, and keeps what they change.
//!
//! Not done here: deciding what is answered. A change is on the disk before its answer leaves.

mod accounts;
mod control;
mod dns;
mod events;
mod files;
mod inside;
mod journal;
mod ldap;
mod netbios;
mod options;
mod server;
mod share;
mod sockets;

pub use control::FORMS;
pub use events::{Event, Listener};
pub use inside::Inside;
pub use options::{KeyOption, Options, OptionsError, ServicePorts, UserOption};
pub use server::{Server, StartError};
