//! READ, WRITE, SYNCHRONIZE CACHE and PRE-FETCH (SBC-4 clause 5).

use scsi::{Sense, SenseKey, asc, be16};

use super::{Call, DONE, Done, Run};
use crate::reservation::Refusal;
use crate::response::Obligation;
use crate::store::Store;
use crate::unit::{Unit, medium_sense};

/// Force unit access, bit 3 of byte 1 in all but the six-byte commands.
const FUA: u8 = 0x08;

pub(super) fn read<S: Store>(unit: &mut Unit<S>, call: &mut Call<'_>) -> Done {
    let run = call.run();
    unit.check_transfer(run)?;
    read_blocks(unit, run, call.data_in)?;
    DONE
}

/// Appends blocks that exist and are not too many.
pub(crate) fn read_blocks<S: Store>(
    unit: &mut Unit<S>,
    (lba, blocks): Run,
    into: &mut Vec<u8>,
) -> Result<(), Refusal> {
    if let Some(bad) = unit.faults.first_bad(lba, blocks) {
        let sense = Sense::new(SenseKey::MediumError, asc::UNRECOVERED_READ_ERROR);
        return Err(sense.with_information(bad).into());
    }
    let block = unit.block();
    let start = into.len();
    let bytes = usize::try_from(blocks * block).unwrap_or(0);
    into.resize(start + bytes, 0);
    unit.store
        .read(lba * block, &mut into[start..])
        .map_err(|error| medium_sense(error).into())
}

pub(super) fn write<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let run = call.run();
    writable(unit)?;
    unit.check_transfer(run)?;
    write_blocks(unit, run, call.request.data_out)?;
    Ok(written(unit, call))
}

/// What must be durable after a write: all of it with FUA or without a write cache.
pub(super) fn written<S>(unit: &Unit<S>, call: &Call<'_>) -> Obligation {
    let forced = call.command.length() > 6 && call.byte(1) & FUA != 0;
    if forced || !unit.modes.write_cache {
        Obligation::Sync(call.lun())
    } else {
        Obligation::None
    }
}

/// Nothing is written to a protected unit: 7/27/00 or 7/27/02.
pub(crate) fn writable<S>(unit: &Unit<S>) -> Result<(), Refusal> {
    let protect = |additional| Err(Sense::new(SenseKey::DataProtect, additional).into());
    match () {
        () if unit.config.read_only => protect(asc::WRITE_PROTECTED),
        () if unit.modes.write_protect => protect(asc::SOFTWARE_WRITE_PROTECTED),
        () => Ok(()),
    }
}

/// Writes the blocks, which exist, from the front of `data`. Less data than blocks writes the
/// whole blocks that there are: the initiator's transfer was shorter than its command.
pub(crate) fn write_blocks<S: Store>(
    unit: &mut Unit<S>,
    (lba, blocks): Run,
    data: &[u8],
) -> Result<(), Refusal> {
    if let Some(bad) = unit.faults.first_bad(lba, blocks) {
        let sense = Sense::new(SenseKey::MediumError, asc::WRITE_ERROR);
        return Err(sense.with_information(bad).into());
    }
    let block = unit.block();
    let wanted = usize::try_from(blocks * block).unwrap_or(usize::MAX);
    let whole = data.len() - data.len() % usize::try_from(block).unwrap_or(1);
    let data = &data[..whole.min(wanted)];
    let offset = lba * block;
    if unit.faults.full && !is_mapped(unit, offset, data.len() as u64) {
        return Err(medium_sense(crate::store::StoreError::Full).into());
    }
    unit.store
        .write(offset, data)
        .map_err(|error| medium_sense(error).into())
}

fn is_mapped<S: Store>(unit: &mut Unit<S>, offset: u64, bytes: u64) -> bool {
    bytes == 0 || {
        let extent = unit.store.extent(offset, bytes);
        extent.mapped && extent.bytes >= bytes
    }
}

/// SBC-4 5.49. A boundary would allow several atomic pieces and is not offered. All of it is
/// durable before GOOD: that is how no part of it can be lost without the rest.
pub(super) fn write_atomic<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let run = call.run();
    writable(unit)?;
    unit.check_run(run)?;
    if be16(call.cdb(), 10) != 0 || run.1 > u64::from(unit.atomic_blocks_max()) {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    write_blocks(unit, run, call.request.data_out)?;
    Ok(Obligation::Sync(call.lun()))
}

/// The whole cache is written whatever range is named; no blocks means to the end.
pub(super) fn synchronize<S>(unit: &Unit<S>, call: &Call<'_>) -> Done {
    unit.check_run(call.run())?;
    Ok(Obligation::Sync(call.lun()))
}

/// SBC-4 5.12: there is no cache to fill but that of the host, so GOOD promises nothing.
pub(super) fn pre_fetch<S>(unit: &Unit<S>, call: &Call<'_>) -> Done {
    unit.check_run(call.run())?;
    DONE
}
