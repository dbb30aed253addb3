//! PERSISTENT RESERVE IN: keys, reservation, capabilities, full status (sections 2 to 4).

use super::Case;
use super::answer::{INVALID_FIELD_IN_CDB, Want, is_unknown};
use super::bench::{Bench, Role, TYPES, is_all};
use super::initiator::{
    ALL, APTPL, Initiator, Out, READ_FULL_STATUS, READ_KEYS, READ_RESERVATION, REGISTER,
    REGISTER_AND_IGNORE, REPLACE_LOST, REPORT_CAPABILITIES,
};
use crate::case::{Mark, Source, Stop};

const IN: &[Source] = &[("scsi-pr 2", Mark::Stated)];
const CAPABILITIES: &[Source] = &[("scsi-pr 3", Mark::Stated)];
const STATUS: &[Source] = &[("scsi-pr 4", Mark::Secondary)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            "reports/reserved-actions-are-refused",
            "PERSISTENT RESERVE IN with a service action from 4 to 1Fh is an invalid field",
            IN,
            reserved_actions,
        )
        .harmless(),
        Case::new(
            "reports/keys-are-cut-at-any-allocation-length",
            "READ KEYS cuts its data anywhere and tells its full length",
            IN,
            truncated,
        ),
        Case::new(
            "reports/an-empty-list-of-keys-is-eight-bytes",
            "READ KEYS without registrations is generation and length zero",
            IN,
            no_keys,
        ),
        Case::new(
            "reports/one-key-of-two-nexuses-stands-twice",
            "READ KEYS tells a key once for every nexus that has it",
            IN,
            key_twice,
        ),
        Case::new(
            "reports/capabilities-are-eight-bytes-that-say-so",
            "REPORT CAPABILITIES is eight bytes long and says what types there are",
            CAPABILITIES,
            capabilities,
        )
        .harmless(),
        Case::new(
            "reports/persistence-follows-the-last-registration",
            "PTPL_A follows the APTPL bit of the last registration at once",
            CAPABILITIES,
            persistence,
        ),
        Case::new(
            "reports/a-lost-reservation-is-replaced-only-where-it-can-be",
            "REPLACE LOST RESERVATION is an invalid field where RLR_C is zero",
            CAPABILITIES,
            replace_lost,
        ),
        Case::new(
            "reports/full-status-names-every-registrant",
            "READ FULL STATUS has key, holder, type, port and TransportID of each",
            STATUS,
            full_status,
        ),
        Case::new(
            "reports/seventy-registrants-are-all-told",
            "More than 64 registrants are kept and told, cut inside a descriptor too",
            STATUS,
            seventy,
        ),
    ];
    cases.extend(TYPES.map(|kind| {
        let id = format!("reports/the-reservation-is-told-under-type-{kind}");
        let title = format!("READ RESERVATION tells type {kind}, and key zero for all registrants");
        Case::new(id, title, IN, move |bench| reservation_told(bench, kind))
    }));
    cases
}

/// PERSISTENT RESERVE IN that must succeed; a unit that lacks it has nothing to show.
fn read(one: &mut Initiator, action: u8, allocation: u16) -> Result<Vec<u8>, Stop> {
    let answer = one.reserve_in(action, allocation)?;
    if is_unknown(&answer) || Want::Illegal(INVALID_FIELD_IN_CDB).takes(&answer) {
        let why = format!("the unit does not know service action {action}");
        return Err(Stop::NotApplicable(why));
    }
    if !Want::Good.takes(&answer) {
        let words = super::answer::words(&answer);
        return Err(Stop::Failed(format!(
            "service action {action} is answered with {words}"
        )));
    }
    Ok(answer.data)
}

fn number(data: &[u8], at: usize) -> u32 {
    let bytes = data.get(at..at + 4).and_then(|it| it.try_into().ok());
    bytes.map_or(u32::MAX, u32::from_be_bytes)
}

fn reserved_actions(bench: &mut Bench<'_>) -> Result<(), Stop> {
    read(bench.observer(), READ_KEYS, ALL)?;
    for action in 4..=0x1f {
        let answer = bench.observer().reserve_in(action, 255)?;
        let what = format!("service action {action:02X}h");
        bench.expect(&what, &answer, Want::Illegal(INVALID_FIELD_IN_CDB))?;
    }
    Ok(())
}

