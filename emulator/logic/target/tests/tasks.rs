//! Commands that wait for their data, and what aborts them.

use scsi::pr::Out;
use scsi::{Command, InitiatorPort, Isid, Lun, NexusId, ReservationKey, ReservationType, Status};
use target::{
    Config, Function, MemoryStore, PortId, Request, Response, Store, Target, TaskTag, UnitConfig,
};

const LUN: Lun = Lun(0);
const TAG: TaskTag = TaskTag(7);
const KIND: ReservationType = ReservationType::WriteExclusiveRegistrantsOnly;

fn config() -> Config {
    let units = [0, 1].map(|lun| UnitConfig::disk(Lun(lun), 64, format!("SERIAL-{lun}")));
    Config {
        name: "iqn.a:array".into(),
        port_groups: vec![1],
        units: units.into(),
    }
}

struct Pair {
    target: Target<MemoryStore>,
    nodes: [NexusId; 2],
}

fn send(target: &mut Target<MemoryStore>, nexus: NexusId, command: &Command) -> Response {
    let (cdb, data_out) = (command.cdb(), command.data_out());
    let (cdb, offered) = (cdb.as_bytes(), data_out.len() as u64);
    let request = Request {
        nexus,
        lun: Some(LUN),
        cdb,
        data_out: &data_out,
        offered,
    };
    target.execute(request, &mut Vec::new())
}

impl Pair {
    /// Two nodes, the second of which holds a reservation.
    fn new() -> Self {
        let stores = vec![MemoryStore::default(), MemoryStore::default()];
        let mut target = Target::new(config(), stores).unwrap();
        let nodes = [1, 2].map(|number| {
            let port = InitiatorPort::new(format!("iqn.a:n{number}"), Isid::default());
            target.attach(&port, PortId(0)).unwrap()
        });
        let mut pair = Self { target, nodes };
        for node in 0..2 {
            pair.send(node, &Command::TestUnitReady);
            let register = Out::register_and_ignore(ReservationKey::new(node as u64 + 1));
            assert_eq!(pair.out(node, register), Status::Good);
        }
        assert_eq!(pair.out(1, Out::reserve(key(2), KIND)), Status::Good);
        pair
    }

    fn send(&mut self, node: usize, command: &Command) -> Response {
        send(&mut self.target, self.nodes[node], command)
    }

    fn out(&mut self, node: usize, out: Out) -> Status {
        self.send(node, &Command::PersistentReserveOut(out)).status
    }

    /// A write of the second node begins to wait.
    fn wait(&mut self) {
        let (cdb, nexus) = (write().cdb(), self.nodes[1]);
        let request = Request {
            nexus,
            lun: Some(LUN),
            cdb: cdb.as_bytes(),
            data_out: &[],
            offered: 512,
        };
        assert_eq!(self.target.admit(request, TAG, 16), Ok(()));
    }

    /// Its data is complete.
    fn resume(&mut self) -> Option<Status> {
        let (cdb, nexus) = (write().cdb(), self.nodes[1]);
        let data_out = &[9; 512];
        let request = Request {
            nexus,
            lun: Some(LUN),
            cdb: cdb.as_bytes(),
            data_out,
            offered: 512,
        };
        self.target
            .resume(request, TAG, &mut Vec::new())
            .map(|it| it.status)
    }

    fn first_byte(&mut self) -> u8 {
        let mut byte = [0];
        self.target
            .store_mut(LUN)
            .unwrap()
            .read(0, &mut byte)
            .unwrap();
        byte[0]
    }

    /// TAS: those whose commands others abort are told.
    fn tell_aborted(&mut self) {
        let list = [0, 0, 0, 0, 0x0a, 10, 0, 0x10, 0, 0x40, 0, 0, 0, 0, 0, 0];
        let cdb = [0x15, 0x10, 0, 0, 16, 0];
        let request = Request {
            nexus: self.nodes[1],
            lun: Some(LUN),
            cdb: &cdb,
            data_out: &list,
            offered: 16,
        };
        assert_eq!(
            self.target.execute(request, &mut Vec::new()).status,
            Status::Good
        );
        self.send(0, &Command::TestUnitReady);
    }
}

fn key(value: u64) -> ReservationKey {
    ReservationKey::new(value).unwrap()
}

