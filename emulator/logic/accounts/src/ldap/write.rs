//! Changes: add, modify, delete, rename, compare.

use super::answer;
use super::controls::Controls;
use super::entry;
use crate::store::{Call, Change, Name, NewObject, Operation, Refusal, Store, equal, schema};
use rasn_ldap::{
    AddRequest, AddResponse, AttributeDescription, AttributeValue, ChangeOperation, CompareRequest,
    CompareResponse, DelRequest, DelResponse, LdapResult, ModifyDnRequest, ModifyDnResponse,
    ModifyRequest, ModifyResponse, ProtocolOp, ResultCode,
};

pub(super) fn add(store: &mut Store, request: &AddRequest, call: &mut Call<'_>) -> ProtocolOp {
    let result = name(&request.entry).and_then(|name| {
        let attribute = |one: &rasn_ldap::Attribute| {
            (
                base(&one.r#type),
                one.vals.to_vec().into_iter().map(bytes).collect(),
            )
        };
        let attributes = request.attributes.iter().map(attribute).collect();
        store.create(&NewObject { name, attributes }, call)
    });
    ProtocolOp::AddResponse(AddResponse(outcome(result)))
}

pub(super) fn modify(
    store: &mut Store,
    request: &ModifyRequest,
    call: &mut Call<'_>,
) -> ProtocolOp {
    let changes = request.changes.iter().map(|one| Change {
        operation: match one.operation {
            ChangeOperation::Add => Operation::Add,
            ChangeOperation::Delete => Operation::Delete,
            ChangeOperation::Replace => Operation::Replace,
        },
        attribute: base(&one.modification.r#type),
        values: one
            .modification
            .vals
            .to_vec()
            .into_iter()
            .map(bytes)
            .collect(),
    });
    let changes: Vec<Change> = changes.collect();
    let target = target(store, &request.object);
    let result = target.and_then(|target| store.modify(target, &changes, call));
    ProtocolOp::ModifyResponse(ModifyResponse(outcome(result)))
}

pub(super) fn delete(
    store: &mut Store,
    request: &DelRequest,
    controls: &Controls,
    call: &Call<'_>,
) -> ProtocolOp {
    let target = target(store, &request.0);
    let result = target.and_then(|target| store.delete(target, controls.tree, call));
    ProtocolOp::DelResponse(DelResponse(outcome(result)))
}

pub(super) fn rename(store: &mut Store, request: &ModifyDnRequest, call: &Call<'_>) -> ProtocolOp {
    let result = target(store, &request.entry).and_then(|target| {
        let relative = name(&request.new_rdn)?;
        let (kind, value) = relative
            .relative()
            .ok_or_else(|| no_name(&request.new_rdn))?;
        let old = store.object(target).and_then(|object| object.name.parent());
        let place = match &request.new_superior {
            Some(place) => name(place)?,
            None => old.ok_or_else(|| no_name(&request.entry))?,
        };
        store.rename(target, &place.child(kind, value), call)
    });
    ProtocolOp::ModDnResponse(ModifyDnResponse(outcome(result)))
}

pub(super) fn compare(store: &Store, request: &CompareRequest) -> ProtocolOp {
    let result = match target(store, &request.entry) {
        Err(refusal) => refusal.into(),
        Ok(target) => {
            let attribute = schema::find(&request.ava.attribute_desc);
            let object = store.object(target);
            let same = attribute.zip(object).map(|(attribute, object)| {
                let own = entry::values(store, object, attribute);
                own.iter()
                    .any(|own| equal(attribute.syntax, own, &request.ava.assertion_value))
            });
            match same {
                Some(true) => answer::result(ResultCode::CompareTrue, ""),
                Some(false) => answer::result(ResultCode::CompareFalse, ""),
                None => answer::result(ResultCode::UndefinedAttributeType, "no such attribute"),
            }
        }
    };
    ProtocolOp::CompareResponse(CompareResponse(result))
}

fn outcome<T>(result: Result<T, Refusal>) -> LdapResult {
    match result {
        Ok(_) => answer::success(),
        Err(refusal) => refusal.into(),
    }
}

fn name(text: &str) -> Result<Name, Refusal> {
    Name::parse(text)
        .filter(|name| !name.is_root())
        .ok_or_else(|| no_name(text))
}

fn no_name(text: &str) -> Refusal {
    let text = format!("{text} is no distinguished name");
    Refusal::new(ResultCode::InvalidDnSyntax, 0x2089, text)
}

fn target(store: &Store, text: &str) -> Result<crate::store::Guid, Refusal> {
    let found = store.resolve(text).filter(|object| !object.is_deleted());
    let missing = || Refusal::no_object(format!("there is no object {text}"));
    found.map(|object| object.guid).ok_or_else(missing)
}

/// An attribute's name without its options.
fn base(name: &AttributeDescription) -> String {
    name.split(';').next().unwrap_or_default().to_owned()
}

fn bytes(value: &AttributeValue) -> Vec<u8> {
    value.to_vec()
}
