//! How much one command may do: what the block limits page tells and every command keeps to.

use scsi::asc;

use crate::reservation::Refusal;
use crate::unit::Unit;

use super::Run;

/// How many bytes one command may move: MAXIMUM TRANSFER LENGTH, in bytes.
pub(crate) const TRANSFER_BYTES_MAX: u64 = 16 << 20;
/// MAXIMUM COMPARE AND WRITE LENGTH, in blocks.
pub(crate) const COMPARE_BLOCKS_MAX: u8 = 255;
/// MAXIMUM UNMAP LBA COUNT.
pub(crate) const UNMAP_BLOCKS_MAX: u32 = 1 << 20;
/// MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT.
pub(crate) const UNMAP_DESCRIPTORS_MAX: u32 = 256;
/// MAXIMUM ATOMIC TRANSFER LENGTH, in bytes.
pub(crate) const ATOMIC_BYTES_MAX: u64 = 1 << 20;
/// MAXIMUM WRITE SAME LENGTH, in bytes.
const SAME_BYTES_MAX: u64 = TRANSFER_BYTES_MAX;
/// What the store lets go of as one, in bytes: OPTIMAL UNMAP GRANULARITY is the larger of this
/// and a physical block.
pub(crate) const UNMAP_BYTES: u64 = 4096;

impl<S> Unit<S> {
    /// MAXIMUM WRITE SAME LENGTH.
    pub(crate) fn same_blocks_max(&self) -> u32 {
        u32::try_from(SAME_BYTES_MAX / self.block()).unwrap_or(u32::MAX)
    }

    /// MAXIMUM TRANSFER LENGTH.
    pub(crate) fn transfer_blocks_max(&self) -> u32 {
        u32::try_from(TRANSFER_BYTES_MAX / self.block()).unwrap_or(u32::MAX)
    }

    pub(crate) fn atomic_blocks_max(&self) -> u32 {
        u32::try_from(ATOMIC_BYTES_MAX / self.block()).unwrap_or(u32::MAX)
    }

    /// OPTIMAL UNMAP GRANULARITY.
    pub(crate) fn unmap_granularity(&self) -> u32 {
        let of_store = u32::try_from(UNMAP_BYTES / self.block())
            .unwrap_or(1)
            .max(1);
        of_store.max(1 << self.config.physical_exponent.min(15))
    }

    /// The block size in bytes.
    pub(crate) fn block(&self) -> u64 {
        u64::from(self.config.block_bytes)
    }

    /// Whether the blocks exist: 5/21/00.
    pub(crate) fn check_run(&self, (lba, blocks): Run) -> Result<(), Refusal> {
        match lba.checked_add(blocks) {
            Some(end) if end <= self.config.blocks => Ok(()),
            _ => Err(asc::LBA_OUT_OF_RANGE.into()),
        }
    }

    /// Whether the blocks exist and are not more than one command may move (SBC-4 6.6.4).
    pub(crate) fn check_transfer(&self, run: Run) -> Result<(), Refusal> {
        self.check_run(run)?;
        if run.1 > u64::from(self.transfer_blocks_max()) {
            return Err(asc::INVALID_FIELD_IN_CDB.into());
        }
        Ok(())
    }
}
