//! The initiator against our own target on loopback: what a node relies on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use initiator::{Path, PathState, Patience, Settings, discover};
use scsi::iscsi::chap::Credentials;
use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::pr::{InAction, Keys, Out};
use scsi::{Command, InitiatorPort, Isid, Lun, Outcome, ReservationKey};
use targetd::{Options, Server};
use tempfile::TempDir;

const NAME: &str = "iqn.2024-01.example:array";
const LUN: Lun = Lun(0);
const KEY: ReservationKey = match ReservationKey::new(0xabc) {
    Some(key) => key,
    None => unreachable!(),
};

struct Array {
    server: Server,
    state: TempDir,
}

impl Array {
    fn start(change: impl FnOnce(&mut Options)) -> Self {
        let state = tempfile::tempdir().expect("a folder");
        Self::start_in(state, change)
    }

    fn start_in(state: TempDir, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            listen: vec!["127.0.0.1:0".parse().expect("an address")],
            name: NAME.into(),
            state: state.path().into(),
            units: vec!["0=16MiB,thin".parse().expect("a unit")],
            chap: None,
            mutual_chap: None,
            control: None,
        };
        change(&mut options);
        let server = Server::start(&options, Arc::new(|_| {})).expect("started");
        Self { server, state }
    }

    fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    fn stop(self) -> TempDir {
        self.server.stop();
        self.state
    }
}

fn identity(number: u8) -> Identity {
    Identity {
        initiator: InitiatorPort::new(
            format!("iqn.2024-01.example:n{number}"),
            Isid([0x80, 0, 0, 0, 0, number]),
        ),
        target_name: Some(NAME.into()),
        credentials: None,
        expected_of_target: None,
        parameters: Parameters::default(),
    }
}

fn settings(address: SocketAddr, number: u8) -> Settings {
    Settings {
        portals: vec![address],
        identity: identity(number),
        patience: Patience {
            command: Duration::from_secs(5),
            ..Patience::default()
        },
    }
}

/// Sends a command until it meets no unit attention.
async fn insist(path: &Path, command: Command) -> Outcome {
    loop {
        let outcome = path.execute(LUN, command.clone()).await;
        if !outcome.is_unit_attention() {
            return outcome;
        }
    }
}

async fn keys(path: &Path) -> Vec<ReservationKey> {
    let read = Command::PersistentReserveIn(InAction::ReadKeys);
    let outcome = insist(path, read).await;
    let data = outcome.good().expect("keys");
    Keys::parse(data).expect("well formed").keys
}

fn write(lba: u64, byte: u8, blocks: u32) -> Command {
    Command::Write {
        lba,
        blocks,
        data: vec![byte; blocks as usize * 512],
        fua: false,
    }
}

fn read(lba: u64, blocks: u32) -> Command {
    Command::Read {
        lba,
        blocks,
        block_bytes: 512,
    }
}

#[tokio::test]
async fn long_and_short_data_comes_back_as_it_was_written() {
    let array = Array::start(|_| {});
    let path = Path::open(settings(array.address(), 1));
    for (lba, blocks) in [(0, 1), (7, 17), (100, 4000)] {
        let byte = u8::try_from(blocks % 251).expect("small");
        let written = insist(&path, write(lba, byte, blocks)).await;
        assert_eq!(written, Outcome::Good(Vec::new()));
        let expected = vec![byte; blocks as usize * 512];
        assert_eq!(
            insist(&path, read(lba, blocks)).await,
            Outcome::Good(expected)
        );
    }
}

#[tokio::test]
async fn many_commands_are_under_way_at_once_and_each_gets_its_own_data() {
    let array = Array::start(|_| {});
    let path = Path::open(settings(array.address(), 1));
    insist(&path, Command::TestUnitReady).await;
    let mut tasks = Vec::new();
    for number in 0..200_u8 {
        let path = path.clone();
        tasks.push(tokio::spawn(async move {
            let lba = u64::from(number) * 8;
            insist(&path, write(lba, number, 8)).await;
            let outcome = insist(&path, read(lba, 8)).await;
            assert_eq!(outcome, Outcome::Good(vec![number; 4096]));
        }));
    }
    for task in tasks {
        task.await.expect("its own data");
    }
}

