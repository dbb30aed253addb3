//! Free disks are taken, live owners defend, dead owners lose.

mod reserve;
mod shared;
mod work;

use work::{answer_from, laid_out};

use std::time::Duration;

use base::{DiskId, Incarnation, IoId, Manager, NodeId, Notice, Now, Outbox, Rng, Timestamp};
use scsi::pr::{InAction, OutAction};
use scsi::{Command, Outcome, Sense, asc};

use super::{Clusdisk, Input, Output, Report, Request, key_of};
use crate::{Context, Facts};

const DISK: DiskId = DiskId(1);
const FOREIGN: u64 = 0x0200_0001_4c41_4356;

struct Bench {
    driver: Clusdisk,
    now: Timestamp,
    flight: Option<(IoId, Command)>,
    /// The reset in flight.
    reset: Option<IoId>,
    reports: Vec<Report>,
    /// What was said of the volume.
    notices: Vec<Notice>,
}

impl Bench {
    fn new() -> Self {
        let driver = Clusdisk::new(node(1), Incarnation(1));
        Self {
            driver,
            now: Timestamp::ZERO,
            flight: None,
            reset: None,
            reports: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn call(&mut self, input: Option<Input>) {
        let (facts, mut rng, mut out) = (Facts::default(), Rng::new(1, 1), Outbox::default());
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            me: node(1),
            facts: &facts,
            rng: &mut rng,
        };
        match input {
            Some(input) => self.driver.handle(&mut cx, input, &mut out),
            None => self.driver.expire(&mut cx, &mut out),
        }
        self.driver.check(&cx);
        for output in out.drain() {
            match output {
                Output::Scsi { io, command, .. } => self.flight = Some((io, command)),
                Output::Reset { io, .. } => self.reset = Some(io),
                Output::Report(report) => self.reports.push(report.report),
                Output::Notice(notice @ Notice::VolumeFailed { .. }) => self.notices.push(notice),
                Output::Publish { .. } | Output::Notice(_) => {}
            }
        }
    }

    fn ask(&mut self, request: Request) {
        self.call(Some(Input::Request {
            disk: DISK,
            request,
        }));
    }

    /// Answers the command in flight and returns it.
    fn answer(&mut self, outcome: Outcome) -> Command {
        let (io, command) = self.flight.take().expect("a command is in flight");
        self.call(Some(Input::Done { io, outcome }));
        command
    }

    fn sleep(&mut self) {
        self.now = self.driver.deadline().expect("something is armed");
        self.call(None);
    }

    fn reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Takes the free disk.
    fn hold(&mut self) {
        self.ask(Request::Arbitrate);
        self.answer(good());
        self.answer(reservation(1, None));
        self.answer(good());
        self.answer(reservation(1, Some(own())));
        self.answer(keys(1, &[own()]));
        assert_eq!(self.reports(), [Report::Held]);
    }
}

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

fn own() -> u64 {
    key_of(node(1), Incarnation(1)).value()
}

fn good() -> Outcome {
    Outcome::Good(Vec::new())
}

fn power_on() -> Outcome {
    Outcome::CheckCondition(Sense::attention(asc::POWER_ON))
}

fn keys(generation: u32, keys: &[u64]) -> Outcome {
    let length = u32::try_from(keys.len() * 8).expect("few keys");
    let mut bytes = [generation.to_be_bytes(), length.to_be_bytes()].concat();
    keys.iter().for_each(|key| bytes.extend(key.to_be_bytes()));
    Outcome::Good(bytes)
}

fn reservation(generation: u32, holder: Option<u64>) -> Outcome {
    let mut bytes = generation.to_be_bytes().to_vec();
    match holder {
        None => bytes.extend([0; 4]),
        Some(key) => {
            bytes.extend(16_u32.to_be_bytes());
            bytes.extend(key.to_be_bytes());
            bytes.extend([0, 0, 0, 0, 0, 5, 0, 0]);
        }
    }
    Outcome::Good(bytes)
}

fn out_action(command: &Command) -> Option<OutAction> {
    match command {
        Command::PersistentReserveOut(out) => Some(out.action),
        _ => None,
    }
}

#[test]
fn a_free_disk_is_registered_reserved_and_verified() {
    let mut bench = Bench::new();
    bench.ask(Request::Arbitrate);
    let first = bench.answer(good());
    assert_eq!(
        out_action(&first),
        Some(OutAction::RegisterAndIgnoreExistingKey)
    );
    let second = bench.answer(reservation(1, None));
    assert_eq!(
        second,
        Command::PersistentReserveIn(InAction::ReadReservation)
    );
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Reserve));
    bench.answer(reservation(1, Some(own())));
    bench.answer(keys(1, &[own()]));
    assert_eq!(bench.reports(), [Report::Held]);
}

#[test]
fn a_challenger_whose_registration_is_taken_out_has_lost() {
    let mut bench = Bench::new();
    bench.ask(Request::Arbitrate);
    bench.answer(good());
    bench.answer(reservation(1, Some(FOREIGN)));
    assert_eq!(
        bench.driver.deadline(),
        Some(Timestamp::ZERO + Duration::from_secs(6))
    );
    bench.sleep();
    bench.answer(keys(2, &[FOREIGN]));
    assert_eq!(
        bench.reports(),
        [Report::ArbitrationLost { unreachable: false }]
    );
}

