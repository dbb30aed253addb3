use std::num::NonZeroU64;

use base::Rng;
use scsi::pr::Out;
use scsi::{ReservationKey, ReservationType};
use target::{Config, UnitConfig};

use super::*;
use crate::net::Segment;

const DISK: DiskId = DiskId(0);
const FAULT: FaultId = FaultId(1);
const SAN: NetworkId = NetworkId(0);

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

fn networks() -> Networks {
    let attached: NodeSet = [node(1), node(2)].into_iter().collect();
    let segment = Segment {
        attached: attached.into(),
        delay: Duration::ZERO,
    };
    Networks::new(vec![segment], Rng::new(1, 0))
}

fn storage(portals: Vec<NetworkId>) -> Storage {
    let config = Config {
        name: "iqn.2026-01.example.looksalive:san".to_owned(),
        port_groups: vec![1],
        units: vec![UnitConfig::disk(Lun(0), 1_024, "disk-0")],
    };
    let mut storage = Storage::default();
    storage.add_array(Array::new(config).unwrap(), portals, [(DISK, Lun(0))]);
    storage
}

fn insist(storage: &mut Storage, by: u8, out: Out) -> Executed {
    let command = Command::PersistentReserveOut(out);
    loop {
        let executed = storage.execute(node(by), DISK, Some(&command));
        if !executed.outcome.is_unit_attention() {
            return executed;
        }
    }
}

fn reserve(storage: &mut Storage, by: u8) -> Executed {
    let key = ReservationKey(NonZeroU64::new(by.into()).unwrap());
    let kind = ReservationType::WriteExclusiveRegistrantsOnly;
    insist(storage, by, Out::register_and_ignore(Some(key)));
    insist(storage, by, Out::reserve(key, kind))
}

#[test]
fn the_target_says_who_holds_a_disk() {
    let mut storage = storage(vec![]);
    assert_eq!(reserve(&mut storage, 1).holder, Some(Some(node(1))));
    let second = reserve(&mut storage, 2);
    assert_eq!(second.outcome, Outcome::ReservationConflict);
    assert_eq!(storage.holder(DISK), Some(node(1)));
    storage.intrude(node(2), DISK, Intrusion::Preempt);
    assert_eq!(storage.holder(DISK), Some(node(2)));
    storage.intrude(node(1), DISK, Intrusion::Clear);
    assert_eq!(storage.holder(DISK), None);
}

#[test]
fn the_target_says_who_holds_a_disk_by_reserve() {
    let mut storage = storage(vec![]);
    while storage
        .execute(node(1), DISK, Some(&Command::Reserve6))
        .outcome
        .is_unit_attention()
    {}
    assert_eq!(storage.holder(DISK), Some(node(1)));
    storage.execute(node(2), DISK, None);
    assert_eq!(storage.holder(DISK), None, "a reset takes it away");
}

#[test]
fn an_array_without_reservations_does_not_know_the_commands() {
    let mut storage = storage(vec![]);
    storage.refuse_reservations();
    assert!(reserve(&mut storage, 1).outcome.is_invalid_operation());
    assert_eq!(storage.holder(DISK), None);
    let mut ready = || storage.execute(node(1), DISK, Some(&Command::TestUnitReady));
    assert!(ready().outcome.is_unit_attention(), "a new session");
    assert_eq!(ready().outcome, Outcome::Good(Vec::new()));
}

#[test]
fn reservations_outlive_the_node_that_holds_them() {
    let mut storage = storage(vec![]);
    reserve(&mut storage, 1);
    storage.lose_node(node(1));
    assert_eq!(storage.holder(DISK), Some(node(1)));
    let again = storage.execute(node(1), DISK, Some(&Command::TestUnitReady));
    assert!(again.outcome.is_unit_attention());
}

#[test]
fn a_path_follows_its_portals_and_their_networks() {
    let mut networks = networks();
    let mut storage = storage(vec![SAN]);
    assert!(storage.reaches(node(1), DISK, &networks));
    networks.add(FAULT, crate::net::Rule::NicDown(node(1).into(), SAN));
    assert!(!storage.reaches(node(1), DISK, &networks));
    assert!(storage.reaches(node(2), DISK, &networks));
    let from = NodeSet::one(node(2));
    storage.add(
        FAULT,
        Rule::PathDown {
            array: 0,
            portal: Some(0),
            from,
        },
    );
    assert!(!storage.reaches(node(2), DISK, &networks));
    storage.heal(FAULT);
    assert!(storage.reaches(node(2), DISK, &networks));
}

#[test]
fn a_lost_path_ends_the_session_and_a_new_one_meets_an_attention() {
    let networks = networks();
    let mut storage = storage(vec![]);
    reserve(&mut storage, 1);
    let from = NodeSet::one(node(1));
    let rule = Rule::PathDown {
        array: 0,
        portal: None,
        from,
    };
    storage.add(FAULT, rule);
    storage.drop_sessions(&networks);
    storage.heal(FAULT);
    let first = storage.execute(node(1), DISK, Some(&Command::TestUnitReady));
    assert!(first.outcome.is_unit_attention());
}

#[test]
fn a_silent_unit_and_one_slower_than_the_deadline_are_lost_paths() {
    let mut storage = storage(vec![]);
    storage.add(FAULT, Rule::Silent(DISK));
    let silent = storage.execute(node(1), DISK, Some(&Command::TestUnitReady));
    assert_eq!(silent.outcome, Outcome::PathLost);
    storage.heal(FAULT);
    storage.add(FAULT, Rule::Slow(DISK, Duration::from_millis(900)));
    assert_eq!(reserve(&mut storage, 1).after, Duration::from_millis(900));
    storage.add(FAULT, Rule::Slow(DISK, ANSWER_DEADLINE));
    let late = reserve(&mut storage, 2);
    assert_eq!(late.outcome, Outcome::PathLost);
    storage.add(FAULT, Rule::Broken(DISK));
    assert_eq!(late.holder, Some(Some(node(1))));
}
