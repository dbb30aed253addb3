//! The NetBIOS name service: a host's own names, and a server that keeps those of others.
//!
//! Serves the seeds' clauses on NetBIOS names and section 5 of the directory fact sheet. Datagram
//! and session services, and replication between name servers, are not here.

mod host;
mod name;
mod packet;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod wins;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

pub use host::{Host, NameState, NodeType, Outcome};
pub use name::NetbiosName;
pub use packet::rcode;
pub use wins::Server;

use packet::Packet;

/// The port of the name service.
pub const PORT: u16 = 137;
/// How often a host asks before it goes on without an answer (fact 5.3).
const TRIES: u32 = 3;

/// How long a host waits for an answer each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From a server or another host.
    pub unicast: Duration,
    /// From whoever hears a broadcast.
    pub broadcast: Duration,
}

impl Timing {
    /// As RFC 1002 section 6 has it.
    pub const RFC: Self = Self {
        unicast: Duration::from_secs(5),
        broadcast: Duration::from_millis(250),
    };
    /// As the product does (fact 5.3).
    pub const WINDOWS: Self = Self {
        unicast: Duration::from_millis(1500),
        broadcast: Duration::from_millis(750),
    };
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To one host.
    Host(SocketAddrV4),
    /// To everybody on the network of this address of the host, at this port.
    Network(Ipv4Addr, u16),
}

/// A packet to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub to: Destination,
    /// Its octets.
    pub bytes: Vec<u8>,
}

impl Outgoing {
    fn to(peer: SocketAddrV4, packet: &Packet) -> Self {
        Self {
            to: Destination::Host(peer),
            bytes: packet.encode(),
        }
    }

    fn broadcast(from: Ipv4Addr, port: u16, packet: &Packet) -> Self {
        Self {
            to: Destination::Network(from, port),
            bytes: packet.encode(),
        }
    }
}
