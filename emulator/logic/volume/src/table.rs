//! The partition table in the first block: the classic one, whose disk signature the 2003 disk
//! driver knows its disks by (seed 001, partition manager).

use crate::number;

/// Where the area for the copy of the cluster database begins on a disk witness, in bytes.
pub const COPY_OFFSET: u64 = 1 << 20;
/// How long that area is, in bytes: up to where the volume begins.
pub const COPY_BYTES: u64 = 9 << 20;

/// Type of a partition that holds something other than a file system.
pub(crate) const KIND_COPY: u8 = 0xda;
/// Types of FAT volumes: 12, 16 and 32 bit, by cylinders or by blocks.
const KINDS_FAT: [u8; 6] = [0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e];
/// The type that new volumes get: FAT32 by blocks.
pub(crate) const KIND_FAT: u8 = 0x0c;

/// Partitions of a classic table.
const SLOTS: usize = 4;
const SLOTS_OFFSET: usize = 446;
const SLOT_BYTES: usize = 16;
const SIGNATURE_OFFSET: usize = 440;
const MARK_OFFSET: usize = 510;
const MARK: [u8; 2] = [0x55, 0xaa];

/// A partition, in blocks of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What kind of partition it says it is.
    pub kind: u8,
    /// First block.
    pub lba: u32,
    /// How many blocks it has.
    pub blocks: u32,
}

/// The first block of a disk with these partitions, at most four.
pub(crate) fn write(signature: u32, partitions: &[Partition], block_bytes: u32) -> Vec<u8> {
    let mut block = vec![0; block_bytes as usize];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(SIGNATURE_OFFSET, &signature.to_le_bytes());
    put(MARK_OFFSET, &MARK);
    for (slot, partition) in partitions.iter().take(SLOTS).enumerate() {
        let at = SLOTS_OFFSET + slot * SLOT_BYTES;
        // Cylinders, heads and sectors are out of range: only block numbers count.
        put(at + 1, &[0xfe, 0xff, 0xff]);
        put(at + 4, &[partition.kind, 0xfe, 0xff, 0xff]);
        put(at + 8, &partition.lba.to_le_bytes());
        put(at + 12, &partition.blocks.to_le_bytes());
    }
    block
}

/// The first FAT partition of the table in a disk's first block, if there is one.
#[must_use]
pub fn partition(block: &[u8]) -> Option<Partition> {
    parse(block)?.1
}

/// The disk signature and the first FAT partition of a table, if that is what the block holds.
pub(crate) fn parse(block: &[u8]) -> Option<(u32, Option<Partition>)> {
    if block.get(MARK_OFFSET..MARK_OFFSET + 2)? != MARK {
        return None;
    }
    let partition = |slot: usize| {
        let at = SLOTS_OFFSET + slot * SLOT_BYTES;
        Partition {
            kind: block.get(at + 4).copied().unwrap_or_default(),
            lba: number(block, at + 8, 4),
            blocks: number(block, at + 12, 4),
        }
    };
    let volume = (0..SLOTS)
        .map(partition)
        .find(|it| KINDS_FAT.contains(&it.kind) && it.lba > 0 && it.blocks > 0);
    Some((number(block, SIGNATURE_OFFSET, 4), volume))
}
