//! The rows of the table. Layouts: SPC-4 clause 6, SBC-4 clause 5.

use scsi::cdb::opcode as op;

use super::{Command, Operation};
use crate::reservation::Guard;

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
pub(super) const SERVICE_ACTION: u8 = 0x1f;
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
pub(super) static COMMANDS: &[Command] = &[
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
