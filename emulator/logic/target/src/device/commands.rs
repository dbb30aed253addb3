//! The table of commands: what each looks like, and which row of the conflict table it is in.
//!
//! REPORT SUPPORTED OPERATION CODES, the check of reserved bits and the conflict table all read
//! it, so a command is described once.

mod table;

use scsi::cdb::opcode as op;
use scsi::{Sense, asc};

use crate::config::UnitConfig;
use crate::reservation::{Guard, Refusal};
use table::{COMMANDS, SERVICE_ACTION};

/// What carries a command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    CompareAndWrite,
    ExtendedCopy,
    GetLbaStatus,
    Inquiry,
    ModeSelect,
    ModeSense,
    OrWrite,
    PersistentReserveIn,
    PersistentReserveOut,
    PreFetch,
    PreventAllow,
    Read,
    ReadCapacity10,
    ReadCapacity16,
    ReadDefectData,
    ReceiveCopyResults,
    Release,
    ReportLuns,
    ReportSupportedFunctions,
    ReportSupportedOpcodes,
    ReportTargetPortGroups,
    RequestSense,
    Reserve,
    Sanitize,
    SetTargetPortGroups,
    StartStop,
    SynchronizeCache,
    TestUnitReady,
    Unmap,
    Verify,
    Write,
    WriteAndVerify,
    WriteAtomic,
    WriteSame,
}

/// All that is known of a command but its action.
#[derive(Debug)]
pub(crate) struct Command {
    pub operation: Operation,
    pub guard: Guard,
    /// Whether a unit without a ready medium refuses it.
    pub needs_medium: bool,
    /// The service action, in the low five bits of byte 1, where there is one.
    pub action: Option<u8>,
    /// Operation code, then a one for every bit that may be set (SPC-4 6.35.3).
    pub usage: &'static [u8],
}

/// The first row of each operation code, so that finding one takes no search.
static FIRST: [usize; 256] = first_rows();
const NONE: usize = usize::MAX;

const fn first_rows() -> [usize; 256] {
    let mut first = [NONE; 256];
    let mut at = COMMANDS.len();
    while at > 0 {
        at -= 1;
        first[COMMANDS[at].usage[0] as usize] = at;
    }
    first
}

/// All commands, as REPORT SUPPORTED OPERATION CODES lists them for a unit.
pub(crate) fn all(config: &UnitConfig) -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| command.exists_on(config))
}

/// The rows of an operation code: more than one only where there are service actions.
pub(crate) fn rows(code: u8) -> &'static [Command] {
    let rows = COMMANDS.get(FIRST[usize::from(code)]..).unwrap_or_default();
    let count = rows.iter().take_while(|row| row.usage[0] == code).count();
    &rows[..count]
}

/// The row of a command: 5/20/00 for an unknown operation code, 5/24/00 for an unknown service
/// action of a known one.
pub(crate) fn find(cdb: &[u8]) -> Result<&'static Command, Refusal> {
    let &[code, second, ..] = cdb else {
        return Err(asc::INVALID_OPERATION_CODE.into());
    };
    let first = COMMANDS
        .get(FIRST[usize::from(code)])
        .ok_or(asc::INVALID_OPERATION_CODE)?;
    let found = match first.action {
        None => Some(first),
        Some(_) => rows(code)
            .iter()
            .find(|row| row.action == Some(second & SERVICE_ACTION)),
    };
    found
        .filter(|row| cdb.len() >= row.usage.len())
        .ok_or(field(1))
}

/// INQUIRY, REPORT LUNS and REQUEST SENSE go on whatever attention waits (SAM-5 5.14).
pub(crate) fn ignores_attention(code: u8) -> bool {
    matches!(code, op::INQUIRY | op::REPORT_LUNS | op::REQUEST_SENSE)
}

/// INVALID FIELD IN CDB that points at a byte.
pub(crate) fn field(at: u16) -> Refusal {
    let [high, low] = at.to_be_bytes();
    let sense = Sense::illegal(asc::INVALID_FIELD_IN_CDB);
    Refusal::Check(Sense {
        specific: Some([0xc0, high, low]),
        ..sense
    })
}

impl Command {
    /// The row of the conflict table: starting a unit and allowing removal pass everything.
    pub(crate) fn guard(&self, cdb: &[u8]) -> Guard {
        let byte_4 = cdb.get(4).copied().unwrap_or(0);
        match self.operation {
            Operation::StartStop if byte_4 & 0xf1 == 1 => Guard::Free,
            Operation::PreventAllow if byte_4 & 1 == 0 => Guard::Free,
            _ => self.guard,
        }
    }

    pub(crate) fn code(&self) -> u8 {
        self.usage[0]
    }

    pub(crate) fn length(&self) -> usize {
        self.usage.len()
    }

    /// Whether a unit has the command: nothing can be unmapped on a fully provisioned one.
    pub(crate) fn exists_on(&self, config: &UnitConfig) -> bool {
        config.thin || self.operation != Operation::Unmap
    }

    /// Whether it is carried out while a sanitize is under way: commands that only ask or reserve
    /// are, and the one that ends a failed sanitize (SBC-4 4.11.3).
    pub(crate) fn passes_sanitize(&self) -> bool {
        let starts = matches!(
            self.operation,
            Operation::StartStop | Operation::PreventAllow
        );
        let exits = self.operation == Operation::Sanitize && self.action == Some(0x1f);
        exits || !(self.needs_medium || starts || self.operation == Operation::ModeSelect)
    }

    /// Bits that must be zero and are not: 5/24/00.
    pub(crate) fn check_reserved_bits(&self, cdb: &[u8]) -> Result<(), Refusal> {
        let pairs = cdb.iter().zip(self.usage).skip(1);
        for (at, (byte, usage)) in (1_u16..).zip(pairs) {
            if byte & !usage != 0 {
                return Err(field(at));
            }
        }
        Ok(())
    }
}
