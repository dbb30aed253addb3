//! A share whose contents stand on the FAT volume of a disk.
//!
//! An open file is a path to its server, found anew for each request; a rename moves the paths of
//! open files along. Attributes other than archive are not stored, and access times are the write
//! times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use smb_server::{
    BackendCapabilities, Bytes, DirEntry, FileInfo, FileTimes, Handle, OpenAction, OpenIntent,
    OpenOptions, ShareBackend, SmbError, SmbPath, SmbResult, VolumeInfo,
};

use crate::volume::{self, Mounted, Volume};

/// The attribute that every file has and no volume needs to keep.
const ATTRIBUTE_ARCHIVE: u32 = 0x20;

type Place = Arc<Mutex<SmbPath>>;

/// A folder of a volume as the contents of a share.
pub(crate) struct Fat {
    volume: Volume,
    /// Where the share begins.
    root: SmbPath,
    /// Where the open files are.
    open: Mutex<Vec<Weak<Mutex<SmbPath>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fat {
    pub(crate) fn new(volume: Volume, root: SmbPath) -> Self {
        let open = Mutex::default();
        Self { volume, root, open }
    }

    /// Where a path of the share is on the volume.
    fn place(&self, path: &SmbPath) -> SmbResult<SmbPath> {
        let joined = |at: SmbPath, name: &String| at.join(name);
        path.components().iter().try_fold(self.root.clone(), joined)
    }

    fn opened(&self, path: SmbPath) -> Box<dyn Handle> {
        let place = Arc::new(Mutex::new(path));
        let mut open = lock(&self.open);
        open.retain(|it| it.strong_count() > 0);
        open.push(Arc::downgrade(&place));
        Box::new(FatHandle {
            volume: self.volume.clone(),
            place,
        })
    }

    /// Moves the paths of open files with what they are in.
    fn moved(&self, from: &SmbPath, to: &SmbPath) {
        for place in lock(&self.open).iter().filter_map(Weak::upgrade) {
            let mut path = lock(&place);
            if let Some(rest) = below(&path, from) {
                let joined = rest
                    .iter()
                    .try_fold(to.clone(), |path, name| path.join(name));
                if let Ok(joined) = joined {
                    *path = joined;
                }
            }
        }
    }
}

/// The components of `path` below `folder`.
fn below(path: &SmbPath, folder: &SmbPath) -> Option<Vec<String>> {
    let (whole, start) = (path.components(), folder.components());
    let head = whole.get(..start.len())?;
    let same = |(a, b): (&String, &String)| a.to_lowercase() == b.to_lowercase();
    head.iter()
        .zip(start)
        .all(same)
        .then(|| whole[start.len()..].to_vec())
}

/// Opens or creates; on the volume's thread.
fn open(mounted: &Mounted, path: &SmbPath, options: OpenOptions) -> SmbResult<OpenAction> {
    let there = match volume::stat(&mounted.files, path) {
        Ok(stat) => Some(stat.info),
        Err(SmbError::NotFound) => None,
        Err(error) => return Err(error),
    };
    let Some(there) = there else {
        return match options.intent {
            OpenIntent::Open | OpenIntent::Truncate => Err(SmbError::NotFound),
            _ => volume::create(&mounted.files, path, options.directory)
                .map(|()| OpenAction::Created),
        };
    };
    if options.directory && !there.is_directory {
        return Err(SmbError::NotADirectory);
    }
    if options.non_directory && there.is_directory {
        return Err(SmbError::IsDirectory);
    }
    match options.intent {
        OpenIntent::Create => Err(SmbError::Exists),
        OpenIntent::Truncate | OpenIntent::OverwriteOrCreate if there.is_directory => {
            Err(SmbError::IsDirectory)
        }
        OpenIntent::Truncate | OpenIntent::OverwriteOrCreate => {
            volume::truncate(&mounted.files, path, 0).map(|()| OpenAction::Overwritten)
        }
        _ if there.read_only && options.write => Err(SmbError::AccessDenied),
        _ => Ok(OpenAction::Opened),
    }
}

#[async_trait]
impl ShareBackend for Fat {
    async fn open(
        &self,
        path: &SmbPath,
        opts: OpenOptions,
    ) -> SmbResult<(Box<dyn Handle>, OpenAction)> {
        let place = self.place(path)?;
        let at = place.clone();
        let action = self.volume.run(move |it| open(it, &at, opts)).await?;
        Ok((self.opened(place), action))
    }

    async fn unlink(&self, path: &SmbPath) -> SmbResult<()> {
        let path = self.place(path)?;
        let remove = move |it: &Mounted| {
            volume::remove(&it.files, &path)?;
            it.sync()
        };
        self.volume.run(remove).await
    }

    async fn rename(&self, from: &SmbPath, to: &SmbPath, replace_if_exists: bool) -> SmbResult<()> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        let (source, target) = (from.clone(), to.clone());
        let rename = move |it: &Mounted| {
            volume::rename(&it.files, &source, &target, replace_if_exists)?;
            it.sync()
        };
        self.volume.run(rename).await?;
        self.moved(&from, &to);
        Ok(())
    }

