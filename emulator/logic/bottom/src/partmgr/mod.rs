//! The partition manager: disks appear with their signatures and partitions, and stay offline until
//! this node owns them.
//!
//! Clauses: seed 001 (the bottom tier works with the partition manager). Facts: reference section
//! 5.1, step 0 (volumes of clustered disks are kept offline until the disk is owned) and section
//! 2.1 (DiskSignature). What a disk holds is read through clusdisk, because a reservation decides
//! whether it can be read; a disk that could not be read is tried again when its owner changes.
//! Not done here: tables other than the classic one, and making or changing partitions.

mod messages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use base::{DiskId, Manager, Notice, Outbox, Timestamp};

pub use messages::{DiskLook, Input, Output};

use crate::Context;
use crate::clusdisk::{DiskReport, Report, Request};

/// The partition manager of one machine.
#[derive(Debug, Default)]
pub struct Partmgr {
    disks: BTreeMap<DiskId, DiskLook>,
}

impl Partmgr {
    fn disks(&mut self, disks: &BTreeSet<DiskId>, out: &mut Outbox<Output>) {
        self.disks.retain(|disk, _| disks.contains(disk));
        for disk in disks {
            if !self.disks.contains_key(disk) {
                self.disks.insert(*disk, DiskLook::default());
                identify(*disk, out);
            }
        }
    }

    fn report(&mut self, report: DiskReport, out: &mut Outbox<Output>) {
        let disk = report.disk;
        let Some(look) = self.disks.get_mut(&disk) else {
            return;
        };
        let before = look.clone();
        match report.report {
            Report::Table { table: Some(table) } => {
                if look.table.as_ref() != Some(&table) {
                    let signature = table.signature;
                    out.push(Output::Notice(Notice::DiskAppeared { disk, signature }));
                }
                look.table = Some(table);
            }
            Report::Held => look.online = true,
            Report::Attached { ok } => look.online = ok,
            Report::Released | Report::Lost | Report::Fenced => look.online = false,
            _ => {}
        }
        if look.online && !before.online && look.table.is_none() {
            identify(disk, out);
        }
        if *look != before {
            let look = look.clone();
            out.push(Output::Publish { disk, look });
        }
    }
}

fn identify(disk: DiskId, out: &mut Outbox<Output>) {
    let request = Request::Identify;
    out.push(Output::Disk { disk, request });
}

impl Manager for Partmgr {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Disks { disks } => self.disks(&disks, out),
            Input::Disk { report } => self.report(report, out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, _cx: &Context<'_>) {}
}
