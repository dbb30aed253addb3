//! The name services that a virtual server registers with, as pure handlers: bytes and time in,
//! bytes and changes out.
//!
//! Serves the seeds' clauses on DNS and NetBIOS names and sections 3 and 5 of the directory fact
//! sheet. Not done here: sockets and files (`directoryd` and the simulator move the bytes and keep
//! the changes), accounts, tickets and LDAP (package `accounts`).

pub mod dns;
mod gss;
pub mod netbios;

pub use gss::{GssAcceptor, GssContext, GssStep, NoAccounts};
