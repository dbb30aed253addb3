//! PREEMPT AND ABORT against a victim with many writes under way: after its GOOD nothing of the
//! victim's reaches the medium any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use scsi::pr::Out;
use scsi::{Command, Outcome, ReservationKey, ReservationType};

use super::client::{Client, ClientError};
use super::process::{Dice, LUN, Target, identity, rounds};

const DEPTH: u32 = 32;
const BLOCKS: u32 = 16;
const KIND: ReservationType = ReservationType::WriteExclusiveRegistrantsOnly;

fn key(value: u64) -> ReservationKey {
    ReservationKey::new(value).unwrap()
}

fn good(client: &mut Client, command: &Command) {
    let outcome = client.insist(LUN, command).unwrap();
    assert!(outcome.good().is_some(), "{command:?}: {outcome:?}");
}

fn out(client: &mut Client, out: Out) {
    good(client, &Command::PersistentReserveOut(out));
}

fn everything(client: &mut Client) -> Vec<u8> {
    let read = Command::Read {
        lba: 0,
        blocks: DEPTH * BLOCKS,
        block_bytes: 512,
    };
    match client.insist(LUN, &read).unwrap() {
        Outcome::Good(data) => data,
        other => panic!("{other:?}"),
    }
}

/// Sends all writes at once, says so, and answers the target's requests for data until the
/// attacker is done and beyond: when a command sent after that is answered, the target has seen
/// everything. Aborted commands are never answered (TAS = 0).
fn write_all(
    victim: &mut Client,
    stamp: u8,
    sent: &mpsc::Sender<()>,
    preempted: &AtomicBool,
) -> u32 {
    for number in 0..DEPTH {
        let data = vec![stamp; BLOCKS as usize * 512];
        let lba = u64::from(number * BLOCKS);
        let write = Command::Write {
            lba,
            blocks: BLOCKS,
            data,
            fua: false,
        };
        victim.submit(LUN, &write).unwrap();
    }
    sent.send(()).unwrap();
    let mut done = 0;
    victim.set_deadline(Duration::from_millis(1));
    while !preempted.load(Ordering::SeqCst) {
        match victim.next_outcome() {
            Ok((_, outcome)) => done += u32::from(outcome.good().is_some()),
            Err(ClientError::Deadline(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    victim.set_deadline(Duration::from_secs(20));
    let last = victim.submit(LUN, &Command::TestUnitReady).unwrap();
    loop {
        let (tag, outcome) = victim.next_outcome().unwrap();
        if tag == last {
            return done;
        }
        done += u32::from(outcome.good().is_some());
    }
}

#[test]
fn nothing_of_the_victim_lands_after_preempt_and_abort_is_good() {
    let state = tempfile::tempdir().unwrap();
    let target = Target::start(state.path(), &[]);
    let mut attacker = target.connect(1);
    // The victim's data comes on request only, so that it is under way for as long as can be.
    let mut slow = identity(2);
    slow.parameters.immediate_data = false;
    slow.parameters.initial_r2t = true;
    let mut dice = Dice(0x00c0_ffee_1234_5678);
    let (mut aborted, mut rounds_with_aborts) = (0, 0);
    for round in 0..rounds("LOOKSALIVE_ABORTS", 150) {
        let mut victim = target.connect_as(&slow).unwrap();
        out(&mut attacker, Out::register_and_ignore(Some(key(1))));
        out(&mut victim, Out::register_and_ignore(Some(key(2))));
        out(&mut victim, Out::reserve(key(2), KIND));
        let stamp = u8::try_from(round % 251 + 1).unwrap();
        let (sent, started) = mpsc::channel();
        let preempted = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&preempted);
        let writer = thread::spawn(move || write_all(&mut victim, stamp, &sent, &told));
        started.recv().unwrap();
        // Short pauses as often as long ones: writes are caught at every stage on any machine.
        let most = 1 << dice.roll(14);
        thread::sleep(Duration::from_micros(dice.roll(most)));
        out(
            &mut attacker,
            Out::preempt_and_abort(key(1), Some(key(2)), KIND),
        );
        let at_good = everything(&mut attacker);
        preempted.store(true, Ordering::SeqCst);
        let written = writer.join().unwrap();
        assert_eq!(
            everything(&mut attacker),
            at_good,
            "round {round}: data landed after GOOD"
        );
        aborted += DEPTH - written;
        rounds_with_aborts += u32::from(written < DEPTH);
        out(&mut attacker, Out::clear(key(1)));
    }
    eprintln!("{aborted} writes were stopped, in {rounds_with_aborts} rounds");
    assert!(
        rounds_with_aborts > 0,
        "the victim was never caught with writes under way"
    );
    let all = DEPTH * rounds("LOOKSALIVE_ABORTS", 150);
    assert!(aborted < all, "the victim never got as far as writing");
}