fn truncated(bench: &mut Bench<'_>) -> Result<(), Stop> {
    bench.arrange(None)?;
    let whole = read(bench.observer(), READ_KEYS, ALL)?;
    bench.check("two keys take 24 bytes", whole.len() == 24)?;
    for allocation in [0_u16, 1, 4, 7, 8, 9, 12, 16, 17, 23, 24, 25] {
        let data = read(bench.observer(), READ_KEYS, allocation)?;
        let length = usize::from(allocation).min(whole.len());
        bench.check(
            &format!("with room for {allocation} bytes it is the first {length}"),
            data == whole[..length],
        )?;
    }
    Ok(())
}

fn no_keys(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let data = read(bench.observer(), READ_KEYS, ALL)?;
    bench.check("it is eight bytes", data.len() == 8)?;
    bench.check("the length is zero", number(&data, 4) == 0)?;
    let data = read(bench.observer(), READ_RESERVATION, ALL)?;
    let is_empty = data.len() == 8 && number(&data, 4) == 0;
    bench.check("READ RESERVATION is eight bytes with length zero", is_empty)
}

fn key_twice(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let key = Role::Holder.key();
    for role in [Role::Holder, Role::Registrant] {
        bench.out(role, &Out::new(REGISTER, 0, key), Want::Good)?;
    }
    bench.stands(&[key, key], None)
}

fn reservation_told(bench: &mut Bench<'_>, kind: u8) -> Result<(), Stop> {
    bench.arrange(Some(kind))?;
    let data = read(bench.observer(), READ_RESERVATION, ALL)?;
    bench.check("it is 24 bytes", data.len() == 24 && number(&data, 4) == 16)?;
    let key = if is_all(kind) { 0 } else { Role::Holder.key() };
    bench.check(
        "the key is right",
        data.get(8..16) == Some(&key.to_be_bytes()),
    )?;
    bench.check("scope and type are right", data.get(21) == Some(&kind))?;
    for allocation in [0_u16, 8, 12, 21, 23] {
        let cut = read(bench.observer(), READ_RESERVATION, allocation)?;
        let first = &data[..usize::from(allocation)];
        bench.check(&format!("it is cut at {allocation} bytes"), cut == first)?;
    }
    Ok(())
}

fn capabilities(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let data = read(bench.observer(), REPORT_CAPABILITIES, ALL)?;
    bench.check("it is eight bytes", data.len() == 8)?;
    bench.check("its length says eight", data.get(..2) == Some(&[0, 8]))?;
    let byte = |at: usize| data.get(at).copied().unwrap_or_default();
    bench.check("reserved bits of bytes 2 and 3 are zero", {
        byte(2) & 0x62 == 0 && byte(3) & 0x0e == 0
    })?;
    bench.check("reserved bits of the type mask are zero", {
        byte(4) & 0x15 == 0 && byte(5) & 0xfe == 0 && byte(6) == 0 && byte(7) == 0
    })?;
    bench.check("the type mask is valid (TMV) when it names types", {
        byte(3) & 0x80 != 0 || (byte(4), byte(5)) == (0, 0)
    })?;
    let allowed = byte(3) >> 4 & 7;
    bench.check("ALLOW COMMANDS is not a reserved value", allowed <= 5)?;
    let active_without_capable = byte(3) & 1 != 0 && byte(2) & 1 == 0;
    bench.check("PTPL_A needs PTPL_C", !active_without_capable)
}

fn persistence(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let before = read(bench.observer(), REPORT_CAPABILITIES, ALL)?;
    if before.get(2).is_none_or(|byte| byte & 1 == 0) {
        return Err(Stop::NotApplicable(
            "the unit cannot persist (PTPL_C is 0)".to_owned(),
        ));
    }
    let key = Role::Holder.key();
    for (flag, action) in [(1, REGISTER_AND_IGNORE), (0, REGISTER), (1, REGISTER)] {
        let out = Out::new(action, if action == REGISTER { key } else { 0 }, key);
        bench.out(Role::Holder, &out.flagged(flag * APTPL), Want::Good)?;
        let data = read(bench.observer(), REPORT_CAPABILITIES, ALL)?;
        let active = data.get(3).map(|byte| byte & 1);
        bench.check(&format!("PTPL_A is {flag}"), active == Some(flag))?;
    }
    bench.out(Role::Holder, &Out::new(REGISTER, key, key), Want::Good)
}

