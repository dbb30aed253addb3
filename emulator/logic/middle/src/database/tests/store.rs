//! The local replica: agreement, commit, crash, checkpoint, installation.

use base::limits::LOG_RECORDS_MAX;
use base::{GroupId, ResourceId, ResourceState};
use bottom::txlog::FileName;
use bottom::txlog::model::DiskModel;
use proptest::prelude::*;

use super::rig::{FIRST, Rig, brought_to, moved, set, snapshot_of, tag_after, update};
use crate::database::{Change, Hive, Input, Output, Value};
use crate::object::StateChange;
use crate::test_context::node;

#[test]
fn a_blank_disk_opens_an_empty_hive() {
    let rig = Rig::boot(DiskModel::default());
    assert_eq!(rig.said, [Output::Opened]);
    assert_eq!(*rig.facts.hive, Hive::default());
}

#[test]
fn what_setup_wrote_is_open_after_the_start() {
    assert_eq!(Rig::seeded().facts.tag, FIRST);
}

#[test]
fn agreement_is_not_answered_before_it_is_on_the_disk() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    rig.step();
    assert!(!rig.said(&Output::Prepared { number: 1 }), "appended only");
    rig.step();
    assert!(rig.said(&Output::Prepared { number: 1 }), "and synced");
    assert_eq!(rig.value(), None, "agreed to, not applied");
}

#[test]
fn a_committed_update_is_applied_once_its_record_is_on_the_disk() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    rig.run();
    rig.tell(Input::Commit { number: 1 });
    assert_eq!(rig.value(), None);
    rig.run();
    assert_eq!(rig.value(), Some(7));
    assert_eq!(rig.facts.tag, tag_after(1));
    assert!(rig.said(&Output::Applied { update: set(1, 7) }));
}

#[test]
fn a_later_agreement_commits_the_update_before_it() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    rig.run();
    rig.prepare(&set(2, 8));
    rig.run();
    assert_eq!(rig.value(), Some(7));
    assert!(rig.said(&Output::Prepared { number: 2 }));
}

#[test]
fn an_update_out_of_its_place_gets_no_answer() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(2, 7));
    rig.run();
    assert_eq!(rig.facts.prepared, None);
    assert_eq!(rig.said, [Output::Opened]);
}

#[test]
fn a_volatile_update_is_numbered_but_neither_logged_nor_tagged() {
    let mut rig = Rig::seeded();
    rig.prepare(&moved(1));
    assert!(rig.said(&Output::Prepared { number: 1 }), "at once");
    rig.tell(Input::Commit { number: 1 });
    assert_eq!((rig.facts.tag, rig.facts.applied), (FIRST, 1));
    assert!(!rig.step(), "nothing for the disk");
}

#[test]
fn after_a_crash_an_agreement_is_still_there() {
    let mut rig = Rig::seeded();
    rig.carry_out(&set(1, 7));
    rig.carry_out(&moved(2));
    rig.prepare(&set(3, 8));
    rig.run();
    let rig = rig.crash(0, 0);
    assert_eq!(rig.value(), Some(7));
    assert_eq!(rig.facts.prepared, Some(set(3, 8)));
    assert_eq!(rig.facts.applied, 2, "volatile updates count");
}

#[test]
fn a_torn_agreement_is_gone_after_a_crash() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    rig.step();
    assert_eq!(rig.crash(9, 0).facts.prepared, None);
}

#[test]
fn many_updates_are_folded_into_a_checkpoint() {
    let mut rig = Rig::seeded();
    for number in 1..=400 {
        rig.carry_out(&set(number, u32::try_from(number).unwrap()));
    }
    let log = rig.disk.files[&FileName::Log].len();
    let record = 150;
    assert!(log < LOG_RECORDS_MAX * record, "{log} bytes of log");
    let rig = rig.crash(0, 0);
    assert_eq!((rig.value(), rig.facts.applied), (Some(400), 400));
}

