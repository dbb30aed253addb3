//! What Windows clustering asks of a disk: its validation sequence with two and three initiators,
//! and an identity (section 12).

use super::Case;
use super::answer::{REGISTRATIONS_PREEMPTED, Want};
use super::bench::{Bench, Role};
use super::initiator::{CLEAR, Out, PREEMPT, REGISTER, REGISTER_AND_IGNORE, RELEASE, RESERVE};
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[("scsi-pr 12", Mark::Stated)];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "clustering/an-identity-that-clusters-accept",
            "VPD page 83h names the unit by NAA, EUI-64 or SCSI name, the same to everybody",
            SECTION,
            identity,
        )
        .harmless(),
        Case::new(
            "clustering/validation-with-two-initiators",
            "Clear, register, reserve, read back, preempt, release, unregister with two nodes",
            SECTION,
            two,
        ),
        Case::new(
            "clustering/validation-with-three-initiators",
            "Two challengers take a disk one after the other from its owner",
            SECTION,
            three,
        ),
        Case::new(
            "clustering/defence-by-registering-again",
            "An owner that finds its key gone registers and reserves in vain while another holds",
            SECTION,
            defence,
        ),
        Case::new(
            "clustering/clean-up-of-a-node",
            "REGISTER AND IGNORE and CLEAR free a disk that any other node holds",
            SECTION,
            clean_up,
        ),
        Case::new(
            "clustering/a-change-of-key-by-the-registered-key",
            "REGISTER with old and new key changes it, and REGISTER AND IGNORE starts anew",
            SECTION,
            change_of_key,
        ),
    ]
}

fn identity(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut all = Vec::new();
    let mut names = bench.observer().identification()?;
    names.retain(|one| one.association == 0 && matches!(one.kind, 2 | 3 | 8));
    all.push(names);
    let mut names = bench.actor(Role::Outsider).identification()?;
    names.retain(|one| one.association == 0 && matches!(one.kind, 2 | 3 | 8));
    all.push(names);
    let named = all.iter().all(|names| !names.is_empty());
    bench.check(
        "the unit has a designator of type NAA, EUI-64 or SCSI name",
        named,
    )?;
    bench.check(
        "the designators are the same to two initiators",
        all[0] == all[1],
    )
}

/// CprepDiskPRRegister and PRReserve.
fn take(bench: &mut Bench<'_>, role: Role) -> Result<(), Stop> {
    let key = role.key();
    bench.out(role, &Out::new(REGISTER_AND_IGNORE, 0, key), Want::Good)?;
    bench.out(role, &Out::new(RESERVE, key, 0).of_type(5), Want::Good)?;
    let held = bench.state()?.held;
    bench.check("the reservation is read back", held == Some((key, 5)))
}

/// PRPreempt of the holder's key.
fn challenge(bench: &mut Bench<'_>, role: Role, holder: Role) -> Result<(), Stop> {
    let key = role.key();
    bench.out(role, &Out::new(REGISTER_AND_IGNORE, 0, key), Want::Good)?;
    bench.out(role, &Out::new(RESERVE, key, 0).of_type(5), Want::Conflict)?;
    bench.out(
        role,
        &Out::new(PREEMPT, key, holder.key()).of_type(5),
        Want::Good,
    )?;
    let held = bench.state()?.held;
    bench.check("the challenger holds it", held == Some((key, 5)))?;
    bench.hears(holder, &[REGISTRATIONS_PREEMPTED])
}

/// Whether a role can write.
fn writes(bench: &mut Bench<'_>, role: Role, want: Want) -> Result<(), Stop> {
    let block = bench.actor(role).read_block()?;
    bench.expect("a read", &block, Want::Good)?;
    let write = bench.actor(role).write_block(&block.data)?;
    bench.expect(&format!("a write of the {}", role.word()), &write, want)
}

/// PRRelease and PRUnRegister.
fn leave(bench: &mut Bench<'_>, role: Role) -> Result<(), Stop> {
    bench.out(
        role,
        &Out::new(RELEASE, role.key(), 0).of_type(5),
        Want::Good,
    )?;
    bench.out(role, &Out::new(REGISTER_AND_IGNORE, 0, 0), Want::Good)
}

fn two(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (one, other) = (Role::Holder, Role::Registrant);
    take(bench, one)?;
    writes(bench, one, Want::Good)?;
    writes(bench, other, Want::Conflict)?;
    challenge(bench, other, one)?;
    writes(bench, one, Want::Conflict)?;
    writes(bench, other, Want::Good)?;
    leave(bench, other)?;
    bench.stands(&[], None)?;
    take(bench, one)?;
    leave(bench, one)
}

fn three(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (one, second, third) = (Role::Holder, Role::Registrant, Role::Outsider);
    take(bench, one)?;
    challenge(bench, second, one)?;
    challenge(bench, third, second)?;
    for role in [one, second] {
        writes(bench, role, Want::Conflict)?;
    }
    writes(bench, third, Want::Good)?;
    // A registrant that does not hold it may write under this type.
    bench.out(
        one,
        &Out::new(REGISTER_AND_IGNORE, 0, one.key()),
        Want::Good,
    )?;
    writes(bench, one, Want::Good)?;
    bench.out(third, &Out::new(CLEAR, third.key(), 0), Want::Good)?;
    bench.stands(&[], None)
}

fn defence(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (owner, challenger) = (Role::Holder, Role::Registrant);
    take(bench, owner)?;
    challenge(bench, challenger, owner)?;
    let key = owner.key();
    bench.out(owner, &Out::new(REGISTER, key, key), Want::Conflict)?;
    bench.out(owner, &Out::new(REGISTER_AND_IGNORE, 0, key), Want::Good)?;
    bench.out(owner, &Out::new(RESERVE, key, 0).of_type(5), Want::Conflict)?;
    bench.stands(&[key, challenger.key()], Some((challenger.key(), 5)))
}

fn clean_up(bench: &mut Bench<'_>) -> Result<(), Stop> {
    take(bench, Role::Holder)?;
    let key = Role::Registrant.key();
    bench.out(
        Role::Registrant,
        &Out::new(REGISTER_AND_IGNORE, 0, key),
        Want::Good,
    )?;
    bench.out(Role::Registrant, &Out::new(CLEAR, key, 0), Want::Good)?;
    bench.stands(&[], None)?;
    writes(bench, Role::Outsider, Want::Good)
}

fn change_of_key(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (old, new) = (Role::Holder.key(), Role::Registrant.key());
    bench.out(
        Role::Holder,
        &Out::new(REGISTER_AND_IGNORE, 0, old),
        Want::Good,
    )?;
    bench.out(Role::Holder, &Out::new(REGISTER, old, new), Want::Good)?;
    bench.stands(&[new], None)?;
    bench.out(Role::Holder, &Out::new(REGISTER, old, old), Want::Conflict)?;
    bench.out(
        Role::Holder,
        &Out::new(REGISTER_AND_IGNORE, 0, old),
        Want::Good,
    )?;
    bench.stands(&[old], None)
}
