//! A resource comes online after what it depends on, and stays online only with it (RCM-10,
//! RCM-11). While a provider has failed its dependents are on their way down, which is allowed.

use base::ResourceState;
use node::Picture;
use plan::Plan;

use super::{Change, Checker, Scene};

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
        let Change::Picture(picture) = change else {
            return Ok(());
        };
        check(scene.plan, picture)
    }
}

fn check(plan: &Plan, picture: &Picture) -> Result<(), String> {
    let state = |resource| picture.running.get(&resource).copied().unwrap_or_default();
    for (resource, now) in &picture.running {
        let needs = matches!(now, ResourceState::Online | ResourceState::OnlinePending);
        let Some(settings) = plan.model.resources.get(resource).filter(|_| needs) else {
            continue;
        };
        let there = |provider| {
            matches!(
                state(provider),
                ResourceState::Online | ResourceState::Failed
            )
        };
        if !settings.dependencies.satisfied(there) {
            return Err(format!(
                "on node {} {} is {now} without what it depends on",
                picture.node,
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
    use ResourceState::{Failed, Offline, Online, OnlinePending};

    #[test]
    fn a_name_that_is_online_without_its_address_is_found() {
        for (address, name, fine) in [
            (Online, Online, true),
            (Online, OnlinePending, true),
            (Failed, Online, true),
            (Offline, Offline, true),
            (OnlinePending, Online, false),
            (Offline, OnlinePending, false),
        ] {
            let mut stage = Stage::new(DependencyOrder);
            let mut picture = active(1, 1, &[1]);
            let (ip, network_name) = (resource("ip"), resource("name"));
            picture.running.insert(ip, address);
            picture.running.insert(network_name, name);
            stage.shows(picture);
            assert_eq!(stage.verdict().is_ok(), fine, "{address} {name}");
        }
    }
}
