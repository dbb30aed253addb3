//! What a third party sees of an address: whether it answers a ping, or takes a connection, at
//! each of many moments.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use pnet_packet::Packet;
use pnet_packet::icmp::echo_reply::EchoReplyPacket;
use pnet_packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet_packet::icmp::{IcmpPacket, IcmpTypes, checksum};
use pnet_packet::ipv4::Ipv4Packet;
use socket2::{Domain, Protocol, Socket, Type};

use crate::ECHO_PORT;

/// How somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// An echo request of ICMP.
    Ping,
    /// A new connection to the echo service, and a byte there and back.
    Connect,
}

/// Looks at an address every so often, for as long as `seen` says yes; it is told when the look
/// began, and whether the address answered before the next one was due.
///
/// # Errors
/// When this process may not ping.
pub fn watch(
    look: Look,
    address: Ipv4Addr,
    every: Duration,
    mut seen: impl FnMut(Instant, bool) -> bool,
) -> io::Result<()> {
    let mut pings = match look {
        Look::Ping => Some(Pings::open()?),
        Look::Connect => None,
    };
    let mut due = Instant::now();
    loop {
        let began = Instant::now();
        let answers = match &mut pings {
            Some(pings) => pings.ping(address, every),
            None => connect(address, every).is_ok(),
        };
        if !seen(began, answers) {
            return Ok(());
        }
        due = (due + every).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn connect(address: Ipv4Addr, patience: Duration) -> io::Result<()> {
    let at = SocketAddr::from((address, ECHO_PORT));
    let mut stream = TcpStream::connect_timeout(&at, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"?")?;
    stream.read_exact(&mut [0])
}

/// A socket for pings.
struct Pings {
    socket: Socket,
    identifier: u16,
    sequence: u16,
}

/// Type, code, checksum, identifier and sequence number.
const ECHO_LEN: usize = 8;

impl Pings {
    fn open() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        let identifier = std::process::id().to_be_bytes();
        Ok(Self {
            socket,
            identifier: u16::from_be_bytes([identifier[2], identifier[3]]),
            sequence: 0,
        })
    }

    /// Whether an address answers in time.
    fn ping(&mut self, address: Ipv4Addr, patience: Duration) -> bool {
        self.sequence = self.sequence.wrapping_add(1);
        let until = Instant::now() + patience;
        let to = SocketAddr::from((address, 0));
        self.socket.send_to(&self.request(), &to.into()).is_ok() && self.hear(address, until)
    }

    fn request(&self) -> Vec<u8> {
        let mut bytes = vec![0; ECHO_LEN];
        if let Some(mut packet) = MutableEchoRequestPacket::new(&mut bytes) {
            packet.set_icmp_type(IcmpTypes::EchoRequest);
            packet.set_identifier(self.identifier);
            packet.set_sequence_number(self.sequence);
            let sum = IcmpPacket::new(packet.packet()).map_or(0, |it| checksum(&it));
            packet.set_checksum(sum);
        }
        bytes
    }

    fn hear(&self, address: Ipv4Addr, until: Instant) -> bool {
        let mut buffer = [0; 1_500];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                return false;
            }
            // An error is the time-out, or somebody's word that the address cannot be reached.
            let len = (&self.socket).read(&mut buffer).unwrap_or(0);
            if self.is_reply(address, buffer.get(..len).unwrap_or_default()) {
                return true;
            }
        }
    }

    fn is_reply(&self, address: Ipv4Addr, packet: &[u8]) -> bool {
        let ip = Ipv4Packet::new(packet).filter(|it| it.get_source() == address);
        let Some(ip) = ip else {
            return false;
        };
        EchoReplyPacket::new(ip.payload()).is_some_and(|reply| {
            reply.get_icmp_type() == IcmpTypes::EchoReply
                && reply.get_identifier() == self.identifier
                && reply.get_sequence_number() == self.sequence
        })
    }
}
