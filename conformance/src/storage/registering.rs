//! REGISTER and its kin beyond the matrix: lists, flags, keys (section 5).

use super::Case;
use super::answer::{INVALID_FIELD_IN_CDB, INVALID_FIELD_IN_LIST, PARAMETER_LIST_LENGTH, Want};
use super::bench::{Bench, NOBODY, ROLES, Role, TYPES};
use super::initiator::{
    ALL, ALL_TG_PT, APTPL, CLEAR, Out, PREEMPT, REGISTER, REGISTER_AND_IGNORE, RELEASE,
    REPORT_CAPABILITIES, RESERVE, SPEC_I_PT, out_cdb,
};
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[("scsi-pr 5", Mark::Stated)];
const ORDER: &[Source] = &[("scsi-pr 5", Mark::Secondary), ("scsi-pr 6", Mark::Stated)];

pub(super) fn cases() -> Vec<Case> {
    [plain(), flagged()].into_iter().flatten().collect()
}

/// Keys, actions, types and lists.
fn plain() -> Vec<Case> {
    vec![
        Case::new(
            "register/a-wrong-key-leaves-the-old-one",
            "Registering again with a wrong key conflicts and leaves the old key",
            SECTION,
            wrong_key,
        ),
        Case::new(
            "register/nothing-from-nobody-is-good",
            "REGISTER of key zero by an unregistered initiator is GOOD and registers nobody",
            SECTION,
            nothing,
        ),
        Case::new(
            "register/a-key-changes-in-place",
            "A change of the holder's key keeps holder and type and tells nobody",
            SECTION,
            changed_in_place,
        ),
        Case::new(
            "register/reserved-actions-are-refused",
            "PERSISTENT RESERVE OUT with a service action from 9 to 1Fh is an invalid field",
            SECTION,
            reserved_actions,
        ),
        Case::new(
            "register/types-that-do-not-exist-are-refused",
            "RESERVE with a type of 0, 2, 4 or 9 to Fh is an invalid field",
            ORDER,
            bad_types,
        ),
        Case::new(
            "register/scopes-that-do-not-exist-are-refused",
            "RESERVE with a scope other than zero is an invalid field",
            ORDER,
            bad_scopes,
        ),
        Case::new(
            "register/a-list-of-another-length-is-refused",
            "A basic parameter list that is not 24 bytes long is a length error",
            ORDER,
            bad_lengths,
        ),
        Case::new(
            "register/an-unregistered-key-conflicts-even-without-a-reservation",
            "Every action of an unregistered initiator but registering conflicts",
            SECTION,
            unregistered,
        ),
    ]
}

/// What is counted, and what flags ask for.
fn flagged() -> Vec<Case> {
    vec![
        Case::new(
            "register/only-success-counts",
            "PRGENERATION counts successful registrations, clears and preempts and nothing else",
            SECTION,
            counted,
        ),
        Case::new(
            "register/for-others-by-their-transport-ids",
            "SPEC_I_PT registers the sender and everybody named, all or nothing",
            SECTION,
            for_others,
        ),
        Case::new(
            "register/for-others-only-where-that-is-told",
            "SPEC_I_PT is an invalid field where SIP_C is zero",
            SECTION,
            |bench| refused_unless(bench, SPEC_I_PT, 0x08),
        ),
        Case::new(
            "register/through-all-ports-only-where-that-is-told",
            "ALL_TG_PT is an invalid field where ATP_C is zero",
            SECTION,
            |bench| refused_unless(bench, ALL_TG_PT, 0x04),
        ),
        Case::new(
            "register/persistent-only-where-that-is-told",
            "APTPL is an invalid field where PTPL_C is zero",
            SECTION,
            |bench| refused_unless(bench, APTPL, 0x01),
        ),
        Case::new(
            "register/a-cut-transport-id-registers-nobody",
            "A TransportID that is cut or shorter than it says registers nobody",
            SECTION,
            cut_transport_id,
        ),
    ]
}

fn wrong_key(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.register(Role::Holder)?;
    let again = Out::new(REGISTER, NOBODY, Role::Registrant.key());
    bench.out(Role::Holder, &again, Want::Conflict)?;
    bench.stands(&[Role::Holder.key()], None)?;
    let right = Out::new(REGISTER, Role::Holder.key(), Role::Registrant.key());
    bench.out(Role::Holder, &right, Want::Good)?;
    bench.stands(&[Role::Registrant.key()], None)
}

