use std::collections::BTreeSet;

use super::*;

fn append(bytes: &[u8]) -> DiskRequest {
    DiskRequest::Append {
        file: FileName::Log,
        bytes: bytes.to_vec(),
    }
}

const SYNC: DiskRequest = DiskRequest::Sync {
    file: FileName::Log,
};

fn run(disk: &mut NodeDisk, io: u64, request: DiskRequest) -> DiskOutcome {
    let name = file_of(&request);
    disk.submit(Timestamp::ZERO, IoId(io), request);
    disk.complete(name, IoId(io)).unwrap()
}

#[test]
fn operations_on_one_file_complete_in_order() {
    let mut disk = NodeDisk::new(Rng::new(1, 0));
    let first = disk.submit(Timestamp(7), IoId(1), append(b"a"));
    let second = disk.submit(Timestamp(8), IoId(2), SYNC);
    assert!(Timestamp(7) < first && first < second);
}

#[test]
fn what_was_synced_survives_every_power_loss() {
    for seed in 0..200 {
        let mut disk = NodeDisk::new(Rng::new(seed, 0));
        run(&mut disk, 1, append(&[1; 700]));
        run(&mut disk, 2, SYNC);
        run(&mut disk, 3, append(&[2; 700]));
        disk.lose_power();
        assert_eq!(disk.content(FileName::Log)[..700], [1; 700]);
    }
}

#[test]
fn what_was_not_synced_is_kept_lost_torn_or_holed_by_the_seed() {
    let ends: BTreeSet<Vec<u8>> = (0..200)
        .map(|seed| {
            let mut disk = NodeDisk::new(Rng::new(seed, 0));
            run(&mut disk, 1, append(&[2; 1_500]));
            disk.lose_power();
            disk.content(FileName::Log)
        })
        .collect();
    assert!(ends.contains(&vec![]));
    assert!(ends.contains(&vec![2; 1_500]));
    assert!(ends.contains(&vec![2; 512]));
    let holed = |end: &Vec<u8>| end.len() == 1_500 && end.contains(&0);
    assert!(ends.iter().any(holed));
}

#[test]
fn a_replacement_is_whole_or_absent_after_a_power_loss() {
    for seed in 0..50 {
        let mut disk = NodeDisk::new(Rng::new(seed, 0));
        disk.install(FileName::Hive, b"old".to_vec());
        let request = DiskRequest::Replace {
            file: FileName::Hive,
            bytes: b"new".to_vec(),
        };
        disk.submit(Timestamp::ZERO, IoId(1), request);
        disk.lose_power();
        assert_eq!(disk.complete(FileName::Hive, IoId(1)), None);
        assert!([&b"old"[..], b"new"].contains(&disk.content(FileName::Hive).as_slice()));
    }
}

#[test]
fn the_cache_outlives_the_process() {
    let mut disk = NodeDisk::new(Rng::new(1, 0));
    disk.submit(Timestamp::ZERO, IoId(1), append(b"a"));
    disk.lose_process();
    assert_eq!(disk.content(FileName::Log), b"a");
    assert_eq!(disk.complete(FileName::Log, IoId(1)), None);
}

#[test]
fn a_failing_disk_says_so() {
    let mut disk = NodeDisk::new(Rng::new(1, 0));
    disk.set_failing(true);
    assert_eq!(run(&mut disk, 1, append(b"ab")), DiskOutcome::Failed);
}
