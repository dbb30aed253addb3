//! The ping by which clients find a domain controller (MS-ADTS 6.3.1 to 6.3.3; reference, 4.1).

use super::root::RootAttribute;
use crate::store::object::control;
use crate::store::{Guid, Object, Sid, Store};
use rasn_ldap::Filter;

/// Primary, global catalogue, LDAP, directory, Kerberos, time, closest, writable and more: the
/// value that satisfied all tools in the measurements behind the reference.
const SERVER_FLAGS: u32 = 0xf3fd;

const VERSION_1: u32 = 1;
const VERSION_5: u32 = 2;
const VERSION_5_EX: u32 = 4;
const WITH_ADDRESS: u32 = 8;
const CLOSEST_SITE: u32 = 0x10;

/// What the clauses of the filter say. Without a version it is 5 (smbtorture asks for that).
#[derive(Debug, Default)]
struct Ping {
    domain: Option<String>,
    guid: Option<Vec<u8>>,
    sid: Option<Vec<u8>>,
    user: Option<String>,
    account_kinds: u32,
    version: u32,
}

/// The value of `netlogon`; nothing when the ping is about something else or malformed.
pub(super) fn answer(store: &Store, root: &[RootAttribute], filter: &Filter) -> Option<Vec<u8>> {
    let mut ping = Ping {
        version: VERSION_5,
        ..Ping::default()
    };
    read(filter, root, &mut ping)?;
    if !is_about_us(store, &ping) {
        return None;
    }
    let known = ping
        .user
        .as_deref()
        .is_none_or(|user| user.is_empty() || is_known(store.by_account(user), ping.account_kinds));
    Some(if ping.version & (VERSION_5_EX | WITH_ADDRESS) != 0 {
        extended(store, &ping, known)
    } else if ping.version & VERSION_5 != 0 {
        version_5(store, &ping, known)
    } else {
        oldest(store, &ping, known)
    })
}

/// Reads the clauses; those that are not the ping's own must be true of the root.
fn read(filter: &Filter, root: &[RootAttribute], ping: &mut Ping) -> Option<()> {
    match filter {
        Filter::And(all) => all.iter().try_for_each(|one| read(one, root, ping)),

        Filter::EqualityMatch(one) => {
            let value: &[u8] = &one.assertion_value;
            let text = || String::from_utf8(value.to_vec()).ok();
            let word = || Some(u32::from_le_bytes(value.try_into().ok()?));
            match one.attribute_desc.to_ascii_lowercase().as_str() {
                "dnsdomain" => ping.domain = Some(text()?),
                "domainguid" => ping.guid = Some(value.to_vec()),
                "domainsid" => ping.sid = Some(value.to_vec()),
                "user" => ping.user = Some(text()?),
                "aac" => ping.account_kinds = word()?,
                "ntver" => ping.version = word()?,
                "host" => {}
                name => {
                    let own = root.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
                    own?.1.iter().find(|own| own.as_slice() == value)?;
                }
            }
            Some(())
        }
        _ => None,
    }
}

/// The domain's name or its GUID has to be ours, where any is given.
fn is_about_us(store: &Store, ping: &Ping) -> bool {
    let domain = store.domain();
    let sid = ping.sid.as_deref().unwrap_or_default();
    if !sid.is_empty() && Sid::from_bytes(sid) != Some(domain.sid) {
        return false;
    }
    let name = ping.domain.as_ref().map(|name| {
        let name = name.trim_end_matches('.');
        let own = [&domain.dns, &domain.netbios];
        own.iter().any(|own| own.eq_ignore_ascii_case(name))
    });
    let guid = ping
        .guid
        .as_ref()
        .map(|guid| guid.as_slice() == domain.guid.0);
    match (name, guid) {
        (None, None) => true,
        (name, guid) => name == Some(true) || guid == Some(true),
    }
}

/// Whether an account exists, is in use, and is of a kind that was asked for; the kinds are bits
/// of the SAM (0x10 user, 0x80 computer, 0x100 domain controller), so that none fits zero.
fn is_known(account: Option<&Object>, kinds: u32) -> bool {
    let Some(account) = account else { return false };
    let bits = account.control();
    let kind = match () {
        () if bits & control::SERVER != 0 => 0x100,
        () if bits & control::WORKSTATION != 0 => 0x80,
        () => 0x10,
    };
    bits & control::DISABLED == 0 && kinds & kind != 0
}

fn extended(store: &Store, ping: &Ping, known: bool) -> Vec<u8> {
    let domain = store.domain();
    let opcode: u16 = if known { 23 } else { 25 };
    let mut bytes = [opcode.to_le_bytes(), [0, 0]].concat();
    bytes.extend(SERVER_FLAGS.to_le_bytes());
    bytes.extend(domain.guid.0);
    for name in [&domain.dns, &domain.dns, &domain.controller()] {
        bytes.extend(labels(name));
    }
    bytes.extend(label(&domain.netbios));
    bytes.extend(label(&domain.host.to_uppercase()));
    bytes.extend(label(ping.user.as_deref().unwrap_or_default()));
    bytes.extend(label(&domain.site));
    bytes.extend(label(&domain.site));
    let mut version = VERSION_1 | VERSION_5_EX;
    if ping.version & WITH_ADDRESS != 0 {
        version |= WITH_ADDRESS;
        bytes.push(16);
        bytes.extend([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    if ping.version & CLOSEST_SITE != 0 {
        version |= CLOSEST_SITE;
        bytes.extend(label(&domain.site));
    }
    finish(bytes, version)
}

fn version_5(store: &Store, ping: &Ping, known: bool) -> Vec<u8> {
    let domain = store.domain();
    let mut bytes = with_wide_names(store, ping, known);
    bytes.extend(domain.guid.0);
    bytes.extend(Guid([0; 16]).0);
    for name in [&domain.dns, &domain.dns, &domain.controller()] {
        bytes.extend(labels(name));
    }
    bytes.extend([127, 0, 0, 1]);
    bytes.extend(SERVER_FLAGS.to_le_bytes());
    finish(bytes, VERSION_1 | VERSION_5)
}

fn oldest(store: &Store, ping: &Ping, known: bool) -> Vec<u8> {
    finish(with_wide_names(store, ping, known), VERSION_1)
}

fn with_wide_names(store: &Store, ping: &Ping, known: bool) -> Vec<u8> {
    let domain = store.domain();
    let opcode: u16 = if known { 19 } else { 21 };
    let mut bytes = opcode.to_le_bytes().to_vec();
    let server = format!("\\\\{}", domain.host.to_uppercase());
    for name in [
        &server,
        ping.user.as_deref().unwrap_or_default(),
        &domain.netbios,
    ] {
        bytes.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    bytes
}

fn finish(mut bytes: Vec<u8>, version: u32) -> Vec<u8> {
    bytes.extend(version.to_le_bytes());
    bytes.extend([0xff; 4]);
    bytes
}

/// A DNS name in labels.
fn labels(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = name.split('.').flat_map(counted).collect();
    bytes.push(0);
    bytes
}

/// A name that is one label, whatever is in it.
fn label(name: &str) -> Vec<u8> {
    let mut bytes = if name.is_empty() {
        Vec::new()
    } else {
        counted(name)
    };
    bytes.push(0);
    bytes
}

fn counted(label: &str) -> Vec<u8> {
    let short = label.as_bytes().get(..63).unwrap_or(label.as_bytes());
    let count = u8::try_from(short.len()).unwrap_or(0);
    [&[count], short].concat()
}
