//! Registering, challenging, refreshing and releasing names.

use super::packet::{Operation, Packet, Record, bit, rtype};
use super::*;

const P: NodeType = NodeType::PointToPoint(WINS);

fn registered(last: u8, name: &NetbiosName) -> (Ipv4Addr, Outcome) {
    (at(last), Outcome::Registered(name.clone()))
}

#[test]
fn a_name_is_registered_at_the_server_and_found_there_until_it_is_released() {
    let mut network = Network::new(P, &[11]);
    let name = named("VS1");
    network.register(11, name.clone(), false);
    assert_eq!(network.outcomes, [registered(11, &name)]);
    assert_eq!(network.found(&name), [at(11)]);
    network.release(11, &name);
    assert!(network.found(&name).is_empty());
}

#[test]
fn a_living_owner_keeps_its_name_and_a_silent_one_loses_it() {
    let mut network = Network::new(P, &[11, 12]);
    let name = named("VS1");
    network.register(11, name.clone(), false);
    network.register(12, name.clone(), false);
    assert_eq!(network.outcomes[1], (at(12), Outcome::Taken(name.clone())));
    assert_eq!(
        network.host(12).state(&name, at(12)),
        Some(NameState::Conflict)
    );
    assert_eq!(network.found(&name), [at(11)]);
    network.cut_off.push(at(11));
    network.register(12, name.clone(), false);
    network.pass(4);
    assert_eq!(
        network.found(&name),
        [at(11)],
        "the owner is still being asked"
    );
    network.pass(2);
    assert_eq!(network.outcomes[2], registered(12, &name));
    assert_eq!(network.found(&name), [at(12)]);
}

#[test]
fn an_applicant_is_told_to_wait_once() {
    let mut network = Network::new(P, &[11]);
    network.register(11, named("VS1"), false);
    network.cut_off.push(at(11));
    let request = wanting(Operation::RegisterMultihomed, 0, &named("VS1"));
    assert_eq!(send(&mut network, &request).unwrap().flags, 0xbc00);
    assert_eq!(send(&mut network, &request), None);
}

#[test]
fn a_group_has_no_addresses_of_its_own_and_outlives_its_members() {
    let mut network = Network::new(P, &[11, 12]);
    let group = NetbiosName::new("TEAM", 0x1e);
    network.register(11, group.clone(), true);
    network.register(12, group.clone(), true);
    network.release(12, &group);
    assert_eq!(network.found(&group), [Ipv4Addr::BROADCAST]);
    network.register(11, NetbiosName::new("TEAM", 0x1e), false);
    assert!(matches!(
        network.outcomes.last(),
        Some((_, Outcome::Taken(_)))
    ));
}

#[test]
fn a_group_of_controllers_lists_its_members_and_shrinks() {
    let mut network = Network::new(P, &[11, 12]);
    let group = NetbiosName::new("TEAM", 0x1c);
    network.register(11, group.clone(), true);
    network.register(12, group.clone(), true);
    assert_eq!(network.found(&group), [at(11), at(12)]);
    network.release(11, &group);
    assert_eq!(network.found(&group), [at(12)]);
}

#[test]
fn a_name_is_refreshed_and_one_that_is_not_is_forgotten() {
    let mut network = Network::new(P, &[11]);
    let name = named("VS1");
    network.register(11, name.clone(), false);
    network.pass(20 * 86_400);
    assert_eq!(network.found(&name), [at(11)]);
    network.cut_off.push(at(11));
    network.pass(7 * 86_400);
    assert!(network.found(&name).is_empty());
}

#[test]
fn by_broadcast_a_name_is_claimed_unless_its_owner_objects() {
    let mut network = Network::new(NodeType::Broadcast, &[11, 12]);
    let name = named("VS1");
    network.register(11, name.clone(), false);
    assert_eq!(
        network.host(11).state(&name, at(11)),
        Some(NameState::Registering)
    );
    network.pass(3);
    assert_eq!(network.outcomes, [registered(11, &name)]);
    network.register(12, name.clone(), false);
    assert_eq!(network.outcomes[1], (at(12), Outcome::Taken(name.clone())));
    assert!(network.found(&name).is_empty(), "the server was not asked");
}

#[test]
fn a_hybrid_host_broadcasts_while_the_server_is_silent() {
    let mut network = Network::new(NodeType::Hybrid(WINS), &[11]);
    network.cut_off.push(WINS);
    let name = named("VS1");
    network.register(11, name.clone(), false);
    network.pass(8);
    assert_eq!(network.outcomes, [registered(11, &name)]);
    let mut network = Network::new(P, &[11]);
    network.server.set_down(true);
    network.register(11, name.clone(), false);
    network.pass(8);
    assert_eq!(
        network.outcomes,
        [(at(11), Outcome::ServerSilent(name.clone()))]
    );
    network.server.set_down(false);
    network.pass(700);
    assert_eq!(network.found(&name), [at(11)], "the server was asked again");
}

fn send(network: &mut Network, request: &Packet) -> Option<Packet> {
    let from = SocketAddrV4::new(at(99), PORT);
    let sent = network.server.handle(network.now, from, &request.encode());
    sent.first().map(|it| Packet::decode(&it.bytes).unwrap())
}

fn wanting(operation: Operation, bits: u16, name: &NetbiosName) -> Packet {
    let wanted = Record::of(name, 300_000, 0, &[at(99)]);
    Packet::request(7, operation, bits, name, Some(wanted))
}

