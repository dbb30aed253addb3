//! The volume of a clustered disk that a node has mounted: as many shares as there are on the disk
//! have their folders on it.

use std::time::Duration;

use smb_server::{SmbError, SmbPath, SmbResult};
use tokio::time::timeout;

use crate::disk::BlockDisk;
use crate::volume::{self, MountError, Mounted, Unmounted, Volume};

/// How long a volume may take to be unmounted.
pub(crate) const UNMOUNT_MAX: Duration = Duration::from_secs(10);

/// A mounted volume. Clones are the same one.
#[derive(Clone)]
pub struct Mount {
    pub(crate) volume: Volume,
    unmounted: Unmounted,
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mount")
    }
}

impl Mount {
    /// Mounts the first FAT volume of a disk.
    ///
    /// # Errors
    /// When it has none, or cannot be read.
    pub async fn open(disk: Box<dyn BlockDisk>) -> Result<Self, MountError> {
        let (volume, unmounted) = Volume::mount(disk).await?;
        Ok(Self { volume, unmounted })
    }

    /// Whether there is a folder of this Path.
    pub async fn has_folder(&self, path: &str) -> bool {
        let Ok(path) = root_of(path) else {
            return false;
        };
        let stat = move |it: &Mounted| volume::stat(&it.files, &path);
        self.volume
            .run(stat)
            .await
            .is_ok_and(|it| it.info.is_directory)
    }

    /// Whether the first file of a folder can be opened and read; yes when it has none.
    pub async fn first_file_opens(&self, path: &str) -> bool {
        let Ok(path) = root_of(path) else {
            return false;
        };
        let open = move |it: &Mounted| {
            let files = volume::list(&it.files, &path)?;
            let Some(first) = files.into_iter().find(|it| !it.info.is_directory) else {
                return Ok(());
            };
            let first = path.join(&first.info.name)?;
            volume::read(&it.files, &first, 0, 1).map(drop)
        };
        self.volume.run(open).await.is_ok()
    }

    /// Makes the folder of a Path with those above it, where they are not there yet; its place.
    pub(crate) async fn folder(&self, path: &str) -> SmbResult<SmbPath> {
        let whole = root_of(path)?;
        let made = whole.clone();
        let make = move |it: &Mounted| make_folders(it, &made);
        self.volume.run(make).await?;
        Ok(whole)
    }

    /// Unmounts the volume once nobody else has it, and waits for that. A disk that answers
    /// nothing is given up after ten seconds; its next owner does not wait for it either.
    pub async fn close(self) {
        let Self {
            volume,
            mut unmounted,
        } = self;
        drop(volume);
        let _given_up = timeout(UNMOUNT_MAX, unmounted.wait_for(|it| *it)).await;
    }
}

fn make_folders(mounted: &Mounted, path: &SmbPath) -> SmbResult<()> {
    let mut at = SmbPath::root();
    let mut is_new = false;
    for name in path.components() {
        at = at.join(name)?;
        match volume::stat(&mounted.files, &at) {
            Ok(there) if there.info.is_directory => {}
            Ok(_) => return Err(SmbError::NotADirectory),
            Err(SmbError::NotFound) => {
                volume::create(&mounted.files, &at, true)?;
                is_new = true;
            }
            Err(error) => return Err(error),
        }
    }
    if is_new { mounted.sync() } else { Ok(()) }
}

/// Where a Path such as `D:\data` is on its volume.
pub(crate) fn root_of(path: &str) -> SmbResult<SmbPath> {
    let below = match path.split_once(':') {
        Some((drive, below)) if drive.len() == 1 => below,
        _ => path,
    };
    let trimmed = below.trim_end_matches(['\\', '/']);
    let units: Vec<u16> = trimmed.encode_utf16().collect();
    SmbPath::from_utf16(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_below_its_drive() {
        let parts = |path: &str| root_of(path).map(|it| it.components().to_vec()).ok();
        for (path, below) in [
            ("D:\\data\\sub", &["data", "sub"][..]),
            ("F:/data/", &["data"]),
            ("data", &["data"]),
            ("D:\\", &[]),
            ("", &[]),
        ] {
            let below = below.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(parts(path), Some(below), "{path}");
        }
        assert_eq!(parts("D:\\..\\data"), None);
        assert_eq!(parts("many:letters"), None);
    }
}
