//! The FAT volume of a disk, and a thread of its own that does all work on it: the file system's
//! library has no locks, and a disk may take its time.
//!
//! Every change goes to the disk at once and is durable when its file is closed or flushed, so
//! that the next owner finds it, whatever became of this one.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::thread;

use fatfs::{Dir, DirEntry, FileSystem, FsOptions};
use smb_server::{FileInfo, SmbError, SmbPath, SmbResult};
use tokio::sync::{mpsc, oneshot, watch};

use crate::disk::{BlockDisk, SharedDisk, Window};
use crate::moment::{Clock, from_ticks, ticks};

/// Most requests that wait for the disk.
const WAITING_MAX: usize = 64;
/// Bytes that are written at a time where a file grows without data.
const ZEROS: usize = 4096;
/// The longest file of a FAT volume, in bytes.
const FILE_BYTES_MAX: u64 = u32::MAX as u64;

static CLOCK: Clock = Clock;

/// The file system on its window of the disk.
pub(crate) type Files = FileSystem<Window>;

type Job = Box<dyn FnOnce(&Mounted) + Send>;

/// What the thread has.
pub(crate) struct Mounted {
    pub(crate) files: Files,
    disk: SharedDisk,
}

impl Mounted {
    /// Makes durable what was written; fails where the disk is not this node's any more.
    pub(crate) fn sync(&self) -> SmbResult<()> {
        self.disk.borrow_mut().sync().map_err(SmbError::Io)
    }
}

/// Why a volume cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The disk has no partition with a FAT volume.
    #[error("the disk has no partition table with a FAT volume on it: lay it out first")]
    NoVolume,
    /// The disk or the volume cannot be read.
    #[error("cannot read the volume: {0}")]
    Disk(#[from] io::Error),
}

/// A mounted volume. Clones are the same one; when the last is dropped it is unmounted.
#[derive(Clone)]
pub(crate) struct Volume {
    jobs: mpsc::Sender<Job>,
}

/// Becomes true when a volume is unmounted.
pub(crate) type Unmounted = watch::Receiver<bool>;

impl Volume {
    /// Mounts the first FAT volume of a disk.
    pub(crate) async fn mount(disk: Box<dyn BlockDisk>) -> Result<(Self, Unmounted), MountError> {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let (mounted, answer) = oneshot::channel();
        let (over, unmounted) = watch::channel(false);
        thread::Builder::new()
            .name("volume".to_owned())
            .spawn(move || {
                serve(disk, mounted, waiting);
                let _nobody_waits = over.send(true);
            })?;
        match answer.await {
            Ok(result) => result.map(|()| (Self { jobs }, unmounted)),
            Err(_) => Err(MountError::Disk(ErrorKind::BrokenPipe.into())),
        }
    }

    /// Does something on the volume.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Mounted) -> SmbResult<T> + Send + 'static,
    ) -> SmbResult<T> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |mounted| {
            let _nobody_waits = answer.send(work(mounted));
        });
        let gone = || SmbError::Io(ErrorKind::BrokenPipe.into());
        self.jobs.send(job).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

fn serve(
    disk: Box<dyn BlockDisk>,
    mounted: oneshot::Sender<Result<(), MountError>>,
    mut waiting: mpsc::Receiver<Job>,
) {
    let volume = match open(disk) {
        Ok(volume) => volume,
        Err(error) => {
            let _nobody_waits = mounted.send(Err(error));
            return;
        }
    };
    if mounted.send(Ok(())).is_err() {
        return;
    }
    while let Some(job) = waiting.blocking_recv() {
        job(&volume);
    }
    // A disk that another node has by now refuses this, as it should.
    let _refused = volume.files.unmount();
    let _refused = volume.disk.borrow_mut().sync();
}

fn open(mut disk: Box<dyn BlockDisk>) -> Result<Mounted, MountError> {
    let size = usize::try_from(disk.block_bytes()).map_err(io::Error::other)?;
    let mut table = vec![0; size];
    disk.read(0, &mut table)?;
    let partition = ::volume::partition(&table).ok_or(MountError::NoVolume)?;
    let (start, blocks) = (u64::from(partition.lba), u64::from(partition.blocks));
    if start + blocks > disk.blocks() {
        return Err(MountError::NoVolume);
    }
    let options = FsOptions::new().time_provider(&CLOCK);
    let disk = Rc::new(RefCell::new(disk));
    let window = Window::new(Rc::clone(&disk), start, blocks);
    let files = FileSystem::new(window, options)?;
    Ok(Mounted { files, disk })
}