#[test]
fn a_challenger_that_is_still_registered_preempts_the_dead_owner() {
    let mut bench = Bench::new();
    bench.ask(Request::Arbitrate);
    bench.answer(good());
    bench.answer(reservation(1, Some(FOREIGN)));
    bench.sleep();
    bench.answer(keys(1, &[FOREIGN, own()]));
    bench.answer(reservation(1, Some(FOREIGN)));
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Preempt));
    bench.answer(reservation(2, Some(own())));
    bench.answer(keys(2, &[own()]));
    assert_eq!(bench.reports(), [Report::Held]);
}

#[test]
fn an_owner_that_returns_takes_a_waiting_challenger_out_before_the_disk_counts_as_held() {
    let mut bench = Bench::new();
    bench.ask(Request::Arbitrate);
    bench.answer(good());
    bench.answer(reservation(4, Some(own())));
    bench.answer(keys(4, &[FOREIGN, own()]));
    assert!(bench.reports().is_empty());
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Preempt));
    bench.answer(keys(5, &[own()]));
    assert_eq!(bench.reports(), [Report::Held]);
}

#[test]
fn an_owner_looks_every_three_seconds_and_takes_foreign_registrations_out() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    assert_eq!(bench.now, Timestamp::ZERO + Duration::from_secs(3));
    bench.answer(reservation(2, Some(own())));
    bench.answer(keys(2, &[own(), FOREIGN]));
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Preempt));
    assert!(bench.reports().is_empty());
}

#[test]
fn an_owner_that_proves_its_hold_again_does_not_overlook_a_challenger() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Arbitrate);
    bench.answer(reservation(2, Some(own())));
    bench.answer(keys(2, &[own(), FOREIGN]));
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Preempt));
    bench.answer(keys(3, &[own()]));
    assert_eq!(bench.reports(), [Report::Held]);
}

#[test]
fn an_owner_that_finds_another_holder_has_lost_the_disk() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.answer(reservation(9, Some(FOREIGN)));
    assert_eq!(bench.reports(), [Report::Lost]);
    assert_eq!(bench.driver.held().count(), 0);
}

#[test]
fn an_owner_without_an_answer_doubts_once_and_then_gives_up() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.answer(Outcome::PathLost);
    assert!(bench.reports().is_empty());
    bench.sleep();
    bench.answer(Outcome::PathLost);
    assert_eq!(bench.reports(), [Report::Lost]);
    assert_eq!(
        bench.now,
        Timestamp::ZERO + Duration::from_secs(4),
        "well before a challenge ends"
    );
}

#[test]
fn an_owner_whose_unit_lost_power_looks_for_challengers_whatever_the_generation() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.answer(power_on());
    bench.answer(reservation(1, Some(own())));
    bench.answer(keys(1, &[own(), FOREIGN]));
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Preempt));
}

#[test]
fn an_owner_that_is_told_late_of_new_power_has_lost_the_disk() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.now = bench.now + Duration::from_secs(4);
    bench.answer(power_on());
    assert_eq!(bench.reports(), [Report::Lost]);
}

#[test]
fn an_owner_whose_registration_is_gone_has_lost_the_disk() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.answer(reservation(2, Some(own())));
    bench.answer(keys(2, &[FOREIGN]));
    assert_eq!(bench.reports(), [Report::Lost]);
}

#[test]
fn a_page_that_never_came_and_a_look_without_an_answer_lose_the_disk() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Check);
    bench.now = bench.now + Duration::from_secs(5);
    bench.answer(Outcome::PathLost);
    bench.now = bench.now + Duration::from_secs(5);
    bench.answer(Outcome::PathLost);
    let lost = [Report::Lost, Report::Checked { ok: false }];
    assert_eq!(bench.reports(), lost);
}

#[test]
fn a_release_during_a_challenge_gives_up_and_unregisters() {
    let mut bench = Bench::new();
    bench.ask(Request::Arbitrate);
    bench.answer(good());
    bench.answer(reservation(1, Some(FOREIGN)));
    bench.ask(Request::Release);
    assert_eq!(out_action(&bench.answer(good())), Some(OutAction::Release));
    bench.answer(good());
    assert_eq!(bench.reports(), [Report::Released]);
}

#[test]
fn a_disk_that_was_given_back_in_doubt_can_be_taken_again() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.answer(Outcome::PathLost);
    bench.ask(Request::Release);
    bench.answer(Outcome::PathLost);
    bench.answer(Outcome::PathLost);
    assert_eq!(bench.reports(), [Report::Released]);
    bench.hold();
}

#[test]
fn what_was_to_be_read_before_a_disk_was_given_back_is_answered_after_that() {
    let mut bench = Bench::new();
    bench.hold();
    bench.sleep();
    bench.ask(Request::Read { page: 0, pages: 1 });
    bench.ask(Request::Release);
    bench.answer(Outcome::PathLost);
    bench.answer(good());
    bench.answer(good());
    let unread = Report::Read { data: None };
    assert_eq!(bench.reports(), [Report::Released, unread]);
}