fn write() -> Command {
    Command::Write {
        lba: 0,
        blocks: 1,
        data: vec![9; 512],
        fua: false,
    }
}

#[test]
fn a_command_that_waits_is_carried_out_when_its_data_is_there() {
    let mut pair = Pair::new();
    pair.wait();
    assert_eq!((pair.resume(), pair.first_byte()), (Some(Status::Good), 9));
}

#[test]
fn preempt_and_abort_silences_what_waits_and_nothing_lands() {
    let mut pair = Pair::new();
    pair.wait();
    let abort = Out::preempt_and_abort(key(1), Some(key(2)), KIND);
    assert_eq!(pair.out(0, abort), Status::Good);
    assert_eq!((pair.resume(), pair.first_byte()), (None, 0));
}

#[test]
fn with_tas_the_victim_is_told_instead() {
    let mut pair = Pair::new();
    pair.tell_aborted();
    pair.wait();
    let abort = Out::preempt_and_abort(key(1), Some(key(2)), KIND);
    assert_eq!(pair.out(0, abort), Status::Good);
    assert_eq!(
        (pair.resume(), pair.first_byte()),
        (Some(Status::TaskAborted), 0)
    );
}

#[test]
fn plain_preempt_lets_what_waits_meet_the_reservation() {
    let mut pair = Pair::new();
    pair.wait();
    assert_eq!(
        pair.out(0, Out::preempt(key(1), Some(key(2)), KIND)),
        Status::Good
    );
    assert_eq!(
        (pair.resume(), pair.first_byte()),
        (Some(Status::ReservationConflict), 0)
    );
}

#[test]
fn functions_abort_what_they_name() {
    let cases = [
        (1, Function::AbortTask(LUN, TAG), true),
        (1, Function::AbortTask(LUN, TaskTag(8)), false),
        (0, Function::AbortTask(LUN, TAG), false),
        (0, Function::AbortTaskSet(LUN), false),
        (1, Function::AbortTaskSet(LUN), true),
        (0, Function::ClearTaskSet(LUN), true),
        (0, Function::ClearTaskSet(Lun(1)), false),
        (0, Function::LogicalUnitReset(LUN), true),
        (0, Function::LogicalUnitReset(Lun(1)), false),
        (0, Function::TargetWarmReset, true),
    ];
    for (node, function, aborts) in cases {
        let mut pair = Pair::new();
        pair.wait();
        pair.target.manage(pair.nodes[node], function);
        let expected = if aborts {
            (None, 0)
        } else {
            (Some(Status::Good), 9)
        };
        assert_eq!(
            (pair.resume(), pair.first_byte()),
            expected,
            "{function:?} of {node}"
        );
    }
}

#[test]
fn those_whose_commands_were_cleared_learn_it_and_the_sender_does_not() {
    let mut pair = Pair::new();
    pair.wait();
    assert!(
        pair.target
            .manage(pair.nodes[0], Function::ClearTaskSet(LUN))
    );
    let told = pair.send(1, &Command::TestUnitReady);
    assert_eq!(
        told.sense.map(|sense| sense.additional),
        Some(scsi::asc::COMMANDS_CLEARED)
    );
    assert_eq!(pair.send(0, &Command::TestUnitReady).status, Status::Good);
}

#[test]
fn no_more_wait_than_were_agreed() {
    let mut pair = Pair::new();
    pair.wait();
    let (cdb, nexus) = (write().cdb(), pair.nodes[1]);
    let request = Request {
        nexus,
        lun: Some(LUN),
        cdb: cdb.as_bytes(),
        data_out: &[],
        offered: 512,
    };
    let refused = pair
        .target
        .admit(request, TaskTag(8), 1)
        .map_err(|it| it.status);
    assert_eq!(refused, Err(Status::TaskSetFull));
}

#[test]
fn a_lost_session_takes_its_waiting_commands_with_it() {
    let mut pair = Pair::new();
    pair.wait();
    pair.target.detach(pair.nodes[1]);
    let port = InitiatorPort::new("iqn.a:n2", Isid::default());
    assert_eq!(pair.target.attach(&port, PortId(0)), Some(pair.nodes[1]));
    assert_eq!((pair.resume(), pair.first_byte()), (None, 0));
}
