//! Filters: every kind of RFC 4511 section 4.5.1.7, and the matching rules of bits and chains.

use super::entry::values;
use crate::store::schema::{self, Attribute, Syntax};
use crate::store::{Guid, Name, Object, Sid, Store, equal};
use rasn_ldap::SubstringFilter;
use rasn_ldap::{AttributeValueAssertion, Filter, MatchingRuleAssertion, SubstringChoice};

const BIT_AND: &str = "1.2.840.113556.1.4.803";
const BIT_OR: &str = "1.2.840.113556.1.4.804";
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// Longest chain of groups that is followed.
const MAX_CHAIN: usize = 64;

/// Whether the filter is true for the object; nothing when it cannot be said.
pub(super) fn matches(store: &Store, object: &Object, filter: &Filter) -> Option<bool> {
    match filter {
        Filter::And(all) => all_of(all.iter().map(|one| matches(store, object, one))),
        Filter::Or(any) => {
            let none = all_of(
                any.iter()
                    .map(|one| matches(store, object, one).map(|is| !is)),
            );
            none.map(|none| !none)
        }
        Filter::Not(inner) => matches(store, object, inner).map(|is| !is),
        Filter::EqualityMatch(one) | Filter::ApproxMatch(one) => equality(store, object, one),
        Filter::Substrings(one) => substrings(store, object, one),
        Filter::GreaterOrEqual(one) => ordered(store, object, one, |order| order.is_ge()),
        Filter::LessOrEqual(one) => ordered(store, object, one, |order| order.is_le()),
        Filter::Present(name) => {
            let attribute = attribute(name)?;
            Some(!values(store, object, attribute).is_empty())
        }
        Filter::ExtensibleMatch(one) => extensible(store, object, one),
        _ => None,
    }
}

/// False if one is, else unknown if one is, else true (X.511 section 7.8.1).
fn all_of(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut sum = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => sum = None,
            Some(true) => {}
        }
    }
    sum
}

fn attribute(name: &str) -> Option<&'static Attribute> {
    schema::find(name.split(';').next().unwrap_or(name))
}

fn equality(store: &Store, object: &Object, one: &AttributeValueAssertion) -> Option<bool> {
    if one.attribute_desc.eq_ignore_ascii_case("anr") {
        return Some(resembles(object, &one.assertion_value));
    }
    let attribute = attribute(&one.attribute_desc)?;
    let wanted = normal(store, attribute, &one.assertion_value);
    let own = values(store, object, attribute);
    Some(own.iter().any(|own| equal(attribute.syntax, own, &wanted)))
}

/// Ambiguous names: the beginning of one of the names an object is known by.
fn resembles(object: &Object, wanted: &[u8]) -> bool {
    let wanted = String::from_utf8_lossy(wanted).to_lowercase();
    let names = [
        "cn",
        "sAMAccountName",
        "displayName",
        "givenName",
        "sn",
        "mail",
    ];
    let mut own = names.iter().filter_map(|name| object.text(name));
    own.any(|own| own.to_lowercase().starts_with(&wanted))
}

/// The stored form of a value that filters may give in another: classes for categories, text for
/// identifiers.
fn normal(store: &Store, attribute: &Attribute, wanted: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(wanted).ok();
    let form = match attribute.name {
        "objectCategory" => text.filter(|text| !text.contains('=')).map(|class| {
            let class = if class.eq_ignore_ascii_case("user") {
                "Person"
            } else {
                class
            };
            store
                .domain()
                .schema()
                .child("CN", class)
                .to_string()
                .into_bytes()
        }),
        "objectGUID" if wanted.len() != 16 => {
            text.and_then(Guid::parse).map(|guid| guid.0.to_vec())
        }
        _ if attribute.syntax == Syntax::Sid => text.and_then(Sid::parse).map(|sid| sid.bytes()),
        _ => None,
    };
    form.unwrap_or_else(|| wanted.to_vec())
}

