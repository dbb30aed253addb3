//! The log against a disk model that keeps what was synced and tears what was not.

use std::collections::VecDeque;

use base::{NodeId, Now, Rng};
use proptest::prelude::*;

use super::model::DiskModel;
use super::*;
use crate::Facts;

/// A log on a disk, with everything it said to database.
#[derive(Debug, Default)]
struct Rig {
    log: Txlog,
    disk: DiskModel,
    queue: VecDeque<(IoId, DiskRequest)>,
    said: Vec<Output>,
}

impl Rig {
    fn boot(disk: DiskModel) -> Self {
        let mut rig = Self {
            disk,
            ..Self::default()
        };
        rig.tell(Input::Open);
        rig.run(usize::MAX);
        rig
    }

    fn tell(&mut self, input: Input) {
        let (mut out, mut rng) = (Outbox::default(), Rng::new(0, 0));
        let mut cx = Context {
            now: Now::default(),
            me: NodeId::new(1).unwrap(),
            facts: &Facts::default(),
            rng: &mut rng,
        };
        self.log.handle(&mut cx, input, &mut out);
        self.log.check(&cx);
        for output in out.drain() {
            match output {
                Output::Disk { io, request } => self.queue.push_back((io, request)),
                said => self.said.push(said),
            }
        }
    }

    /// Lets the disk work off up to `steps` requests.
    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            let Some((io, request)) = self.queue.pop_front() else {
                return;
            };
            let outcome = self.disk.perform(request);
            self.tell(Input::DiskDone { io, outcome });
        }
    }

    fn append(&mut self, record: &[u8]) {
        let record = record.to_vec();
        self.tell(Input::Append { record });
    }

    fn checkpoint(&mut self, content: &[u8]) {
        let content = content.to_vec();
        self.tell(Input::Checkpoint { content });
    }

    fn recovered(&self) -> (Option<Vec<u8>>, Vec<Vec<u8>>) {
        match self.said.first() {
            Some(Output::Recovered {
                checkpoint,
                records,
            }) => (checkpoint.clone(), records.clone()),
            other => panic!("not recovered: {other:?}"),
        }
    }
}

#[test]
fn a_blank_disk_recovers_nothing() {
    assert_eq!(Rig::boot(DiskModel::default()).recovered(), (None, vec![]));
}

#[test]
fn what_setup_left_is_the_first_checkpoint() {
    let mut disk = DiskModel::default();
    disk.files.insert(FileName::Hive, image(b"hive"));
    assert_eq!(
        Rig::boot(disk).recovered(),
        (Some(b"hive".to_vec()), vec![])
    );
}

#[test]
fn nothing_is_durable_before_its_sync_has_ended() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.append(b"one");
    rig.run(1);
    assert_eq!(rig.said.len(), 1, "only Recovered so far");
    rig.run(1);
    assert_eq!(rig.said.last(), Some(&Output::Durable));
}

#[test]
fn a_checkpoint_voids_the_records_before_it() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.append(b"old");
    rig.checkpoint(b"state");
    rig.append(b"new");
    rig.run(usize::MAX);
    let expected = [Output::Durable, Output::CheckpointDone, Output::Durable];
    assert_eq!(rig.said[1..], expected);
    let again = Rig::boot(rig.disk);
    assert_eq!(
        again.recovered(),
        (Some(b"state".to_vec()), vec![b"new".to_vec()])
    );
}

#[test]
fn a_crash_between_checkpoint_and_empty_log_does_not_bring_old_records_back() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.append(b"old");
    rig.run(usize::MAX);
    rig.checkpoint(b"state");
    rig.run(1);
    let again = Rig::boot(rig.disk.crash(0, 0));
    assert_eq!(again.recovered(), (Some(b"state".to_vec()), vec![]));
}

#[test]
fn what_the_system_still_had_in_its_cache_is_durable_once_it_was_recovered() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.append(b"one");
    rig.run(1);
    // The service is killed; the machine is not.
    let again = Rig::boot(rig.disk);
    assert_eq!(again.recovered().1, [b"one".to_vec()]);
    let third = Rig::boot(again.disk.crash(0, 0));
    assert_eq!(third.recovered().1, [b"one".to_vec()]);
}

