//! READ in all its lengths (SBC-4 5.15 to 5.19).

use scsi::{Sense, SenseKey, asc};

use super::{Call, DONE, Done, within};
use crate::reservation::Refusal;
use crate::store::Store;
use crate::unit::{Unit, medium_sense};

/// How many bytes one command may move: MAXIMUM TRANSFER LENGTH.
pub(crate) const TRANSFER_BYTES_MAX: u64 = 16 << 20;

pub(super) fn read<S: Store>(unit: &mut Unit<S>, call: &mut Call<'_>) -> Done {
    let extent = call.extent();
    within(unit, extent)?;
    transfer_fits(unit, extent.1)?;
    read_blocks(unit, extent, call.data_in)?;
    DONE
}

/// More than MAXIMUM TRANSFER LENGTH: 5/24/00 (SBC-4 6.6.4).
pub(super) fn transfer_fits<S>(unit: &Unit<S>, blocks: u64) -> Result<(), Refusal> {
    if blocks > TRANSFER_BYTES_MAX / u64::from(unit.config.block_bytes) {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    Ok(())
}

/// Appends the blocks, which exist and are not too many.
pub(super) fn read_blocks<S: Store>(
    unit: &mut Unit<S>,
    (lba, blocks): (u64, u64),
    into: &mut Vec<u8>,
) -> Result<(), Refusal> {
    if let Some(bad) = unit.faults.first_bad(lba, blocks) {
        let sense = Sense::new(SenseKey::MediumError, asc::UNRECOVERED_READ_ERROR);
        return Err(sense.with_information(bad).into());
    }
    let block = u64::from(unit.config.block_bytes);
    let start = into.len();
    let bytes = usize::try_from(blocks * block).unwrap_or(0);
    into.resize(start + bytes, 0);
    unit.store
        .read(lba * block, &mut into[start..])
        .map_err(|error| medium_sense(error).into())
}
