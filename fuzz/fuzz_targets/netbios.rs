//! The NetBIOS name service, server and host, under datagrams of every kind from several senders:
//! nothing breaks, a name has at most 25 addresses, and what is said goes to who has asked, to a
//! holder or to the segment.

#![no_main]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use arbitrary::Arbitrary;
use base::Timestamp;
use directory::netbios::{Destination, Host, NetbiosName, NodeType, Outgoing, Server, Timing};
use libfuzzer_sys::fuzz_target;

const PORT: u16 = 137;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Most steps of one run: later ones find nothing that earlier ones do not.
const STEPS: usize = 64;

#[derive(Debug, Arbitrary)]
enum Step {
    /// Any bytes.
    Raw {
        from: u8,
        bytes: Vec<u8>,
    },
    /// A packet that is in order but for its words.
    Packet {
        from: u8,
        id: u16,
        opcode: u8,
        bits: u16,
        name: u8,
        flags: u16,
        address: u8,
        ttl: u32,
        places: u8,
    },
    /// Time passes, in quarters of a second.
    Wait {
        quarters: u16,
    },
    /// The host wants a name, or gives it back.
    Want {
        name: u8,
        is_group: bool,
    },
    GiveBack {
        name: u8,
    },
}

fn name(number: u8) -> NetbiosName {
    let suffixes = [0x00, 0x1b, 0x1c, 0x1d, 0x20];
    let suffix = suffixes[usize::from(number / 4) % suffixes.len()];
    NetbiosName::new(
        ["DC1", "CORP", "VS1", "VS2"][usize::from(number) % 4],
        suffix,
    )
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

/// A name as it stands in a packet, by the rules alone and not by the code under test.
fn encoded(name: &NetbiosName) -> Vec<u8> {
    let text = name.to_string();
    let (characters, suffix) = text.split_once('<').unwrap_or((&text, "00>"));
    let mut octets = [b' '; 16];
    octets[..characters.len()].copy_from_slice(characters.as_bytes());
    octets[15] = u8::from_str_radix(&suffix[..2], 16).unwrap_or(0);
    let letters = octets
        .iter()
        .flat_map(|it| [b'A' + (it >> 4), b'A' + (it & 15)]);
    [32].into_iter().chain(letters).chain([0]).collect()
}

/// Questions, answers and additional records as `places` has bits; each about the same name.
fn packet(step: &Step) -> Vec<u8> {
    let Step::Packet {
        id,
        opcode,
        bits,
        name: number,
        flags,
        address: last,
        ttl,
        places,
        ..
    } = step
    else {
        return Vec::new();
    };
    let words = (u16::from(opcode & 15) << 11) | (bits & 0x87ff);
    let count = |bit: u8| u16::from(places >> bit & 1);
    let mut bytes = Vec::new();
    for word in [*id, words, count(0), count(1), 0, count(2)] {
        bytes.extend(word.to_be_bytes());
    }
    let encoded = encoded(&name(*number));
    if count(0) == 1 {
        bytes.extend(&encoded);
        bytes.extend([0, 0x20 | (places >> 7), 0, 1]);
    }
    for _ in 0..count(1) + count(2) {
        bytes.extend(&encoded);
        bytes.extend([0, 0x20, 0, 1]);
        bytes.extend(ttl.to_be_bytes());
        bytes.extend(6_u16.to_be_bytes());
        bytes.extend(flags.to_be_bytes());
        bytes.extend(address(*last).octets());
    }
    bytes
}

fuzz_target!(|steps: Vec<Step>| {
    let mut server = Server::new(SERVER, PORT, Timing::WINDOWS);
    server.own(name(0), false);
    server.own(name(9), true);
    let mut host = Host::new(NodeType::Hybrid(SERVER), PORT, Timing::WINDOWS, 7);
    let mut now = Timestamp::ZERO;
    for step in steps.iter().take(STEPS) {
        match step {
            Step::Raw { from, bytes } => hear(&mut server, &mut host, now, *from, bytes),
            Step::Packet { from, .. } => hear(&mut server, &mut host, now, *from, &packet(step)),
            Step::Wait { quarters } => {
                now = now + Duration::from_millis(250) * u32::from(*quarters);
                carry(&mut server, now, host.expire(now).0);
                server.expire(now);
            }
            Step::Want {
                name: wanted,
                is_group,
            } => {
                let (sent, _) = host.register(now, name(*wanted), *is_group, HOST);
                carry(&mut server, now, sent);
            }
            Step::GiveBack { name: given } => carry(&mut server, now, host.release(&name(*given))),
        }
        for number in 0..20 {
            assert!(server.find(now, &name(number)).len() <= 25);
        }
        assert_eq!(
            server.find(now, &name(0)),
            [SERVER],
            "the server's own name is its own"
        );
    }
});

fn hear(server: &mut Server, host: &mut Host, now: Timestamp, from: u8, bytes: &[u8]) {
    let from = SocketAddrV4::new(address(from), PORT);
    for outgoing in server.handle(now, from, bytes) {
        assert!(
            matches!(outgoing.to, Destination::Host(_)),
            "a server never broadcasts"
        );
    }
    for outgoing in host.handle(now, from, bytes).0 {
        assert_eq!(
            outgoing.to,
            Destination::Host(from),
            "a host answers who has asked"
        );
    }
}

/// What the host sends reaches the server.
fn carry(server: &mut Server, now: Timestamp, sent: Vec<Outgoing>) {
    for outgoing in sent {
        server.handle(now, SocketAddrV4::new(HOST, PORT), &outgoing.bytes);
    }
}