#[test]
fn the_servers_own_name_is_given_to_nobody() {
    let mut network = Network::new(P, &[]);
    let own = NetbiosName::new("DC1", 0);
    for (operation, bits) in [
        (Operation::Register, bit::RECURSION_DESIRED),
        (Operation::Register, bit::BROADCAST),
        (Operation::Refresh, 0),
    ] {
        let answer = send(&mut network, &wanting(operation, bits, &own)).unwrap();
        assert_eq!(
            answer.flags,
            0xad80 | u16::from(rcode::ACTIVE),
            "{operation:?}"
        );
    }
}

#[test]
fn the_master_browser_is_acknowledged_and_never_found() {
    let mut network = Network::new(P, &[]);
    let master = NetbiosName::new("TEAM", 0x1d);
    let answer = send(&mut network, &wanting(Operation::Register, 0, &master)).unwrap();
    assert_eq!(answer.flags, 0xad80);
    let query = Packet::request(8, Operation::Query, bit::RECURSION_DESIRED, &master, None);
    assert_eq!(send(&mut network, &query).unwrap().flags, 0x8583);
    let release = wanting(Operation::Release, 0, &master);
    assert_eq!(send(&mut network, &release).unwrap().flags, 0xb400);
}

#[test]
fn an_unknown_name_is_denied_to_who_asks_the_server_and_met_with_silence_by_broadcast() {
    let mut network = Network::new(P, &[]);
    let query = |bits| Packet::request(8, Operation::Query, bits, &named("NOBODY"), None);
    assert_eq!(
        send(&mut network, &query(bit::RECURSION_DESIRED))
            .unwrap()
            .flags,
        0x8583
    );
    assert_eq!(send(&mut network, &query(bit::BROADCAST)), None);
    let release = wanting(Operation::Release, 0, &named("NOBODY"));
    assert_eq!(send(&mut network, &release).unwrap().flags, 0xb400);
}

#[test]
fn a_name_of_another_is_not_released() {
    let mut network = Network::new(P, &[11]);
    network.register(11, named("VS1"), false);
    let release = wanting(Operation::Release, 0, &named("VS1"));
    assert_eq!(send(&mut network, &release).unwrap().flags, 0xb406);
}

#[test]
fn the_status_lists_a_hosts_names() {
    let mut network = Network::new(P, &[]);
    let mut query = Packet::request(8, Operation::Query, 0, &NetbiosName::any(), None);
    query.question.as_mut().unwrap().1 = rtype::STATUS;
    let answer = send(&mut network, &query).unwrap();
    assert_eq!(answer.flags, 0x8400);
    let data = answer.answer.unwrap().data;
    assert_eq!((data[0], data.len()), (2, 1 + 2 * 18 + 46));
    assert_eq!(&data[1..17], b"CORP           \0");
    assert_eq!(data[17..19], [0x84, 0], "a group, active");
}

#[test]
fn a_scope_is_part_of_the_name_and_has_an_end() {
    let mut network = Network::new(P, &[]);
    let scoped = |letters: usize| {
        let mut bytes = wanting(Operation::Register, 0, &named("VS1")).encode();
        let mut scope = Vec::new();
        let mut left = letters;
        while left > 0 {
            let label = left.min(60);
            scope.push(u8::try_from(label).unwrap());
            scope.extend(std::iter::repeat_n(b'X', label));
            left -= label;
        }
        bytes.splice(45..45, scope);
        bytes
    };
    let mut code = |bytes: &[u8]| {
        let from = SocketAddrV4::new(at(99), PORT);
        let sent = network.server.handle(network.now, from, bytes);
        Packet::decode(&sent[0].bytes).unwrap().rcode()
    };
    assert_eq!(code(&scoped(10)), rcode::OK);
    assert_eq!(code(&scoped(234)), rcode::OK, "272 octets in all");
    assert_eq!(code(&scoped(235)), rcode::SERVER);
    assert!(
        network.found(&named("VS1")).is_empty(),
        "without the scope it is another name"
    );
}

proptest::proptest! {
    #[test]
    fn no_packet_disturbs_a_host_or_the_server(
        bytes in proptest::collection::vec(0u8.., 0..300),
        is_cut in 0usize..60,
        flags in 0u16..,
    ) {
        let mut network = Network::new(P, &[11]);
        network.register(11, named("VS1"), false);
        let mut packet = wanting(Operation::Register, 0, &named("VS1")).encode();
        packet.truncate(is_cut);
        packet.extend_from_slice(&bytes);
        if let Some(word) = packet.get_mut(2..4) {
            word.copy_from_slice(&flags.to_be_bytes());
        }
        let from = SocketAddrV4::new(at(99), PORT);
        let sent = network.server.handle(network.now, from, &packet);
        network.deliver(WINS, sent);
        let now = network.now;
        network.host(11).handle(now, from, &packet);
        network.pass(10);
    }

    #[test]
    fn what_is_encoded_is_decoded_again(text in "[A-Z0-9]{1,15}", suffix: u8, flags: u16, id: u16) {
        let name = NetbiosName::new(&text, suffix);
        let record = Record::of(&name, 5, flags, &[at(1), at(2)]);
        let packet = Packet {
            id, flags, question: Some((name.clone(), rtype::NAME)),
            answer: None, additional: Some(record),
        };
        proptest::prop_assert_eq!(Packet::decode(&packet.encode()), Some(packet));
    }
}