fn nothing(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.out(Role::Outsider, &Out::new(REGISTER, 0, 0), Want::Good)?;
    bench.out(
        Role::Outsider,
        &Out::new(REGISTER_AND_IGNORE, 0, 0),
        Want::Good,
    )?;
    bench.stands(&[], None)
}

fn changed_in_place(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in TYPES {
        bench.clean()?;
        bench.arrange(Some(kind))?;
        let change = Out::new(REGISTER, Role::Holder.key(), NOBODY);
        bench.out(Role::Holder, &change, Want::Good)?;
        let key = if super::bench::is_all(kind) {
            0
        } else {
            NOBODY
        };
        bench.stands(&[NOBODY, Role::Registrant.key()], Some((key, kind)))?;
        for role in ROLES {
            bench.hears(role, &[])?;
        }
    }
    Ok(())
}

fn reserved_actions(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(None)?;
    for action in 9..=0x1f {
        let out = Out::new(action, Role::Holder.key(), 0).of_type(5);
        bench.out(Role::Holder, &out, Want::Illegal(INVALID_FIELD_IN_CDB))?;
    }
    bench.stands(&[Role::Holder.key(), Role::Registrant.key()], None)
}

fn bad_types(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(None)?;
    for kind in (0..16).filter(|kind| !TYPES.contains(kind)) {
        let out = Out::new(RESERVE, Role::Holder.key(), 0).of_type(kind);
        bench.out(Role::Holder, &out, Want::Illegal(INVALID_FIELD_IN_CDB))?;
    }
    bench.stands(&[Role::Holder.key(), Role::Registrant.key()], None)
}

fn bad_scopes(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(None)?;
    for scope in 1..16 {
        let mut out = Out::new(RESERVE, Role::Holder.key(), 0).of_type(5);
        out.scope = scope;
        bench.out(Role::Holder, &out, Want::Illegal(INVALID_FIELD_IN_CDB))?;
    }
    bench.stands(&[Role::Holder.key(), Role::Registrant.key()], None)
}

fn bad_lengths(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.register(Role::Holder)?;
    for length in [8, 16, 23, 25, 32, 48] {
        let mut list = Role::Holder.key().to_be_bytes().to_vec();
        list.resize(length, 0);
        let cdb = out_cdb(RESERVE, 5, length);
        let answer = bench.actor(Role::Holder).send(&cdb, &list, 0)?;
        let what = format!("a list of {length} bytes");
        bench.expect(&what, &answer, Want::Illegal(PARAMETER_LIST_LENGTH))?;
    }
    bench.stands(&[Role::Holder.key()], None)
}

fn unregistered(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for action in [RESERVE, RELEASE, CLEAR, PREEMPT] {
        for key in [0, NOBODY] {
            let out = Out::new(action, key, 0).of_type(5);
            bench.out(Role::Outsider, &out, Want::Conflict)?;
        }
    }
    bench.stands(&[], None)
}

fn counted(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (key, other) = (Role::Holder.key(), Role::Registrant.key());
    let steps = [
        ("REGISTER", Out::new(REGISTER, 0, key), 1, Want::Good),
        (
            "a refused REGISTER",
            Out::new(REGISTER, NOBODY, other),
            0,
            Want::Conflict,
        ),
        (
            "RESERVE",
            Out::new(RESERVE, key, 0).of_type(5),
            0,
            Want::Good,
        ),
        (
            "RESERVE again",
            Out::new(RESERVE, key, 0).of_type(5),
            0,
            Want::Good,
        ),
        (
            "a refused RESERVE",
            Out::new(RESERVE, key, 0).of_type(6),
            0,
            Want::Conflict,
        ),
        (
            "PREEMPT of itself",
            Out::new(PREEMPT, key, key).of_type(1),
            1,
            Want::Good,
        ),
        (
            "RELEASE",
            Out::new(RELEASE, key, 0).of_type(1),
            0,
            Want::Good,
        ),
        (
            "REGISTER AND IGNORE",
            Out::new(REGISTER_AND_IGNORE, 0, other),
            1,
            Want::Good,
        ),
        ("CLEAR", Out::new(CLEAR, other, 0), 1, Want::Good),
    ];
    let mut generation = bench.state()?.generation;
    for (what, out, counts, want) in steps {
        bench.out(Role::Holder, &out, want)?;
        let now = bench.state()?.generation;
        let grown = now.wrapping_sub(generation);
        bench.check(
            &format!("{what} counts {grown} instead of {counts}"),
            grown == counts,
        )?;
        generation = now;
    }
    Ok(())
}

