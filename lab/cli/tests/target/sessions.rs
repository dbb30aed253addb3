//! Logging in, coming back, being replaced.

use std::time::Duration;

use initiator::LinkError;
use scsi::iscsi::chap::Credentials;
use scsi::iscsi::login::Identity;
use scsi::pr::{InAction, Keys, Out};
use scsi::{Command, Outcome, ReservationKey, ReservationType, asc};

use super::client::{Client, ClientError};
use super::process::{LUN, Target, identity};

fn key(value: u64) -> ReservationKey {
    ReservationKey::new(value).unwrap()
}

fn keys(client: &mut Client) -> Vec<u64> {
    let ask = Command::PersistentReserveIn(InAction::ReadKeys);
    let outcome = client.insist(LUN, &ask).unwrap();
    let keys = Keys::parse(outcome.good().unwrap()).unwrap();
    keys.keys.iter().map(|key| key.value()).collect()
}

#[test]
fn a_nexus_that_comes_back_owns_its_reservation_again() {
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let mut client = target.connect(1);
    let kind = ReservationType::WriteExclusive;
    for out in [
        Out::register(None, Some(key(5))),
        Out::reserve(key(5), kind),
    ] {
        client
            .insist(LUN, &Command::PersistentReserveOut(out))
            .unwrap();
    }
    client.reconnect().unwrap();
    let write = Command::Write {
        lba: 0,
        blocks: 1,
        data: vec![1; 512],
        fua: true,
    };
    assert_eq!(
        client.insist(LUN, &write).unwrap(),
        Outcome::Good(Vec::new())
    );
    let mut other = target.connect(2);
    assert_eq!(
        other.insist(LUN, &write).unwrap(),
        Outcome::ReservationConflict
    );
    assert_eq!(keys(&mut other), [5]);
}

#[test]
fn a_newer_session_of_the_same_initiator_port_replaces_the_older() {
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let mut old = target.connect(1);
    old.insist(LUN, &Command::TestUnitReady).unwrap();
    let mut new = target.connect(1);
    let first = new.execute(LUN, &Command::TestUnitReady).unwrap();
    let Outcome::CheckCondition(sense) = first else {
        panic!("{first:?}")
    };
    assert_eq!(sense.additional, asc::NEXUS_LOSS);
    let replaced = old.execute(LUN, &Command::TestUnitReady);
    assert!(replaced.is_err(), "{replaced:?}");
    assert_eq!(
        new.execute(LUN, &Command::TestUnitReady).unwrap(),
        Outcome::Good(Vec::new())
    );
}

#[test]
fn chap_is_asked_for_and_given_in_turn() {
    let state = tempfile::tempdir().unwrap();
    let words = [
        "--chap",
        "user:open sesame",
        "--mutual-chap",
        "array:close sesame",
    ];
    let target = Target::start(state.path(), &words);
    let credentials = |name: &str, secret: &str| {
        Some(Credentials {
            name: name.into(),
            secret: secret.into(),
        })
    };
    let right = Identity {
        credentials: credentials("user", "open sesame"),
        expected_of_target: credentials("array", "close sesame"),
        ..identity(1)
    };
    assert!(target.connect_as(&right).is_ok());
    let wrong = Identity {
        credentials: credentials("user", "guess"),
        ..identity(1)
    };
    assert!(matches!(
        target.connect_as(&wrong),
        Err(ClientError::Link(LinkError::Session(_)))
    ));
    assert!(matches!(
        target.connect_as(&identity(1)),
        Err(ClientError::Link(LinkError::Session(_)))
    ));
}

#[test]
fn discovery_names_the_target_and_where_it_is() {
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let asks = Identity {
        target_name: None,
        ..identity(1)
    };
    let told = target.connect_as(&asks).unwrap().targets().unwrap();
    let address = format!("{},1", target.address);
    assert_eq!(told, [(super::process::NAME.to_owned(), vec![address])]);
}

#[test]
fn synced_blocks_survive_kill_9_and_so_does_what_was_only_written() {
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let mut client = target.connect(1);
    for (lba, fua) in [(0, true), (1, false)] {
        let write = Command::Write {
            lba,
            blocks: 1,
            data: vec![9; 512],
            fua,
        };
        client.insist(LUN, &write).unwrap();
    }
    client.insist(LUN, &Command::SynchronizeCache).unwrap();
    target.kill();
    let target = Target::start(state.path(), &[]);
    let read = Command::Read {
        lba: 0,
        blocks: 2,
        block_bytes: 512,
    };
    let back = target.connect(1).insist(LUN, &read).unwrap();
    assert_eq!(back, Outcome::Good(vec![9; 1024]));
}

#[test]
fn nobody_who_sends_garbage_keeps_others_from_working() {
    use std::io::{Read, Write};
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let mut client = target.connect(1);
    for garbage in [&[0xff; 4096][..], b"GET / HTTP/1.1\r\n\r\n", &[0; 48]] {
        let mut stream = std::net::TcpStream::connect(target.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut said = Vec::new();
        // The connection ends, whether by a refusal or at once.
        let _reset = stream.read_to_end(&mut said);
    }
    let ready = client.insist(LUN, &Command::TestUnitReady).unwrap();
    assert_eq!(ready, Outcome::Good(Vec::new()));
}

#[test]
fn a_second_target_does_not_share_the_state_folder() {
    let state = tempfile::tempdir().unwrap();
    let _first = Target::start(state.path(), &[]);
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_looksalive"))
        .args([
            "target",
            "--listen",
            "127.0.0.1:0",
            "--lun",
            "0=1MiB",
            "--state",
        ])
        .arg(state.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(3), "{said}");
    assert!(said.contains("another target uses"), "{said}");
}
