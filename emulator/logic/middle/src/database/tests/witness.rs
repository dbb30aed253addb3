//! The copy on the witness disk: reconciling, following, failing.

use base::{Manager, PaxosTag, QuorumState};

use super::rig::{Rig, WitnessDisk, brought_to, moved, set, snapshot_of, tag_after};
use crate::Facts;
use crate::database::{Input, Output};
use crate::test_context::{nodes, view};

fn replica(tag: PaxosTag, adopted: bool) -> Output {
    Output::WitnessReplica { tag, adopted }
}

/// A witness disk that followed a node through `count` updates.
fn written(count: u64) -> WitnessDisk {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    for number in 1..=count {
        rig.carry_out(&set(number, u32::try_from(number).unwrap()));
    }
    rig.witness
}

fn activate(facts: &mut Facts) {
    let mut view = view(1, nodes(&[1]));
    for report in view.reports.values_mut() {
        report.active = true;
    }
    facts.view = Some(view.into());
}

#[test]
fn a_blank_witness_gets_a_copy() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.step_witness();
    assert!(!rig.said(&replica(tag_after(0), false)), "not looked yet");
    rig.run_all();
    assert!(rig.said(&replica(tag_after(0), false)));
    assert!(!rig.witness.pages.is_empty());
}

#[test]
fn a_newer_copy_replaces_the_local_replica_durably() {
    let mut rig = Rig::seeded();
    rig.hold_witness(written(3));
    rig.run_all();
    assert!(rig.said(&replica(tag_after(3), true)));
    assert_eq!(rig.crash(0, 0).value(), Some(3));
}

#[test]
fn a_newer_copy_is_not_written_over_while_the_local_replica_is_older() {
    let mut rig = Rig::seeded();
    let newer = written(3);
    rig.hold_witness(newer.clone());
    rig.tell(Input::BeginEpoch { forced: None });
    while rig.step_witness() {}
    assert_eq!(rig.witness.pages, newer.pages);
    rig.run_all();
    assert_eq!(rig.value(), Some(3));
}

#[test]
fn an_older_copy_is_overwritten() {
    let mut rig = Rig::seeded();
    rig.carry_out(&set(1, 9));
    rig.hold_witness(written(0));
    rig.run_all();
    assert!(rig.said(&replica(tag_after(1), false)));
    let mut other = Rig::seeded();
    other.hold_witness(rig.witness);
    other.run_all();
    assert_eq!(other.value(), Some(9));
}

#[test]
fn an_equal_copy_is_left_alone() {
    let mut rig = Rig::seeded();
    rig.hold_witness(written(0));
    rig.run_all();
    assert!(rig.said(&replica(tag_after(0), false)));
    let before = written(0);
    assert_eq!(rig.witness.pages, before.pages);
}

#[test]
fn agreement_waits_for_the_witness_copy() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    rig.prepare(&set(1, 7));
    rig.run();
    assert!(!rig.said(&Output::Prepared { number: 1 }), "the log has it");
    rig.run_all();
    assert!(
        rig.said(&Output::Prepared { number: 1 }),
        "and so has the copy"
    );
}

#[test]
fn the_next_holder_finds_what_was_agreed_to() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    rig.prepare(&set(1, 7));
    rig.run_all();
    let mut other = Rig::seeded();
    other.hold_witness(rig.witness);
    other.run_all();
    assert_eq!(other.facts.prepared, Some(set(1, 7)));
}

#[test]
fn an_active_member_commits_what_the_copy_has_committed() {
    let mut rig = Rig::seeded();
    activate(&mut rig.facts);
    rig.prepare(&set(1, 1));
    rig.run();
    rig.hold_witness(written(1));
    rig.run_all();
    assert!(
        rig.said(&Output::Applied { update: set(1, 1) }),
        "volatile parts included"
    );
    assert!(rig.said(&replica(tag_after(1), true)));
}

#[test]
fn an_active_member_passes_over_an_agreement_that_is_only_on_the_copy() {
    let mut holder = Rig::seeded();
    holder.hold_witness(WitnessDisk::default());
    holder.run_all();
    holder.prepare(&set(1, 7));
    holder.run_all();
    let mut rig = Rig::seeded();
    activate(&mut rig.facts);
    rig.hold_witness(holder.witness);
    rig.run_all();
    assert_eq!(rig.facts.prepared, None, "it cannot have been acknowledged");
}

#[test]
fn a_member_of_a_synchronised_view_overwrites_an_agreement_that_the_view_dropped() {
    let mut holder = Rig::seeded();
    holder.hold_witness(WitnessDisk::default());
    holder.run_all();
    holder.prepare(&set(1, 7));
    holder.run_all();
    let mut rig = Rig::seeded();
    rig.facts.view = Some(view(1, nodes(&[1])).into());
    let snapshot = snapshot_of(&rig);
    rig.tell(Input::Install { snapshot });
    rig.hold_witness(holder.witness);
    rig.run_all();
    assert_eq!(rig.facts.prepared, None);
    assert!(rig.said(&replica(tag_after(0), false)));
}

