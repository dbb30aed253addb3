//! Kill -9 at random moments: what was acknowledged is there after a restart.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use scsi::pr::{FullStatus, InAction, Out};
use scsi::{Command, NexusId, Outcome, ReservationKey, ReservationType};
use target::{Array, Config, PortId, UnitConfig};

use super::client::Client;
use super::process::{Dice, LUN, NAME, Target, identity, rounds};

const NODES: [u8; 2] = [1, 2];

/// A registration as both the process and the model tell it.
type Registration = (String, u64, Option<u8>);

fn random_action(dice: &mut Dice) -> Out {
    let key = |dice: &mut Dice| ReservationKey::new(dice.roll(3) + 1);
    let kind = ReservationType::ALL[usize::try_from(dice.roll(6)).unwrap()];
    let own = key(dice).unwrap();
    match dice.roll(8) {
        0..=2 => Out::register_and_ignore(key(dice)).persistent(),
        3 => Out::register_and_ignore(None).persistent(),
        4 => Out::reserve(own, kind),
        5 => Out::release(own, kind),
        6 => Out::preempt(own, key(dice), kind),
        _ => Out::clear(own),
    }
}

/// What the same commands do to the pure target.
#[derive(Clone)]
struct Model {
    array: Array,
    nodes: [NexusId; 2],
}

impl Model {
    fn new() -> Self {
        let units = vec![UnitConfig::disk(LUN, 1024, "model")];
        let config = Config {
            name: NAME.into(),
            port_groups: vec![1],
            units,
        };
        let mut array = Array::new(config).unwrap();
        let nodes = NODES.map(|who| array.attach(&identity(who).initiator, PortId(0)).unwrap());
        Self { array, nodes }
    }

    fn play(&mut self, node: usize, out: &Out) -> Outcome {
        let command = Command::PersistentReserveOut(out.clone());
        loop {
            let outcome = self.array.execute(self.nodes[node], LUN, &command);
            if !outcome.is_unit_attention() {
                return outcome;
            }
        }
    }

    fn registrations(&self) -> Vec<Registration> {
        let picture = self.array.picture(LUN);
        let kind = |holds: bool| picture.kind.filter(|_| holds).map(|kind| kind as u8);
        let mut told: Vec<Registration> = picture
            .registrations
            .iter()
            .map(|it| (it.initiator.clone(), it.key.value(), kind(it.is_holder)))
            .collect();
        told.sort();
        told
    }
}

fn registrations(client: &mut Client) -> Vec<Registration> {
    let ask = Command::PersistentReserveIn(InAction::ReadFullStatus);
    let outcome = client.insist(LUN, &ask).unwrap();
    let status = FullStatus::parse(outcome.good().expect("a status")).unwrap();
    let mut told: Vec<Registration> = status
        .registrants
        .iter()
        .map(|it| {
            (
                it.initiator.name.clone(),
                it.key.value(),
                it.kind.map(|kind| kind as u8),
            )
        })
        .collect();
    told.sort();
    told
}

/// Sends commands until the target dies; returns the model after the last one acknowledged and,
/// if one was under way, the model after that one too.
fn until_killed(clients: &mut [Client; 2], mut model: Model, dice: &mut Dice) -> Vec<Model> {
    loop {
        let node = usize::try_from(dice.roll(2)).unwrap();
        let out = random_action(dice);
        let mut after = model.clone();
        let expected = after.play(node, &out);
        match clients[node].insist(LUN, &Command::PersistentReserveOut(out.clone())) {
            Ok(outcome) => assert_eq!(outcome, expected, "{out:?}"),
            Err(_) => return vec![model, after],
        }
        model = after;
    }
}

#[test]
fn acknowledged_reservations_survive_kill_9() {
    let state = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut model = Model::new();
    let (mut acknowledged_last, mut was_under_way) = (0, 0);
    for round in 0..rounds("LOOKSALIVE_KILLS", 15) {
        let target = Target::start(state.path(), &[]);
        let mut clients = NODES.map(|who| target.connect(who));
        let pause = Duration::from_micros(500 + dice.roll(20_000));
        let (done, finished) = mpsc::channel();
        let killer = thread::spawn(move || {
            thread::sleep(pause);
            target.kill();
            done.send(()).unwrap();
        });
        let candidates = until_killed(&mut clients, model, &mut dice);
        finished.recv().unwrap();
        killer.join().unwrap();
        let target = Target::start(state.path(), &[]);
        let told = registrations(&mut target.connect(9));
        let found = candidates.iter().position(|it| it.registrations() == told);
        let found = found.unwrap_or_else(|| {
            let expected: Vec<_> = candidates.iter().map(Model::registrations).collect();
            panic!("round {round}: {told:?} is none of {expected:?}")
        });
        acknowledged_last += u32::from(found == 0);
        was_under_way += u32::from(found == 1);
        model = candidates[found].clone();
    }
    eprintln!("{acknowledged_last} times the last acknowledged, {was_under_way} times one more");
}

#[test]
fn a_damaged_record_is_refused_by_name_rather_than_forgotten() {
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let key = ReservationKey::new(7);
    let register = Command::PersistentReserveOut(Out::register(None, key).persistent());
    let outcome = target.connect(1).insist(LUN, &register).unwrap();
    assert_eq!(outcome, Outcome::Good(Vec::new()));
    target.kill();
    let record = state.path().join("lun-0.reservations");
    let mut bytes = std::fs::read(&record).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&record, bytes).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_looksalive"))
        .args([
            "target",
            "--listen",
            "127.0.0.1:0",
            "--lun",
            "0=16MiB,thin",
            "--state",
        ])
        .arg(state.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("reservations of LUN 0"), "{said}");
}