#[test]
fn a_rotten_checkpoint_makes_the_node_unable_to_start() {
    let mut disk = Rig::seeded().disk;
    disk.files.get_mut(&FileName::Hive).unwrap()[30] ^= 1;
    let rig = Rig::boot(disk);
    assert_eq!(rig.said, [Output::LocalFailed { readable: false }]);
}

#[test]
fn a_disk_that_refuses_to_write_ends_the_service() {
    let mut rig = Rig::seeded();
    rig.disk.refuses = true;
    rig.prepare(&set(1, 7));
    rig.run();
    assert!(rig.said(&Output::LocalFailed { readable: true }));
    rig.tell(Input::Commit { number: 1 });
    assert_eq!(rig.value(), None);
}

#[test]
fn an_epoch_begins_once_it_is_on_the_disk() {
    let mut rig = Rig::seeded();
    rig.tell(Input::BeginEpoch { forced: None });
    assert_eq!(rig.facts.tag, FIRST);
    rig.run();
    assert!(rig.said(&Output::Installed));
    let update = update(1, 2, set(1, 7).changes.to_vec());
    rig.carry_out(&update);
    assert_eq!(rig.facts.tag.to_string(), "2:2:2");
    assert_eq!(rig.crash(0, 0).facts.tag.to_string(), "2:2:2");
}

#[test]
fn a_snapshot_replaces_the_replica_durably() {
    let mut source = Rig::seeded();
    source.carry_out(&set(1, 7));
    source.prepare(&set(2, 8));
    let mut rig = Rig::seeded();
    rig.tell(Input::Install {
        snapshot: snapshot_of(&source),
    });
    assert!(!rig.said(&Output::Installed));
    rig.run();
    assert!(rig.said(&Output::Installed));
    let rig = rig.crash(0, 0);
    assert_eq!(rig.value(), Some(7));
    assert_eq!(rig.facts.prepared, Some(set(2, 8)));
}

#[test]
fn a_snapshot_that_is_there_already_costs_no_disk_work() {
    let mut rig = Rig::seeded();
    let snapshot = snapshot_of(&Rig::seeded());
    rig.tell(Input::Install { snapshot });
    assert!(rig.said(&Output::Installed));
    assert!(!rig.step());
}

#[test]
fn the_view_of_a_snapshot_that_is_there_already_is_remembered_by_one_record() {
    let mut rig = Rig::seeded();
    let mut snapshot = snapshot_of(&Rig::seeded());
    snapshot.synchronised = brought_to(5, &[1, 3]);
    rig.tell(Input::Install { snapshot });
    assert!(!rig.said(&Output::Installed));
    rig.step();
    rig.step();
    assert!(rig.said(&Output::Installed));
    assert_eq!(rig.crash(0, 0).facts.synchronised, brought_to(5, &[1, 3]));
}

#[test]
fn a_snapshot_drops_an_agreement_that_the_view_does_not_know() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    rig.run();
    let snapshot = snapshot_of(&Rig::seeded());
    rig.tell(Input::Install { snapshot });
    rig.run();
    assert_eq!(rig.crash(0, 0).facts.prepared, None);
}

#[test]
fn only_the_newest_of_two_installations_is_answered() {
    let mut source = Rig::seeded();
    source.carry_out(&set(1, 7));
    let mut rig = Rig::seeded();
    for _ in 0..2 {
        let snapshot = snapshot_of(&source);
        rig.tell(Input::Install { snapshot });
    }
    rig.run();
    let answers = rig.said.iter().filter(|said| **said == Output::Installed);
    assert_eq!(answers.count(), 1);
}

#[test]
fn an_answer_of_an_old_view_is_not_given_for_the_same_number_in_a_new_one() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    let snapshot = snapshot_of(&Rig::seeded());
    rig.tell(Input::Install { snapshot });
    rig.run();
    assert!(!rig.said(&Output::Prepared { number: 1 }));
}

