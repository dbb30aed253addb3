//! RESERVE and RELEASE of SPC-2 next to persistent reservations (section 9).

use super::Case;
use super::answer::{Want, is_unknown, words};
use super::bench::{Bench, ROLES, Role, TYPES, is_all, is_for_registrants};
use super::initiator::{ALL, Initiator, Out, REGISTER, REPORT_CAPABILITIES};
use crate::case::{Mark, Source, Stop};
use libiscsi::Function;

const SECTION: &[Source] = &[("scsi-pr 9", Mark::Secondary)];
const RESERVE_6: [u8; 6] = [0x16, 0, 0, 0, 0, 0];
const RELEASE_6: [u8; 6] = [0x17, 0, 0, 0, 0, 0];
const RESERVE_10: [u8; 10] = [0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const RELEASE_10: [u8; 10] = [0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            "spc-2/the-owner-reserves-again-and-others-conflict",
            "RESERVE of the owner is GOOD again, of another a conflict",
            SECTION,
            owner,
        ),
        Case::new(
            "spc-2/release-by-another-does-nothing",
            "RELEASE by one that holds nothing is GOOD and changes nothing",
            SECTION,
            release_by_another,
        ),
        Case::new(
            "spc-2/reserve-of-ten-bytes-is-the-same",
            "RESERVE(10) and RELEASE(10) are the six-byte ones over again",
            SECTION,
            ten,
        ),
        Case::new(
            "spc-2/gone-after-a-logout",
            "A logout ends the reservation",
            SECTION,
            |bench| gone_after(bench, |bench| bench.actor(Role::Holder).log_out()),
        ),
        Case::new(
            "spc-2/gone-after-connection-loss",
            "Connection loss ends the reservation",
            SECTION,
            |bench| {
                gone_after(bench, |bench| {
                    bench.actor(Role::Holder).drop_connection();
                    Ok(())
                })
            },
        ),
        Case::new(
            "spc-2/no-reservation-while-anybody-is-registered",
            "RESERVE and RELEASE conflict for whoever is not registered while others are",
            SECTION,
            registered_elsewhere,
        ),
    ];
    for (name, function) in [
        ("a-logical-unit-reset", Function::LogicalUnitReset),
        ("a-target-warm-reset", Function::TargetWarmReset),
        ("a-target-cold-reset", Function::TargetColdReset),
    ] {
        let title = format!("{} ends the reservation", name.replace('-', " "));
        let id = format!("spc-2/gone-after-{name}");
        cases.push(Case::new(id, title, SECTION, move |bench| {
            gone_after(bench, |bench| super::survival::reset(bench, function))
        }));
    }
    cases.extend(TYPES.map(|kind| {
        let id = format!("spc-2/compatible-handling-under-type-{kind}");
        let title = format!("With CRH RESERVE and RELEASE do nothing for who holds type {kind}");
        Case::new(id, title, SECTION, move |bench| compatible(bench, kind))
    }));
    cases
}

/// Has a role hold the unit; a unit that cannot is left alone.
pub(super) fn reserve(bench: &mut Bench<'_>, role: Role) -> Result<(), Stop> {
    let answer = bench.actor(role).send(&RESERVE_6, &[], 0)?;
    if is_unknown(&answer) {
        return Err(Stop::NotApplicable("the unit has no RESERVE(6)".to_owned()));
    }
    if Want::Good.takes(&answer) {
        return Ok(());
    }
    let words = words(&answer);
    Err(Stop::Inconclusive(format!("could not reserve: {words}")))
}

pub(super) fn release(one: &mut Initiator) -> Result<(), Stop> {
    one.send(&RELEASE_6, &[], 0).map(drop)
}

fn ready(bench: &mut Bench<'_>, role: Role, want: Want) -> Result<(), Stop> {
    let answer = bench.actor(role).test_unit_ready()?;
    bench.expect(
        &format!("TEST UNIT READY of the {}", role.word()),
        &answer,
        want,
    )
}

fn owner(bench: &mut Bench<'_>) -> Result<(), Stop> {
    reserve(bench, Role::Holder)?;
    let again = bench.actor(Role::Holder).send(&RESERVE_6, &[], 0)?;
    bench.expect("RESERVE of the owner", &again, Want::Good)?;
    let other = bench.actor(Role::Outsider).send(&RESERVE_6, &[], 0)?;
    bench.expect("RESERVE of another", &other, Want::Conflict)?;
    release(bench.actor(Role::Holder))?;
    let other = bench.actor(Role::Outsider).send(&RESERVE_6, &[], 0)?;
    bench.expect("RESERVE of another after RELEASE", &other, Want::Good)?;
    release(bench.actor(Role::Outsider))
}