/// Whether REPORT CAPABILITIES sets this bit of byte 2.
fn capable(bench: &mut Bench<'_>, bit: u8) -> Result<bool, Stop> {
    let answer = bench.observer().reserve_in(REPORT_CAPABILITIES, ALL)?;
    Ok(answer.data.get(2).is_some_and(|byte| byte & bit != 0))
}

fn refused_unless(bench: &mut Bench<'_>, flag: u8, bit: u8) -> Result<(), Stop> {
    let capable = capable(bench, bit)?;
    let mut out = Out::new(REGISTER, 0, Role::Holder.key()).flagged(flag);
    if flag == SPEC_I_PT {
        let id = bench.actor(Role::Registrant).transport_id();
        out.more = list_of(&[id]);
    }
    if capable {
        bench.out(Role::Holder, &out, Want::Good)
    } else {
        bench.out(Role::Holder, &out, Want::Illegal(INVALID_FIELD_IN_LIST))?;
        bench.stands(&[], None)
    }
}

/// TransportIDs with their length before them.
fn list_of(ids: &[Vec<u8>]) -> Vec<u8> {
    let all = ids.concat();
    let length = u32::try_from(all.len()).unwrap_or(u32::MAX);
    [length.to_be_bytes().to_vec(), all].concat()
}

fn needs_for_others(bench: &mut Bench<'_>) -> Result<(), Stop> {
    if capable(bench, 0x08)? {
        Ok(())
    } else {
        let why = "the unit registers nobody for others (SIP_C is 0)";
        Err(Stop::NotApplicable(why.to_owned()))
    }
}

fn for_others(bench: &mut Bench<'_>) -> Result<(), Stop> {
    needs_for_others(bench)?;
    let key = Role::Holder.key();
    let ids = [
        bench.actor(Role::Registrant).transport_id(),
        bench.actor(Role::Outsider).device_transport_id(),
    ];
    let mut out = Out::new(REGISTER, 0, key).flagged(SPEC_I_PT);
    out.more = list_of(&ids);
    bench.out(Role::Holder, &out, Want::Good)?;
    let keys = bench.state()?.keys;
    let shared = keys.len() == 3 && keys.iter().all(|one| *one == key);
    bench.check("three nexuses have the key", shared)?;
    bench.out(
        Role::Registrant,
        &Out::new(RESERVE, key, 0).of_type(5),
        Want::Good,
    )?;
    bench.out(Role::Registrant, &Out::new(REGISTER, key, 0), Want::Good)?;
    // The registrant held it for registrants: the others learn that it is gone.
    bench.actor(Role::Holder).attentions()?;
    let again = Out {
        key,
        other: key,
        ..out
    };
    bench.out(Role::Holder, &again, Want::AnyIllegal)
}

fn cut_transport_id(bench: &mut Bench<'_>) -> Result<(), Stop> {
    needs_for_others(bench)?;
    let id = bench.actor(Role::Registrant).transport_id();
    let whole = list_of(std::slice::from_ref(&id));
    let mut longer = whole.clone();
    longer[3] = longer[3].wrapping_add(4);
    let mut shorter = whole.clone();
    shorter[3] = shorter[3].wrapping_sub(4);
    let mut id_too_long = whole.clone();
    id_too_long[7] = id_too_long[7].wrapping_add(4);
    let cut = [
        &whole[..3],
        &whole[..4 + 8],
        &longer,
        &shorter,
        &id_too_long,
    ];
    for (number, more) in cut.into_iter().enumerate() {
        let mut out = Out::new(REGISTER, 0, Role::Holder.key()).flagged(SPEC_I_PT);
        out.more = more.to_vec();
        let answer = bench.actor(Role::Holder).reserve_out(&out)?;
        bench.expect(&format!("broken list {number}"), &answer, Want::AnyIllegal)?;
    }
    bench.stands(&[], None)
}
