//! What an administrator's Online and Offline leave in the cluster database, so that they last.
//!
//! Facts: reference sections 1.1 and 3 (PersistentState of a resource falls back to its group's;
//! the value is removed when the resource comes online again).

use base::{GroupId, ResourceId};
use middle::database::{Change, Hive, HiveChange, Value};

use super::model::{ColdStart, GroupSettings, Model, ResourceSettings};

const NAME: &str = "PersistentState";

/// The group is kept online or offline, and all of its resources with it.
pub(super) fn group(hive: &Hive, model: &Model, group: GroupId, online: bool) -> Vec<Change> {
    let key = GroupSettings::key(group);
    let own = set(hive, key, online);
    let resources = model.of_group(group).filter_map(|(id, _)| unset(hive, id));
    let allowed = online.then(|| allow(model, group)).flatten();
    own.into_iter().chain(resources).chain(allowed).collect()
}

/// An administrator's Online makes "do not start" an "allowed until the next cold start".
fn allow(model: &Model, group: GroupId) -> Option<Change> {
    let settings = model.groups.get(&group)?;
    (settings.cold_start == ColdStart::DoNotStart).then(|| cold_start(group, ColdStart::Allowed))
}

/// Sets ColdStartSetting.
pub(super) fn cold_start(group: GroupId, setting: ColdStart) -> Change {
    Change::Hive(HiveChange::Set {
        key: GroupSettings::key(group),
        name: "ColdStartSetting".to_owned(),
        value: Value::Dword(setting.number()),
    })
}

/// The resources are kept online. Where the group starts anyway their own value goes.
pub(super) fn online(hive: &Hive, model: &Model, resources: &[ResourceId]) -> Vec<Change> {
    let starts = |id: &ResourceId| {
        let group = model.resources.get(id).map(|settings| settings.group);
        group
            .and_then(|group| model.groups.get(&group))
            .is_some_and(|group| group.persistent_state)
    };
    resources
        .iter()
        .filter_map(|id| {
            if starts(id) {
                unset(hive, *id)
            } else {
                set(hive, ResourceSettings::key(*id), true)
            }
        })
        .collect()
}

/// The resource is kept offline.
pub(super) fn offline(hive: &Hive, resource: ResourceId) -> Vec<Change> {
    let key = ResourceSettings::key(resource);
    set(hive, key, false).into_iter().collect()
}

fn set(hive: &Hive, key: String, state: bool) -> Option<Change> {
    let value = u32::from(state);
    (hive.dword(&key, NAME) != Some(value)).then(|| {
        Change::Hive(HiveChange::Set {
            key,
            name: NAME.to_owned(),
            value: Value::Dword(value),
        })
    })
}

fn unset(hive: &Hive, resource: ResourceId) -> Option<Change> {
    let key = ResourceSettings::key(resource);
    hive.dword(&key, NAME).is_some().then(|| {
        Change::Hive(HiveChange::Unset {
            key,
            name: NAME.to_owned(),
        })
    })
}
