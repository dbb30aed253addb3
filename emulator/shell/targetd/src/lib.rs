//! The iSCSI target on real sockets, over files.
//!
//! Moves bytes and decides nothing: what a command does is `target`, what a PDU means is `scsi`.
//! One thread a connection; all of them share the target behind one lock, which is held while
//! commands are carried out and never while waiting for the network or for a disk to sync.

mod cache;
mod control;
mod events;
mod file_store;
mod input;
mod options;
mod registry;
mod server;
mod session;
mod vault;

pub use control::FORMS;
pub use events::{Event, Listener};
pub use options::{Options, OptionsError, UnitOptions, check_name};
pub use server::{Server, StartError};
