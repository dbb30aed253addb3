//! Blocks in a sparse file, or nowhere.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use target::{Extent, Store, StoreError};

/// Where a unit's blocks are kept. Written data is in the page cache at once, so it survives the
/// end of the process; a sync brings it to the disk.
#[derive(Debug, Clone)]
pub enum FileStore {
    /// In a file.
    File(Arc<File>),
    /// Nowhere: writes vanish and reads are zeros, for measuring.
    Null,
}

impl FileStore {
    /// Opens or makes a sparse file of at least `bytes`.
    ///
    /// # Errors
    /// When the file cannot be opened, made or lengthened.
    pub fn open(path: &Path, bytes: u64, read_only: bool) -> io::Result<Self> {
        let file = if read_only && path.exists() {
            File::open(path)?
        } else {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?
        };
        if file.metadata()?.is_file() && file.metadata()?.len() < bytes {
            file.set_len(bytes)?;
            file.sync_all()?;
        }
        Ok(Self::File(Arc::new(file)))
    }

    /// Makes all writes so far durable.
    ///
    /// # Errors
    /// When the disk says that it could not.
    pub fn sync(&self) -> Result<(), StoreError> {
        match self {
            Self::File(file) => file.sync_data().map_err(|_| StoreError::Write),
            Self::Null => Ok(()),
        }
    }
}

fn store_error(error: &io::Error, otherwise: StoreError) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => otherwise,
    }
}

impl Store for FileStore {
    fn read(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StoreError> {
        match self {
            Self::File(file) => file
                .read_exact_at(into, offset)
                .map_err(|_| StoreError::Read),
            Self::Null => Ok(()),
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::File(file) => file
                .write_all_at(data, offset)
                .map_err(|error| store_error(&error, StoreError::Write)),
            Self::Null => Ok(()),
        }
    }

    fn discard(&mut self, offset: u64, bytes: u64) -> Result<(), StoreError> {
        let Self::File(file) = self else {
            return Ok(());
        };
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&**file, hole, offset, bytes) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(file, offset, bytes),
            Err(_) => Err(StoreError::Write),
        }
    }

    /// File systems that do not tell holes report everything as kept, which is always allowed.
    fn extent(&mut self, offset: u64, bytes: u64) -> Extent {
        let kept = Extent {
            mapped: true,
            bytes,
        };
        let Self::File(file) = self else { return kept };
        match seek(&**file, SeekFrom::Data(offset)) {
            Ok(data) if data > offset => Extent {
                mapped: false,
                bytes: bytes.min(data - offset),
            },
            Ok(_) => match seek(&**file, SeekFrom::Hole(offset)) {
                Ok(hole) => Extent {
                    mapped: true,
                    bytes: bytes.min(hole - offset).max(1),
                },
                Err(_) => kept,
            },
            Err(rustix::io::Errno::NXIO) => Extent {
                mapped: false,
                bytes,
            },
            Err(_) => kept,
        }
    }
}

/// For file systems that cannot make holes.
fn write_zeros(file: &File, offset: u64, bytes: u64) -> Result<(), StoreError> {
    let zeros = vec![0; 1 << 20];
    let mut done = 0;
    while done < bytes {
        let piece = (bytes - done).min(zeros.len() as u64);
        let length = usize::try_from(piece).unwrap_or(zeros.len());
        file.write_all_at(&zeros[..length], offset + done)
            .map_err(|error| store_error(&error, StoreError::Write))?;
        done += piece;
    }
    Ok(())
}
