//! The table of commands: what each looks like, and which row of the conflict table it is in.

use scsi::cdb::opcode as op;
use scsi::{Sense, asc};

use crate::reservation::{Guard, Refusal};

/// What carries a command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Inquiry,
    PreventAllow,
    PersistentReserveIn,
    PersistentReserveOut,
    Read,
    ReadCapacity10,
    ReadCapacity16,
    Release,
    ReportLuns,
    RequestSense,
    Reserve,
    StartStop,
    SynchronizeCache,
    TestUnitReady,
    Write,
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

const PR_IN: [u8; 10] = [
    op::PERSISTENT_RESERVE_IN,
    0x1f,
    0,
    0,
    0,
    0,
    0,
    0xff,
    0xff,
    0,
];
const PR_OUT: [u8; 10] = [
    op::PERSISTENT_RESERVE_OUT,
    0x1f,
    0xff,
    0,
    0,
    0xff,
    0xff,
    0xff,
    0xff,
    0,
];

const fn pr_in(action: u8) -> Command {
    row(Operation::PersistentReserveIn, Guard::Reservation, &PR_IN).action(action)
}

const fn pr_out(action: u8) -> Command {
    row(Operation::PersistentReserveOut, Guard::Reservation, &PR_OUT).action(action)
}

const F: u8 = 0xff;
/// FUA and DPO.
const DPO_FUA: u8 = 0x18;
/// RDPROTECT, DPO, FUA and RARC: what READ may have set.
const GROUP: u8 = 0x1f;

/// Rows with one operation code stand together.
static COMMANDS: &[Command] = &[
    medium(
        Operation::TestUnitReady,
        Guard::Query,
        &[op::TEST_UNIT_READY, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::RequestSense,
        Guard::Free,
        &[op::REQUEST_SENSE, 1, 0, 0, F, 0],
    ),
    medium(
        Operation::Read,
        Guard::Read,
        &[op::READ_6, 0x1f, F, F, F, 0],
    ),
    row(
        Operation::Inquiry,
        Guard::Free,
        &[op::INQUIRY, 1, F, F, F, 0],
    ),
    row(
        Operation::Reserve,
        Guard::Reservation,
        &[op::RESERVE_6, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::Release,
        Guard::Reservation,
        &[op::RELEASE_6, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::StartStop,
        Guard::Write,
        &[op::START_STOP_UNIT, 1, 0, 0xf, 0xf7, 0],
    ),
    row(
        Operation::PreventAllow,
        Guard::Write,
        &[op::PREVENT_ALLOW, 0, 0, 0, 3, 0],
    ),
    medium(
        Operation::ReadCapacity10,
        Guard::Free,
        &[op::READ_CAPACITY_10, 0, F, F, F, F, 0, 0, 1, 0],
    ),
    medium(
        Operation::Read,
        Guard::Read,
        &[op::READ_10, DPO_FUA, F, F, F, F, GROUP, F, F, 0],
    ),
    medium(
        Operation::Write,
        Guard::Write,
        &[op::WRITE_10, DPO_FUA, F, F, F, F, GROUP, F, F, 0],
    ),
    medium(
        Operation::SynchronizeCache,
        Guard::Write,
        &[op::SYNCHRONIZE_CACHE_10, 2, F, F, F, F, GROUP, F, F, 0],
    ),
    row(
        Operation::Reserve,
        Guard::Reservation,
        &[op::RESERVE_10, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ),
    row(
        Operation::Release,
        Guard::Reservation,
        &[op::RELEASE_10, 0, 0, 0, 0, 0, 0, 0, 0, 0],
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
    medium(
        Operation::Read,
        Guard::Read,
        &[
            op::READ_16,
            DPO_FUA,
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
            GROUP,
            0,
        ],
    ),
    medium(
        Operation::Write,
        Guard::Write,
        &[
            op::WRITE_16,
            DPO_FUA,
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
            GROUP,
            0,
        ],
    ),
    medium(
        Operation::SynchronizeCache,
        Guard::Write,
        &[
            op::SYNCHRONIZE_CACHE_16,
            2,
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
            GROUP,
            0,
        ],
    ),
    medium(
        Operation::ReadCapacity16,
        Guard::Free,
        &[
            op::SERVICE_ACTION_IN_16,
            0x1f,
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
    row(
        Operation::ReportLuns,
        Guard::Free,
        &[op::REPORT_LUNS, 0, F, 0, 0, 0, F, F, F, F, 0, 0],
    ),
    medium(
        Operation::Read,
        Guard::Read,
        &[op::READ_12, DPO_FUA, F, F, F, F, F, F, F, F, GROUP, 0],
    ),
    medium(
        Operation::Write,
        Guard::Write,
        &[op::WRITE_12, DPO_FUA, F, F, F, F, F, F, F, F, GROUP, 0],
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

/// The row of a command: 5/20/00 for an unknown operation code, 5/24/00 for an unknown service
/// action of a known one.
pub(crate) fn find(cdb: &[u8]) -> Result<&'static Command, Refusal> {
    let &[code, second, ..] = cdb else {
        return Err(asc::INVALID_OPERATION_CODE.into());
    };
    let first = FIRST[usize::from(code)];
    let rows = COMMANDS.get(first..).ok_or(asc::INVALID_OPERATION_CODE)?;
    let mut rows = rows.iter().take_while(|row| row.usage[0] == code);
    let wanted = |row: &&Command| row.action.is_none_or(|action| action == second & 0x1f);
    rows.find(wanted)
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

    pub(crate) fn length(&self) -> usize {
        self.usage.len()
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
