//! Blocks in a sparse file, or nowhere.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use target::{Extent, Fate, Store, StoreError};

use crate::cache::Cache;

/// Where a unit's blocks are kept. Written data is in the page cache at once, so it survives the
/// end of the process; a sync brings it to the disk.
#[derive(Debug, Clone)]
pub(crate) enum FileStore {
    /// In a file.
    File(Disk),
    /// Nowhere: writes vanish and reads are zeros, for measuring.
    Null,
}

/// A file, and what a power loss could take of it.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    file: Arc<File>,
    /// Absent while power loss takes nothing.
    cache: Option<Arc<Mutex<Cache>>>,
}

impl Disk {
    fn cache(&self) -> Option<MutexGuard<'_, Cache>> {
        let cache = self.cache.as_ref()?;
        Some(cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if let Some(mut cache) = self.cache() {
            cache.remember(&self.file, offset, data)?;
        }
        self.file.write_all_at(data, offset)
    }

    fn sync(&self) -> io::Result<()> {
        let mark = self.cache().map(|cache| cache.mark());
        self.file.sync_data()?;
        if let (Some(mark), Some(mut cache)) = (mark, self.cache()) {
            cache.synced(mark);
        }
        Ok(())
    }

    fn discard(&self, offset: u64, bytes: u64) -> io::Result<()> {
        if self.cache.is_some() && bytes <= DISCARD_CACHED_MAX {
            // Reads the same afterwards; where the room is given back is seen by nobody.
            let zeros = vec![0; usize::try_from(bytes).unwrap_or_default()];
            return self.write(offset, &zeros);
        }
        // A long one is durable at once, and so is what was written before it.
        self.sync_before_discard()?;
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&*self.file, hole, offset, bytes) {
            Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&self.file, offset, bytes),
            other => Ok(other?),
        }
    }

    fn sync_before_discard(&self) -> io::Result<()> {
        match self.cache {
            Some(_) => self.sync(),
            None => Ok(()),
        }
    }
}

/// Longer discards are not held back.
const DISCARD_CACHED_MAX: u64 = 1 << 20;

impl FileStore {
    /// From now on power loss takes or tears what no sync has covered, or takes nothing.
    pub(crate) fn set_tearing(&mut self, tearing: bool) {
        if let Self::File(disk) = self {
            disk.cache = tearing.then(Arc::default);
        }
    }

    /// The power goes; `decide` has the fate of each write that no sync has covered.
    pub(crate) fn lose_power(&mut self, decide: impl FnMut(u64) -> Fate) -> io::Result<()> {
        let Self::File(disk) = self else {
            return Ok(());
        };
        match disk.cache() {
            Some(mut cache) => cache.lose(&disk.file, decide),
            None => Ok(()),
        }
    }

    /// Opens or makes a sparse file of at least `bytes`.
    ///
    /// # Errors
    /// When the file cannot be opened, made or lengthened.
    pub(crate) fn open(path: &Path, bytes: u64, read_only: bool) -> io::Result<Self> {
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
        Ok(Self::File(Disk {
            file: Arc::new(file),
            cache: None,
        }))
    }

    /// Makes all writes so far durable.
    ///
    /// # Errors
    /// When the disk says that it could not.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        match self {
            Self::File(disk) => disk.sync().map_err(|_| StoreError::Write),
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
            Self::File(disk) => disk
                .file
                .read_exact_at(into, offset)
                .map_err(|_| StoreError::Read),
            Self::Null => Ok(()),
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), StoreError> {
        match self {
            Self::File(disk) => disk
                .write(offset, data)
                .map_err(|error| store_error(&error, StoreError::Write)),
            Self::Null => Ok(()),
        }
    }

    fn discard(&mut self, offset: u64, bytes: u64) -> Result<(), StoreError> {
        match self {
            Self::File(disk) => disk
                .discard(offset, bytes)
                .map_err(|error| store_error(&error, StoreError::Write)),
            Self::Null => Ok(()),
        }
    }

    /// File systems that do not tell holes report everything as kept, which is always allowed.
    fn extent(&mut self, offset: u64, bytes: u64) -> Extent {
        let kept = Extent {
            mapped: true,
            bytes,
        };
        let Self::File(Disk { file, .. }) = self else {
            return kept;
        };
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
fn write_zeros(file: &File, offset: u64, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut done = 0;
    while done < bytes {
        let piece = (bytes - done).min(zeros.len() as u64);
        let length = usize::try_from(piece).unwrap_or(zeros.len());
        file.write_all_at(&zeros[..length], offset + done)?;
        done += piece;
    }
    Ok(())
}
