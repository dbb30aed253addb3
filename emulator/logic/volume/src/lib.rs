//! What is on a clustered disk: a partition table with the disk's signature, and a FAT volume.
//!
//! Duty: lay both out on a blank disk ([`format()`]), and list the root of the volume block by
//! block ([`RootReader`]), as IsAlive of a physical disk does (seed 000, Physical Disk: a `dir`
//! equivalent). The product uses NTFS; docs/adr/0008 says why a FAT volume stands for it here.
//!
//! Deliberately not done here: files and folders. What a program keeps on the volume it writes
//! with a library of its own.

mod boot;
mod format;
mod root;
mod shared;
mod table;
#[cfg(test)]
mod tests;

pub use format::{Disk, FormatError, Piece, Reserve, format};
pub use root::{Damage, Entry, Root, RootReader, Step};
pub use shared::{PAGE_BYTES, SHARED_FILE, SHARED_PAGES, SharedFile, is_in_use, mark_in_use};
pub use table::{COPY_BYTES, COPY_OFFSET, Partition, partition};

/// Little-endian number of up to four bytes at `at`; zero where there are none.
fn number(bytes: &[u8], at: usize, len: usize) -> u32 {
    let digits = bytes.get(at..at + len).unwrap_or_default();
    digits
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}
