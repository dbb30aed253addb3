//! UNMAP, WRITE SAME and GET LBA STATUS (SBC-4 5.35, 5.50, 5.51, 5.6).

use scsi::{asc, be16, be32, be64};

use super::blocks::written;
use super::limits::{UNMAP_BLOCKS_MAX, UNMAP_BYTES, UNMAP_DESCRIPTORS_MAX};
use super::{Call, DONE, Done, Run, writable, write_blocks};
use crate::reservation::Refusal;
use crate::store::Store;
use crate::unit::{Unit, medium_sense};

const DESCRIPTOR: usize = 16;

/// All descriptors are looked at before the first block is let go of.
pub(super) fn unmap<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    writable(unit)?;
    let length = usize::from(be16(call.cdb(), 7));
    if length == 0 {
        return DONE;
    }
    let list = call
        .request
        .data_out
        .get(..length)
        .filter(|list| list.len() >= 8);
    let list = list.ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    let told = usize::from(be16(list, 2));
    let descriptors = &list[8..list.len().min(8 + told)];
    let runs: Vec<Run> = descriptors
        .chunks_exact(DESCRIPTOR)
        .map(|it| (be64(it, 0), u64::from(be32(it, 8))))
        .collect();
    let blocks: u64 = runs.iter().map(|run| run.1).sum();
    if runs.len() > UNMAP_DESCRIPTORS_MAX as usize || blocks > u64::from(UNMAP_BLOCKS_MAX) {
        return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
    }
    runs.iter().try_for_each(|run| unit.check_run(*run))?;
    runs.into_iter().try_for_each(|run| discard(unit, run))?;
    DONE
}

/// Lets go of blocks: they read as zeros (LBPRZ = 1).
pub(super) fn discard<S: Store>(unit: &mut Unit<S>, (lba, blocks): Run) -> Result<(), Refusal> {
    let block = unit.block();
    if blocks == 0 {
        return Ok(());
    }
    unit.store
        .discard(lba * block, blocks * block)
        .map_err(|error| medium_sense(error).into())
}

const UNMAP: u8 = 0x08;
const NDOB: u8 = 0x01;

/// A count of zero means to the end of the unit (WSNZ = 0), within MAXIMUM WRITE SAME LENGTH.
pub(super) fn write_same<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let (lba, count) = call.run();
    let flags = call.byte(1);
    let (unmaps, no_data) = (
        flags & UNMAP != 0,
        flags & NDOB != 0 && call.command.length() == 16,
    );
    writable(unit)?;
    unit.check_run((lba, count))?;
    let blocks = if count == 0 {
        unit.config.blocks - lba
    } else {
        count
    };
    if blocks > u64::from(unit.same_blocks_max()) || (unmaps && !unit.config.thin) {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    let block = usize::try_from(unit.block()).unwrap_or(0);
    let zeros = vec![0; block];
    let pattern = if no_data {
        &zeros[..]
    } else {
        call.request.data_out
    };
    // One block comes with the command, no more and no less.
    if pattern.len() != block || (!no_data && call.request.offered != unit.block()) {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    // Whoever asks to unmap gets blocks that read as zeros, whatever the one that came holds: the
    // suites that check targets expect it [O].
    if unmaps {
        discard(unit, (lba, blocks))?;
    } else {
        fill(unit, (lba, blocks), pattern)?;
    }
    Ok(written(unit, call))
}

/// Writes one block over and over, a piece at a time.
pub(super) fn fill<S: Store>(
    unit: &mut Unit<S>,
    (mut lba, mut blocks): Run,
    pattern: &[u8],
) -> Result<(), Refusal> {
    let most = (FILL_BYTES / unit.block()).min(blocks);
    let piece = pattern.repeat(usize::try_from(most).unwrap_or(0));
    while blocks > 0 {
        let now = blocks.min(most);
        write_blocks(unit, (lba, now), &piece)?;
        (lba, blocks) = (lba + now, blocks - now);
    }
    Ok(())
}

/// How many bytes are written at once where one block is written over and over.
const FILL_BYTES: u64 = 1 << 20;

/// How many descriptors one answer holds.
const STATUS_DESCRIPTORS_MAX: usize = 256;

/// Runs of mapped and deallocated blocks from an address on; at least one descriptor.
pub(super) fn get_lba_status<S: Store>(unit: &mut Unit<S>, call: &mut Call<'_>) -> Done {
    let (mut lba, allocation) = call.run();
    unit.check_run((lba, 1))?;
    let room = usize::try_from(allocation)
        .unwrap_or(usize::MAX)
        .saturating_sub(8)
        / DESCRIPTOR;
    call.data_in.extend([0; 8]);
    for _ in 0..room.clamp(1, STATUS_DESCRIPTORS_MAX) {
        if lba >= unit.config.blocks {
            break;
        }
        let (mapped, blocks) = status_run(unit, lba);
        call.data_in.extend(lba.to_be_bytes());
        call.data_in.extend(blocks.to_be_bytes());
        call.data_in.extend([u8::from(!mapped), 0, 0, 0]);
        lba += u64::from(blocks);
    }
    let length = u32::try_from(call.data_in.len() - call.start - 4).unwrap_or(u32::MAX);
    call.data_in[call.start..call.start + 4].copy_from_slice(&length.to_be_bytes());
    call.truncate(allocation)
}

/// The run of blocks from `lba` on that are all mapped or all not.
fn status_run<S: Store>(unit: &mut Unit<S>, lba: u64) -> (bool, u32) {
    let block = unit.block();
    let rest = (unit.config.blocks - lba).min(u64::from(u32::MAX - 4096));
    let extent = if unit.config.thin {
        unit.store.extent(lba * block, rest * block)
    } else {
        crate::store::Extent {
            mapped: true,
            bytes: rest * block,
        }
    };
    debug_assert!(extent.bytes >= block || UNMAP_BYTES < block);
    let blocks = (extent.bytes / block).clamp(1, rest);
    (extent.mapped, u32::try_from(blocks).unwrap_or(u32::MAX))
}