fn substrings(store: &Store, object: &Object, one: &SubstringFilter) -> Option<bool> {
    let attribute = attribute(&one.r#type)?;
    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
    let own = values(store, object, attribute);
    Some(
        own.iter()
            .any(|own| contains_in_order(&lower(own), &one.substrings, lower)),
    )
}

fn contains_in_order(
    text: &str,
    pieces: &[SubstringChoice],
    lower: impl Fn(&[u8]) -> String,
) -> bool {
    let mut rest = text;
    for piece in pieces {
        let left = match piece {
            SubstringChoice::Initial(piece) => rest.strip_prefix(&lower(piece)),
            SubstringChoice::Any(piece) => rest.split_once(&lower(piece)).map(|(_, tail)| tail),
            SubstringChoice::Final(piece) => rest.ends_with(&lower(piece)).then_some(""),
            _ => None,
        };
        match left {
            Some(left) => rest = left,
            None => return false,
        }
    }
    true
}

fn ordered(
    store: &Store,
    object: &Object,
    one: &AttributeValueAssertion,
    fits: impl Fn(std::cmp::Ordering) -> bool,
) -> Option<bool> {
    let attribute = attribute(&one.attribute_desc)?;
    let wanted = &one.assertion_value;
    let own = values(store, object, attribute);
    let order = |own: &Vec<u8>| match attribute.syntax {
        Syntax::Number => Some(number(own)?.cmp(&number(wanted)?)),
        _ => Some(own.to_ascii_lowercase().cmp(&wanted.to_ascii_lowercase())),
    };
    Some(own.iter().filter_map(order).any(fits))
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn extensible(store: &Store, object: &Object, one: &MatchingRuleAssertion) -> Option<bool> {
    let attribute = attribute(one.r#type.as_ref()?)?;
    let own = values(store, object, attribute);
    let wanted = &one.match_value;
    match one.matching_rule.as_ref().map(|rule| rule.as_str()) {
        Some(BIT_AND) => {
            let mask = number(wanted)?;
            Some(
                own.iter()
                    .filter_map(|own| number(own))
                    .any(|bits| bits & mask == mask),
            )
        }
        Some(BIT_OR) => {
            let mask = number(wanted)?;
            Some(
                own.iter()
                    .filter_map(|own| number(own))
                    .any(|bits| bits & mask != 0),
            )
        }
        Some(IN_CHAIN) => {
            let target = Name::parse(std::str::from_utf8(wanted).ok()?)?;
            Some(leads_to(store, object, attribute, &target))
        }
        Some(_) => None,
        None => Some(own.iter().any(|own| equal(attribute.syntax, own, wanted))),
    }
}

/// Whether following the attribute from object to object arrives at `target`.
fn leads_to(store: &Store, object: &Object, attribute: &Attribute, target: &Name) -> bool {
    let mut seen: Vec<Guid> = Vec::new();
    let mut open = vec![object];
    while let Some(object) = open.pop() {
        if seen.contains(&object.guid) || seen.len() > MAX_CHAIN {
            continue;
        }
        seen.push(object.guid);
        for value in values(store, object, attribute).iter() {
            let Some(name) = std::str::from_utf8(value).ok().and_then(Name::parse) else {
                continue;
            };
            if name == *target {
                return true;
            }
            open.extend(store.by_name(&name));
        }
    }
    false
}

/// The only objects that can match, where the filter asks for one of the indexed names.
pub(super) fn candidates(store: &Store, filter: &Filter) -> Option<Vec<Guid>> {
    match filter {
        Filter::And(all) => all.iter().find_map(|one| candidates(store, one)),
        Filter::EqualityMatch(one) => {
            let value = std::str::from_utf8(&one.assertion_value).ok();
            let found = match attribute(&one.attribute_desc)?.name {
                "sAMAccountName" => store.by_account(value?),
                "servicePrincipalName" => store.by_service(value?),
                _ => return None,
            };
            Some(found.into_iter().map(|object| object.guid).collect())
        }
        _ => None,
    }
}