fn replace_lost(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let data = read(bench.observer(), REPORT_CAPABILITIES, ALL)?;
    if data.get(2).is_some_and(|byte| byte & 0x80 != 0) {
        return Err(Stop::NotApplicable(
            "the unit can lose reservations (RLR_C is 1)".to_owned(),
        ));
    }
    bench.arrange(None)?;
    let out = Out::new(REPLACE_LOST, Role::Holder.key(), Role::Holder.key()).of_type(5);
    bench.out(Role::Holder, &out, Want::Illegal(INVALID_FIELD_IN_CDB))
}

/// One descriptor of READ FULL STATUS.
#[derive(Debug)]
struct Descriptor {
    key: u64,
    holds: bool,
    scope_and_type: u8,
    port: u16,
    transport_id: Vec<u8>,
}

fn descriptors(data: &[u8]) -> Option<Vec<Descriptor>> {
    let length = usize::try_from(number(data, 4)).ok()?;
    let mut rest = data.get(8..8_usize.checked_add(length)?)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let more = usize::try_from(number(rest.get(..24)?, 20)).ok()?;
        found.push(Descriptor {
            key: u64::from_be_bytes(rest[..8].try_into().ok()?),
            holds: rest[12] & 1 != 0,
            scope_and_type: rest[13],
            port: u16::from_be_bytes([rest[18], rest[19]]),
            transport_id: rest.get(24..24_usize.checked_add(more)?)?.to_vec(),
        });
        rest = &rest[24 + more..];
    }
    Some(found)
}

fn full_status(bench: &mut Bench<'_>) -> Result<(), Stop> {
    for kind in TYPES {
        bench.clean()?;
        bench.arrange(Some(kind))?;
        let data = read(bench.observer(), READ_FULL_STATUS, ALL)?;
        let list = descriptors(&data);
        let list = list.ok_or_else(|| Stop::Failed("the descriptors cannot be read".into()))?;
        bench.check("there are two descriptors", list.len() == 2)?;
        for role in [Role::Holder, Role::Registrant] {
            let one = list.iter().find(|one| one.key == role.key());
            let one = one.ok_or_else(|| Stop::Failed(format!("no {}", role.word())))?;
            let holds = role == Role::Holder || is_all(kind);
            let (who, id) = (role.word(), bench.actor(role).transport_id());
            bench.check(
                &format!("R_HOLDER of the {who} is right"),
                one.holds == holds,
            )?;
            let is_typed = !holds || one.scope_and_type == kind;
            bench.check(&format!("scope and type of the {who} are right"), is_typed)?;
            let same = one.transport_id.eq_ignore_ascii_case(&id);
            bench.check(
                &format!("the TransportID of the {who} is name and ISID"),
                same,
            )?;
            if let Ok(port) = bench.actor(role).relative_port() {
                bench.check(&format!("the port of the {who} is right"), one.port == port)?;
            }
        }
    }
    Ok(())
}

/// More than most targets have room for in one page.
const MANY: u16 = 70;

fn seventy(bench: &mut Bench<'_>) -> Result<(), Stop> {
    read(bench.observer(), READ_FULL_STATUS, ALL)?;
    for number in 0..MANY {
        let mut one = bench.another("many", 100 + number)?;
        let answer = one.reserve_out(&Out::new(REGISTER, 0, 0x100 + u64::from(number)))?;
        bench.expect(&format!("registration {number}"), &answer, Want::Good)?;
        one.log_out()?;
    }
    let keys: Vec<u64> = (0..u64::from(MANY)).map(|number| 0x100 + number).collect();
    bench.stands(&keys, None)?;
    let whole = read(bench.observer(), READ_FULL_STATUS, ALL)?;
    let list = descriptors(&whole).unwrap_or_default();
    bench.check(
        "every registrant has its descriptor",
        list.len() == usize::from(MANY),
    )?;
    for allocation in [9_u16, 31, 100, 4096, 4100] {
        let cut = read(bench.observer(), READ_FULL_STATUS, allocation)?;
        let first = whole.get(..usize::from(allocation));
        bench.check(
            &format!("it is cut at {allocation} bytes"),
            Some(&cut[..]) == first,
        )?;
    }
    Ok(())
}
