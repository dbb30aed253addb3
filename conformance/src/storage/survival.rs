//! What registrations and reservations survive: sessions, nexuses, resets (sections 10 and 11).

use super::Case;
use super::answer::Want;
use super::bench::{Bench, NOBODY, ROLES, Role};
use super::initiator::{APTPL, Out, REGISTER, RESERVE};
use crate::case::{Mark, Source, Stop};
use libiscsi::Function;

const SECTION: &[Source] = &[("scsi-pr 10", Mark::Stated), ("scsi-pr 11", Mark::Stated)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            "survival/a-nexus-that-logs-in-again-owns-its-registration",
            "After a logout and a login with the same ISID key and reservation are its own",
            SECTION,
            |bench| comes_back(bench, Ending::Logout),
        ),
        Case::new(
            "survival/a-nexus-that-lost-its-connection-owns-its-registration",
            "After connection loss and a login with the same ISID key and reservation are its own",
            SECTION,
            |bench| comes_back(bench, Ending::Loss),
        ),
        Case::new(
            "survival/a-reinstated-session-owns-its-registration",
            "A login with the same ISID beside the old session takes it over, registration and all",
            SECTION,
            |bench| comes_back(bench, Ending::Reinstatement),
        ),
        Case::new(
            "survival/the-reservation-stands-while-its-holder-is-away",
            "Others conflict while the holder has no session",
            SECTION,
            away,
        ),
        Case::new(
            "survival/another-isid-is-another-nexus",
            "A login with another ISID is not registered, and the old registration stays",
            SECTION,
            another_nexus,
        ),
        Case::new(
            "survival/generation-is-kept-over-resets",
            "Resets and lost sessions leave PRGENERATION alone",
            SECTION,
            generation,
        ),
    ];
    for (name, function) in [
        ("abort-task-set", Function::AbortTaskSet),
        ("clear-task-set", Function::ClearTaskSet),
        ("logical-unit-reset", Function::LogicalUnitReset),
        ("target-warm-reset", Function::TargetWarmReset),
        ("target-cold-reset", Function::TargetColdReset),
    ] {
        let id = format!("survival/reservations-survive-{name}");
        let title = format!(
            "Registrations and reservation survive {}",
            name.replace('-', " ")
        );
        cases.push(Case::new(id, title, SECTION, move |bench| {
            bench.arrange(Some(5))?;
            reset(bench, function)?;
            let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
            bench.stands(&[holder, other], Some((holder, 5)))
        }));
    }
    cases
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Logout,
    Loss,
    Reinstatement,
}

fn comes_back(bench: &mut Bench<'_>, ending: Ending) -> Result<(), Stop> {
    bench.arrange(Some(3))?;
    let holder = bench.actor(Role::Holder);
    match ending {
        Ending::Logout => {
            holder.log_out()?;
            holder.log_in()?;
        }
        Ending::Loss => {
            holder.drop_connection();
            holder.log_in()?;
        }
        Ending::Reinstatement => holder.reinstate()?,
    }
    holder.attentions()?;
    let read = holder.read_block()?;
    bench.expect("the holder's read", &read, Want::Good)?;
    let read = bench.actor(Role::Outsider).read_block()?;
    bench.expect("the outsider's read", &read, Want::Conflict)?;
    let (key, other) = (Role::Holder.key(), Role::Registrant.key());
    bench.stands(&[key, other], Some((key, 3)))?;
    let change = Out::new(REGISTER, key, NOBODY);
    bench.out(Role::Holder, &change, Want::Good)?;
    bench.stands(&[NOBODY, other], Some((NOBODY, 3)))
}

fn away(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    bench.actor(Role::Holder).log_out()?;
    let block = bench.actor(Role::Outsider).read_block()?;
    bench.expect("the outsider's read", &block, Want::Good)?;
    let write = bench.actor(Role::Outsider).write_block(&block.data)?;
    bench.expect("the outsider's write", &write, Want::Conflict)?;
    let write = bench.actor(Role::Registrant).write_block(&block.data)?;
    bench.expect("the registrant's write", &write, Want::Good)?;
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    bench.stands(&[holder, other], Some((holder, 5)))
}

fn another_nexus(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    let holder = bench.actor(Role::Holder);
    holder.log_out()?;
    holder.log_in_as(2)?;
    holder.attentions()?;
    let (key, other) = (Role::Holder.key(), Role::Registrant.key());
    bench.out(
        Role::Holder,
        &Out::new(RESERVE, key, 0).of_type(5),
        Want::Conflict,
    )?;
    bench.stands(&[key, other], Some((key, 5)))?;
    let holder = bench.actor(Role::Holder);
    holder.log_out()?;
    holder.log_in_as(1)?;
    holder.attentions()?;
    bench.out(
        Role::Holder,
        &Out::new(RESERVE, key, 0).of_type(5),
        Want::Good,
    )
}

/// Has the registrant ask for a task management function. Sessions that a cold reset ends begin
/// anew; unit attentions are taken.
pub(super) fn reset(bench: &mut Bench<'_>, function: Function) -> Result<(), Stop> {
    let response = bench.actor(Role::Registrant).manage(function);
    match response {
        Ok(0) => {}
        // The response itself may go with the sessions.
        Err(_) if function == Function::TargetColdReset => {}
        Err(stop) => return Err(stop),
        Ok(4 | 5) => {
            let why = "the target does not support this function";
            return Err(Stop::NotApplicable(why.to_owned()));
        }
        Ok(code) => {
            return Err(Stop::Failed(format!(
                "the target refuses it with response {code}"
            )));
        }
    }
    if function == Function::TargetColdReset {
        // Whether sessions end is the target's choice; both are right.
        for role in ROLES {
            bench.actor(role).drop_connection();
            bench.actor(role).log_in()?;
        }
        bench.observer().drop_connection();
        bench.observer().log_in()?;
    }
    for role in ROLES {
        bench.actor(role).attentions()?;
    }
    bench.observer().attentions().map(drop)
}

fn generation(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(Some(5))?;
    let key = Role::Holder.key();
    // Persistence may be absent: then this registration is refused and changes nothing.
    let persistent = Out::new(REGISTER, key, key).flagged(APTPL);
    bench.actor(Role::Holder).reserve_out(&persistent)?;
    let before = bench.state()?.generation;
    reset(bench, Function::LogicalUnitReset)?;
    bench.actor(Role::Holder).drop_connection();
    bench.actor(Role::Holder).log_in()?;
    let after = bench.state()?.generation;
    bench.check(
        &format!("PRGENERATION was {before} and is {after}"),
        before == after,
    )
}
