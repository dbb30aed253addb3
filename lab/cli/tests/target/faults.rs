//! Faults on a running target, asked for as its users do: `looksalive fault --control PATH YAML`.

use std::path::PathBuf;
use std::process::{Command as Process, Output};
use std::time::{Duration, Instant};

use scsi::pr::Out;
use scsi::{Command, Outcome, ReservationKey, ReservationType, Sense, SenseKey, asc};
use tempfile::TempDir;

use super::process::{LUN, Target, identity};

struct Lab {
    target: Target,
    control: PathBuf,
    _state: TempDir,
}

impl Lab {
    fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let control = state.path().join("control");
        let target = Target::start(state.path(), &["--control", control.to_str().unwrap()]);
        Self {
            target,
            control,
            _state: state,
        }
    }

    fn tell(&self, words: &[&str]) -> Output {
        Process::new(env!("CARGO_BIN_EXE_looksalive"))
            .args([words[0], "--control"])
            .arg(&self.control)
            .args(&words[1..])
            .output()
            .unwrap()
    }

    fn fault(&self, yaml: &str) {
        let output = self.tell(&["fault", yaml]);
        assert!(
            output.status.success(),
            "{yaml}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn heal(&self) {
        assert!(self.tell(&["heal"]).status.success());
    }
}

fn write(lba: u64) -> Command {
    Command::Write {
        lba,
        blocks: 1,
        data: vec![1; 512],
        fua: false,
    }
}

fn read(lba: u64) -> Command {
    Command::Read {
        lba,
        blocks: 1,
        block_bytes: 512,
    }
}

const GOOD: Outcome = Outcome::Good(Vec::new());

fn reserve(client: &mut super::client::Client, persistent: bool) {
    let key = ReservationKey::new(5).unwrap();
    let mut register = Out::register(None, Some(key));
    register.aptpl = persistent;
    let kind = ReservationType::WriteExclusiveRegistrantsOnly;
    for out in [register, Out::reserve(key, kind)] {
        let outcome = client
            .insist(LUN, &Command::PersistentReserveOut(out))
            .unwrap();
        assert_eq!(outcome, GOOD);
    }
}

#[test]
fn units_go_offline_fill_up_break_and_heal() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    assert_eq!(client.insist(LUN, &write(0)).unwrap(), GOOD);
    let fails = |key, additional| Outcome::CheckCondition(Sense::new(key, additional));
    lab.fault("{lun: 0, do: offline}");
    let offline = fails(SenseKey::NotReady, asc::NOT_READY);
    assert_eq!(client.execute(LUN, &read(0)).unwrap(), offline);
    lab.heal();
    lab.fault("{lun: 0, do: full}");
    let full = fails(SenseKey::DataProtect, asc::SPACE_ALLOCATION_FAILED);
    assert_eq!(client.execute(LUN, &write(4096)).unwrap(), full);
    assert_eq!(client.execute(LUN, &write(0)).unwrap(), GOOD);
    lab.fault("{lun: 0, do: heal}");
    lab.fault("{lun: san/0, do: medium-error, blocks: [8, 9]}");
    let Outcome::CheckCondition(sense) = client.execute(LUN, &read(9)).unwrap() else {
        panic!()
    };
    assert_eq!(
        (sense.key, sense.information),
        (SenseKey::MediumError, Some(9))
    );
    assert!(client.execute(LUN, &read(10)).unwrap().good().is_some());
    lab.heal();
    assert!(client.execute(LUN, &read(9)).unwrap().good().is_some());
}

#[test]
fn a_slow_unit_answers_late_and_a_storm_of_attentions_ends() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    client.insist(LUN, &write(0)).unwrap();
    lab.fault("{lun: 0, do: slow, latency: 300ms}");
    let start = Instant::now();
    client.execute(LUN, &read(0)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
    lab.heal();
    lab.fault("{lun: 0, do: attention-storm, commands: 3}");
    for _ in 0..3 {
        assert!(client.execute(LUN, &read(0)).unwrap().is_unit_attention());
    }
    assert!(client.execute(LUN, &read(0)).unwrap().good().is_some());
}

#[test]
fn an_outsider_preempts_or_clears_what_a_node_holds() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    reserve(&mut client, false);
    lab.fault("{lun: 0, do: preempt-reservation}");
    assert_eq!(
        client.insist(LUN, &write(0)).unwrap(),
        Outcome::ReservationConflict
    );
    lab.fault("{lun: 0, do: clear-reservations}");
    assert_eq!(client.insist(LUN, &write(0)).unwrap(), GOOD);
}

#[test]
fn a_lost_path_ends_its_sessions_until_it_is_healed() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    let mut other = lab.target.connect(2);
    lab.fault("{path: {portal: 0, from: n1}, do: drop}");
    assert!(client.execute(LUN, &read(0)).is_err());
    assert!(
        client
            .reconnect()
            .and_then(|()| client.insist(LUN, &read(0)))
            .is_err()
    );
    assert!(other.insist(LUN, &read(0)).unwrap().good().is_some());
    lab.fault("{path: all, do: heal}");
    client.reconnect().unwrap();
    assert!(client.insist(LUN, &read(0)).unwrap().good().is_some());
}

