//! PREEMPT beyond the matrix: shared keys, races, types that are ignored, bystanders (section 5).

use super::Case;
use super::answer::{
    GOOD, INVALID_FIELD_IN_CDB, REGISTRATIONS_PREEMPTED, RESERVATIONS_RELEASED, Want,
};
use super::bench::{Bench, Role, TYPES, is_all};
use super::initiator::{Out, PREEMPT, PREEMPT_AND_ABORT, REGISTER, RESERVE};
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[("scsi-pr 5", Mark::Stated), ("scsi-pr 13", Mark::Secondary)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            "preempt/a-type-is-ignored-where-only-registrations-go",
            "PREEMPT of a registrant ignores scope and type",
            SECTION,
            type_ignored,
        ),
        Case::new(
            "preempt/a-type-that-does-not-exist-takes-nothing",
            "PREEMPT of the holder with a type that does not exist is an invalid field",
            SECTION,
            bad_type,
        ),
        Case::new(
            "preempt/every-registration-with-the-key-goes",
            "PREEMPT removes every registration with the key but the sender's",
            SECTION,
            shared_key,
        ),
        Case::new(
            "preempt/one-of-two-wins",
            "Of two that preempt each other the second is not registered any more",
            SECTION,
            race,
        ),
        Case::new(
            "preempt/without-abort-ends-no-session",
            "The victim's session stands, its reads and writes are judged by the new type",
            SECTION,
            victim_goes_on,
        ),
        Case::new(
            "preempt/with-abort-without-a-reservation",
            "PREEMPT AND ABORT removes registrations where nobody holds anything",
            SECTION,
            abort_without,
        ),
    ];
    cases.extend(TYPES.map(|kind| {
        let id = format!("preempt/the-same-type-again-under-type-{kind}");
        let title =
            format!("PREEMPT of the holder with type {kind} again tells those that stay nothing");
        Case::new(id, title, SECTION, move |bench| same_type(bench, kind))
    }));
    cases.extend(TYPES.map(|kind| {
        let id = format!("preempt/those-that-stay-learn-of-a-new-type-than-{kind}");
        let title = format!(
            "PREEMPT of type {kind} with another one tells those that stay registered 2A/04"
        );
        Case::new(id, title, SECTION, move |bench| new_type(bench, kind))
    }));
    cases
}

fn type_ignored(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    for kind in [0_u8, 2, 15] {
        bench.clean()?;
        bench.arrange(Some(5))?;
        let out = Out::new(PREEMPT, holder, other).of_type(kind);
        bench.out(Role::Holder, &out, Want::Good)?;
        bench.stands(&[holder], Some((holder, 5)))?;
        bench.hears(Role::Registrant, &[REGISTRATIONS_PREEMPTED])?;
    }
    Ok(())
}

fn bad_type(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    for kind in [0_u8, 2, 4, 9, 15] {
        let out = Out::new(PREEMPT, other, holder).of_type(kind);
        bench.out(Role::Registrant, &out, Want::Illegal(INVALID_FIELD_IN_CDB))?;
    }
    bench.stands(&[holder, other], Some((holder, 5)))
}

fn shared_key(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let key = Role::Holder.key();
    bench.arrange(None)?;
    bench.out(Role::Outsider, &Out::new(REGISTER, 0, key), Want::Good)?;
    let other = Role::Registrant.key();
    bench.out(Role::Registrant, &Out::new(PREEMPT, other, key), Want::Good)?;
    bench.stands(&[other], None)?;
    bench.hears(Role::Holder, &[REGISTRATIONS_PREEMPTED])?;
    bench.hears(Role::Outsider, &[REGISTRATIONS_PREEMPTED])
}

fn race(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    let first = Out::new(PREEMPT, other, holder).of_type(5);
    bench.out(Role::Registrant, &first, Want::Good)?;
    bench.hears(Role::Holder, &[REGISTRATIONS_PREEMPTED])?;
    let second = Out::new(PREEMPT, holder, other).of_type(5);
    bench.out(Role::Holder, &second, Want::Conflict)?;
    bench.stands(&[other], Some((other, 5)))
}

fn victim_goes_on(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    bench.out(
        Role::Registrant,
        &Out::new(PREEMPT, other, holder).of_type(5),
        Want::Good,
    )?;
    bench.hears(Role::Holder, &[REGISTRATIONS_PREEMPTED])?;
    let read = bench.actor(Role::Holder).read_block()?;
    bench.expect("the victim's read", &read, Want::Good)?;
    let block = read.data;
    let write = bench.actor(Role::Holder).write_block(&block)?;
    bench.expect("the victim's write", &write, Want::Conflict)
}

fn abort_without(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(None)?;
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    bench.out(
        Role::Holder,
        &Out::new(PREEMPT_AND_ABORT, holder, other),
        Want::Good,
    )?;
    bench.stands(&[holder], None)?;
    bench.hears(Role::Registrant, &[REGISTRATIONS_PREEMPTED])
}

/// Three registrants; the registrant takes the reservation of type `old` with type `new`. Returns
/// whether the preempt was GOOD.
fn take_over(bench: &mut Bench<'_>, old: u8, new: u8) -> Result<(), Stop> {
    bench.arrange(Some(old))?;
    bench.register(Role::Outsider)?;
    // Of types 7 and 8 the reservation is named by key zero, which removes everybody else.
    let key = Role::Holder.key();
    let out = Out::new(PREEMPT, Role::Registrant.key(), key).of_type(new);
    let answer = bench.actor(Role::Registrant).reserve_out(&out)?;
    bench.expect("the preempt", &answer, Want::Good)?;
    bench.check("it is GOOD", answer.status == GOOD)
}

fn same_type(bench: &mut Bench<'_>, kind: u8) -> Result<(), Stop> {
    take_over(bench, kind, kind)?;
    bench.hears(Role::Holder, &[REGISTRATIONS_PREEMPTED])?;
    bench.hears(Role::Outsider, &[])?;
    bench.hears(Role::Registrant, &[])
}

fn new_type(bench: &mut Bench<'_>, kind: u8) -> Result<(), Stop> {
    let new = super::action::other_type(kind);
    take_over(bench, kind, new)?;
    let (taker, third) = (Role::Registrant.key(), Role::Outsider.key());
    bench.hears(Role::Holder, &[REGISTRATIONS_PREEMPTED])?;
    bench.hears(Role::Registrant, &[])?;
    if is_all(kind) {
        // Only a registration went: everybody left still holds it, with its type.
        bench.hears(Role::Outsider, &[])?;
        return bench.stands(&[taker, third], Some((0, kind)));
    }
    bench.hears(Role::Outsider, &[RESERVATIONS_RELEASED])?;
    bench.stands(&[taker, third], Some((taker, new)))?;
    let again = Out::new(RESERVE, taker, 0).of_type(new);
    bench.out(Role::Registrant, &again, Want::Good)
}
