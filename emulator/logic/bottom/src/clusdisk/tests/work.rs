//! What a disk is used for: the root of its volume, pages.

use base::{Notice, VolumeFault};
use scsi::{Command, Outcome};

use super::super::{Report, Request};
use super::{Bench, DISK, good, own, reservation};

/// READ CAPACITY(16) data of a disk of 64 MiB.
fn capacity(block_bytes: u32) -> Outcome {
    let mut data = vec![0; 32];
    let last = u64::from((64 << 20) / block_bytes) - 1;
    data[..8].copy_from_slice(&last.to_be_bytes());
    data[8..12].copy_from_slice(&block_bytes.to_be_bytes());
    Outcome::Good(data)
}

/// Answers everything that a check asks of a disk whose bytes are `image`.
pub(super) fn answer_from(bench: &mut Bench, image: &[u8], block_bytes: u32) {
    while let Some((_, command)) = &bench.flight {
        let outcome = outcome_of(command, image, block_bytes);
        bench.answer(outcome);
    }
}

/// What a disk whose bytes are `image` answers.
pub(super) fn outcome_of(command: &Command, image: &[u8], block_bytes: u32) -> Outcome {
    match command {
        Command::ReadCapacity16 => capacity(block_bytes),
        Command::Read { lba, blocks, .. } => {
            let at = usize::try_from(lba * u64::from(block_bytes)).unwrap();
            Outcome::Good(image[at..at + (blocks * block_bytes) as usize].to_vec())
        }
        _ => good(),
    }
}

pub(super) fn laid_out(block_bytes: u32, reserve: volume::Reserve) -> Vec<u8> {
    let disk = volume::Disk {
        blocks: u64::from((64 << 20) / block_bytes),
        block_bytes,
        signature: 7,
    };
    let mut image = vec![0; 64 << 20];
    for piece in volume::format(disk, "data", reserve).unwrap() {
        let at = usize::try_from(piece.offset).unwrap();
        image[at..at + piece.bytes.len()].copy_from_slice(&piece.bytes);
    }
    image
}

#[test]
fn a_check_lists_the_root_of_the_volume() {
    for block_bytes in [512, 4096] {
        let mut bench = Bench::new();
        bench.hold();
        bench.ask(Request::Check);
        answer_from(
            &mut bench,
            &laid_out(block_bytes, volume::Reserve::Nothing),
            block_bytes,
        );
        assert_eq!(bench.reports(), [Report::Checked { ok: true }]);
        assert!(bench.notices.is_empty());
    }
}

#[test]
fn a_check_of_a_blank_or_damaged_disk_says_no_and_why() {
    let mut damaged = laid_out(512, volume::Reserve::Nothing);
    damaged[1 << 20..2 << 20].fill(0xff);
    for (image, fault) in [
        (vec![0; 64 << 20], VolumeFault::Missing),
        (damaged, VolumeFault::Corrupt),
    ] {
        let mut bench = Bench::new();
        bench.hold();
        bench.ask(Request::Check);
        answer_from(&mut bench, &image, 512);
        assert_eq!(bench.reports(), [Report::Checked { ok: false }]);
        assert_eq!(bench.notices, [Notice::VolumeFailed { disk: DISK, fault }]);
    }
}

#[test]
fn a_check_that_meets_a_conflict_looks_who_holds_the_disk_and_says_no() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Check);
    assert_eq!(bench.answer(capacity(512)), Command::ReadCapacity16);
    assert_eq!(bench.answer(good()), Command::TestUnitReady);
    bench.answer(Outcome::ReservationConflict);
    assert_eq!(bench.reports(), []);
    bench.answer(super::reservation(9, Some(0x77)));
    let lost = [Report::Lost, Report::Checked { ok: false }];
    assert_eq!(bench.reports(), lost);
}

#[test]
fn a_check_that_meets_a_conflict_on_a_disk_that_is_still_ours_says_no() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Check);
    assert_eq!(bench.answer(capacity(512)), Command::ReadCapacity16);
    assert_eq!(bench.answer(good()), Command::TestUnitReady);
    bench.answer(Outcome::ReservationConflict);
    bench.answer(reservation(1, Some(own())));
    assert_eq!(bench.reports(), [Report::Checked { ok: false }]);
}

#[test]
fn work_on_a_slow_disk_does_not_keep_the_owner_from_looking() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Check);
    assert_eq!(bench.answer(capacity(512)), Command::ReadCapacity16);
    // The answer comes when the look has been due for long.
    bench.now = bench.now + std::time::Duration::from_secs(20);
    assert_eq!(bench.answer(good()), Command::TestUnitReady);
    bench.answer(super::reservation(9, Some(0x77)));
    assert_eq!(bench.reports().first(), Some(&Report::Lost));
}

#[test]
fn a_page_is_as_many_blocks_as_fill_it() {
    for (block_bytes, lba, blocks) in [(512, 2_048, 16), (4096, 256, 2)] {
        let mut bench = Bench::new();
        bench.hold();
        bench.ask(Request::Read {
            page: 256,
            pages: 2,
        });
        bench.answer(capacity(block_bytes));
        let read = bench.answer(Outcome::Good(vec![1; 8192]));
        assert_eq!(
            read,
            Command::Read {
                lba,
                blocks,
                block_bytes
            }
        );
        let data = Some(vec![1; 8192]);
        assert_eq!(bench.reports(), [Report::Read { data }]);
    }
}

#[test]
fn a_disk_with_blocks_of_another_length_is_refused() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Write {
        page: 0,
        data: vec![0; 4096],
    });
    bench.answer(capacity(8192));
    assert_eq!(bench.reports(), [Report::Written { ok: false }]);
}
