//! COMPARE AND WRITE and ORWRITE (SBC-4 5.2, 5.9): read, decide and write in one step.

use scsi::asc;

use super::blocks::written;
use super::limits::COMPARE_BLOCKS_MAX;
use super::verify::{first_difference, miscompare};
use super::{Call, DONE, Done, read_blocks, writable, write_blocks};
use crate::store::Store;
use crate::unit::Unit;

const _: () = assert!(
    COMPARE_BLOCKS_MAX == u8::MAX,
    "the count has eight bits and no other limit"
);

pub(super) fn compare_and_write<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let run = call.run();
    writable(unit)?;
    unit.check_run(run)?;
    // Once to compare and once to write, no more and no less.
    if call.request.offered != 2 * run.1 * unit.block() {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    if run.1 == 0 {
        return DONE;
    }
    let mut medium = Vec::new();
    read_blocks(unit, run, &mut medium)?;
    let (verify, write) = call
        .request
        .data_out
        .split_at_checked(medium.len())
        .filter(|(_, write)| write.len() >= medium.len())
        .ok_or(asc::INVALID_FIELD_IN_CDB)?;
    if let Some(at) = first_difference(&medium, verify) {
        return Err(miscompare(at));
    }
    write_blocks(unit, run, write)?;
    Ok(written(unit, call))
}

pub(super) fn or_write<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let run = call.run();
    writable(unit)?;
    unit.check_transfer(run)?;
    let mut medium = Vec::new();
    read_blocks(unit, run, &mut medium)?;
    let data = call.request.data_out;
    medium.truncate(data.len());
    medium
        .iter_mut()
        .zip(data)
        .for_each(|(byte, other)| *byte |= other);
    write_blocks(unit, run, &medium)?;
    Ok(written(unit, call))
}
