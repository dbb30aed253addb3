//! REGISTER AND MOVE beyond the matrix (section 5).

use super::Case;
use super::answer::{INVALID_FIELD_IN_CDB, INVALID_FIELD_IN_LIST, Want};
use super::bench::{Bench, Role};
use super::initiator::Move;
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[("scsi-pr 5", Mark::Secondary)];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "move/to-somebody-registered-changes-its-key",
            "REGISTER AND MOVE to a registered nexus gives it the new key and the reservation",
            SECTION,
            to_registered,
        ),
        Case::new(
            "move/to-itself-is-refused",
            "REGISTER AND MOVE to the sender's own nexus is refused",
            SECTION,
            |bench| refused(bench, Wrong::Itself),
        ),
        Case::new(
            "move/to-a-port-that-does-not-exist-is-refused",
            "REGISTER AND MOVE to an unknown relative target port is refused",
            SECTION,
            |bench| refused(bench, Wrong::Port),
        ),
        Case::new(
            "move/with-key-zero-is-refused",
            "REGISTER AND MOVE with a new key of zero is refused",
            SECTION,
            |bench| refused(bench, Wrong::Key),
        ),
        Case::new(
            "move/with-a-broken-transport-id-is-refused",
            "REGISTER AND MOVE with a TransportID that is cut is refused",
            SECTION,
            |bench| refused(bench, Wrong::TransportId),
        ),
    ]
}

/// A good move to a role, where the unit knows such things.
fn good(bench: &mut Bench<'_>, to: Role) -> Result<Move, Stop> {
    bench.arrange(Some(5))?;
    let it = Move {
        key: 0,
        other: 0x0e,
        unregister: false,
        port: bench.actor(to).relative_port()?,
        transport_id: bench.actor(to).transport_id(),
    };
    // Nobody moves what he does not hold; a unit without the action says so now.
    let answer = bench.actor(Role::Registrant).register_and_move(5, &it)?;
    if Want::Illegal(INVALID_FIELD_IN_CDB).takes(&answer) {
        return Err(Stop::NotApplicable(
            "the unit has no REGISTER AND MOVE".to_owned(),
        ));
    }
    Ok(Move {
        key: Role::Holder.key(),
        ..it
    })
}

fn to_registered(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let it = good(bench, Role::Registrant)?;
    let answer = bench.actor(Role::Holder).register_and_move(5, &it)?;
    bench.expect("the move", &answer, Want::Good)?;
    bench.stands(&[Role::Holder.key(), it.other], Some((it.other, 5)))?;
    bench.hears(Role::Registrant, &[])
}

/// What is wrong with a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Itself,
    Port,
    Key,
    TransportId,
}

fn refused(bench: &mut Bench<'_>, wrong: Wrong) -> Result<(), Stop> {
    let mut it = good(bench, Role::Outsider)?;
    let mut want = Want::AnyIllegal;
    match wrong {
        Wrong::Itself => {
            it.transport_id = bench.actor(Role::Holder).transport_id();
            want = Want::Illegal(INVALID_FIELD_IN_LIST);
        }
        Wrong::Port => {
            it.port = 0x7777;
            want = Want::Illegal(INVALID_FIELD_IN_LIST);
        }
        Wrong::Key => it.other = 0,
        Wrong::TransportId => it.transport_id.truncate(12),
    }
    let answer = bench.actor(Role::Holder).register_and_move(5, &it)?;
    bench.expect("the move", &answer, want)?;
    let (holder, other) = (Role::Holder.key(), Role::Registrant.key());
    bench.stands(&[holder, other], Some((holder, 5)))
}
