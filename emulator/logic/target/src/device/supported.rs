//! REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS (SPC-4 6.35, 6.36), told from
//! the very table that commands are checked against.

use scsi::{asc, be16, be32};

use super::commands::{Command, all, field, rows};
use super::{Call, Done};
use crate::unit::Unit;

/// A command timeouts descriptor that tells none.
const TIMEOUTS: [u8; 12] = [0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// REPORTING OPTIONS: one command by its operation code alone.
const BY_CODE: u8 = 1;
/// The same by operation code and service action.
const BY_ACTION: u8 = 2;

pub(super) fn opcodes<S>(unit: &Unit<S>, call: &mut Call<'_>) -> Done {
    let with_timeouts = call.byte(2) & 0x80 != 0;
    let (code, action) = (call.byte(3), be16(call.cdb(), 4));
    let rows = rows(code);
    let has_actions = rows.iter().any(|row| row.action.is_some());
    let option = call.byte(2) & 7;
    match option {
        0 => every(unit, with_timeouts, call.data_in),
        BY_CODE if has_actions => return Err(field(2)),
        BY_ACTION if !rows.is_empty() && !has_actions => return Err(field(2)),
        1..=3 => {
            let wanted = |row: &&Command| {
                row.exists_on(&unit.config)
                    && (option == BY_CODE || row.action.is_none_or(|it| u16::from(it) == action))
            };
            one(rows.iter().find(wanted), with_timeouts, call.data_in);
        }
        _ => return Err(field(2)),
    }
    let allocation = be32(call.cdb(), 6);
    call.truncate(allocation)
}

fn every<S>(unit: &Unit<S>, with_timeouts: bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 4]);
    for command in all(&unit.config) {
        let flags = u8::from(with_timeouts) << 1 | u8::from(command.action.is_some());
        let [high, low] = u16::try_from(command.length()).unwrap_or(0).to_be_bytes();
        let action = command.action.unwrap_or(0);
        out.extend([command.code(), 0, 0, action, 0, flags, high, low]);
        if with_timeouts {
            out.extend(TIMEOUTS);
        }
    }
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

const NOT_SUPPORTED: u8 = 1;
const AS_THE_STANDARD_SAYS: u8 = 3;

fn one(command: Option<&Command>, with_timeouts: bool, out: &mut Vec<u8>) {
    let Some(command) = command else {
        return out.extend([0, NOT_SUPPORTED, 0, 0]);
    };
    let [high, low] = u16::try_from(command.length()).unwrap_or(0).to_be_bytes();
    out.extend([
        0,
        u8::from(with_timeouts) << 7 | AS_THE_STANDARD_SAYS,
        high,
        low,
    ]);
    let usage = out.len();
    out.extend(command.usage);
    if let Some(action) = command.action {
        out[usage + 1] = out[usage + 1] & 0xe0 | action;
    }
    if with_timeouts {
        out.extend(TIMEOUTS);
    }
}

/// ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET and, obsolete but there, TARGET
/// RESET.
const FUNCTIONS: u8 = 0x80 | 0x40 | 0x10 | 0x08 | 0x02;

pub(super) fn functions(call: &mut Call<'_>) -> Done {
    let extended = call.byte(2) & 0x80 != 0;
    let allocation = be32(call.cdb(), 6);
    if allocation < 4 {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    call.data_in
        .extend([FUNCTIONS, 0, 0, if extended { 12 } else { 0 }]);
    if extended {
        call.data_in.extend([0; 12]);
    }
    call.truncate(allocation)
}
