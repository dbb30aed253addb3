//! What clients read of an object: stored attributes and those worked out on the way.

use crate::store::schema::{self, Attribute, Writer};
use crate::store::{Object, Store};
use std::borrow::Cow;

/// The values of an attribute as clients see them.
pub(super) fn values<'a>(
    store: &Store,
    object: &'a Object,
    attribute: &Attribute,
) -> Cow<'a, [Vec<u8>]> {
    if attribute.writer != Writer::Nobody {
        return Cow::Borrowed(object.values(attribute.name));
    }
    Cow::Owned(match attribute.name {
        "distinguishedName" => vec![object.name.to_string().into_bytes()],
        "msDS-KeyVersionNumber" => key_version(object),
        "memberOf" => member_of(store, object),
        "canonicalName" => vec![canonical_name(store, object).into_bytes()],
        _ => Vec::new(),
    })
}

fn key_version(object: &Object) -> Vec<Vec<u8>> {
    let version = object
        .secrets()
        .map(|secrets| secrets.version.to_string().into_bytes());
    version.into_iter().collect()
}

fn member_of(store: &Store, object: &Object) -> Vec<Vec<u8>> {
    let groups = store.memberships(object);
    groups
        .map(|group| group.name.to_string().into_bytes())
        .collect()
}

/// `corp.example/Computers/VS1`.
fn canonical_name(store: &Store, object: &Object) -> String {
    let mut parts = Vec::new();
    let mut name = object.name.clone();
    while let Some((kind, value)) = name.relative() {
        if kind.eq_ignore_ascii_case("DC") {
            break;
        }
        parts.push(value.to_owned());
        match name.parent() {
            Some(parent) => name = parent,
            None => break,
        }
    }
    parts.push(store.domain().dns.clone());
    parts.reverse();
    parts.join("/")
}

/// The attributes that a request selects, in its spelling, with their values.
pub(super) fn select(
    store: &Store,
    object: &Object,
    wanted: &[&str],
    types_only: bool,
) -> Vec<(String, Vec<Vec<u8>>)> {
    let mut found: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    if wanted.is_empty() || wanted.contains(&"*") {
        let plain = ["distinguishedName", "memberOf"];
        let shown = plain.iter().filter_map(|name| schema::find(name));
        let shown = shown.map(|one| (one.name, values(store, object, one).into_owned()));
        let stored = object
            .attributes()
            .map(|(name, values)| (name, values.to_vec()));
        found.extend(
            stored
                .chain(shown)
                .map(|(name, values)| (name.to_owned(), values)),
        );
    }
    for name in wanted {
        let base = name.split(';').next().unwrap_or(name);
        let Some(attribute) = schema::find(base) else {
            continue;
        };
        if found
            .iter()
            .any(|(seen, _)| seen.eq_ignore_ascii_case(base))
        {
            continue;
        }
        found.push((
            (*name).to_owned(),
            values(store, object, attribute).into_owned(),
        ));
    }
    found.retain(|(_, values)| !values.is_empty());
    if types_only {
        found.iter_mut().for_each(|(_, values)| values.clear());
    }
    found
}
