//! A share whose contents stand in a folder of this machine, with access-based enumeration.
//!
//! Where a share has the flag, a client sees what it may read and nothing else (seed 000, place 8).
//! The library does not tell whose request it is that lists a folder, so the rights that count are
//! those that everyone has: the last three permission bits. What everyone may not read is refused
//! to all, with the flag or without; the flag decides whether it is seen.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use smb_server::{
    BackendCapabilities, Bytes, DirEntry, DirWatch, FileInfo, FileTimes, Handle, LocalFsBackend,
    OpenAction, OpenOptions, ShareBackend, SmbError, SmbPath, SmbResult, VolumeInfo,
};

use crate::server::FLAG_ACCESS_BASED_ENUMERATION;

/// Everyone may read.
const EVERYONE_READS: u32 = 0o004;
/// Everyone may enter a folder.
const EVERYONE_ENTERS: u32 = 0o001;

/// Flags of a share, which may change while it is online.
pub(crate) type Flags = Arc<AtomicU32>;

/// A folder as the contents of a share.
pub(crate) struct Folder {
    contents: LocalFsBackend,
    root: PathBuf,
    flags: Flags,
}

impl Folder {
    pub(crate) fn open(root: &Path, flags: Flags) -> io::Result<Self> {
        Ok(Self {
            contents: LocalFsBackend::new(root)?,
            root: root.to_owned(),
            flags,
        })
    }

    fn place(&self, path: &SmbPath) -> PathBuf {
        path.components()
            .iter()
            .fold(self.root.clone(), |at, name| at.join(name))
    }
}

/// Whether everyone may read what is there; yes for what is not there.
fn is_readable(place: &Path) -> bool {
    let wanted = |is_folder: bool| match is_folder {
        true => EVERYONE_READS | EVERYONE_ENTERS,
        false => EVERYONE_READS,
    };
    fs::symlink_metadata(place).is_ok_and(|it| {
        let wanted = wanted(it.is_dir());
        it.permissions().mode() & wanted == wanted
    })
}

/// What a client has made is its own: everyone may read it, whatever the process' mask says.
fn open_to_everyone(place: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(place)?;
    let enter = if metadata.is_dir() {
        EVERYONE_ENTERS
    } else {
        0
    };
    let mode = metadata.permissions().mode() | EVERYONE_READS | enter;
    fs::set_permissions(place, fs::Permissions::from_mode(mode))
}

#[async_trait]
impl ShareBackend for Folder {
    async fn open(
        &self,
        path: &SmbPath,
        opts: OpenOptions,
    ) -> SmbResult<(Box<dyn Handle>, OpenAction)> {
        let place = self.place(path);
        if (opts.read || opts.write) && place.exists() && !is_readable(&place) {
            return Err(SmbError::AccessDenied);
        }
        let (handle, action) = self.contents.open(path, opts).await?;
        if action == OpenAction::Created {
            open_to_everyone(&place)?;
        }
        let flags = Arc::clone(&self.flags);
        let handle = Enumerated {
            handle,
            place,
            flags,
        };
        Ok((Box::new(handle), action))
    }

    async fn unlink(&self, path: &SmbPath) -> SmbResult<()> {
        self.contents.unlink(path).await
    }

    async fn rename(&self, from: &SmbPath, to: &SmbPath, replace_if_exists: bool) -> SmbResult<()> {
        self.contents.rename(from, to, replace_if_exists).await
    }

    fn capabilities(&self) -> BackendCapabilities {
        self.contents.capabilities()
    }

    async fn volume_info(&self) -> SmbResult<VolumeInfo> {
        self.contents.volume_info().await
    }
}

/// An open file or folder whose listing leaves out what everyone may not read, if the share says
/// so.
struct Enumerated {
    handle: Box<dyn Handle>,
    place: PathBuf,
    flags: Flags,
}

#[async_trait]
impl Handle for Enumerated {
    async fn list_dir(&self, pattern: Option<&str>) -> SmbResult<Vec<DirEntry>> {
        let mut entries = self.handle.list_dir(pattern).await?;
        if self.flags.load(Ordering::Relaxed) & FLAG_ACCESS_BASED_ENUMERATION != 0 {
            entries.retain(|it| is_readable(&self.place.join(&it.info.name)));
        }
        Ok(entries)
    }

    async fn dir_is_empty(&self) -> SmbResult<bool> {
        self.handle.dir_is_empty().await
    }

    async fn read(&self, offset: u64, len: u32) -> SmbResult<Bytes> {
        self.handle.read(offset, len).await
    }

    async fn write(&self, offset: u64, data: &[u8]) -> SmbResult<u32> {
        self.handle.write(offset, data).await
    }

    async fn write_owned(&self, offset: u64, data: Vec<u8>) -> SmbResult<u32> {
        self.handle.write_owned(offset, data).await
    }

    async fn flush(&self) -> SmbResult<()> {
        self.handle.flush().await
    }

    async fn stat(&self) -> SmbResult<FileInfo> {
        self.handle.stat().await
    }

    async fn set_times(&self, times: FileTimes) -> SmbResult<()> {
        self.handle.set_times(times).await
    }

    async fn set_attributes(&self, attributes: u32) -> SmbResult<()> {
        self.handle.set_attributes(attributes).await
    }

    async fn truncate(&self, len: u64) -> SmbResult<()> {
        self.handle.truncate(len).await
    }

    async fn close(self: Box<Self>) -> SmbResult<()> {
        self.handle.close().await
    }

    async fn link_count(&self) -> SmbResult<u32> {
        self.handle.link_count().await
    }

    async fn watch(&self) -> SmbResult<Option<Box<dyn DirWatch>>> {
        self.handle.watch().await
    }
}
