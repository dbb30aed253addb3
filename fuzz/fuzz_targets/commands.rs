//! Command descriptor blocks and parameter lists of several initiators: every command ends, and
//! what the unit tells of itself stays well formed.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::{PORTS, target};
use libfuzzer_sys::fuzz_target;
use scsi::pr::{FullStatus, InAction, Keys, Registrant};
use scsi::{InitiatorPort, Isid, Lun, Status};
use target::{Function, PortId, Request, TaskTag};

#[derive(Debug, Arbitrary)]
enum Step {
    Command {
        who: u8,
        lun: u8,
        cdb: [u8; 16],
        length: u8,
        data: Vec<u8>,
        fill: u16,
    },
    Manage {
        who: u8,
        function: u8,
        tag: u8,
    },
    Leave {
        who: u8,
    },
}

fuzz_target!(|steps: Vec<Step>| {
    let mut target = target();
    let port = |who: u8| InitiatorPort::new("iqn.2024-01.example:n", Isid([0x80, 0, 0, 0, 0, who]));
    let mut nexuses: Vec<_> = (0..3)
        .map(|who| {
            target
                .attach(&port(who), PortId(u16::from(who) % 2))
                .expect("room")
        })
        .collect();
    for step in steps.into_iter().take(64) {
        match step {
            Step::Command {
                who,
                lun,
                cdb,
                length,
                mut data,
                fill,
            } => {
                let nexus = nexuses[usize::from(who) % 3];
                data.resize(data.len() + usize::from(fill) % 9000, 0);
                let cdb = &cdb[..usize::from(length) % 17];
                let mut data_in = vec![0xee; 5];
                let request = Request {
                    nexus,
                    lun: Some(Lun(u16::from(lun) % 2)),
                    cdb,
                    data_out: &data,
                    offered: data.len() as u64,
                };
                let response = target.execute(request, &mut data_in);
                assert_eq!(data_in[..5], [0xee; 5], "it wrote before its place");
                if response.status == Status::CheckCondition {
                    assert!(!response.sense_bytes().is_empty());
                }
            }
            Step::Manage { who, function, tag } => {
                let function = match function % 6 {
                    0 => Function::AbortTask(Lun(0), TaskTag(u32::from(tag))),
                    1 => Function::AbortTaskSet(Lun(0)),
                    2 => Function::ClearTaskSet(Lun(0)),
                    3 => Function::LogicalUnitReset(Lun(0)),
                    4 => Function::TargetWarmReset,
                    _ => Function::TargetColdReset,
                };
                target.manage(nexuses[usize::from(who) % 3], function);
            }
            Step::Leave { who } => {
                let at = usize::from(who) % 3;
                target.detach(nexuses[at]);
                let who = u8::try_from(at).unwrap_or(0);
                let again = target.attach(&port(who), PortId(u16::from(who) % 2));
                nexuses[at] = again.expect("it was here before");
            }
        }
    }
    look(&mut target, nexuses[0]);
});

/// The registrations, read in both ways, agree: READ KEYS has a key for each nexus, and READ FULL
/// STATUS may tell an initiator that is registered at all ports in one descriptor.
fn look(target: &mut target::Target<target::MemoryStore>, nexus: scsi::NexusId) {
    let mut read = |action: InAction| {
        let cdb = action.cdb(u16::MAX);
        for _ in 0..64 {
            let mut data_in = Vec::new();
            let request = Request {
                nexus,
                lun: Some(Lun(0)),
                cdb: cdb.as_bytes(),
                data_out: &[],
                offered: 0,
            };
            let response = target.execute(request, &mut data_in);
            if response.status == Status::Good {
                return Some(data_in);
            }
        }
        None
    };
    let (keys, status) = (read(InAction::ReadKeys), read(InAction::ReadFullStatus));
    if let (Some(keys), Some(status)) = (keys, status) {
        let keys = Keys::parse(&keys).expect("well formed");
        let status = FullStatus::parse(&status).expect("well formed");
        let nexuses = |it: &Registrant| if it.target_port.is_none() { PORTS } else { 1 };
        let told = status.registrants.iter();
        let mut told: Vec<_> = told.flat_map(|it| vec![it.key; nexuses(it)]).collect();
        let mut keys = keys.keys;
        (told.sort_unstable(), keys.sort_unstable());
        assert_eq!(keys, told);
    }
}
