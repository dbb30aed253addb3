//! Searching: base, scope, filter, pages.

use super::answer::Answer;
use super::controls::{Controls, next_page};
use super::{answer, entry, filter, netlogon, root};
use crate::store::{Guid, Name, Object, Store};
use base::WallTime;
use rasn_ldap::{
    Control, LdapResult, ProtocolOp, ResultCode, SearchRequest, SearchRequestScope,
    SearchResultDone,
};

/// Most entries of one answer or page (the product's MaxPageSize).
const MAX_ENTRIES: usize = 1_000;

/// What a search found, and where its next page begins.
pub(super) struct Found {
    pub(super) operations: Vec<Answer>,
    pub(super) control: Option<Control>,
}

impl From<LdapResult> for Found {
    fn from(result: LdapResult) -> Self {
        Self {
            operations: vec![done(result)],
            control: None,
        }
    }
}

pub(super) fn done(result: LdapResult) -> Answer {
    Answer::Other(ProtocolOp::SearchResDone(SearchResultDone(result)))
}

/// True for the search that everybody may do: of the root alone.
pub(super) fn is_of_root(request: &SearchRequest) -> bool {
    request.base_object.is_empty() && request.scope == SearchRequestScope::BaseObject
}

/// Answers a search of the root; the ping is one of its attributes.
pub(super) fn of_root(store: &Store, request: &SearchRequest, now: WallTime) -> Vec<Answer> {
    if !is_of_root(request) {
        return vec![done(answer::not_bound())];
    }
    let wanted = wanted(request);
    let root = root::attributes(store, now);
    let mut all = Vec::new();
    if wanted
        .iter()
        .any(|name| name.eq_ignore_ascii_case("netlogon"))
    {
        let Some(value) = netlogon::answer(store, &root, &request.filter) else {
            return vec![done(answer::success())];
        };
        all.push(("netlogon".to_owned(), vec![value]));
    }
    let every = wanted.is_empty() || wanted.contains(&"*") || wanted.contains(&"+");
    let asked = |name: &str| every || wanted.iter().any(|one| one.eq_ignore_ascii_case(name));
    all.extend(root.into_iter().filter(|(name, _)| asked(name)));
    vec![answer::entry("", all), done(answer::success())]
}

fn wanted(request: &SearchRequest) -> Vec<&str> {
    request
        .attributes
        .iter()
        .map(|name| name.as_str())
        .collect()
}

/// Answers a search below the root.
pub(super) fn answer(store: &Store, request: &SearchRequest, controls: &Controls) -> Found {
    let base = store.resolve(&request.base_object);
    let base = base.filter(|base| controls.deleted || !base.is_deleted());
    let Some(base) = base else {
        return no_base(store, &request.base_object).into();
    };
    let size = controls
        .page
        .as_ref()
        .map(|page| usize::try_from(page.size).unwrap_or(0));
    let limit = limit(request, size);
    let after = match controls.page.as_ref().map(|page| &page.cookie[..]) {
        None | Some(&[]) => None,
        Some(cookie) => match cookie.try_into() {
            Ok(bytes) => Some(Guid(bytes)),
            Err(_) => {
                let text = "the cookie of the page is none of ours";
                return answer::result(ResultCode::UnwillingToPerform, text).into();
            }
        },
    };
    let mut hits = hits(store, request, base, controls, after);
    let page: Vec<&Object> = hits.by_ref().take(limit).collect();
    let more = hits.next().is_some();
    collect(store, request, controls, &page, more)
}

fn limit(request: &SearchRequest, page: Option<usize>) -> usize {
    let asked = match usize::try_from(request.size_limit) {
        Ok(0) | Err(_) => MAX_ENTRIES,
        Ok(size) => size,
    };
    asked
        .min(page.filter(|size| *size > 0).unwrap_or(MAX_ENTRIES))
        .min(MAX_ENTRIES)
}

fn hits<'a>(
    store: &'a Store,
    request: &'a SearchRequest,
    base: &'a Object,
    controls: &'a Controls,
    after: Option<Guid>,
) -> impl Iterator<Item = &'a Object> {
    let few = filter::candidates(store, &request.filter).filter(|_| !controls.deleted);
    let all: Box<dyn Iterator<Item = &'a Object>> = match few {
        Some(mut few) => {
            few.retain(|guid| after.is_none_or(|after| *guid > after));
            Box::new(few.into_iter().filter_map(|guid| store.object(guid)))
        }
        None if request.scope == SearchRequestScope::BaseObject => {
            Box::new(after.is_none().then_some(base).into_iter())
        }
        None => Box::new(store.objects(after)),
    };
    let scope = Scope::new(base, request.scope);
    all.filter(move |object| {
        (controls.deleted || !object.is_deleted())
            && scope.includes(object)
            && filter::matches(store, object, &request.filter) == Some(true)
    })
}

/// Base and scope, in the form that names are compared in.
struct Scope {
    guid: Guid,
    name: Name,
    scope: SearchRequestScope,
}

impl Scope {
    fn new(base: &Object, scope: SearchRequestScope) -> Self {
        Self {
            guid: base.guid,
            name: base.name.clone(),
            scope,
        }
    }

    fn includes(&self, object: &Object) -> bool {
        match self.scope {
            SearchRequestScope::BaseObject => object.guid == self.guid,
            SearchRequestScope::SingleLevel => object.name.parent().as_ref() == Some(&self.name),
            _ => object.name.is_within(&self.name),
        }
    }
}

fn collect(
    store: &Store,
    request: &SearchRequest,
    controls: &Controls,
    page: &[&Object],
    more: bool,
) -> Found {
    let wanted = wanted(request);
    let mut operations: Vec<Answer> = page
        .iter()
        .map(|object| {
            let attributes = entry::select(store, object, &wanted, request.types_only);
            answer::entry(&shown_name(object, controls), attributes)
        })
        .collect();
    let limited = request.size_limit != 0 && page.len() >= count(request.size_limit);
    let stopped = more && (controls.page.is_none() || limited);
    let result = match stopped {
        true => answer::result(
            ResultCode::SizeLimitExceeded,
            "there is more than was asked for",
        ),
        false => answer::success(),
    };
    operations.push(done(result));
    let last = page.last().filter(|_| more && !stopped);
    let cookie = last
        .map(|object| object.guid.0.to_vec())
        .unwrap_or_default();
    let control = controls.page.as_ref().and_then(|_| next_page(cookie));
    Found {
        operations,
        control,
    }
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn shown_name(object: &Object, controls: &Controls) -> String {
    if !controls.extended_names {
        return object.name.to_string();
    }
    let sid = object
        .sid()
        .map(|sid| format!("<SID={sid}>;"))
        .unwrap_or_default();
    format!("<GUID={}>;{sid}{}", object.guid, object.name)
}

/// No such base; the nearest name above that exists is told.
fn no_base(store: &Store, text: &str) -> LdapResult {
    if !text.starts_with('<') && Name::parse(text).is_none() {
        let text = format!("00002089: {text} is no distinguished name");
        return answer::result(ResultCode::InvalidDnSyntax, text);
    }
    let mut above = Name::parse(text).and_then(|name| name.parent());
    while let Some(name) = above.take() {
        if store.by_name(&name).is_some() {
            above = Some(name);
            break;
        }
        above = name.parent();
    }
    let text = format!("0000208D: there is no object {text}");
    let mut result = answer::result(ResultCode::NoSuchObject, text);
    result.matched_dn = above
        .map(|name| name.to_string())
        .unwrap_or_default()
        .into();
    result
}