/// What is at a place of the volume.
#[derive(Clone, Debug)]
pub(crate) struct Stat {
    pub(crate) info: FileInfo,
}

impl Stat {
    fn of(entry: &DirEntry<'_, Window>, cluster_bytes: u64) -> Self {
        let mut info = FileInfo::new(entry.file_name());
        info.is_directory = entry.is_dir();
        info.end_of_file = if entry.is_dir() { 0 } else { entry.len() };
        info.allocation_size = info.end_of_file.next_multiple_of(cluster_bytes.max(1));
        info.creation_time = ticks(entry.created());
        info.last_write_time = ticks(entry.modified());
        info.change_time = info.last_write_time;
        info.last_access_time = info.last_write_time;
        info.read_only = entry
            .attributes()
            .contains(fatfs::FileAttributes::READ_ONLY);
        Self { info }
    }

    fn root() -> Self {
        let mut info = FileInfo::new("");
        info.is_directory = true;
        Self { info }
    }
}

/// What is at `path`. `NotFound` when only the last component is missing.
pub(crate) fn stat(files: &Files, path: &SmbPath) -> SmbResult<Stat> {
    let Some((last, folders)) = path.components().split_last() else {
        return Ok(Stat::root());
    };
    let folder = walk(files, folders)?;
    let cluster_bytes = u64::from(files.cluster_size());
    let entry = find(&folder, last)?.ok_or(SmbError::NotFound)?;
    Ok(Stat::of(&entry, cluster_bytes))
}

fn walk<'a>(files: &'a Files, folders: &[String]) -> SmbResult<Dir<'a, Window>> {
    let mut folder = files.root_dir();
    for name in folders {
        let entry = find(&folder, name)?.filter(DirEntry::is_dir);
        folder = entry.ok_or(SmbError::PathNotFound)?.to_dir();
    }
    Ok(folder)
}

