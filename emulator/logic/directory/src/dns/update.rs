//! Dynamic updates: prerequisites, permission, checks of the whole before any change, changes.
//!
//! RFC 2136 section 3, RFC 3007 (who signs may); facts 3.1 to 3.3. Rules of this server: the
//! names of a secure zone belong to who registered them first.

use std::collections::{BTreeMap, BTreeSet};

use domain::base::iana::{Class, Rcode, Rtype};

use super::Name;
use super::data::Data;
use super::message::{Entry, Request};
use super::zone::{Node, Updates, Zone};

/// Who asks for an update, as far as it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker<'a> {
    /// Nobody has signed.
    Anybody,
    /// Whoever has signed.
    Principal(&'a str),
    /// May change everything: a controller, an administrator, or a key of this server's own.
    Trusted(&'a str),
}

/// What the prerequisites say about the zone.
pub(super) fn prerequisites(zone: &Zone, request: &Request) -> Result<(), Rcode> {
    let mut wanted: BTreeMap<(&Name, Rtype), BTreeSet<&Data>> = BTreeMap::new();
    for entry in &request.answer {
        if entry.ttl != 0 {
            return Err(Rcode::FORMERR);
        }
        if !zone.covers(&entry.name) {
            return Err(Rcode::NOTZONE);
        }
        match (entry.class, &entry.data) {
            (Class::ANY, None) => require(stands(zone, entry), absence(entry.rtype))?,
            (Class::NONE, None) => require(!stands(zone, entry), presence(entry.rtype))?,
            (Class::IN, Some(data)) if !is_meta(entry.rtype) => {
                wanted
                    .entry((&entry.name, entry.rtype))
                    .or_default()
                    .insert(data);
            }
            _ => return Err(Rcode::FORMERR),
        }
    }
    let equal = |((name, rtype), wanted): (&(&Name, Rtype), &BTreeSet<&Data>)| {
        let set = zone.set(name, *rtype);
        set.is_some_and(|set| set.data.iter().eq(wanted.iter().copied()))
    };
    require(wanted.iter().all(equal), Rcode::NXRRSET)
}

fn require(holds: bool, otherwise: Rcode) -> Result<(), Rcode> {
    holds.then_some(()).ok_or(otherwise)
}

fn stands(zone: &Zone, entry: &Entry) -> bool {
    match entry.rtype {
        Rtype::ANY => zone.node(&entry.name).is_some(),
        rtype => zone.set(&entry.name, rtype).is_some(),
    }
}

fn absence(rtype: Rtype) -> Rcode {
    if rtype == Rtype::ANY {
        Rcode::NXDOMAIN
    } else {
        Rcode::NXRRSET
    }
}

fn presence(rtype: Rtype) -> Rcode {
    if rtype == Rtype::ANY {
        Rcode::YXDOMAIN
    } else {
        Rcode::YXRRSET
    }
}

/// Types that only questions have, and those of signatures.
fn is_meta(rtype: Rtype) -> bool {
    (128..=255).contains(&rtype.to_int()) || rtype == Rtype::OPT
}

/// Checks every update before any is made (RFC 2136 section 3.4.1).
pub(super) fn prescan(zone: &Zone, request: &Request) -> Result<(), Rcode> {
    for entry in &request.authority {
        if !zone.covers(&entry.name) {
            return Err(Rcode::NOTZONE);
        }
        let is_any = entry.rtype == Rtype::ANY;
        let well_formed = match (entry.class, &entry.data) {
            (Class::IN, Some(_)) => !is_meta(entry.rtype),
            (Class::ANY, None) => entry.ttl == 0 && (is_any || !is_meta(entry.rtype)),
            (Class::NONE, Some(_)) => entry.ttl == 0 && !is_meta(entry.rtype),
            _ => false,
        };
        require(well_formed, Rcode::FORMERR)?;
    }
    Ok(())
}

/// Whether the asker may make every one of the updates.
pub(super) fn permission(zone: &Zone, request: &Request, asker: Asker<'_>) -> Result<(), Rcode> {
    let may = match (zone.updates(), asker) {
        (Updates::None, _) | (Updates::Secure, Asker::Anybody) => false,
        (Updates::Any, _) | (_, Asker::Trusted(_)) => true,
        (Updates::Secure, Asker::Principal(who)) => request
            .authority
            .iter()
            .all(|entry| is_owner(zone, &entry.name, who)),
    };
    require(may, Rcode::REFUSED)
}

/// A name that nobody has registered is free; the apex is the controller's.
fn is_owner(zone: &Zone, name: &Name, who: &str) -> bool {
    match zone.node(name) {
        None => name != zone.apex(),
        Some(node) => node
            .owner
            .as_deref()
            .is_some_and(|owner| owner.eq_ignore_ascii_case(who)),
    }
}

/// Makes the updates; returns the names at which something has changed, the apex among them
/// whenever the serial number has.
pub(super) fn apply(zone: &mut Zone, request: &Request, asker: Asker<'_>) -> BTreeSet<Name> {
    let mut changed = BTreeSet::new();
    let serial = zone.serial();
    for entry in &request.authority {
        let apex = zone.apex().clone();
        let may_grow = zone.has_room() || zone.node(&entry.name).is_some();
        let now_changed = zone.change(&entry.name, |node| {
            let is_apex = entry.name == apex;
            let changed = match (entry.class, &entry.data) {
                (Class::IN, Some(data)) => may_grow && add(node, entry, data, is_apex),
                (Class::ANY, _) if entry.rtype == Rtype::ANY => clear(node, is_apex),
                (Class::ANY, _) => remove_set(node, entry.rtype, is_apex),
                (_, Some(data)) => remove(node, data, is_apex),
                _ => false,
            };
            if changed && node.owner.is_none() && !is_apex {
                node.owner = owner(zone_owner(asker));
            }
            changed
        });
        if now_changed {
            changed.insert(entry.name.clone());
        }
    }
    if !changed.is_empty() {
        if zone.serial() == serial {
            zone.raise_serial();
        }
        changed.insert(zone.apex().clone());
    }
    changed
}

fn zone_owner(asker: Asker<'_>) -> Option<&str> {
    match asker {
        Asker::Anybody => None,
        Asker::Principal(who) | Asker::Trusted(who) => Some(who),
    }
}

fn owner(who: Option<&str>) -> Option<String> {
    who.map(str::to_owned)
}

/// Adds a record; an alias and other data exclude each other, and the newcomer is ignored.
fn add(node: &mut Node, entry: &Entry, data: &Data, is_apex: bool) -> bool {
    let rtype = entry.rtype;
    let has_alias = node.sets.contains_key(&Rtype::CNAME);
    let has_other = node.sets.keys().any(|it| *it != Rtype::CNAME);
    let excluded = if rtype == Rtype::CNAME {
        has_other
    } else {
        has_alias
    };
    if excluded || rtype == Rtype::SOA && !(is_apex && is_newer(node, data)) {
        return false;
    }
    let set = node.sets.entry(rtype).or_default();
    let before = set.clone();
    if matches!(rtype, Rtype::CNAME | Rtype::SOA) {
        set.data.clear();
    }
    set.ttl = entry.ttl;
    set.data.replace(data.clone());
    *set != before
}

fn is_newer(node: &Node, data: &Data) -> bool {
    let standing = node
        .sets
        .get(&Rtype::SOA)
        .and_then(|set| set.data.first()?.serial());
    match (standing, data.serial()) {
        (Some(standing), Some(offered)) => {
            offered.partial_cmp(&standing) == Some(std::cmp::Ordering::Greater)
        }
        (_, offered) => offered.is_some(),
    }
}

/// What an update never takes from the apex.
fn is_fixed(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::SOA | Rtype::NS)
}

fn clear(node: &mut Node, is_apex: bool) -> bool {
    let before = node.sets.len();
    node.sets.retain(|rtype, _| is_apex && is_fixed(*rtype));
    node.sets.len() != before
}

fn remove_set(node: &mut Node, rtype: Rtype, is_apex: bool) -> bool {
    !(is_apex && is_fixed(rtype)) && node.sets.remove(&rtype).is_some()
}

fn remove(node: &mut Node, data: &Data, is_apex: bool) -> bool {
    let rtype = data.rtype();
    let Some(set) = node.sets.get_mut(&rtype) else {
        return false;
    };
    let is_last_server = is_apex && rtype == Rtype::NS && set.data.len() == 1;
    if rtype == Rtype::SOA || is_last_server {
        return false;
    }
    let removed = set.data.remove(data);
    if set.data.is_empty() {
        node.sets.remove(&rtype);
    }
    removed
}
