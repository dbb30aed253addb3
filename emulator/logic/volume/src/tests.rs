//! Goal: what is laid out can be listed, by us and by others' code; anything else is called damaged
//! and never worse.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use proptest::prelude::*;

use crate::{Damage, Disk, Reserve, Root, RootReader, Step, format};

fn disk(mib: u64, block_bytes: u32) -> Disk {
    Disk {
        blocks: (mib << 20) / u64::from(block_bytes),
        block_bytes,
        signature: 0x1234_5678,
    }
}

/// A whole disk in memory, laid out.
fn image(disk: Disk, reserve: Reserve) -> Vec<u8> {
    let bytes = usize::try_from(disk.blocks).unwrap() * disk.block_bytes as usize;
    let mut image = vec![0; bytes];
    for piece in format(disk, "data", reserve).unwrap() {
        let at = usize::try_from(piece.offset).unwrap();
        image[at..at + piece.bytes.len()].copy_from_slice(&piece.bytes);
    }
    image
}

/// Lists the root, reading with `read`; at most so many reads.
fn list(block_bytes: u32, mut read: impl FnMut(u64, u32) -> Vec<u8>) -> Result<Root, Damage> {
    let (mut reader, mut step) = RootReader::new(block_bytes);
    for _ in 0..100_000 {
        match step {
            Step::Read { lba, blocks } => step = reader.take(&read(lba, blocks)),
            Step::Listed(root) => return Ok(root),
            Step::Damaged(damage) => return Err(damage),
        }
    }
    panic!("the reader never ends");
}

fn list_image(image: &[u8], block_bytes: u32) -> Result<Root, Damage> {
    list(block_bytes, |lba, blocks| {
        let at = usize::try_from(lba)
            .unwrap_or(usize::MAX)
            .saturating_mul(block_bytes as usize);
        let end = at.saturating_add(blocks as usize * block_bytes as usize);
        image.get(at..end).map(<[u8]>::to_vec).unwrap_or_default()
    })
}

/// Puts files into the root with the library that laid the volume out.
fn add_files(image: &mut [u8], start: usize, count: u32) {
    let volume = Cursor::new(&mut image[start..]);
    let system = fatfs::FileSystem::new(volume, fatfs::FsOptions::new()).unwrap();
    system.root_dir().create_dir("share").unwrap();
    for number in 0..count {
        let mut file = system
            .root_dir()
            .create_file(&format!("file{number}.txt"))
            .unwrap();
        file.write_all(b"hello").unwrap();
    }
}

#[test]
fn an_empty_volume_lists_its_label_and_nothing_else() {
    for (mib, block_bytes) in [(8, 512), (64, 4096), (600, 512)] {
        let root = list_image(
            &image(disk(mib, block_bytes), Reserve::Nothing),
            block_bytes,
        )
        .unwrap();
        assert_eq!(root.signature, 0x1234_5678);
        assert_eq!((root.label.as_str(), root.entries.len()), ("DATA", 0));
    }
}

#[test]
fn files_that_another_program_wrote_are_listed() {
    for (mib, block_bytes, files) in [(8, 512, 3), (64, 4096, 100), (600, 512, 300)] {
        let mut image = image(disk(mib, block_bytes), Reserve::Nothing);
        add_files(&mut image, 1 << 20, files);
        let root = list_image(&image, block_bytes).unwrap();
        assert_eq!(root.entries.len(), files as usize + 1);
        assert_eq!(
            (root.entries[0].name.as_str(), root.entries[0].is_folder),
            ("SHARE", true)
        );
        assert_eq!(
            (root.entries[1].name.as_str(), root.entries[1].bytes),
            ("FILE0.TXT", 5)
        );
    }
}

#[test]
fn a_witness_keeps_room_for_the_copy_in_front_of_its_volume() {
    let image = image(disk(64, 512), Reserve::Copy);
    let copy = &image[1 << 20..10 << 20];
    assert!(copy.iter().all(|byte| *byte == 0));
    assert!(list_image(&image, 512).is_ok());
}