#[tokio::test]
async fn digests_and_chap_both_ways_change_nothing_for_commands() {
    let user = |name: &str| Credentials {
        name: name.into(),
        secret: format!("{name}-secret-of-many-letters"),
    };
    let array = Array::start(|options| {
        options.chap = Some(user("node"));
        options.mutual_chap = Some(user("array"));
    });
    let mut settings = settings(array.address(), 1);
    settings.identity.credentials = Some(user("node"));
    settings.identity.expected_of_target = Some(user("array"));
    settings.identity.parameters.header_digest = true;
    settings.identity.parameters.data_digest = true;
    let path = Path::open(settings);
    insist(&path, write(3, 9, 100)).await;
    assert_eq!(
        insist(&path, read(3, 100)).await,
        Outcome::Good(vec![9; 51_200])
    );
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_no_command_gets_through() {
    let user = |secret: &str| {
        Some(Credentials {
            name: "node".into(),
            secret: secret.into(),
        })
    };
    let array = Array::start(|options| options.chap = user("right-secret"));
    let mut settings = settings(array.address(), 1);
    settings.identity.credentials = user("wrong-secret");
    settings.patience.command = Duration::from_millis(300);
    let path = Path::open(settings);
    assert_eq!(
        path.execute(LUN, Command::TestUnitReady).await,
        Outcome::PathLost
    );
    match path.state() {
        PathState::Connecting(Some(why)) => assert!(why.contains("secret"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_registration_is_found_again_after_the_target_was_away() {
    let array = Array::start(|_| {});
    let address = array.address();
    let path = Path::open(settings(address, 1));
    let register = Out::register_and_ignore(Some(KEY)).persistent();
    let registered = insist(&path, Command::PersistentReserveOut(register)).await;
    assert_eq!(registered, Outcome::Good(Vec::new()));
    let state = array.stop();
    let array = Array::start_in(state, |options| options.listen = vec![address]);
    // What was sent before the loss was noticed has lost its path; the next finds the new session.
    while path.execute(LUN, Command::TestUnitReady).await == Outcome::PathLost {}
    assert_eq!(keys(&path).await, [KEY]);
    // The nexus is the same one: the key still is its own.
    let cleared = insist(&path, Command::PersistentReserveOut(Out::clear(KEY))).await;
    assert_eq!(cleared, Outcome::Good(Vec::new()));
    drop(array);
}

#[tokio::test]
async fn a_target_that_is_not_there_costs_the_deadline_and_no_more() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("an address");
    // It accepts and says nothing.
    let path = Path::open(settings(address, 1));
    let time = Duration::from_millis(200);
    let start = std::time::Instant::now();
    let outcome = path.execute_within(LUN, Command::TestUnitReady, time).await;
    assert_eq!(outcome, Outcome::PathLost);
    assert!(start.elapsed() < time * 5, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_second_session_of_the_same_port_replaces_the_first() {
    let array = Array::start(|_| {});
    let first = Path::open(settings(array.address(), 1));
    insist(&first, Command::TestUnitReady).await;
    let second = Path::open(settings(array.address(), 1));
    insist(&second, Command::TestUnitReady).await;
    let lost = async {
        while first.state() == PathState::Connected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), lost)
        .await
        .expect("the first session was replaced");
}

#[tokio::test]
async fn a_portal_tells_its_targets() {
    let array = Array::start(|_| {});
    let found = discover(array.address(), identity(1), Duration::from_secs(5)).await;
    let found = found.expect("an answer");
    assert_eq!(found[0].name, NAME);
    assert_eq!(found[0].portals, [format!("{},1", array.address())]);
}

#[tokio::test]
async fn a_reset_is_answered_and_met_by_an_attention() {
    let array = Array::start(|_| {});
    let path = Path::open(settings(array.address(), 1));
    insist(&path, Command::TestUnitReady).await;
    assert!(path.reset(LUN).await);
    let next = path.execute(LUN, Command::TestUnitReady).await;
    assert!(next.is_unit_attention(), "{next:?}");
    assert!(!path.reset(Lun(200)).await, "there is no such unit");
}
