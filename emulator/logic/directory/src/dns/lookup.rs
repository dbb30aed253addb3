//! Answers to queries: exact names, aliases, delegations, wildcards, and what says that there is
//! nothing.
//!
//! RFC 1034 section 4.3.2, RFC 2308 (negative answers), RFC 4592 (wildcards). No recursion: names
//! of nobody here are refused.

use std::collections::BTreeSet;

use domain::base::Name as AnyName;
use domain::base::iana::{Class, Rcode, Rtype};

use super::message::{Record, Reply, Request};
use super::zone::{Node, RecordSet, Zone, depth, joined, suffixes};
use super::{Name, Zones};

/// How many aliases are followed for one answer.
const ALIASES_MAX: usize = 8;

/// Answers a query from the zones.
pub(super) fn answer(zones: &Zones, request: &Request) -> Reply {
    let asked = &request.question;
    if asked.class != Class::IN && asked.class != Class::ANY {
        return Reply::to(request, Rcode::NOTIMP);
    }
    let mut reply = Reply::to(request, Rcode::NOERROR);
    let mut name = asked.name.clone();
    let mut seen = BTreeSet::new();
    let Some(mut zone) = zones.of(&name) else {
        reply.header.set_rcode(Rcode::REFUSED);
        return reply;
    };
    reply.header.set_aa(true);
    loop {
        match find(zone, &name, asked.rtype) {
            Found::Alias(set, target) => {
                reply.answer.extend(records(&name, Rtype::CNAME, set));
                seen.insert(name);
                let goes_on = !seen.contains(&target) && seen.len() <= ALIASES_MAX;
                match zones.of(&target).filter(|_| goes_on) {
                    Some(next) => (zone, name) = (next, target),
                    None => break,
                }
            }
            other => {
                settle(&mut reply, zone, &name, other);
                break;
            }
        }
    }
    add_addresses(zones, &mut reply);
    reply
}

/// What a zone has for a question.
enum Found<'a> {
    Sets(Vec<(Rtype, &'a RecordSet)>),
    Alias(&'a RecordSet, Name),
    /// Another server knows, which is named at this name.
    Referral(Name, &'a RecordSet),
    /// The name is there, but nothing of the type.
    NoData,
    NoName,
}

fn find<'a>(zone: &'a Zone, name: &Name, rtype: Rtype) -> Found<'a> {
    if let Some((cut, servers)) = delegation(zone, name) {
        return Found::Referral(cut, servers);
    }
    match zone.node(name).or_else(|| wildcard(zone, name)) {
        Some(node) => at_node(node, rtype),
        None if zone.has_below(name) => Found::NoData,
        None => Found::NoName,
    }
}

fn at_node(node: &Node, rtype: Rtype) -> Found<'_> {
    if rtype == Rtype::ANY {
        return Found::Sets(node.sets.iter().map(|(rtype, set)| (*rtype, set)).collect());
    }
    if let Some(set) = node.sets.get(&rtype) {
        return Found::Sets(vec![(rtype, set)]);
    }
    let alias = node.sets.get(&Rtype::CNAME);
    let target = alias.and_then(|set| Some((set, set.data.first()?.target()?)));
    target.map_or(Found::NoData, |(set, target)| Found::Alias(set, target))
}

/// The highest cut between the apex and the name.
fn delegation<'a>(zone: &'a Zone, name: &Name) -> Option<(Name, &'a RecordSet)> {
    let below = depth(name).saturating_sub(depth(zone.apex()));
    let mut between: Vec<Name> = suffixes(name).take(below).collect();
    between.reverse();
    let cut = |at: Name| zone.set(&at, Rtype::NS).map(|set| (at, set));
    between.into_iter().find_map(cut)
}

/// The node of the wildcard that stands for a name which is not there.
fn wildcard<'a>(zone: &'a Zone, name: &Name) -> Option<&'a Node> {
    let is_there = |it: &Name| zone.node(it).is_some() || zone.has_below(it);
    if is_there(name) {
        return None;
    }
    let encloser = suffixes(name).skip(1).find(is_there)?;
    let star = AnyName::from_octets(b"\x01*\x00".to_vec()).ok()?;
    zone.node(&joined(&star, &encloser)?)
}

fn settle(reply: &mut Reply, zone: &Zone, name: &Name, found: Found<'_>) {
    match found {
        Found::Sets(sets) => {
            let all = sets
                .into_iter()
                .flat_map(|(rtype, set)| records(name, rtype, set));
            reply.answer.extend(all);
        }
        Found::Referral(cut, servers) => {
            reply.header.set_aa(!reply.answer.is_empty());
            reply.authority.extend(records(&cut, Rtype::NS, servers));
        }
        Found::NoData | Found::Alias(..) => reply.authority.extend(nothing(zone)),
        Found::NoName => {
            reply.header.set_rcode(Rcode::NXDOMAIN);
            reply.authority.extend(nothing(zone));
        }
    }
}

/// The record that says how long "nothing" may be kept.
fn nothing(zone: &Zone) -> Option<Record> {
    let (ttl, soa) = zone.start()?;
    let ttl = ttl.min(soa.minimum()?);
    let name = zone.apex().clone();
    Some(Record {
        name,
        class: Class::IN,
        ttl,
        data: soa.clone(),
    })
}

/// The records of a set.
pub(super) fn records(name: &Name, rtype: Rtype, set: &RecordSet) -> Vec<Record> {
    let record = |data: &super::Data| Record {
        name: name.clone(),
        class: Class::IN,
        ttl: set.ttl,
        data: data.clone(),
    };
    let of_type = set.data.iter().filter(|data| data.rtype() == rtype);
    of_type.map(record).collect()
}

/// The addresses of servers and services that the reply names.
fn add_addresses(zones: &Zones, reply: &mut Reply) {
    let named = reply
        .answer
        .iter()
        .chain(&reply.authority)
        .filter_map(|record| {
            let rtype = record.data.rtype();
            let is_server = matches!(rtype, Rtype::NS | Rtype::SRV | Rtype::MX);
            record.data.target().filter(|_| is_server)
        });
    let named: BTreeSet<Name> = named.collect();
    for name in named {
        let Some(zone) = zones.of(&name) else {
            continue;
        };
        for rtype in [Rtype::A, Rtype::AAAA] {
            let set = zone.set(&name, rtype);
            reply
                .additional
                .extend(set.into_iter().flat_map(|set| records(&name, rtype, set)));
        }
    }
}