#[test]
fn a_torn_tail_is_cut_off_before_more_is_appended() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.append(b"whole");
    rig.run(usize::MAX);
    rig.append(b"torn");
    rig.run(1);
    let mut again = Rig::boot(rig.disk.crash(5, 0));
    assert_eq!(again.recovered().1, [b"whole".to_vec()]);
    again.append(b"next");
    again.run(usize::MAX);
    let third = Rig::boot(again.disk);
    assert_eq!(third.recovered().1, [b"whole".to_vec(), b"next".to_vec()]);
}

#[test]
fn a_rotten_checkpoint_is_unreadable() {
    let mut disk = DiskModel::default();
    let mut file = image(b"hive");
    *file.last_mut().unwrap() ^= 1;
    disk.files.insert(FileName::Hive, file);
    assert_eq!(Rig::boot(disk).said, [Output::Unreadable]);
}

#[test]
fn a_log_without_its_checkpoint_is_unreadable() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.checkpoint(b"state");
    rig.run(usize::MAX);
    rig.disk.files.remove(&FileName::Hive);
    assert_eq!(Rig::boot(rig.disk).said, [Output::Unreadable]);
}

#[test]
fn the_first_refusal_of_the_disk_is_the_last_word() {
    let mut rig = Rig::boot(DiskModel::default());
    rig.append(b"one");
    rig.disk.refuses = true;
    rig.run(usize::MAX);
    rig.append(b"two");
    rig.run(usize::MAX);
    assert_eq!(rig.said[1..], [Output::Failed]);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    Checkpoint,
    Run(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Append),
        Just(Step::Checkpoint),
        (1..4_usize).prop_map(Step::Run),
    ]
}

/// Records appended so far, as a checkpoint's content: their own log image.
fn content(records: &[Vec<u8>]) -> Vec<u8> {
    records.iter().flat_map(|r| format::record(r)).collect()
}

/// Plays `steps`, crashes, boots, and returns what was asked for, acknowledged and recovered.
fn history(
    disk: DiskModel,
    steps: Vec<Step>,
    kept: usize,
    rot: u8,
) -> (Vec<Vec<u8>>, usize, Vec<u8>) {
    let mut rig = Rig::boot(disk);
    let mut asked = Vec::new();
    for step in steps {
        match step {
            Step::Append(record) => {
                rig.append(&record);
                asked.push(record);
            }
            Step::Checkpoint => rig.checkpoint(&content(&asked)),
            Step::Run(steps) => rig.run(steps),
        }
    }
    let durable = rig.said.iter().filter(|o| **o == Output::Durable).count();
    let (checkpoint, records) = Rig::boot(rig.disk.crash(kept, rot)).recovered();
    let recovered = [checkpoint.unwrap_or_default(), content(&records)].concat();
    (asked, durable, recovered)
}

#[test]
fn the_prefix_property_notices_a_disk_that_lies_about_syncing() {
    let disk = DiskModel {
        lies: true,
        ..DiskModel::default()
    };
    let steps = vec![Step::Append(b"one".to_vec()), Step::Run(9)];
    let (asked, durable, recovered) = history(disk, steps, 0, 0);
    assert!(recovered.len() < content(&asked[..durable]).len());
}

proptest! {
    #[test]
    fn after_a_crash_there_is_a_prefix_with_all_that_was_acknowledged(
        steps in prop::collection::vec(step(), 0..30),
        kept: usize,
        rot: u8,
    ) {
        let (asked, durable, recovered) = history(DiskModel::default(), steps, kept, rot);
        let whole = content(&asked);
        prop_assert!(whole.starts_with(&recovered), "something else than a prefix came back");
        prop_assert!(recovered.len() >= content(&asked[..durable]).len(), "a record was lost");
    }

    #[test]
    fn any_file_content_is_read_or_refused(bytes: Vec<u8>, serial: u64) {
        let _ = format::read_checkpoint(&bytes);
        let _ = format::read_log(&[&format::log_header(serial)[..], &bytes].concat(), serial);
        let _ = format::read_log(&bytes, serial);
    }
}
