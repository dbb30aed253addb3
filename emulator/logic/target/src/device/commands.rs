//! The table of commands: what each looks like, and which row of the conflict table it is in.
//!
//! REPORT SUPPORTED OPERATION CODES, the check of reserved bits and the conflict table all read
//! it, so a command is described once. Layouts: SPC-4 clause 6, SBC-4 clause 5.

use scsi::cdb::opcode as op;
use scsi::{Sense, asc};

use crate::config::UnitConfig;
use crate::reservation::{Guard, Refusal};

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

const fn row(operation: Operation, guard: Guard, usage: &'static [u8]) -> Command {
    Command {
        operation,
        guard,
        needs_medium: false,
        action: None,
        usage,
    }
}

/// A command that needs the medium.
const fn medium(operation: Operation, guard: Guard, usage: &'static [u8]) -> Command {
    Command {
        needs_medium: true,
        ..row(operation, guard, usage)
    }
}

impl Command {
    const fn action(mut self, action: u8) -> Self {
        self.action = Some(action);
        self
    }
}

const F: u8 = 0xff;
/// GROUP NUMBER: may be set and means nothing here.
const G: u8 = 0x1f;
const SERVICE_ACTION: u8 = 0x1f;
const DPO: u8 = 0x10;
const DPO_FUA: u8 = 0x18;
const IMMED: u8 = 0x02;
/// Obsolete, and still sent.
const SYNC_NV: u8 = 0x04;
const BYTCHK: u8 = 0x06;
const UNMAP: u8 = 0x08;
const NDOB: u8 = 0x01;

/// Ten, twelve and sixteen bytes with flags in byte 1, an address and a count.
const fn ten(code: u8, flags: u8) -> [u8; 10] {
    [code, flags, F, F, F, F, G, F, F, 0]
}

const fn twelve(code: u8, flags: u8) -> [u8; 12] {
    [code, flags, F, F, F, F, F, F, F, F, G, 0]
}

const fn sixteen(code: u8, flags: u8) -> [u8; 16] {
    [code, flags, F, F, F, F, F, F, F, F, F, F, F, F, G, 0]
}

/// Maintenance commands: a four-byte length at byte 6.
const fn maintenance(code: u8, flags: u8, bytes_2_to_5: [u8; 4]) -> [u8; 12] {
    let [a, b, c, d] = bytes_2_to_5;
    [code, SERVICE_ACTION | flags, a, b, c, d, F, F, F, F, 0, 0]
}

const PR_IN: [u8; 10] = [
    op::PERSISTENT_RESERVE_IN,
    SERVICE_ACTION,
    0,
    0,
    0,
    0,
    0,
    F,
    F,
    0,
];
const PR_OUT: [u8; 10] = [
    op::PERSISTENT_RESERVE_OUT,
    SERVICE_ACTION,
    F,
    0,
    0,
    F,
    F,
    F,
    F,
    0,
];
const SANITIZE: [u8; 10] = [op::SANITIZE, 0xbf, 0, 0, 0, 0, 0, F, F, 0];
const COPY: [u8; 16] = [
    op::EXTENDED_COPY,
    SERVICE_ACTION,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    F,
    F,
    F,
    F,
    0,
    0,
];
const COPY_RESULTS: [u8; 16] = [
    op::RECEIVE_COPY_RESULTS,
    SERVICE_ACTION,
    F,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    F,
    F,
    F,
    F,
    0,
    0,
];

const fn pr_in(action: u8) -> Command {
    row(Operation::PersistentReserveIn, Guard::Reservation, &PR_IN).action(action)
}

const fn pr_out(action: u8) -> Command {
    row(Operation::PersistentReserveOut, Guard::Reservation, &PR_OUT).action(action)
}

const fn sanitize(action: u8) -> Command {
    medium(Operation::Sanitize, Guard::Write, &SANITIZE).action(action)
}

const fn copy_results(action: u8) -> Command {
    row(Operation::ReceiveCopyResults, Guard::Query, &COPY_RESULTS).action(action)
}

use Guard::{Free, Query, Read, Reservation, Write};

