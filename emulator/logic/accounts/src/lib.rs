//! The directory's accounts: the store, Kerberos, GSS-API and LDAP of the emulated domain.
//!
//! Every protocol is a pure handler on one [`store::Store`]: bytes, state, time and randomness in,
//! bytes out. The shell moves the bytes, and writes [`store::Store::take_journal`] down before an
//! answer leaves. Serves reference rows 4 and 6 of the directory's fact sheet.
//!
//! Deliberately not done here: DNS, NetBIOS and shares, which are the package `directory`'s.

pub mod crypto;
pub mod der;
mod entropy;
pub mod gss;
pub mod kerberos;
pub mod ldap;
pub mod moment;
pub mod store;

pub use entropy::Entropy;