fn release_by_another(bench: &mut Bench<'_>) -> Result<(), Stop> {
    reserve(bench, Role::Holder)?;
    let answer = bench.actor(Role::Outsider).send(&RELEASE_6, &[], 0)?;
    bench.expect("RELEASE of another", &answer, Want::Good)?;
    ready(bench, Role::Outsider, Want::Conflict)?;
    ready(bench, Role::Holder, Want::Good)
}

fn ten(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let answer = bench.actor(Role::Holder).send(&RESERVE_10, &[], 0)?;
    if is_unknown(&answer) {
        return Err(Stop::NotApplicable(
            "the unit has no RESERVE(10)".to_owned(),
        ));
    }
    bench.expect("RESERVE(10)", &answer, Want::Good)?;
    ready(bench, Role::Outsider, Want::Conflict)?;
    let answer = bench.actor(Role::Holder).send(&RELEASE_10, &[], 0)?;
    bench.expect("RELEASE(10)", &answer, Want::Good)?;
    ready(bench, Role::Outsider, Want::Good)
}

fn gone_after(
    bench: &mut Bench<'_>,
    end: impl FnOnce(&mut Bench<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    reserve(bench, Role::Holder)?;
    ready(bench, Role::Outsider, Want::Conflict)?;
    end(bench)?;
    // A connection that broke is noticed when its end arrives: give that a moment.
    for _ in 0..20 {
        bench.actor(Role::Outsider).attentions()?;
        let answer = bench.actor(Role::Outsider).test_unit_ready()?;
        if Want::Good.takes(&answer) {
            return bench.expect("TEST UNIT READY", &answer, Want::Good);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    ready(bench, Role::Outsider, Want::Good)
}

/// Whether the unit has compatible reservation handling.
fn has_compatible_handling(bench: &mut Bench<'_>) -> Result<bool, Stop> {
    let answer = bench.observer().reserve_in(REPORT_CAPABILITIES, ALL)?;
    Ok(answer.data.get(2).is_some_and(|byte| byte & 0x10 != 0))
}

fn registered_elsewhere(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.out(
        Role::Holder,
        &Out::new(REGISTER, 0, Role::Holder.key()),
        Want::Good,
    )?;
    let crh = has_compatible_handling(bench)?;
    for cdb in [RESERVE_6, RELEASE_6] {
        let answer = bench.actor(Role::Outsider).send(&cdb, &[], 0)?;
        if is_unknown(&answer) {
            return Err(Stop::NotApplicable("the unit has no RESERVE(6)".to_owned()));
        }
        bench.expect("RESERVE or RELEASE of an outsider", &answer, Want::Conflict)?;
        if !crh {
            let answer = bench.actor(Role::Holder).send(&cdb, &[], 0)?;
            bench.expect(
                "RESERVE or RELEASE of a registrant",
                &answer,
                Want::Conflict,
            )?;
        }
    }
    Ok(())
}

fn compatible(bench: &mut Bench<'_>, kind: u8) -> Result<(), Stop> {
    let crh = has_compatible_handling(bench)?;
    bench.arrange(Some(kind))?;
    for role in ROLES {
        let inside = match role {
            Role::Holder => true,
            Role::Registrant => is_for_registrants(kind),
            Role::Outsider => false,
        };
        let want = if crh && inside {
            Want::Good
        } else {
            Want::Conflict
        };
        for cdb in [RESERVE_6, RELEASE_6] {
            let answer = bench.actor(role).send(&cdb, &[], 0)?;
            if is_unknown(&answer) {
                return Err(Stop::NotApplicable("the unit has no RESERVE(6)".to_owned()));
            }
            bench.expect(
                &format!("code {:02X}h of the {}", cdb[0], role.word()),
                &answer,
                want,
            )?;
        }
    }
    let key = if is_all(kind) { 0 } else { Role::Holder.key() };
    bench.stands(
        &[Role::Holder.key(), Role::Registrant.key()],
        Some((key, kind)),
    )
}
