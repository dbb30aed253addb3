//! iSCSI without sockets: PDUs, login and session machines of both ends (RFC 7143).
//!
//! Bytes go in, bytes and events come out. One connection a session (MaxConnections = 1), error
//! recovery level 0: what is lost is lost with its connection, and the initiator logs in again.

pub mod chap;
pub mod frame;
pub mod initiator;
pub mod login;
pub mod negotiation;
pub mod pdu;
pub mod target;
pub mod text;
