//! Whose replica a view is brought to, and who only seems to be active.

use base::{NodeSet, PaxosTag};

use super::{MemberReport, Standing, Synchronised, UpdateKey, View};
use crate::test_context::{blank_report, node, nodes, view};

fn report(active: bool, sequence: u64, applied: u64) -> MemberReport {
    MemberReport {
        active,
        tag: PaxosTag {
            next_epoch: 2,
            last_epoch: 2,
            sequence,
        },
        applied,
        ..blank_report()
    }
}

/// The report of a member that has agreed to the next update, sent in view epoch `epoch`.
fn agreed(report: MemberReport, epoch: u64) -> MemberReport {
    let key = UpdateKey {
        number: report.applied + 1,
        epoch,
        sender: node(1),
    };
    MemberReport {
        prepared: Some(key),
        ..report
    }
}

/// A view whose members 1, 2, … brought these reports.
fn of(reports: &[MemberReport]) -> View {
    let numbers: Vec<u8> = (1..).take(reports.len()).collect();
    let mut view = view(9, nodes(&numbers));
    for (ours, report) in view.reports.values_mut().zip(reports) {
        *ours = report.clone();
    }
    view
}

#[test]
fn an_active_member_is_the_source_before_one_with_a_newer_tag() {
    let view = of(&[report(false, 5, 5), agreed(report(true, 4, 4), 3)]);
    assert_eq!(view.source(None), node(2));
}

#[test]
fn of_two_agreements_with_one_number_the_later_epoch_counts() {
    let reports = [
        agreed(report(false, 4, 4), 3),
        agreed(report(false, 4, 4), 7),
    ];
    assert_eq!(of(&reports).source(None), node(2));
}

#[test]
fn of_equals_the_lowest_number_is_the_source() {
    let equal = report(true, 4, 4);
    assert_eq!(
        of(&[equal.clone(), equal.clone(), equal]).source(None),
        node(1)
    );
}

#[test]
fn what_the_witness_brought_replaces_what_its_holder_reported() {
    let view = of(&[report(false, 4, 4), report(false, 3, 3)]);
    let fresh = Standing {
        tag: report(false, 5, 5).tag,
        applied: 5,
        prepared: None,
        synchronised: Synchronised::default(),
    };
    assert_eq!(view.source(Some((node(2), fresh))), node(2));
}

/// The report, of a replica that was brought to a view with this epoch and members.
fn brought_to(report: MemberReport, epoch: u64, members: &[u8]) -> MemberReport {
    let synchronised = Synchronised {
        epoch,
        members: nodes(members),
    };
    MemberReport {
        synchronised,
        ..report
    }
}

#[test]
fn an_active_member_that_others_went_on_without_is_a_ghost() {
    let left = brought_to(report(true, 4, 4), 5, &[1, 2]);
    let ahead = brought_to(report(false, 4, 4), 6, &[2, 3]);
    assert_eq!(of(&[left, ahead]).ghosts(None), NodeSet::one(node(1)));
}

#[test]
fn a_view_that_never_opened_because_a_member_did_not_come_makes_that_member_no_ghost() {
    let slow = brought_to(report(true, 4, 4), 5, &[1, 2]);
    let quick = brought_to(report(true, 4, 4), 6, &[1, 2]);
    assert!(of(&[slow, quick]).ghosts(None).is_empty());
}

#[test]
fn the_copy_on_the_witness_tells_of_ghosts_too() {
    let left = brought_to(report(true, 4, 4), 5, &[1, 2]);
    let fresh = brought_to(report(false, 4, 4), 6, &[3]).standing();
    let view = of(&[left, report(false, 4, 4)]);
    assert_eq!(view.ghosts(Some((node(2), fresh))), NodeSet::one(node(1)));
}

#[test]
fn a_member_that_was_not_active_is_never_a_ghost() {
    let joiner = brought_to(report(false, 1, 1), 5, &[1]);
    let view = of(&[joiner, brought_to(report(true, 6, 6), 6, &[2])]);
    assert!(view.ghosts(None).is_empty());
}