#[test]
fn an_active_member_that_was_left_behind_leaves_the_copy_alone_and_rejoins() {
    let mut holder = Rig::seeded();
    holder.hold_witness(WitnessDisk::default());
    let mut snapshot = snapshot_of(&holder);
    snapshot.synchronised = brought_to(7, &[2]);
    holder.tell(Input::Install { snapshot });
    holder.run_all();
    let mut rig = Rig::seeded();
    activate(&mut rig.facts);
    rig.hold_witness(holder.witness.clone());
    rig.run_all();
    assert!(rig.said(&Output::LeftBehind), "although its tag is as new");
    assert_eq!(rig.witness.pages, holder.witness.pages);
}

#[test]
fn a_snapshot_is_there_once_the_witness_tells_of_its_view() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    let mut snapshot = snapshot_of(&rig);
    snapshot.synchronised = brought_to(7, &[1]);
    rig.tell(Input::Install { snapshot });
    rig.run();
    assert!(!rig.said(&Output::Installed));
    rig.run_all();
    assert!(rig.said(&Output::Installed));
}

#[test]
fn a_torn_write_leaves_the_copy_before_it() {
    for whole in 0..3 {
        let mut rig = Rig::seeded();
        rig.hold_witness(written(2));
        rig.run_all();
        rig.witness.torn_after = Some(whole);
        rig.prepare(&set(3, 3));
        rig.step_witness();
        let mut torn = rig.witness;
        torn.torn_after = None;
        let mut other = Rig::seeded();
        other.hold_witness(torn);
        other.run_all();
        assert!(
            other.facts.tag >= tag_after(2),
            "{whole} blocks on the medium"
        );
    }
}

#[test]
fn a_refused_write_fails_the_witness_and_not_the_node() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    rig.witness.refuses = true;
    rig.prepare(&set(1, 7));
    rig.run_all();
    assert!(rig.said(&Output::WitnessFailed));
    assert!(
        !rig.said(&Output::Prepared { number: 1 }),
        "quorum has to look first"
    );
    rig.expire();
    rig.carry_out(&set(1, 7));
    assert_eq!(rig.value(), Some(7), "the update goes on without it");
    rig.carry_out(&set(2, 8));
    assert!(rig.witness_queue.is_empty(), "the copy is unloaded");
}

#[test]
fn a_node_that_lost_the_witness_and_quorum_with_it_agrees_to_nothing() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    rig.prepare(&set(1, 7));
    rig.tell(Input::WitnessReleased);
    rig.facts.quorum = QuorumState::Arbitrating;
    rig.run_all();
    rig.expire();
    rig.expire();
    assert!(!rig.said(&Output::Prepared { number: 1 }));
    rig.facts.quorum = QuorumState::Held;
    rig.expire();
    assert!(rig.said(&Output::Prepared { number: 1 }), "quorum is back");
    assert_eq!(rig.database.deadline(), None);
}

#[test]
fn a_volatile_update_needs_no_copy_but_quorum() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    rig.prepare(&moved(1));
    assert!(rig.said(&Output::Prepared { number: 1 }));
    rig.tell(Input::WitnessReleased);
    rig.facts.quorum = QuorumState::Arbitrating;
    rig.prepare(&moved(2));
    rig.expire();
    assert!(!rig.said(&Output::Prepared { number: 2 }));
}

#[test]
fn a_refused_read_fails_the_witness() {
    let mut rig = Rig::seeded();
    let refuses = true;
    rig.hold_witness(WitnessDisk {
        refuses,
        ..written(3)
    });
    rig.run_all();
    assert!(rig.said(&Output::WitnessFailed));
    assert_eq!(rig.facts.tag, tag_after(0));
}

#[test]
fn a_report_of_before_a_release_is_not_taken_for_a_new_one() {
    let mut rig = Rig::seeded();
    rig.hold_witness(written(3));
    let refused = rig.witness_queue.pop_front();
    assert!(refused.is_some());
    rig.tell(Input::WitnessReleased);
    rig.hold_witness(written(3));
    let report = bottom::clusdisk::Report::Read { data: None };
    let disk = base::DiskId(0);
    rig.tell(Input::WitnessReport { disk, report });
    rig.run_all();
    assert!(rig.said(&replica(tag_after(3), true)));
}

#[test]
fn commits_in_a_hurry_are_written_together() {
    let mut rig = Rig::seeded();
    rig.hold_witness(WitnessDisk::default());
    rig.run_all();
    rig.carry_out(&set(1, 1));
    rig.prepare(&set(2, 2));
    rig.run();
    assert_eq!(rig.witness_queue.len(), 1, "one write under way");
    rig.run_all();
    let mut other = Rig::seeded();
    other.hold_witness(rig.witness);
    other.run_all();
    assert_eq!(other.facts.prepared, Some(set(2, 2)));
}