#[test]
fn a_disk_of_two_tebibytes_is_laid_out_in_few_pieces() {
    let pieces = format(disk(2 << 20, 512), "big", Reserve::Nothing).unwrap();
    assert!(pieces.len() < 20, "{} pieces", pieces.len());
    let blocks: BTreeMap<u64, &[u8]> = pieces
        .iter()
        .map(|it| (it.offset / 512, it.bytes.as_slice()))
        .collect();
    let root = list(512, |lba, count| {
        let block = |lba: u64| {
            blocks
                .get(&lba)
                .map_or_else(|| vec![0; 512], |it| it.to_vec())
        };
        (lba..lba + u64::from(count)).flat_map(block).collect()
    });
    assert_eq!(root.unwrap().label, "BIG");
}

#[test]
fn a_disk_without_room_is_refused() {
    let tiny = Disk {
        blocks: 16,
        block_bytes: 512,
        signature: 1,
    };
    let error = format(tiny, "x", Reserve::Nothing).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a disk of 8192 bytes is too small"),
        "{error}"
    );
    assert!(format(disk(4, 512), "x", Reserve::Copy).is_err());
}

#[test]
fn each_kind_of_damage_is_told_apart() {
    let whole = image(disk(8, 512), Reserve::Nothing);
    let without = |range: std::ops::Range<usize>, value: u8| {
        let mut image = whole.clone();
        image[range].fill(value);
        list_image(&image, 512).unwrap_err()
    };
    assert_eq!(without(0..512, 0), Damage::NoTable);
    assert_eq!(without(446..462, 0), Damage::NoVolume);
    assert_eq!(without(1 << 20..(1 << 20) + 512, 0), Damage::NoFileSystem);
    assert_eq!(without(512..8 << 20, 0xff), Damage::NoFileSystem);
    assert_eq!(without((1 << 20) + 512..8 << 20, 0xff), Damage::Corrupt);
}

#[test]
fn a_chain_that_runs_in_a_circle_is_corrupt() {
    let mut image = image(disk(600, 512), Reserve::Nothing);
    add_files(&mut image, 1 << 20, 300);
    let boot = 1 << 20;
    let fat = boot + usize::from(u16::from_le_bytes([image[boot + 14], image[boot + 15]])) * 512;
    image[fat + 8..fat + 12].copy_from_slice(&2_u32.to_le_bytes());
    assert_eq!(list_image(&image, 512), Err(Damage::Corrupt));
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_list_or_in_damage(
        table in proptest::collection::vec(any::<u8>(), 66),
        boot in proptest::collection::vec(any::<u8>(), 64),
        rest in any::<u8>(),
        large in any::<bool>(),
    ) {
        let block_bytes = if large { 4096 } else { 512 };
        let mut first = vec![0; block_bytes as usize];
        first[446..512].copy_from_slice(&table);
        first[450] = 0x0c;
        first[510..512].copy_from_slice(&[0x55, 0xaa]);
        let mut second = vec![0; block_bytes as usize];
        second[..64].copy_from_slice(&boot);
        second[11..14].copy_from_slice(&[0, if large { 0x10 } else { 2 }, 1 << (boot[13] & 7)]);
        second[510..512].copy_from_slice(&[0x55, 0xaa]);
        let mut reads = 0;
        let _ = list(block_bytes, |lba, blocks| {
            reads += 1;
            match (reads, lba) {
                (_, 0) => first.clone(),
                (2, _) => second.clone(),
                _ => vec![rest; (blocks * block_bytes) as usize],
            }
        });
    }

    #[test]
    fn short_reads_do_no_harm(cut in 0_usize..600, at in 0_u32..4) {
        let image = image(disk(8, 512), Reserve::Nothing);
        let mut reads = 0;
        let _ = list(512, |lba, blocks| {
            reads += 1;
            let from = usize::try_from(lba).unwrap() * 512;
            let mut data = image[from..from + blocks as usize * 512].to_vec();
            if reads > at { data.truncate(cut); }
            data
        });
    }
}
