//! Free disks are taken, live owners defend, dead owners lose.

use std::time::Duration;

use base::{
    DiskId, Generation, Incarnation, IoId, Manager, NodeId, Notice, Now, Outbox, Rng, Timestamp,
    VolumeFault,
};
use scsi::pr::{InAction, OutAction};
use scsi::{Command, Outcome, Sense, SenseKey};

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

/// READ CAPACITY(16) data of a disk of 64 MiB.
fn capacity(block_bytes: u32) -> Outcome {
    let mut data = vec![0; 32];
    let last = u64::from((64 << 20) / block_bytes) - 1;
    data[..8].copy_from_slice(&last.to_be_bytes());
    data[8..12].copy_from_slice(&block_bytes.to_be_bytes());
    Outcome::Good(data)
}

/// Answers everything that a check asks of a disk whose bytes are `image`.
fn answer_from(bench: &mut Bench, image: &[u8], block_bytes: u32) {
    while let Some((_, command)) = &bench.flight {
        let outcome = match command {
            Command::ReadCapacity16 => capacity(block_bytes),
            Command::Read { lba, blocks, .. } => {
                let at = usize::try_from(lba * u64::from(block_bytes)).unwrap();
                Outcome::Good(image[at..at + (blocks * block_bytes) as usize].to_vec())
            }
            _ => good(),
        };
        bench.answer(outcome);
    }
}

fn laid_out(block_bytes: u32) -> Vec<u8> {
    let disk = volume::Disk {
        blocks: u64::from((64 << 20) / block_bytes),
        block_bytes,
        signature: 7,
    };
    let mut image = vec![0; 64 << 20];
    for piece in volume::format(disk, "data", volume::Reserve::Nothing).unwrap() {
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
        answer_from(&mut bench, &laid_out(block_bytes), block_bytes);
        assert_eq!(bench.reports(), [Report::Checked { ok: true }]);
        assert!(bench.notices.is_empty());
    }
}

#[test]
fn a_check_of_a_blank_or_damaged_disk_says_no_and_why() {
    let mut damaged = laid_out(512);
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
fn a_check_that_meets_a_conflict_says_no() {
    let mut bench = Bench::new();
    bench.hold();
    bench.ask(Request::Check);
    assert_eq!(bench.answer(capacity(512)), Command::ReadCapacity16);
    assert_eq!(bench.answer(good()), Command::TestUnitReady);
    bench.answer(Outcome::ReservationConflict);
    assert_eq!(bench.reports(), [Report::Checked { ok: false }]);
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

/// A driver of 2003.
fn bench_2003() -> Bench {
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
