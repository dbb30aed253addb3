//! A disk under a cluster shared volume.

use std::time::Duration;

use base::{NodeSet, Timestamp};
use scsi::pr::OutAction;
use scsi::{Command, Outcome};
use volume::is_in_use;

use super::super::{Report, Request};
use super::{Bench, FOREIGN, good, keys, laid_out, node, out_action, own, reservation};

/// Node 2, whose key the tests call foreign, is a member as well.
fn members() -> Request {
    Request::Share {
        with: [1, 2].map(node).into_iter().collect::<NodeSet>(),
    }
}

#[test]
fn an_owner_leaves_the_registrations_of_members_alone() {
    let mut bench = Bench::new();
    bench.ask(members());
    bench.hold();
    bench.sleep();
    bench.answer(reservation(2, Some(own())));
    bench.answer(keys(2, &[own(), FOREIGN]));
    assert!(bench.flight.is_none(), "nothing is taken out");
}

#[test]
fn an_owner_takes_out_who_is_no_member_any_more() {
    let mut bench = Bench::new();
    bench.ask(members());
    bench.hold();
    let with = NodeSet::one(node(1));
    bench.ask(Request::Share { with });
    bench.sleep();
    assert_eq!(bench.now, Timestamp::ZERO, "at once");
    bench.answer(reservation(1, Some(own())));
    bench.answer(keys(1, &[own(), FOREIGN]));
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Preempt));
}

#[test]
fn a_member_registers_and_looks_whether_that_stays_so() {
    let mut bench = Bench::new();
    bench.ask(Request::Attach);
    let register = Some(OutAction::RegisterAndIgnoreExistingKey);
    assert_eq!(out_action(&bench.answer(good())), register);
    assert_eq!(bench.reports(), [Report::Attached { ok: true }]);
    bench.sleep();
    assert_eq!(bench.now, Timestamp::ZERO + Duration::from_secs(3));
    bench.answer(keys(3, &[FOREIGN, own()]));
    assert!(bench.reports().is_empty(), "nothing new");
    bench.sleep();
    bench.answer(Outcome::PathLost);
    assert_eq!(bench.reports(), [Report::Attached { ok: false }]);
    bench.sleep();
    bench.answer(keys(3, &[FOREIGN, own()]));
    assert_eq!(bench.reports(), [Report::Attached { ok: true }]);
    bench.sleep();
    bench.answer(keys(4, &[FOREIGN]));
    assert_eq!(bench.reports(), [Report::Fenced]);
}

#[test]
fn a_member_that_could_not_register_tries_again() {
    let mut bench = Bench::new();
    bench.ask(Request::Attach);
    bench.answer(Outcome::PathLost);
    assert_eq!(bench.reports(), [Report::Attached { ok: false }]);
    bench.sleep();
    let register = Some(OutAction::RegisterAndIgnoreExistingKey);
    assert_eq!(out_action(&bench.answer(good())), register);
    assert_eq!(bench.reports(), [Report::Attached { ok: true }]);
}

#[test]
fn a_registered_member_may_arbitrate_and_hold() {
    let mut bench = Bench::new();
    bench.ask(members());
    bench.ask(Request::Attach);
    bench.answer(good());
    bench.reports();
    bench.hold();
}

#[test]
fn in_2003_nobody_registers_beside_the_owner() {
    let mut bench = super::reserve::bench_2003();
    bench.ask(Request::Attach);
    assert_eq!(bench.reports(), [Report::Attached { ok: false }]);
}

#[test]
fn the_owner_marks_the_volume_and_leaves_it_cleanly() {
    let mut bench = Bench::new();
    bench.ask(members());
    bench.hold();
    bench.ask(Request::Check);
    let marked = written(&mut bench);
    assert!(is_in_use(&marked));
    let reports = bench.reports();
    assert!(matches!(
        reports[..],
        [Report::SharedFile(_), Report::Checked { ok: true }]
    ));
    bench.ask(Request::Check);
    super::answer_from(&mut bench, &laid_out_shared(), 512);
    assert_eq!(bench.reports().len(), 2, "once is enough");
    bench.ask(Request::Release);
    let Command::Write { data, .. } = bench.answer(good()) else {
        panic!("the mark goes first");
    };
    assert!(!is_in_use(&data));
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Release));
}

/// Answers a check until the boot sector is written, and returns what was written.
fn written(bench: &mut Bench) -> Vec<u8> {
    let image = laid_out_shared();
    loop {
        let flight = bench.flight.as_ref().expect("a command is in flight");
        if let Command::Write { data, .. } = &flight.1 {
            let data = data.clone();
            bench.answer(good());
            return data;
        }
        let outcome = super::work::outcome_of(&flight.1, &image, 512);
        bench.answer(outcome);
    }
}

fn laid_out_shared() -> Vec<u8> {
    laid_out(512, volume::Reserve::SharedFile)
}

#[test]
fn a_release_answers_those_whose_reads_and_writes_it_drops() {
    let mut bench = Bench::new();
    bench.ask(members());
    bench.hold();
    bench.ask(Request::Read { page: 1, pages: 1 });
    bench.ask(Request::Read { page: 2, pages: 1 });
    bench.ask(Request::Release);
    assert_eq!(bench.reports(), [Report::Read { data: None }]);
}