#[test]
fn a_restart_ends_sessions_and_power_loss_takes_what_was_not_to_survive() {
    for (fault, persistent, survives) in [
        ("{target: restart}", false, true),
        ("{target: restart, power-loss: true}", false, false),
        ("{target: restart, power-loss: true}", true, true),
    ] {
        let lab = Lab::start();
        let mut client = lab.target.connect(1);
        reserve(&mut client, persistent);
        lab.fault(fault);
        assert!(client.execute(LUN, &read(0)).is_err(), "{fault}");
        let mut outsider = lab.target.connect(2);
        let outcome = outsider.insist(LUN, &write(0)).unwrap();
        let expected = if survives {
            Outcome::ReservationConflict
        } else {
            GOOD
        };
        assert_eq!(outcome, expected, "{fault}, APTPL {persistent}");
    }
}

#[test]
fn reservations_that_cannot_be_saved_close_the_unit() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    lab.fault("{lun: 0, do: save-fails}");
    let register = Out::register(None, ReservationKey::new(5)).persistent();
    let outcome = client
        .insist(LUN, &Command::PersistentReserveOut(register))
        .unwrap();
    let Outcome::CheckCondition(sense) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(sense.key, SenseKey::HardwareError);
    let Outcome::CheckCondition(sense) = client.execute(LUN, &read(0)).unwrap() else {
        panic!()
    };
    assert_eq!(sense.key, SenseKey::NotReady);
}

#[test]
fn a_fault_with_a_time_heals_itself_and_nothing_else() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    lab.fault("{lun: 0, do: medium-error, blocks: [5, 5]}");
    lab.fault("{lun: 0, do: offline, for: 300ms}");
    let Outcome::CheckCondition(sense) = client.insist(LUN, &read(0)).unwrap() else {
        panic!("it is offline")
    };
    assert_eq!(sense.key, SenseKey::NotReady);
    let start = Instant::now();
    while client.insist(LUN, &read(0)).unwrap().good().is_none() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never healed");
    }
    let Outcome::CheckCondition(sense) = client.insist(LUN, &read(5)).unwrap() else {
        panic!("block 5 is still bad")
    };
    assert_eq!(sense.key, SenseKey::MediumError);
}

#[test]
fn what_is_no_fault_is_refused_with_what_is() {
    let lab = Lab::start();
    for (yaml, says) in [
        ("{lun: 7, do: offline}", "no LUN `7`"),
        ("{lun: 0, do: explode}", "do: offline"),
        ("{lun: 0, do: slow}", "`latency` must be"),
        (
            "{lun: 0, do: medium-error, blocks: [9, 8]}",
            "[FIRST, LAST]",
        ),
        ("{lun: 0, do: offline, for: 3}", "`for` must be"),
        (
            "{lun: 0, do: clear-reservations, for: 3s}",
            "leave `for` out",
        ),
        ("{lun: ", "the fault:1"),
        ("[1, 2]", "not a mapping"),
    ] {
        let output = lab.tell(&["fault", yaml]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{yaml}: {said}");
        assert!(said.contains(says), "{yaml}: {said}");
    }
    assert!(lab.target.connect_as(&identity(1)).is_ok());
}

#[test]
fn power_loss_tears_what_no_sync_has_covered_and_nothing_else() {
    let lab = Lab::start();
    let mut client = lab.target.connect(1);
    let filled = |byte: u8, fua| Command::Write {
        lba: 0,
        blocks: 64,
        data: vec![byte; 64 * 512],
        fua,
    };
    let read_all = Command::Read {
        lba: 0,
        blocks: 64,
        block_bytes: 512,
    };
    assert_eq!(client.insist(LUN, &filled(1, true)).unwrap(), GOOD);
    let mut torn = 0;
    for seed in 0..12 {
        lab.fault("{lun: 0, do: torn-writes}");
        assert_eq!(client.insist(LUN, &filled(1, true)).unwrap(), GOOD);
        assert_eq!(client.insist(LUN, &filled(2, false)).unwrap(), GOOD);
        lab.fault(&format!(
            "{{target: restart, power-loss: true, seed: {seed}}}"
        ));
        client = lab.target.connect(1);
        let data = client.insist(LUN, &read_all).unwrap();
        let data = data.good().unwrap();
        let new = data.iter().filter(|byte| **byte == 2).count();
        assert_eq!(new % 512, 0, "torn inside a sector");
        assert!(data[..new].iter().all(|byte| *byte == 2), "not a beginning");
        assert!(
            data[new..].iter().all(|byte| *byte == 1),
            "an acknowledged sync is gone"
        );
        torn += u32::from(new > 0 && new < data.len());
    }
    assert!(torn > 0, "no seed tore the write");
}
