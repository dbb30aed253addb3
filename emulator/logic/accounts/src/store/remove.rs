//! Deleting, which leaves a tombstone, and renaming.

use super::object::{Object, control};
use super::rights::{Call, Rights};
use super::{Guid, Name, Refusal, Store};
use crate::moment;
use rasn_ldap::ResultCode;

/// What a tombstone keeps besides the marks of its deletion.
const KEPT: &[&str] = &[
    "objectClass",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "instanceType",
    "uSNCreated",
    "whenCreated",
    "dNSHostName",
    "userAccountControl",
];

impl Store {
    /// Deletes an object and, if `tree`, all below it.
    ///
    /// # Errors
    /// When the caller may not, the object holds others, or the directory needs it.
    pub fn delete(&mut self, target: Guid, tree: bool, call: &Call<'_>) -> Result<(), Refusal> {
        let gone = || Refusal::no_object(format!("no object {target}"));
        let object = self
            .object(target)
            .filter(|object| !object.is_deleted())
            .ok_or_else(gone)?;
        self.may_remove(object, call)?;
        let name = object.name.clone();
        if !tree && self.has_children(&name) {
            let text = format!("{name} holds other objects");
            return Err(Refusal::new(ResultCode::NotAllowedOnNonLeaf, 0x2015, text));
        }
        let doomed: Vec<Guid> = self.within(&name).map(|object| object.guid).collect();
        for guid in doomed {
            self.bury(guid, call);
        }
        Ok(())
    }

    fn may_remove(&self, object: &Object, call: &Call<'_>) -> Result<(), Refusal> {
        let name = &object.name;
        let needed = object.text("isCriticalSystemObject") == Some("TRUE");
        if needed || object.control() & control::SERVER != 0 {
            return Err(Refusal::unwilling(
                0x209a,
                format!("the directory needs {name}"),
            ));
        }
        if !self.rights(call.caller, object).include(Rights::DELETE) {
            return Err(Refusal::access(format!("no right to delete {name}")));
        }
        Ok(())
    }

    /// Turns an object into a tombstone in the container of deleted objects.
    fn bury(&mut self, guid: Guid, call: &Call<'_>) {
        let Some(old) = self.object(guid).cloned() else {
            return;
        };
        let (attribute, value) = old.name.relative().unwrap_or(("CN", ""));
        let marked = format!("{value}\nDEL:{guid}");
        let place = self.domain.base().child("CN", "Deleted Objects");
        let mut object = Object::new(guid, place.child(attribute, &marked));
        for kept in KEPT {
            object.set(kept, old.values(kept).to_vec());
        }
        if let Some(parent) = old.name.parent() {
            object.set_text("lastKnownParent", parent);
        }
        object.set_text("cn", &marked);
        object.set_text("name", &marked);
        object.set_text("isDeleted", "TRUE");
        object.set_text("whenChanged", moment::generalized(call.now));
        self.forget_member(&old.name);
        self.commit(object);
    }

    fn forget_member(&mut self, name: &Name) {
        let groups: Vec<Guid> = self.groups.iter().copied().collect();
        for group in groups {
            let Some(mut object) = self.object(group).cloned() else {
                continue;
            };
            let all = object.values("member").to_vec();
            let other = |value: &Vec<u8>| {
                let text = std::str::from_utf8(value).ok();
                text.and_then(Name::parse).as_ref() != Some(name)
            };
            let rest: Vec<Vec<u8>> = all.iter().filter(|value| other(value)).cloned().collect();
            if rest.len() != all.len() {
                object.set("member", rest);
                self.commit(object);
            }
        }
    }

    /// Gives an object, with all below it, another name or place.
    ///
    /// # Errors
    /// When the caller may not, the place does not exist, or the name is in use.
    pub fn rename(&mut self, target: Guid, name: &Name, call: &Call<'_>) -> Result<(), Refusal> {
        let object = self.object(target);
        let object = object.ok_or_else(|| Refusal::no_object(format!("no object {target}")))?;
        let old = object.name.clone();
        let needed = object.text("isCriticalSystemObject") == Some("TRUE");
        if needed || !self.rights(call.caller, object).include(Rights::WRITE) {
            return Err(Refusal::access(format!("no right to rename {old}")));
        }
        let parent = name
            .parent()
            .filter(|parent| self.by_name(parent).is_some());
        if parent.is_none_or(|parent| parent.is_within(&old)) {
            return Err(Refusal::no_object(format!("nothing holds {name}")));
        }
        if self.by_name(name).is_some_and(|other| other.guid != target) {
            let text = format!("{name} exists already");
            return Err(Refusal::new(ResultCode::EntryAlreadyExists, 0x2071, text));
        }
        let moved: Vec<Object> = self.within(&old).cloned().collect();
        for mut object in moved {
            object.name = object.name.moved(&old, name);
            relabel(&mut object);
            self.commit(object);
        }
        Ok(())
    }
}

fn relabel(object: &mut Object) {
    let Some((attribute, value)) = object.name.relative() else {
        return;
    };
    let (attribute, value) = (attribute.to_lowercase(), value.to_owned());
    object.set_text(if attribute == "ou" { "ou" } else { "cn" }, &value);
    object.set_text("name", &value);
}
