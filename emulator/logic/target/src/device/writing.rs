//! WRITE in all its lengths and SYNCHRONIZE CACHE (SBC-4 5.40 to 5.44, 5.34).

use scsi::{Sense, SenseKey, asc};

use super::reading::transfer_fits;
use super::{Call, DONE, Done, within};
use crate::reservation::Refusal;
use crate::response::Obligation;
use crate::store::Store;
use crate::unit::{Unit, medium_sense};

/// Force unit access, bit 3 of byte 1 in all but the six-byte commands.
const FUA: u8 = 0x08;

pub(super) fn write<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let extent = call.extent();
    writable(unit)?;
    within(unit, extent)?;
    transfer_fits(unit, extent.1)?;
    write_blocks(unit, extent, call.request.data_out)?;
    if call.byte(1) & FUA != 0 {
        Ok(Obligation::Sync(call.lun()))
    } else {
        DONE
    }
}

/// Nothing is written to a read-only unit: 7/27/00.
pub(super) fn writable<S>(unit: &Unit<S>) -> Result<(), Refusal> {
    if unit.config.read_only {
        return Err(Sense::new(SenseKey::DataProtect, asc::WRITE_PROTECTED).into());
    }
    Ok(())
}

/// Writes the blocks, which exist, from the front of `data`.
pub(super) fn write_blocks<S: Store>(
    unit: &mut Unit<S>,
    (lba, blocks): (u64, u64),
    data: &[u8],
) -> Result<(), Refusal> {
    if let Some(bad) = unit.faults.first_bad(lba, blocks) {
        let sense = Sense::new(SenseKey::MediumError, asc::WRITE_ERROR);
        return Err(sense.with_information(bad).into());
    }
    let block = u64::from(unit.config.block_bytes);
    let (offset, bytes) = (lba * block, blocks * block);
    let whole = usize::try_from(bytes)
        .ok()
        .and_then(|bytes| data.get(..bytes));
    let data = whole.ok_or(asc::INVALID_FIELD_IN_CDB)?;
    if unit.faults.full && !is_mapped(unit, offset, bytes) {
        return Err(Sense::new(SenseKey::DataProtect, asc::SPACE_ALLOCATION_FAILED).into());
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

pub(super) fn synchronize<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let (lba, blocks) = call.extent();
    within(unit, (lba, blocks))?;
    Ok(Obligation::Sync(call.lun()))
}
