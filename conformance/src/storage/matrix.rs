//! Each type and no reservation, each action, each of holder, registrant and outsider.

use super::action::{self, Action};
use super::answer::{INVALID_FIELD_IN_CDB, Want};
use super::bench::{Bench, ROLES, Role, TYPES, type_words};
use super::expect::{Standing, outcome};
use super::{Case, answer};
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[
    ("scsi-pr 5", Mark::Stated),
    ("scsi-pr 7", Mark::Stated),
    ("scsi-pr 8", Mark::Stated),
];

pub(super) fn cases() -> Vec<Case> {
    let kinds = [None].into_iter().chain(TYPES.map(Some));
    let cells = kinds.flat_map(|kind| {
        let actions = action::all().into_iter();
        actions.flat_map(move |(action, name)| ROLES.map(|role| cell(action, &name, role, kind)))
    });
    cells.collect()
}

fn cell(action: Action, name: &str, role: Role, kind: Option<u8>) -> Case {
    let who = role.word();
    let (place, words) = match kind {
        None => (
            "no-reservation".to_owned(),
            "without a reservation".to_owned(),
        ),
        Some(kind) => (
            format!("type-{kind}"),
            format!("under {} (type {kind})", type_words(kind)),
        ),
    };
    let verb = name.replace('-', " ");
    Case::new(
        format!("{place}/{name}-by-the-{who}"),
        format!("What comes of {verb} by the {who} {words}"),
        SECTION,
        move |bench| run(bench, action, role, kind),
    )
}

fn run(bench: &mut Bench<'_>, action: Action, role: Role, kind: Option<u8>) -> Result<(), Stop> {
    bench.arrange(kind)?;
    let before = bench.state()?;
    let standing = Standing::before(kind);
    if (&before.keys, before.held) != (&standing.registered(), standing.reservation()) {
        let why = "registrations or the reservation are not as they were just set up";
        return Err(Stop::Inconclusive(why.to_owned()));
    }
    let wanted = outcome(action, role, kind);
    let answer = action.perform(bench, role, kind)?;
    if action.is_optional() && Want::Illegal(INVALID_FIELD_IN_CDB).takes(&answer) {
        let words = answer::words(&answer);
        let why = format!("the unit does not know this service action: {words}");
        return Err(Stop::NotApplicable(why));
    }
    bench.expect("the action", &answer, wanted.answer)?;
    if let Some(after) = wanted.standing {
        for one in ROLES {
            let told: Vec<u16> = wanted.told[one as usize].into_iter().collect();
            bench.hears(one, &told)?;
        }
        bench.stands(&after.registered(), after.reservation())?;
    }
    let Some(counted) = wanted.counted else {
        return Ok(());
    };
    let now = bench.state()?.generation;
    let grown = now.wrapping_sub(before.generation);
    bench.check(
        &format!("PRGENERATION grows by {grown} instead of {counted}"),
        grown == counted,
    )
}
