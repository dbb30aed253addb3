//! The device server: from command descriptor block to data and status.
//!
//! One row of the table in `commands` says everything about a command that is not its action:
//! length, fields, row of the conflict table, whether the medium must be there. REPORT SUPPORTED
//! OPERATION CODES reads the same row, so it cannot lie.

mod capacity;
mod commands;
mod identity;
mod medium;
mod persistent;
mod reading;
mod writing;

pub(crate) use commands::{Command, find, ignores_attention};

use scsi::{Lun, asc, be16, be32, be64};

use crate::reservation::Refusal;
use crate::response::Obligation;
use crate::store::Store;
use crate::target::{Request, Target};
use crate::unit::Unit;
use commands::Operation;

/// A command on its way through the device server.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub request: Request<'a>,
    pub command: &'static Command,
    /// Where this command's data starts in `data_in`.
    pub start: usize,
    pub data_in: &'a mut Vec<u8>,
}

/// How a command ends that does not fail.
type Done = Result<Obligation, Refusal>;

const DONE: Done = Ok(Obligation::None);

impl Call<'_> {
    fn cdb(&self) -> &[u8] {
        self.request.cdb
    }

    fn byte(&self, at: usize) -> u8 {
        self.cdb().get(at).copied().unwrap_or(0)
    }

    fn lun(&self) -> Lun {
        self.request.lun.unwrap_or_default()
    }

    /// Cuts the data to the allocation length.
    fn truncate(&mut self, allocation: impl Into<u64>) -> Done {
        let room = usize::try_from(allocation.into()).unwrap_or(usize::MAX);
        self.data_in.truncate(self.start.saturating_add(room));
        DONE
    }

    /// Block address and count, where commands of this length have them.
    fn extent(&self) -> (u64, u64) {
        let cdb = self.cdb();
        match self.command.length() {
            6 => {
                let blocks = u64::from(self.byte(4));
                let lba = u64::from(be32(cdb, 0) & 0x1f_ffff);
                (lba, if blocks == 0 { 256 } else { blocks })
            }
            10 => (u64::from(be32(cdb, 2)), u64::from(be16(cdb, 7))),
            12 => (u64::from(be32(cdb, 2)), u64::from(be32(cdb, 6))),
            _ => (be64(cdb, 2), u64::from(be32(cdb, 10))),
        }
    }
}

/// Whether the blocks exist.
fn within<S>(unit: &Unit<S>, (lba, blocks): (u64, u64)) -> Result<(), Refusal> {
    match lba.checked_add(blocks) {
        Some(end) if end <= unit.config.blocks => Ok(()),
        _ => Err(asc::LBA_OUT_OF_RANGE.into()),
    }
}

/// Carries out a command that has passed every check that comes before.
pub(crate) fn perform<S: Store>(target: &mut Target<S>, mut call: Call<'_>) -> Done {
    match call.command.operation {
        Operation::ReportLuns => identity::report_luns(target, &mut call),
        Operation::Inquiry => identity::inquiry(target, &mut call),
        Operation::RequestSense => identity::request_sense(target, &mut call),
        Operation::PersistentReserveIn => persistent::reserve_in(target, &mut call),
        Operation::PersistentReserveOut => persistent::reserve_out(target, &call),
        operation => {
            let unit = target
                .unit_mut(call.request.lun)
                .ok_or(asc::UNSUPPORTED_UNIT)?;
            perform_at(unit, operation, call)
        }
    }
}

/// Commands that concern nothing but their unit.
fn perform_at<S: Store>(unit: &mut Unit<S>, operation: Operation, mut call: Call<'_>) -> Done {
    match operation {
        Operation::TestUnitReady => DONE,
        Operation::Reserve => persistent::reserve(unit, call.request.nexus),
        Operation::Release => persistent::release(unit, call.request.nexus),
        Operation::ReadCapacity10 => capacity::read_10(unit, &mut call),
        Operation::ReadCapacity16 => capacity::read_16(unit, &mut call),
        Operation::Read => reading::read(unit, &mut call),
        Operation::StartStop => medium::start_stop(unit, &call),
        Operation::PreventAllow => medium::prevent_allow(unit, &call),
        Operation::Write => writing::write(unit, &call),
        Operation::SynchronizeCache => writing::synchronize(unit, &call),
        Operation::ReportLuns
        | Operation::Inquiry
        | Operation::RequestSense
        | Operation::PersistentReserveIn
        | Operation::PersistentReserveOut => unreachable!("performed by the target"),
    }
}
