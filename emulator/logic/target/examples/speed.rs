//! How long one command takes in the simulator's array: what a cluster's disk driver sends.

use std::io::Write;

use scsi::pr::{InAction, Out};
use scsi::{Command, InitiatorPort, Isid, Lun, ReservationKey, ReservationType};
use target::{Array, Config, PortId, UnitConfig};

const ROUNDS: u32 = 2_000_000;

#[expect(clippy::disallowed_types, reason = "this measures, it does not decide")]
type Clock = std::time::Instant;

fn main() -> std::io::Result<()> {
    let units = vec![UnitConfig::disk(Lun(0), 1 << 20, "SPEED")];
    let config = Config {
        name: "iqn.a:array".into(),
        port_groups: vec![1],
        units,
    };
    let mut array = Array::new(config).expect("a good configuration");
    let port = InitiatorPort::new("iqn.a:n1", Isid::default());
    let nexus = array.attach(&port, PortId(0)).expect("power");
    let key = ReservationKey::new(1).expect("not zero");
    let register = Out::register_and_ignore(Some(key));
    let reserve = Out::reserve(key, ReservationType::WriteExclusiveRegistrantsOnly);
    let commands = [
        ("TEST UNIT READY", Command::TestUnitReady),
        (
            "REGISTER AND IGNORE",
            Command::PersistentReserveOut(register.clone()),
        ),
        ("RESERVE", Command::PersistentReserveOut(reserve)),
        (
            "READ KEYS",
            Command::PersistentReserveIn(InAction::ReadKeys),
        ),
        (
            "READ RESERVATION",
            Command::PersistentReserveIn(InAction::ReadReservation),
        ),
        (
            "REGISTER with APTPL",
            Command::PersistentReserveOut(register.persistent()),
        ),
    ];
    for (name, command) in commands {
        array.execute(nexus, Lun(0), &command);
        let start = Clock::now();
        for _ in 0..ROUNDS {
            assert!(array.execute(nexus, Lun(0), &command).good().is_some());
        }
        let each = start.elapsed() / ROUNDS;
        writeln!(std::io::stdout(), "{name}: {each:?}")?;
    }
    Ok(())
}
