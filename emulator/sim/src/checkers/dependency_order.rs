//! A resource comes online after what it depends on, and what it depends on goes offline after it
//! (RCM-10, RCM-11). A provider that fails is gone at once; its dependents follow in their order.

use std::collections::BTreeMap;

use base::{ResourceId, ResourceState};
use node::Picture;
use plan::Plan;

use super::{Change, Checker, Scene};

type States = BTreeMap<ResourceId, ResourceState>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct DependencyOrder;

impl Checker for DependencyOrder {
    fn name(&self) -> &'static str {
        "dependency-order"
    }

    fn clause(&self) -> &'static str {
        "RCM-10, RCM-11"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Picture(new) = change else {
            return Ok(());
        };
        let nothing = States::new();
        let old = scene.pictures.get(new.node.index());
        let old = old.and_then(Option::as_ref).map(|old| &old.running);
        check(scene.plan, old.unwrap_or(&nothing), new)
    }
}

fn check(plan: &Plan, old: &States, new: &Picture) -> Result<(), String> {
    use ResourceState::{Failed, Offline, OfflinePending, Online, OnlinePending};
    let was = |id: ResourceId| old.get(&id).copied().unwrap_or_default();
    let is = |id: ResourceId| new.running.get(&id).copied().unwrap_or_default();
    // Not gone in an orderly way; what had failed before may go offline at any time.
    let stays = |id: ResourceId| was(id) != Online || !matches!(is(id), OfflinePending | Offline);
    for (resource, now) in &new.running {
        let Some(settings) = plan.model.resources.get(resource) else {
            continue;
        };
        let needs = &settings.dependencies;
        let fine = match (was(*resource), *now) {
            (Offline | Failed, OnlinePending | Online) => needs.satisfied(|id| is(id) == Online),
            (OnlinePending, Online) => needs.satisfied(|id| matches!(is(id), Online | Failed)),
            (_, Online | OnlinePending) => needs.satisfied(stays),
            _ => true,
        };
        if !fine {
            return Err(format!(
                "on {} {} is {now} without what it depends on",
                plan.names.of_node(new.node),
                plan.names.of_resource(*resource)
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, resource};
    use super::*;
    use ResourceState::{Failed, Offline, OfflinePending, Online, OnlinePending};

    type Pair = (ResourceState, ResourceState);

    /// Address and name, before and after.
    fn goes(from: Pair, to: Pair) -> bool {
        let mut stage = Stage::new(DependencyOrder);
        let picture = |(address, name): Pair| {
            let mut picture = active(1, 1, &[1]);
            picture.running.insert(resource("ip"), address);
            picture.running.insert(resource("name"), name);
            picture
        };
        stage.has(picture(from));
        stage.shows(picture(to));
        stage.verdict().is_ok()
    }

    #[test]
    fn a_name_that_comes_online_before_its_address_is_found() {
        assert!(goes((Online, Offline), (Online, OnlinePending)));
        assert!(!goes((Offline, Offline), (OnlinePending, OnlinePending)));
        assert!(!goes((Offline, Offline), (Offline, OnlinePending)));
    }

    #[test]
    fn an_address_that_goes_offline_before_its_name_is_found() {
        assert!(goes((Online, Online), (Online, OfflinePending)));
        assert!(!goes((Online, Online), (OfflinePending, Online)));
        assert!(goes((Online, Online), (Failed, Online)));
        assert!(goes((Failed, Online), (Offline, Online)));
    }
}
