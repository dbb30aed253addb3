//! The reservations of 2003: reset, renew, settle.

use std::time::Duration;

use base::{Generation, Timestamp};
use scsi::{Command, Outcome, Sense, SenseKey};

use super::super::{Input, Report, Request};
use super::{Bench, good};

/// A driver of 2003.
pub(super) fn bench_2003() -> Bench {
    let mut bench = Bench::new();
    let defaults = Generation::V2003.defaults();
    bench.call(Some(Input::Configure {
        interval: defaults.disk_arbitration_interval,
        challenge_wait: defaults.disk_challenge_wait,
        settle_wait: defaults.disk_settle_wait,
        fence: defaults.disk_fence,
    }));
    bench
}

/// A unit that tells of a reset.
fn attention() -> Outcome {
    Outcome::CheckCondition(Sense::new(
        SenseKey::UnitAttention,
        scsi::Additional(0x29, 0x02),
    ))
}

fn answer_reset(bench: &mut Bench, outcome: Outcome) {
    let io = bench.reset.take().expect("a reset is in flight");
    bench.call(Some(Input::Done { io, outcome }));
}

fn challenge(bench: &mut Bench) {
    bench.ask(Request::Arbitrate);
    assert_eq!(
        bench.answer(Outcome::ReservationConflict),
        Command::Reserve6
    );
    answer_reset(bench, good());
}

#[test]
fn in_2003_a_free_disk_is_reserved_and_renewed_every_three_seconds() {
    let mut bench = bench_2003();
    bench.ask(Request::Arbitrate);
    assert_eq!(bench.answer(good()), Command::Reserve6);
    assert_eq!(bench.reports(), [Report::Held]);
    for beat in 1..=3 {
        bench.sleep();
        assert_eq!(bench.answer(good()), Command::Reserve6);
        assert_eq!(bench.now, Timestamp::ZERO + Duration::from_secs(3 * beat));
    }
    assert!(bench.reports().is_empty());
}

#[test]
fn in_2003_a_challenger_resets_reserves_after_seven_seconds_and_has_the_disk_after_ten() {
    let mut bench = bench_2003();
    challenge(&mut bench);
    bench.sleep();
    assert_eq!(bench.now, Timestamp::ZERO + Duration::from_secs(7));
    assert_eq!(bench.answer(good()), Command::Reserve6);
    assert!(bench.reports().is_empty());
    bench.sleep();
    assert_eq!(bench.now, Timestamp::ZERO + Duration::from_secs(10));
    bench.answer(good());
    assert_eq!(bench.reports(), [Report::Held]);
}

#[test]
fn in_2003_a_challenger_that_meets_a_renewed_reservation_has_lost() {
    let lost = [Report::ArbitrationLost { unreachable: false }];
    let mut bench = bench_2003();
    challenge(&mut bench);
    bench.sleep();
    bench.answer(Outcome::ReservationConflict);
    assert_eq!(bench.reports(), lost);
    challenge(&mut bench);
    bench.sleep();
    bench.answer(good());
    bench.sleep();
    bench.answer(Outcome::ReservationConflict);
    assert_eq!(bench.reports(), lost, "also while the reservation settles");
}

#[test]
fn in_2003_a_conflict_at_the_renewal_loses_the_disk_at_once() {
    let mut bench = bench_2003();
    bench.ask(Request::Arbitrate);
    bench.answer(good());
    bench.reports();
    bench.sleep();
    bench.answer(Outcome::ReservationConflict);
    assert_eq!(bench.reports(), [Report::Lost]);
}

#[test]
fn in_2003_a_reservation_got_right_after_a_reset_settles_first() {
    let mut bench = bench_2003();
    bench.ask(Request::Arbitrate);
    bench.answer(attention());
    bench.answer(good());
    assert!(bench.reports().is_empty(), "an owner may be about to renew");
    bench.sleep();
    bench.answer(good());
    assert_eq!(bench.reports(), [Report::Held]);
}

#[test]
fn in_2003_a_unit_that_refuses_the_reset_is_not_had() {
    let mut bench = bench_2003();
    bench.ask(Request::Arbitrate);
    bench.answer(Outcome::ReservationConflict);
    answer_reset(&mut bench, Outcome::PathLost);
    assert_eq!(
        bench.reports(),
        [Report::ArbitrationLost { unreachable: true }]
    );
}

#[test]
fn in_2003_a_disk_is_given_back_by_release() {
    let mut bench = bench_2003();
    bench.ask(Request::Arbitrate);
    bench.answer(good());
    bench.reports();
    bench.ask(Request::Release);
    assert_eq!(bench.answer(good()), Command::Release6);
    assert_eq!(bench.reports(), [Report::Released]);
}