#[test]
fn what_is_applied_already_is_not_taken_back_by_a_snapshot_that_only_agreed_to_it() {
    let both = update(
        1,
        1,
        [set(1, 7), moved(1)]
            .iter()
            .flat_map(|u| u.changes.to_vec())
            .collect(),
    );
    let mut source = Rig::seeded();
    source.prepare(&both);
    let mut rig = Rig::seeded();
    rig.carry_out(&both);
    let snapshot = snapshot_of(&source);
    rig.tell(Input::Install { snapshot });
    rig.run();
    assert_eq!((rig.value(), rig.facts.applied), (Some(7), 1));
    let replaced = rig.said.iter().find_map(|said| match said {
        Output::Replaced { objects } => Some(objects),
        _ => None,
    });
    let objects = replaced.expect("the tables came along");
    assert_eq!(objects.groups[&GroupId(1)].owner, node(2));
}

#[test]
fn a_commit_on_its_way_does_not_count_after_a_snapshot() {
    let mut rig = Rig::seeded();
    rig.prepare(&set(1, 7));
    rig.run();
    let snapshot = snapshot_of(&rig);
    rig.tell(Input::Commit { number: 1 });
    rig.tell(Input::Install { snapshot });
    rig.run();
    assert_eq!(rig.facts.applied, 0);
    rig.tell(Input::Commit { number: 1 });
    rig.run();
    assert_eq!(rig.value(), Some(7));
    assert_eq!(rig.crash(0, 0).facts.tag, tag_after(1));
}

#[derive(Clone, Debug)]
enum Step {
    Persistent(u32),
    Volatile,
    Epoch,
    Disk(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u32>().prop_map(Step::Persistent),
        Just(Step::Volatile),
        Just(Step::Epoch),
        (1..6_usize).prop_map(Step::Disk),
    ]
}

/// Plays the steps as a lock owner would, updates one after the other.
fn play(rig: &mut Rig, steps: &[Step]) {
    let mut number = 0;
    for step in steps {
        let update = match step {
            Step::Persistent(value) => set(number + 1, *value),
            Step::Volatile => moved(number + 1),
            Step::Epoch => {
                rig.tell(Input::BeginEpoch { forced: None });
                rig.run();
                continue;
            }
            Step::Disk(count) => {
                for _ in 0..*count {
                    rig.step();
                }
                continue;
            }
        };
        rig.prepare(&update);
        if rig.said(&Output::Prepared { number: number + 1 }) || !rig.step() || !rig.step() {
            rig.run();
        }
        if rig.said(&Output::Prepared { number: number + 1 }) {
            number += 1;
            rig.tell(Input::Commit { number });
            rig.run();
        }
    }
}

/// Value and tag that the published replica and the one after a crash show, and whether the crash
/// kept every answered agreement.
fn crashed(disk: DiskModel, steps: &[Step], kept: usize, rot: u8) -> bool {
    let mut rig = Rig::boot(disk);
    play(&mut rig, steps);
    let answered = rig.facts.prepared.clone().filter(|update| {
        update.is_persistent()
            && rig.said(&Output::Prepared {
                number: update.key.number,
            })
    });
    let before = (rig.facts.tag, rig.value());
    let again = rig.crash(kept, rot);
    let same = (again.facts.tag, again.value()) == before;
    same && answered.is_none_or(|update| again.facts.prepared == Some(update))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_crash_takes_back_nothing_that_was_published_or_answered(
        steps in prop::collection::vec(step(), 0..40),
        kept: usize,
        rot: u8,
    ) {
        prop_assert!(crashed(Rig::seeded().disk, &steps, kept, rot));
    }
}

#[test]
fn the_crash_property_notices_a_disk_that_lies_about_syncing() {
    let mut disk = Rig::seeded().disk;
    disk.lies = true;
    assert!(!crashed(disk, &[Step::Persistent(7)], 0, 0));
}

#[test]
fn a_resource_state_passes_through_untouched() {
    let change = StateChange::Resource {
        resource: ResourceId(1),
        group: GroupId(1),
        state: ResourceState::Online,
    };
    let update = update(1, 1, vec![Change::State(change)]);
    let mut rig = Rig::seeded();
    rig.carry_out(&update);
    assert!(rig.said(&Output::Applied { update }));
    assert_eq!(rig.facts.hive.value("Key", "Value"), None::<&Value>);
}
