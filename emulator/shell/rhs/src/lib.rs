//! The resource host: a process that runs resources for one node and answers entry-point calls.
//!
//! Serves the seeds' Resource Host Subsystem: resources run apart from the cluster service, and
//! the end of a host takes only its own resources with it. Generic applications, generic scripts
//! and plug-ins are real child processes; registry and key containers are files. Addresses, names,
//! servers and shares are kept with the lab, which knows who serves what on its networks; a host
//! that dies loses what it held there. Where the machine has adapters of its own, addresses go
//! onto them as well, and its server service offers names and shares to clients.
//! Deliberately not done here: judging slowness and deciding what a failure leads to, which is
//! resource control's affair.

pub mod family;
pub mod frames;
mod host;
mod instance;
mod namespace;
pub mod outside;
mod plug_in;
mod program;
pub mod registry;
pub mod server;

pub use host::{Options, run};
pub use namespace::enter;
pub use program::execute;
