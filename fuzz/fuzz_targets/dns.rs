//! Whatever bytes come, the name server answers or is silent, keeps the start and a server of its
//! zones, and what it keeps brings the same zones back.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use arbitrary::Arbitrary;
use base::WallTime;
use directory::dns::{
    Algorithm, Domain, Ports, Server, Transport, Updates, domain_zone, name, reverse_zones,
};
use directory::{GssAcceptor, NoAccounts};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    secure: bool,
    stream: bool,
    messages: Vec<Message>,
}

#[derive(Debug, Arbitrary)]
enum Message {
    Raw(Vec<u8>),
    /// A header that is well-formed as far as it says, and what comes behind it.
    Shaped {
        id: u16,
        update: bool,
        counts: [u8; 3],
        in_zone: bool,
        rest: Vec<u8>,
    },
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        let Self::Shaped {
            id,
            update,
            counts,
            in_zone,
            rest,
        } = self
        else {
            let Self::Raw(bytes) = self else {
                unreachable!()
            };
            return bytes.clone();
        };
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend([if *update { 0x28 } else { 1 }, 0, 0, 1]);
        counts.iter().for_each(|count| bytes.extend([0, count % 4]));
        if *in_zone {
            bytes.extend(b"\x04corp\x07example\0\0\x06\0\x01");
        }
        bytes.extend(rest);
        bytes
    }
}

fn server(secure: bool) -> Server {
    let domain = Domain {
        name: "corp.example".into(),
        controller: "dc1".into(),
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        site: "Default-First-Site-Name".into(),
        guid: "1".into(),
        controller_guid: "2".into(),
        ports: Ports::default(),
    };
    let updates = if secure {
        Updates::Secure
    } else {
        Updates::Any
    };
    let mut zones = reverse_zones(&domain, updates).expect("good names");
    zones.push(domain_zone(&domain, updates).expect("good names"));
    let mut server = Server::new(zones, Vec::new());
    let key = name("key.corp.example").expect("a good name");
    server.add_key(&key, Algorithm::Sha256, b"secret".to_vec());
    server
}

fuzz_target!(|input: Input| {
    let mut server_here = server(input.secure);
    let transport = if input.stream {
        Transport::Stream
    } else {
        Transport::Datagram
    };
    let mut accounts = || -> Box<dyn GssAcceptor> { Box::new(NoAccounts) };
    let mut changes = Vec::new();
    for message in input.messages.iter().take(8) {
        let bytes = message.bytes();
        let answer = server_here.handle(
            WallTime(1_700_000_000_000),
            transport,
            &bytes,
            &mut accounts,
        );
        for reply in &answer.messages {
            assert!(
                reply.len() >= 12 && reply[2] & 0x80 != 0,
                "not an answer: {reply:02x?}"
            );
        }
        changes.extend(answer.changes);
    }
    let apex = name("corp.example").expect("a good name");
    assert!(
        server_here
            .zone(&apex)
            .is_some_and(|zone| zone.serial() > 0)
    );
    let mut copy = server(input.secure);
    for change in &changes {
        copy.restore(change).expect("what is kept can be read");
    }
    assert_eq!(copy.kept(), server_here.kept());
});
