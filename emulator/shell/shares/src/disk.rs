//! A disk of blocks as a place of bytes: what the file system reads and writes.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;

/// A disk, in whole blocks.
pub trait BlockDisk: Send {
    /// How long a block is, in bytes.
    fn block_bytes(&self) -> u32;
    /// How many blocks there are.
    fn blocks(&self) -> u64;
    /// Fills `into`, which is whole blocks, from block `lba` on.
    ///
    /// # Errors
    /// When the disk cannot, or refuses.
    fn read(&mut self, lba: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes `from`, which is whole blocks, from block `lba` on.
    ///
    /// # Errors
    /// When the disk cannot, or refuses.
    fn write(&mut self, lba: u64, from: &[u8]) -> io::Result<()>;
    /// Makes durable what was written.
    ///
    /// # Errors
    /// When the disk cannot, or refuses.
    fn sync(&mut self) -> io::Result<()>;
}

/// A disk that is a file of this machine.
#[derive(Debug)]
pub struct ImageFile {
    file: File,
    blocks: u64,
}

/// How long a block of an image is, in bytes.
const IMAGE_BLOCK_BYTES: u32 = 512;

impl ImageFile {
    /// Opens an image that is there.
    ///
    /// # Errors
    /// When it cannot be opened for reading and writing.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let blocks = file.metadata()?.len() / u64::from(IMAGE_BLOCK_BYTES);
        Ok(Self { file, blocks })
    }
}

impl BlockDisk for ImageFile {
    fn block_bytes(&self) -> u32 {
        IMAGE_BLOCK_BYTES
    }

    fn blocks(&self) -> u64 {
        self.blocks
    }

    fn read(&mut self, lba: u64, into: &mut [u8]) -> io::Result<()> {
        self.file
            .read_exact_at(into, lba * u64::from(IMAGE_BLOCK_BYTES))
    }

    fn write(&mut self, lba: u64, from: &[u8]) -> io::Result<()> {
        self.file
            .write_all_at(from, lba * u64::from(IMAGE_BLOCK_BYTES))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Lays a disk out that has no partition table yet: a table and an empty volume with this label.
///
/// # Errors
/// When the disk is too small, or cannot be read or written.
pub fn lay_out_blank(disk: &mut dyn BlockDisk, label: &str) -> io::Result<()> {
    let block_bytes = disk.block_bytes();
    let mut table = vec![0; usize::try_from(block_bytes).map_err(io::Error::other)?];
    disk.read(0, &mut table)?;
    if table.iter().any(|it| *it != 0) {
        return Ok(());
    }
    let layout = ::volume::Disk {
        blocks: disk.blocks(),
        block_bytes,
        signature: SIGNATURE,
    };
    let pieces = ::volume::format(layout, label, ::volume::Reserve::Nothing);
    for piece in pieces.map_err(io::Error::other)? {
        disk.write(piece.offset / u64::from(block_bytes), &piece.bytes)?;
    }
    disk.sync()
}

/// What the partition table of a disk that was laid out here calls it.
const SIGNATURE: u32 = 0x1005_a11e;

/// Blocks that are read ahead: a directory is read entry by entry.
const AHEAD_BLOCKS: u64 = 64;

/// A disk that a volume and whoever syncs it use in turn.
pub(crate) type SharedDisk = Rc<RefCell<Box<dyn BlockDisk>>>;

/// The part of a disk that a volume is on. Writes go through to the disk.
pub(crate) struct Window {
    disk: SharedDisk,
    block_bytes: u32,
    /// First block of the volume, and how many it has.
    start: u64,
    blocks: u64,
    at: u64,
    /// Blocks that were read last, and the first of them.
    ahead: (u64, Vec<u8>),
}

impl Window {
    pub(crate) fn new(disk: SharedDisk, start: u64, blocks: u64) -> Self {
        let block_bytes = disk.borrow().block_bytes();
        Self {
            disk,
            block_bytes,
            start,
            blocks,
            at: 0,
            ahead: (0, Vec::new()),
        }
    }

    fn block_bytes(&self) -> u64 {
        u64::from(self.block_bytes)
    }

    fn size(&self) -> u64 {
        self.blocks * self.block_bytes()
    }

    /// The block at the present place, the place within it, and what is left of the volume.
    fn place(&self) -> (u64, usize, u64) {
        let within = usize::try_from(self.at % self.block_bytes()).unwrap_or_default();
        let left = self.size().saturating_sub(self.at);
        (self.at / self.block_bytes(), within, left)
    }

    /// What was read ahead, from the present place on.
    fn ahead(&self) -> &[u8] {
        let (first, bytes) = &self.ahead;
        let begin = first * self.block_bytes();
        let offset = self.at.checked_sub(begin);
        let offset = offset.and_then(|it| usize::try_from(it).ok());
        offset.and_then(|it| bytes.get(it..)).unwrap_or_default()
    }

    fn read_ahead(&mut self, block: u64) -> io::Result<()> {
        let count = AHEAD_BLOCKS.min(self.blocks.saturating_sub(block));
        let mut bytes = self.room(count)?;
        self.ahead = (0, Vec::new());
        self.disk
            .borrow_mut()
            .read(self.start + block, &mut bytes)?;
        self.ahead = (block, bytes);
        Ok(())
    }

    fn room(&self, blocks: u64) -> io::Result<Vec<u8>> {
        let bytes = usize::try_from(blocks * self.block_bytes());
        Ok(vec![0; bytes.map_err(io::Error::other)?])
    }

    /// Writes whole blocks; what was read ahead of them is forgotten.
    fn put(&mut self, block: u64, bytes: &[u8]) -> io::Result<()> {
        let (first, ahead) = &mut self.ahead;
        let size = u64::from(self.block_bytes);
        let offset = block.checked_sub(*first).map(|it| it * size);
        let offset = offset.and_then(|it| usize::try_from(it).ok());
        let place = offset.and_then(|it| ahead.get_mut(it..it + bytes.len()));
        match place {
            Some(place) => place.copy_from_slice(bytes),
            None => self.ahead = (0, Vec::new()),
        }
        let written = self.disk.borrow_mut().write(self.start + block, bytes);
        if written.is_err() {
            self.ahead = (0, Vec::new());
        }
        written
    }
}

impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (block, _, left) = self.place();
        if left == 0 || into.is_empty() {
            return Ok(0);
        }
        if self.ahead().is_empty() {
            self.read_ahead(block)?;
        }
        let ahead = self.ahead();
        let count = ahead.len().min(into.len());
        into[..count].copy_from_slice(&ahead[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for Window {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let (block, within, left) = self.place();
        let size = usize::try_from(self.block_bytes()).map_err(io::Error::other)?;
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let count = from.len().min(left);
        if count == 0 {
            return Ok(0);
        }
        let count = if within == 0 && count >= size {
            let whole = count - count % size;
            self.put(block, &from[..whole])?;
            whole
        } else {
            let count = count.min(size - within);
            let mut bytes = self.room(1)?;
            let begin = block * self.block_bytes();
            let at = std::mem::replace(&mut self.at, begin);
            let read = self.read_exact(&mut bytes);
            self.at = at;
            read?;
            bytes[within..within + count].copy_from_slice(&from[..count]);
            self.put(block, &bytes)?;
            count
        };
        self.at += count as u64;
        Ok(count)
    }

    /// What was written is with the disk already; whoever owns the volume syncs it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
