//! The device server: from command descriptor block to data and status.
//!
//! One row of the table in `commands` says everything about a command that is not its action:
//! length, fields, row of the conflict table, whether the medium must be there.

mod blocks;
mod capacity;
mod commands;
mod compare;
mod copy;
mod identity;
mod limits;
mod medium;
mod mode;
mod paths;
mod persistent;
mod provisioning;
mod sanitize;
mod supported;
mod transfer;
mod verify;

pub(crate) use blocks::{read_blocks, writable, write_blocks};
pub(crate) use commands::{Command, find, ignores_attention};
pub(crate) use copy::CopyResult;
pub(crate) use mode::Modes;
pub(crate) use paths::PathState;
pub(crate) use sanitize::Sanitizing;
pub(crate) use transfer::data_out_bytes;

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

/// A run of blocks: the first and how many.
type Run = (u64, u64);

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

    /// The blocks that the command is about.
    fn run(&self) -> Run {
        run(self.command, self.cdb())
    }
}

/// Block address and count, where commands of this length have them.
fn run(command: &Command, cdb: &[u8]) -> Run {
    let byte = |at: usize| u64::from(cdb.get(at).copied().unwrap_or(0));
    match (command.operation, command.length()) {
        (Operation::CompareAndWrite, _) => (be64(cdb, 2), byte(13)),
        (Operation::WriteAtomic, _) => (be64(cdb, 2), u64::from(be16(cdb, 12))),
        (_, 6) => {
            let blocks = if byte(4) == 0 { 256 } else { byte(4) };
            (u64::from(be32(cdb, 0) & 0x1f_ffff), blocks)
        }
        (_, 10) => (u64::from(be32(cdb, 2)), u64::from(be16(cdb, 7))),
        (_, 12) => (u64::from(be32(cdb, 2)), u64::from(be32(cdb, 6))),
        _ => (be64(cdb, 2), u64::from(be32(cdb, 10))),
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
        Operation::ModeSelect => mode::select(target, &call),
        Operation::ReportTargetPortGroups => paths::report(target, &mut call),
        Operation::SetTargetPortGroups => paths::set(target, &call),
        Operation::ExtendedCopy => copy::extended_copy(target, &call),
        operation => {
            let unit = target
                .unit_mut(call.request.lun)
                .ok_or(asc::UNSUPPORTED_UNIT)?;
            perform_at(unit, operation, &mut call)
        }
    }
}

/// Commands that concern nothing but their unit.
fn perform_at<S: Store>(unit: &mut Unit<S>, operation: Operation, call: &mut Call<'_>) -> Done {
    match operation {
        Operation::TestUnitReady => DONE,
        Operation::Reserve => persistent::reserve(unit, call.request.nexus),
        Operation::Release => persistent::release(unit, call.request.nexus),
        Operation::StartStop => medium::start_stop(unit, call),
        Operation::PreventAllow => medium::prevent_allow(unit, call),
        Operation::ModeSense => mode::sense(unit, call),
        Operation::ReadCapacity10 => capacity::read_10(unit, call),
        Operation::ReadCapacity16 => capacity::read_16(unit, call),
        Operation::ReadDefectData => capacity::read_defect_data(call),
        Operation::GetLbaStatus => provisioning::get_lba_status(unit, call),
        Operation::Unmap => provisioning::unmap(unit, call),
        Operation::WriteSame => provisioning::write_same(unit, call),
        Operation::ReceiveCopyResults => copy::receive_results(unit, call),
        Operation::ReportSupportedOpcodes => supported::opcodes(unit, call),
        Operation::ReportSupportedFunctions => supported::functions(call),
        Operation::Sanitize => sanitize::sanitize(unit, call),
        _ => perform_on_blocks(unit, operation, call),
    }
}

/// Commands that read, write or compare blocks.
fn perform_on_blocks<S: Store>(
    unit: &mut Unit<S>,
    operation: Operation,
    call: &mut Call<'_>,
) -> Done {
    match operation {
        Operation::Read => blocks::read(unit, call),
        Operation::Write => blocks::write(unit, call),
        Operation::WriteAtomic => blocks::write_atomic(unit, call),
        Operation::SynchronizeCache => blocks::synchronize(unit, call),
        Operation::PreFetch => blocks::pre_fetch(unit, call),
        Operation::Verify => verify::verify(unit, call),
        Operation::WriteAndVerify => verify::write_and_verify(unit, call),
        Operation::CompareAndWrite => compare::compare_and_write(unit, call),
        Operation::OrWrite => compare::or_write(unit, call),
        _ => Err(asc::INVALID_OPERATION_CODE.into()),
    }
}