/// Rows with one operation code stand together.
static COMMANDS: &[Command] = &[
    medium(
        Operation::TestUnitReady,
        Query,
        &[op::TEST_UNIT_READY, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::RequestSense,
        Free,
        &[op::REQUEST_SENSE, 1, 0, 0, F, 0],
    ),
    medium(Operation::Read, Read, &[op::READ_6, 0x1f, F, F, F, 0]),
    row(Operation::Inquiry, Free, &[op::INQUIRY, 1, F, F, F, 0]),
    row(
        Operation::ModeSelect,
        Write,
        &[op::MODE_SELECT_6, 0x11, 0, 0, F, 0],
    ),
    row(
        Operation::Reserve,
        Reservation,
        &[op::RESERVE_6, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::Release,
        Reservation,
        &[op::RELEASE_6, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::ModeSense,
        Query,
        &[op::MODE_SENSE_6, 0x08, F, F, F, 0],
    ),
    row(
        Operation::StartStop,
        Write,
        &[op::START_STOP_UNIT, 1, 0, 0xf, 0xf7, 0],
    ),
    row(
        Operation::PreventAllow,
        Write,
        &[op::PREVENT_ALLOW, 0, 0, 0, 3, 0],
    ),
    medium(
        Operation::ReadCapacity10,
        Free,
        &[op::READ_CAPACITY_10, 0, F, F, F, F, 0, 0, 1, 0],
    ),
    medium(Operation::Read, Read, &ten(op::READ_10, DPO_FUA)),
    medium(Operation::Write, Write, &ten(op::WRITE_10, DPO_FUA)),
    medium(
        Operation::WriteAndVerify,
        Write,
        &ten(op::WRITE_AND_VERIFY_10, DPO | BYTCHK),
    ),
    medium(Operation::Verify, Read, &ten(op::VERIFY_10, DPO | BYTCHK)),
    medium(Operation::PreFetch, Read, &ten(op::PRE_FETCH_10, IMMED)),
    medium(
        Operation::SynchronizeCache,
        Write,
        &ten(op::SYNCHRONIZE_CACHE_10, SYNC_NV | IMMED),
    ),
    medium(
        Operation::ReadDefectData,
        Query,
        &[op::READ_DEFECT_DATA_10, 0, G, 0, 0, 0, 0, F, F, 0],
    ),
    medium(Operation::WriteSame, Write, &ten(op::WRITE_SAME_10, UNMAP)),
    medium(
        Operation::Unmap,
        Write,
        &[op::UNMAP, 0, 0, 0, 0, 0, G, F, F, 0],
    ),
    sanitize(0x01),
    sanitize(0x02),
    sanitize(0x03),
    sanitize(0x1f),
    row(
        Operation::ModeSelect,
        Write,
        &[op::MODE_SELECT_10, 0x11, 0, 0, 0, 0, 0, F, F, 0],
    ),
    row(
        Operation::Reserve,
        Reservation,
        &[op::RESERVE_10, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::Release,
        Reservation,
        &[op::RELEASE_10, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::ModeSense,
        Query,
        &[op::MODE_SENSE_10, 0x18, F, F, 0, 0, 0, F, F, 0],
    ),
    pr_in(0),
    pr_in(1),
    pr_in(2),
    pr_in(3),
    pr_out(0),
    pr_out(1),
    pr_out(2),
    pr_out(3),
    pr_out(4),
    pr_out(5),
    pr_out(6),
    pr_out(7),
    medium(Operation::ExtendedCopy, Write, &COPY).action(0),
    copy_results(0),
    copy_results(3),
    medium(Operation::Read, Read, &sixteen(op::READ_16, DPO_FUA)),
    medium(
        Operation::CompareAndWrite,
        Write,
        &[
            op::COMPARE_AND_WRITE,
            DPO_FUA,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            0,
            0,
            0,
            F,
            G,
            0,
        ],
    ),
    medium(Operation::Write, Write, &sixteen(op::WRITE_16, DPO_FUA)),
    medium(Operation::OrWrite, Write, &sixteen(op::ORWRITE_16, DPO_FUA)),
    medium(
        Operation::WriteAndVerify,
        Write,
        &sixteen(op::WRITE_AND_VERIFY_16, DPO | BYTCHK),
    ),
    medium(
        Operation::Verify,
        Read,
        &sixteen(op::VERIFY_16, DPO | BYTCHK),
    ),
    medium(Operation::PreFetch, Read, &sixteen(op::PRE_FETCH_16, IMMED)),
    medium(
        Operation::SynchronizeCache,
        Write,
        &sixteen(op::SYNCHRONIZE_CACHE_16, SYNC_NV | IMMED),
    ),
    medium(
        Operation::WriteSame,
        Write,
        &sixteen(op::WRITE_SAME_16, UNMAP | NDOB),
    ),
    medium(
        Operation::WriteAtomic,
        Write,
        &sixteen(op::WRITE_ATOMIC_16, DPO_FUA),
    ),
    medium(
        Operation::ReadCapacity16,
        Free,
        &[
            op::SERVICE_ACTION_IN_16,
            SERVICE_ACTION,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            1,
            0,
        ],
    )
    .action(0x10),
    medium(
        Operation::GetLbaStatus,
        Read,
        &[
            op::SERVICE_ACTION_IN_16,
            SERVICE_ACTION,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            F,
            0,
            0,
        ],
    )
    .action(0x12),
    row(
        Operation::ReportLuns,
        Free,
        &[op::REPORT_LUNS, 0, F, 0, 0, 0, F, F, F, F, 0, 0],
    ),
    row(
        Operation::ReportTargetPortGroups,
        Free,
        &maintenance(op::MAINTENANCE_IN, 0xe0, [0, 0, 0, 0]),
    )
    .action(0x0a),
    row(
        Operation::ReportSupportedOpcodes,
        Query,
        &maintenance(op::MAINTENANCE_IN, 0, [0x87, F, F, F]),
    )
    .action(0x0c),
    row(
        Operation::ReportSupportedFunctions,
        Query,
        &maintenance(op::MAINTENANCE_IN, 0, [0x80, 0, 0, 0]),
    )
    .action(0x0d),
    row(
        Operation::SetTargetPortGroups,
        Write,
        &maintenance(op::MAINTENANCE_OUT, 0, [0, 0, 0, 0]),
    )
    .action(0x0a),
    medium(Operation::Read, Read, &twelve(op::READ_12, DPO_FUA)),
    medium(Operation::Write, Write, &twelve(op::WRITE_12, DPO_FUA)),
    medium(
        Operation::WriteAndVerify,
        Write,
        &twelve(op::WRITE_AND_VERIFY_12, DPO | BYTCHK),
    ),
    medium(
        Operation::Verify,
        Read,
        &twelve(op::VERIFY_12, DPO | BYTCHK),
    ),
    medium(
        Operation::ReadDefectData,
        Query,
        &[op::READ_DEFECT_DATA_12, G, F, F, F, F, F, F, F, F, 0, 0],
    ),
];

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
