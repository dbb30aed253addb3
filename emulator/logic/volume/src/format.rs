//! Laying a partition table and a volume out on a blank disk.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Result as IoResult, Seek, SeekFrom, Write};

use crate::shared::{SHARED_FILE, SHARED_FILE_BYTES};
use crate::table::{self, COPY_BYTES, COPY_OFFSET, KIND_COPY, KIND_FAT, Partition};

/// Where the first partition begins, in bytes, on all but the smallest disks.
const START: u64 = 1 << 20;

/// The disk that is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// How many blocks it has.
    pub blocks: u64,
    /// How long a block is: 512 or 4096 bytes.
    pub block_bytes: u32,
    /// What the partition table calls the disk.
    pub signature: u32,
}

/// Whether room is kept for the copy of the cluster database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// For a disk that carries a resource's data.
    Nothing,
    /// For a disk witness: a partition of its own in front of the volume.
    Copy,
    /// For a cluster shared volume: the file [`crate::SHARED_FILE`], whose content every node
    /// writes in place.
    SharedFile,
}

/// Bytes that are not zero, at an offset of the disk; whole blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where they go, in bytes.
    pub offset: u64,
    /// What goes there.
    pub bytes: Vec<u8>,
}

/// Why a disk cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The disk has no room for a volume.
    #[error("a disk of {bytes} bytes is too small for a volume: {why}")]
    TooSmall {
        /// Its size.
        bytes: u64,
        /// What does not fit.
        why: String,
    },
}

/// What to write to a blank disk so that it has a partition table and an empty FAT volume with
/// this label (at most 11 characters of it count).
///
/// # Errors
/// The disk is too small.
pub fn format(disk: Disk, label: &str, reserve: Reserve) -> Result<Vec<Piece>, FormatError> {
    let bytes = disk.blocks.saturating_mul(u64::from(disk.block_bytes));
    let too_small = |why: String| FormatError::TooSmall { bytes, why };
    let partitions = partitions(disk, reserve).ok_or_else(|| too_small("no partition".into()))?;
    let volume = partitions[partitions.len() - 1];
    let mut window = Window {
        start: u64::from(volume.lba),
        block_bytes: u64::from(disk.block_bytes),
        size: u64::from(volume.blocks) * u64::from(disk.block_bytes),
        at: 0,
        blocks: BTreeMap::new(),
    };
    let options = fatfs::FormatVolumeOptions::new()
        .bytes_per_sector(u16::try_from(disk.block_bytes).unwrap_or(u16::MAX))
        .total_sectors(volume.blocks)
        .volume_id(disk.signature)
        .volume_label(padded(label));
    fatfs::format_volume(&mut window, options).map_err(|error| too_small(error.to_string()))?;
    if reserve == Reserve::SharedFile {
        keep_file(&mut window).map_err(|error| too_small(error.to_string()))?;
    }
    let table = table::write(disk.signature, &partitions, disk.block_bytes);
    window.blocks.insert(0, table);
    let piece = |(block, bytes)| Piece {
        offset: block * u64::from(disk.block_bytes),
        bytes,
    };
    Ok(window.blocks.into_iter().map(piece).collect())
}

/// Makes the shared file, full of zeros, in one piece.
fn keep_file(window: &mut Window) -> IoResult<()> {
    window.at = 0;
    let volume = fatfs::FileSystem::new(&mut *window, fatfs::FsOptions::new())?;
    let mut file = volume.root_dir().create_file(SHARED_FILE)?;
    file.write_all(&vec![0; SHARED_FILE_BYTES])?;
    file.flush()
}

/// The partitions of a disk, the volume last.
fn partitions(disk: Disk, reserve: Reserve) -> Option<Vec<Partition>> {
    let block = |bytes: u64| bytes / u64::from(disk.block_bytes);
    let start = match reserve {
        Reserve::Copy => block(COPY_OFFSET + COPY_BYTES),
        Reserve::Nothing | Reserve::SharedFile => block(START).min(disk.blocks / 8),
    };
    let blocks = disk.blocks.checked_sub(start)?.min(u64::from(u32::MAX));
    let volume = Partition {
        kind: KIND_FAT,
        lba: u32::try_from(start).ok().filter(|lba| *lba > 0)?,
        blocks: u32::try_from(blocks).ok()?,
    };
    let copy = Partition {
        kind: KIND_COPY,
        lba: u32::try_from(block(COPY_OFFSET)).ok()?,
        blocks: u32::try_from(block(COPY_BYTES)).ok()?,
    };
    Some(match reserve {
        Reserve::Copy => vec![copy, volume],
        Reserve::Nothing | Reserve::SharedFile => vec![volume],
    })
}

/// A label as the volume keeps it: capitals, filled up with blanks.
fn padded(label: &str) -> [u8; 11] {
    let mut padded = [b' '; 11];
    let plain = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            byte.to_ascii_uppercase()
        } else {
            b'_'
        }
    };
    for (place, byte) in padded.iter_mut().zip(label.bytes()) {
        *place = plain(byte);
    }
    padded
}

/// A partition of a blank disk. Keeps the blocks that are written with something other than zeros.
#[derive(Debug)]
struct Window {
    /// First block of the partition.
    start: u64,
    block_bytes: u64,
    /// Bytes of the partition.
    size: u64,
    at: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Window {
    /// The block at the present place, the place within it, and how much of `len` is in it.
    fn span(&self, len: usize) -> (u64, usize, usize) {
        let within = self.at % self.block_bytes;
        let room = (self.block_bytes - within).min(self.size.saturating_sub(self.at));
        let len = usize::try_from(room).unwrap_or(usize::MAX).min(len);
        let within = usize::try_from(within).unwrap_or_default();
        (self.start + self.at / self.block_bytes, within, len)
    }
}

impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> IoResult<usize> {
        let (block, within, len) = self.span(into.len());
        match self.blocks.get(&block) {
            Some(bytes) => into[..len].copy_from_slice(&bytes[within..within + len]),
            None => into[..len].fill(0),
        }
        self.at += len as u64;
        Ok(len)
    }
}

impl Write for Window {
    fn write(&mut self, from: &[u8]) -> IoResult<usize> {
        let (block, within, len) = self.span(from.len());
        let blank = || vec![0; usize::try_from(self.block_bytes).unwrap_or_default()];
        if from[..len].iter().any(|byte| *byte != 0) || self.blocks.contains_key(&block) {
            let bytes = self.blocks.entry(block).or_insert_with(blank);
            bytes[within..within + len].copy_from_slice(&from[..len]);
        }
        self.at += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
