//! What a cluster shared volume has besides other volumes: one file that every node writes in
//! place, and the mark of whoever has the volume mounted.
//!
//! Clauses: seed 001 (CSVFS as part of the bottom tier). Writing a file in place needs no change
//! of the file system, so each node may do that by itself; the mark in the boot sector is part of
//! the file system, and only the coordinator writes it. The product's way of telling content from
//! file system is unsourced; this split is ours.

use crate::Root;

/// The file on a shared volume that nodes write to.
pub const SHARED_FILE: &str = "SHARED.DAT";
/// Bytes of a page, the unit in which the file is read and written.
pub const PAGE_BYTES: u32 = 4096;
/// Whole pages in the file.
pub const SHARED_PAGES: u32 = 64;
/// One page more than are used, because the file need not begin at the border of a page.
pub(crate) const SHARED_FILE_BYTES: usize = (SHARED_PAGES as usize + 1) * PAGE_BYTES as usize;

/// Place of the state flags in the boot sector: FAT32, and FAT12 or FAT16.
const FLAGS_FAT32: usize = 0x41;
const FLAGS: usize = 0x25;
const IN_USE: u8 = 1;

/// Where the shared file is, in pages of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// Its first whole page.
    pub page: u64,
    /// How many whole pages it has, at most [`SHARED_PAGES`].
    pub pages: u32,
}

impl SharedFile {
    /// Finds the file in the root of a volume on a disk with blocks of so many bytes.
    #[must_use]
    pub fn find(root: &Root, block_bytes: u32) -> Option<Self> {
        let file = root
            .entries
            .iter()
            .find(|entry| entry.name == SHARED_FILE)?;
        let start = file.lba?.checked_mul(u64::from(block_bytes))?;
        let end = start.checked_add(u64::from(file.bytes))?;
        let page = start.div_ceil(u64::from(PAGE_BYTES));
        let pages = (end / u64::from(PAGE_BYTES)).checked_sub(page)?;
        let pages = u32::try_from(pages).unwrap_or(u32::MAX).min(SHARED_PAGES);
        (pages > 0).then_some(Self { page, pages })
    }

    /// Whether a page of the disk belongs to the content of the file.
    #[must_use]
    pub fn has(&self, page: u64) -> bool {
        page.checked_sub(self.page)
            .is_some_and(|at| at < u64::from(self.pages))
    }
}

/// Marks a boot sector as that of a volume in use, or as cleanly left.
pub fn mark_in_use(boot: &mut [u8], in_use: bool) {
    if let Some(flags) = boot.get_mut(flags_at(boot)) {
        *flags = if in_use {
            *flags | IN_USE
        } else {
            *flags & !IN_USE
        };
    }
}

/// Whether the boot sector says that somebody had the volume mounted and did not leave it cleanly.
#[must_use]
pub fn is_in_use(boot: &[u8]) -> bool {
    boot.get(flags_at(boot))
        .is_some_and(|flags| flags & IN_USE != 0)
}

/// FAT32 has no number of blocks per table in the short field.
fn flags_at(boot: &[u8]) -> usize {
    if crate::number(boot, 22, 2) == 0 {
        FLAGS_FAT32
    } else {
        FLAGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Disk, Reserve, RootReader, Step, format};

    const DISK_BYTES: u64 = 64 << 20;

    fn image(block_bytes: u32) -> Vec<u8> {
        let disk = Disk {
            blocks: DISK_BYTES / u64::from(block_bytes),
            block_bytes,
            signature: 9,
        };
        let mut image = vec![0; usize::try_from(DISK_BYTES).unwrap()];
        for piece in format(disk, "csv", Reserve::SharedFile).unwrap() {
            let at = usize::try_from(piece.offset).unwrap();
            image[at..at + piece.bytes.len()].copy_from_slice(&piece.bytes);
        }
        image
    }

    fn list(image: &[u8], block_bytes: u32) -> Root {
        let (mut reader, mut step) = RootReader::new(block_bytes);
        loop {
            match step {
                Step::Read { lba, blocks } => {
                    let at = usize::try_from(lba * u64::from(block_bytes)).unwrap();
                    step = reader.take(&image[at..at + (blocks * block_bytes) as usize]);
                }
                Step::Listed(root) => return root,
                Step::Damaged(damage) => panic!("the volume is {damage:?}"),
            }
        }
    }

    #[test]
    fn the_shared_file_is_found_and_has_all_its_pages() {
        for block_bytes in [512, 4096] {
            let root = list(&image(block_bytes), block_bytes);
            let file = SharedFile::find(&root, block_bytes).expect("the file is there");
            assert_eq!(file.pages, SHARED_PAGES);
            assert!(file.has(file.page) && !file.has(file.page - 1));
            assert!(!file.has(file.page + u64::from(SHARED_PAGES)));
        }
    }

    #[test]
    fn another_reader_reads_what_was_written_in_place() {
        let mut image = image(512);
        let root = list(&image, 512);
        let file = SharedFile::find(&root, 512).unwrap();
        let at = usize::try_from(file.page * u64::from(PAGE_BYTES)).unwrap();
        image[at..at + 5].copy_from_slice(b"hello");
        let start = usize::try_from(root.boot_lba * 512).unwrap();
        let volume = std::io::Cursor::new(image.split_off(start));
        let volume = fatfs::FileSystem::new(volume, fatfs::FsOptions::new()).unwrap();
        let mut content = Vec::new();
        let mut opened = volume.root_dir().open_file(SHARED_FILE).unwrap();
        std::io::Read::read_to_end(&mut opened, &mut content).unwrap();
        assert!(content.windows(5).any(|bytes| bytes == b"hello"));
    }

    #[test]
    fn a_volume_is_marked_as_in_use_and_left_cleanly() {
        for block_bytes in [512, 4096] {
            let image = image(block_bytes);
            let root = list(&image, block_bytes);
            let at = usize::try_from(root.boot_lba * u64::from(block_bytes)).unwrap();
            let mut boot = image[at..at + block_bytes as usize].to_vec();
            assert!(!is_in_use(&boot), "setup leaves it cleanly");
            mark_in_use(&mut boot, true);
            assert!(is_in_use(&boot));
            mark_in_use(&mut boot, false);
            assert_eq!(boot, &image[at..at + block_bytes as usize]);
        }
    }

    #[test]
    fn a_volume_without_the_file_has_no_shared_content() {
        assert_eq!(SharedFile::find(&Root::default(), 512), None);
    }
}
