//! What outlives the server's process, and applicants that come at the same time.

use base::{Now, WallTime};

use super::*;

fn now(seconds: u64, wall_seconds: u64) -> Now {
    Now {
        mono: Timestamp::ZERO + Duration::from_secs(seconds),
        wall: WallTime(wall_seconds * 1000),
    }
}

#[test]
fn what_was_kept_is_known_again_for_the_time_that_was_left() {
    let mut network = Network::new(NodeType::PointToPoint(WINS), &[11, 12]);
    network.server.restore(now(0, 5_000), &[]).unwrap();
    network.register(11, named("VS1"), false);
    network.register(12, NetbiosName::new("CORP", 0x1c), true);
    let changes = network.server.take_changes(now(0, 5_000));
    assert_eq!(changes.len(), 2);
    assert_eq!(network.server.kept(now(0, 5_000)).len(), 2);
    assert!(network.server.take_changes(now(0, 5_000)).is_empty());
    // The process was away for half of the six days; its clock begins anew.
    let mut again = Network::new(NodeType::PointToPoint(WINS), &[]);
    again
        .server
        .restore(now(0, 5_000 + 259_200), &changes)
        .unwrap();
    assert_eq!(again.found(&named("VS1")), [at(11)]);
    again.pass(259_199);
    assert_eq!(again.found(&named("VS1")), [at(11)]);
    again.pass(1);
    assert!(again.found(&named("VS1")).is_empty());
    let gone = again.server.take_changes(now(259_200, 523_400));
    assert_eq!(gone.len(), 1);
    assert!(gone[0].addresses.is_empty());
    again.server.restore(now(0, 5_000), &changes).unwrap();
    again.server.restore(now(0, 5_000), &gone).unwrap();
    assert!(again.found(&named("VS1")).is_empty());
    let damaged = KeptName {
        name: "20zz".into(),
        flags: 0,
        addresses: Vec::new(),
    };
    assert!(again.server.restore(now(0, 0), &[damaged]).is_err());
}

#[test]
fn a_scope_is_kept_with_its_name() {
    let mut server = Server::new(WINS, PORT, Timing::WINDOWS);
    let mut encoded = Vec::new();
    named("VS1").encode(&mut encoded);
    encoded.pop();
    encoded.extend(b"\x04corp\x00");
    let (name, _) = NetbiosName::decode(&encoded, 0).unwrap();
    let hex = encoded.iter().map(|it| format!("{it:02x}")).collect();
    let kept = KeptName {
        name: hex,
        flags: 0,
        addresses: vec![(at(11), 9_000)],
    };
    server
        .restore(now(0, 0), std::slice::from_ref(&kept))
        .unwrap();
    assert_eq!(server.find(Timestamp::ZERO, &name), [at(11)]);
    assert!(server.find(Timestamp::ZERO, &named("VS1")).is_empty());
    assert_eq!(server.kept(now(0, 0)), [kept]);
}

#[test]
fn of_two_who_want_a_dead_owners_name_the_second_does_not_rob_the_first() {
    let mut network = Network::new(NodeType::PointToPoint(WINS), &[11, 12, 13]);
    network.register(11, named("VS1"), false);
    network.cut_off.push(at(11));
    network.register(12, named("VS1"), false);
    network.register(13, named("VS1"), false);
    network.pass(60);
    assert_eq!(network.found(&named("VS1")), [at(12)]);
    assert_eq!(
        network.host(12).state(&named("VS1"), at(12)),
        Some(NameState::Registered)
    );
    assert_eq!(
        network.host(13).state(&named("VS1"), at(13)),
        Some(NameState::Conflict)
    );
}
