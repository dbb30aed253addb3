//! Unit attentions: to whom, and which commands report them (section 8).

use super::Case;
use super::answer::{RESERVATIONS_PREEMPTED, RESERVATIONS_RELEASED, UNIT_ATTENTION, Want};
use super::bench::{Bench, Role};
use super::initiator::{CLEAR, Out, READ_KEYS, REGISTER, RELEASE};
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[("scsi-pr 8", Mark::Stated)];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "attention/not-told-by-inquiry-report-luns-and-request-sense",
            "INQUIRY and REPORT LUNS succeed while a unit attention waits, and do not take it",
            SECTION,
            not_taken,
        ),
        Case::new(
            "attention/told-before-anything-else",
            "A waiting unit attention comes before a reservation conflict",
            SECTION,
            first,
        ),
        Case::new(
            "attention/never-to-the-sender-or-to-bystanders",
            "Neither the sender nor who is not registered is told",
            SECTION,
            nobody_else,
        ),
        Case::new(
            "attention/oldest-first",
            "Two different unit attentions come in the order of what caused them",
            SECTION,
            in_order,
        )
        .hearsay(),
        Case::new(
            "attention/reported-once",
            "A unit attention is reported once",
            SECTION,
            once,
        ),
    ]
}

fn release(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    let out = Out::new(RELEASE, Role::Holder.key(), 0).of_type(5);
    bench.prepare("release", |it| it.actor(Role::Holder).reserve_out(&out))
}

fn not_taken(bench: &mut Bench<'_>) -> Result<(), Stop> {
    release(bench)?;
    let one = bench.actor(Role::Registrant);
    let inquiry = one.send(&[0x12, 0, 0, 0, 36, 0], &[], 36)?;
    let luns = one.send(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0], &[], 64)?;
    bench.expect("INQUIRY", &inquiry, Want::Good)?;
    bench.expect("REPORT LUNS", &luns, Want::Good)?;
    bench.hears(Role::Registrant, &[RESERVATIONS_RELEASED])
}

fn first(bench: &mut Bench<'_>) -> Result<(), Stop> {
    release(bench)?;
    let answer = bench.actor(Role::Registrant).reserve_in(READ_KEYS, 8)?;
    let told = answer.sense == Some((UNIT_ATTENTION, RESERVATIONS_RELEASED));
    bench.check("READ KEYS reports the unit attention", told)?;
    let answer = bench.actor(Role::Registrant).reserve_in(READ_KEYS, 8)?;
    bench.expect("READ KEYS after it", &answer, Want::Good)
}

fn nobody_else(bench: &mut Bench<'_>) -> Result<(), Stop> {
    release(bench)?;
    bench.hears(Role::Holder, &[])?;
    bench.hears(Role::Outsider, &[])?;
    bench.hears(Role::Registrant, &[RESERVATIONS_RELEASED])?;
    bench.out(
        Role::Holder,
        &Out::new(CLEAR, Role::Holder.key(), 0),
        Want::Good,
    )?;
    bench.hears(Role::Holder, &[])?;
    bench.hears(Role::Outsider, &[])?;
    bench.hears(Role::Registrant, &[RESERVATIONS_PREEMPTED])
}

fn in_order(bench: &mut Bench<'_>) -> Result<(), Stop> {
    release(bench)?;
    bench.out(
        Role::Holder,
        &Out::new(CLEAR, Role::Holder.key(), 0),
        Want::Good,
    )?;
    bench.hears(
        Role::Registrant,
        &[RESERVATIONS_RELEASED, RESERVATIONS_PREEMPTED],
    )
}

fn once(bench: &mut Bench<'_>) -> Result<(), Stop> {
    release(bench)?;
    bench.hears(Role::Registrant, &[RESERVATIONS_RELEASED])?;
    bench.hears(Role::Registrant, &[])?;
    let key = Role::Registrant.key();
    bench.out(Role::Registrant, &Out::new(REGISTER, key, key), Want::Good)
}