fn find<'a>(folder: &Dir<'a, Window>, name: &str) -> SmbResult<Option<DirEntry<'a, Window>>> {
    let wanted = name.to_lowercase();
    for entry in folder.iter() {
        let entry = entry.map_err(failure)?;
        if entry.file_name().to_lowercase() == wanted {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The folder that a path is in, and its last component.
fn parent<'a, 'b>(files: &'a Files, path: &'b SmbPath) -> SmbResult<(Dir<'a, Window>, &'b str)> {
    let (last, folders) = path.components().split_last().ok_or(SmbError::Exists)?;
    Ok((walk(files, folders)?, last))
}

pub(crate) fn create(files: &Files, path: &SmbPath, is_directory: bool) -> SmbResult<()> {
    let (folder, name) = parent(files, path)?;
    if is_directory {
        folder.create_dir(name).map_err(failure)?;
    } else {
        let mut file = folder.create_file(name).map_err(failure)?;
        file.flush().map_err(failure)?;
    }
    Ok(())
}

pub(crate) fn read(files: &Files, path: &SmbPath, offset: u64, len: u32) -> SmbResult<Vec<u8>> {
    let (folder, name) = parent(files, path)?;
    let mut file = folder.open_file(name).map_err(failure)?;
    let size = file.seek(SeekFrom::End(0)).map_err(failure)?;
    if offset >= size {
        return Ok(Vec::new());
    }
    file.seek(SeekFrom::Start(offset)).map_err(failure)?;
    let mut data = Vec::new();
    file.take(u64::from(len))
        .read_to_end(&mut data)
        .map_err(failure)?;
    Ok(data)
}

pub(crate) fn write(files: &Files, path: &SmbPath, offset: u64, data: &[u8]) -> SmbResult<u32> {
    let end = offset.saturating_add(data.len() as u64);
    if end > FILE_BYTES_MAX {
        return Err(SmbError::DiskFull);
    }
    let (folder, name) = parent(files, path)?;
    let mut file = folder.open_file(name).map_err(failure)?;
    grow(&mut file, offset).map_err(failure)?;
    file.seek(SeekFrom::Start(offset)).map_err(failure)?;
    file.write_all(data).map_err(failure)?;
    file.flush().map_err(failure)?;
    Ok(u32::try_from(data.len()).unwrap_or(u32::MAX))
}

pub(crate) fn truncate(files: &Files, path: &SmbPath, len: u64) -> SmbResult<()> {
    if len > FILE_BYTES_MAX {
        return Err(SmbError::DiskFull);
    }
    let (folder, name) = parent(files, path)?;
    let mut file = folder.open_file(name).map_err(failure)?;
    grow(&mut file, len).map_err(failure)?;
    if file.seek(SeekFrom::End(0)).map_err(failure)? > len {
        file.seek(SeekFrom::Start(len)).map_err(failure)?;
        file.truncate().map_err(failure)?;
    }
    file.flush().map_err(failure)
}

/// Makes a file at least this long, with zeros.
fn grow(file: &mut fatfs::File<'_, Window>, len: u64) -> io::Result<()> {
    let mut size = file.seek(SeekFrom::End(0))?;
    while size < len {
        let count = usize::try_from(len - size).unwrap_or(ZEROS).min(ZEROS);
        file.write_all(&[0; ZEROS][..count])?;
        size += count as u64;
    }
    Ok(())
}

pub(crate) fn list(files: &Files, path: &SmbPath) -> SmbResult<Vec<Stat>> {
    let folder = walk(files, path.components())?;
    let cluster_bytes = u64::from(files.cluster_size());
    let mut entries = Vec::new();
    for entry in folder.iter() {
        let entry = entry.map_err(failure)?;
        if !matches!(entry.file_name().as_str(), "." | "..") {
            entries.push(Stat::of(&entry, cluster_bytes));
        }
    }
    Ok(entries)
}

pub(crate) fn remove(files: &Files, path: &SmbPath) -> SmbResult<()> {
    let (folder, name) = parent(files, path)?;
    let entry = find(&folder, name)?.ok_or(SmbError::NotFound)?;
    if entry.is_dir() && !list(files, path)?.is_empty() {
        return Err(SmbError::NotEmpty);
    }
    folder.remove(name).map_err(failure)
}

pub(crate) fn rename(files: &Files, from: &SmbPath, to: &SmbPath, replace: bool) -> SmbResult<()> {
    let (source, old) = parent(files, from)?;
    let (folder, new) = parent(files, to)?;
    find(&source, old)?.ok_or(SmbError::NotFound)?;
    let is_same = from.components().iter().map(|it| it.to_lowercase());
    let is_same = is_same.eq(to.components().iter().map(|it| it.to_lowercase()));
    match find(&folder, new)? {
        Some(there) if there.is_dir() && !is_same => return Err(SmbError::AccessDenied),
        Some(_) if !replace && !is_same => return Err(SmbError::Exists),
        Some(_) if !is_same => folder.remove(new).map_err(failure)?,
        _ => {}
    }
    source.rename(old, &folder, new).map_err(failure)
}

/// Writes times; a folder's are the volume's own.
pub(crate) fn set_times(
    files: &Files,
    path: &SmbPath,
    created: Option<u64>,
    written: Option<u64>,
) -> SmbResult<()> {
    if stat(files, path)?.info.is_directory {
        return Ok(());
    }
    let (folder, name) = parent(files, path)?;
    let mut file = folder.open_file(name).map_err(failure)?;
    // The library would rather have every time from its clock; a client's own are wanted here.
    #[allow(
        deprecated,
        reason = "the only way to keep a time that a client has set"
    )]
    {
        created
            .into_iter()
            .for_each(|it| file.set_created(from_ticks(it)));
        written
            .into_iter()
            .for_each(|it| file.set_modified(from_ticks(it)));
    }
    file.flush().map_err(failure)
}

/// What the protocol calls a failure of the file system.
fn failure(error: io::Error) -> SmbError {
    match error.kind() {
        ErrorKind::NotFound => SmbError::NotFound,
        ErrorKind::AlreadyExists => SmbError::Exists,
        ErrorKind::InvalidInput => SmbError::NameInvalid,
        // The library has no kind of its own for this.
        ErrorKind::Other if error.to_string().starts_with("No space") => SmbError::DiskFull,
        _ => SmbError::Io(error),
    }
}

/// Clusters of the volume: all, and free ones.
pub(crate) fn clusters(files: &Files) -> SmbResult<(u64, u64, u32)> {
    let stats = files.stats().map_err(failure)?;
    Ok((
        u64::from(stats.total_clusters()),
        u64::from(stats.free_clusters()),
        stats.cluster_size(),
    ))
}