    fn capabilities(&self) -> BackendCapabilities {
        BackendCapabilities::default()
    }

    async fn volume_info(&self) -> SmbResult<VolumeInfo> {
        let clusters = |it: &Mounted| volume::clusters(&it.files);
        let (all, free, cluster_bytes) = self.volume.run(clusters).await?;
        let mut info = VolumeInfo::default();
        info.total_allocation_units = all;
        info.caller_available_allocation_units = free;
        info.actual_available_allocation_units = free;
        info.bytes_per_sector = SECTOR_BYTES;
        info.sectors_per_allocation_unit = (cluster_bytes / SECTOR_BYTES).max(1);
        Ok(info)
    }
}

/// What a client is told that a sector has.
const SECTOR_BYTES: u32 = 512;

struct FatHandle {
    volume: Volume,
    place: Place,
}

impl FatHandle {
    /// Does something with the file, wherever it is by now.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Mounted, &SmbPath) -> SmbResult<T> + Send + 'static,
    ) -> SmbResult<T> {
        let path = lock(&self.place).clone();
        self.volume.run(move |it| work(it, &path)).await
    }
}

#[async_trait]
impl Handle for FatHandle {
    async fn read(&self, offset: u64, len: u32) -> SmbResult<Bytes> {
        let read = move |it: &Mounted, path: &SmbPath| volume::read(&it.files, path, offset, len);
        self.run(read).await.map(Bytes::from)
    }

    async fn write(&self, offset: u64, data: &[u8]) -> SmbResult<u32> {
        self.write_owned(offset, data.to_vec()).await
    }

    async fn write_owned(&self, offset: u64, data: Vec<u8>) -> SmbResult<u32> {
        self.run(move |it, path| volume::write(&it.files, path, offset, &data))
            .await
    }

    async fn flush(&self) -> SmbResult<()> {
        self.run(|it, _| it.sync()).await
    }

    async fn stat(&self) -> SmbResult<FileInfo> {
        self.run(|it, path| volume::stat(&it.files, path))
            .await
            .map(|it| it.info)
    }

    async fn set_times(&self, times: FileTimes) -> SmbResult<()> {
        let (created, written) = (times.creation_time, times.last_write_time);
        self.run(move |it, path| volume::set_times(&it.files, path, created, written))
            .await
    }

    async fn set_attributes(&self, attributes: u32) -> SmbResult<()> {
        match attributes & !ATTRIBUTE_ARCHIVE {
            0 => Ok(()),
            _ => Err(SmbError::NotSupported),
        }
    }

    async fn truncate(&self, len: u64) -> SmbResult<()> {
        self.run(move |it, path| volume::truncate(&it.files, path, len))
            .await
    }

    async fn list_dir(&self, pattern: Option<&str>) -> SmbResult<Vec<DirEntry>> {
        let stats = self.run(|it, path| volume::list(&it.files, path)).await?;
        let all = stats.into_iter().map(|it| it.info);
        let matching = all.filter(|it| pattern.is_none_or(|pattern| matches(pattern, &it.name)));
        Ok(matching.map(|info| DirEntry { info }).collect())
    }

    async fn close(self: Box<Self>) -> SmbResult<()> {
        self.run(|it, _| it.sync()).await
    }
}

/// Whether a name is what a client looks for: `*` and `?`, and the three of DOS that clients put
/// in their place (MS-FSA 2.1.4.4).
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // For each place in the name: whether the pattern so far may have eaten all before it.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for sign in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in (0..=name.len()).filter(|at| reached[*at]) {
            let here = name.get(at);
            match sign {
                '*' => next[at..].fill(true),
                // Up to the last dot, or all.
                '<' => {
                    let dot = name.iter().rposition(|it| *it == '.').unwrap_or(name.len());
                    next[at..=dot.max(at)].fill(true);
                }
                '"' if here.is_none() => next[at] = true,
                '"' if here == Some(&'.') => next[at + 1] = true,
                '>' if here.is_none() || here == Some(&'.') => next[at] = true,
                '?' | '>' if here.is_some() => next[at + 1] = true,
                other if here == Some(&other) => next[at + 1] = true,
                _ => {}
            }
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_the_signs_of_both_worlds() {
        for (pattern, name, is_found) in [
            ("*", "a.txt", true),
            ("*.TXT", "a.txt", true),
            ("*.doc", "a.txt", false),
            ("?.txt", "ab.txt", false),
            ("a??txt", "a..txt", true),
            ("<.txt", "a.b.txt", true),
            ("a\"txt", "a.txt", true),
            ("a>>.txt", "a.txt", true),
            ("a\"", "a", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), is_found, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_below_a_folder_moves_with_it() {
        let path = |text: &str| {
            let units: Vec<u16> = text.encode_utf16().collect();
            SmbPath::from_utf16(&units).unwrap()
        };
        assert_eq!(
            below(&path("A\\b\\c"), &path("a\\B")),
            Some(vec!["c".into()])
        );
        assert_eq!(below(&path("ab"), &path("a")), None);
        assert_eq!(below(&path("a"), &path("a")), Some(vec![]));
    }
}
