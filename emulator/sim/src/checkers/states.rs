//! Resources have the five documented states and change only along the documented edges (RCM-5;
//! reference section 1.3).

use std::collections::BTreeMap;

use ResourceState::{Failed, Offline, OfflinePending, Online, OnlinePending};
use base::{NodeId, Notice, ResourceId, ResourceState};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct States {
    last: BTreeMap<(NodeId, ResourceId), ResourceState>,
}

impl Checker for States {
    fn name(&self) -> &'static str {
        "states"
    }

    fn clause(&self) -> &'static str {
        "RCM-5"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::Started { node, .. } => self.last.retain(|(it, _), _| it != node),
            Change::Notice {
                node,
                notice: Notice::GroupMoved { group, .. },
            } => {
                // With a new owner everything in the group counts as offline.
                let of_group = scene.plan.model.of_group(*group);
                of_group.for_each(|(resource, _)| {
                    self.last.remove(&(*node, resource));
                });
            }
            Change::Notice {
                node,
                notice:
                    Notice::ResourceState {
                        resource, from, to, ..
                    },
            } => {
                let before = self.last.insert((*node, *resource), *to);
                let continues = before.is_none_or(|before| before == *from);
                if !continues || !allowed(*from, *to) {
                    let name = scene.plan.names.of_resource(*resource);
                    let before = before.unwrap_or_default();
                    let node = scene.node(*node);
                    return Err(format!(
                        "on {node} {name} was {before} and went from {from} to {to}"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn allowed(from: ResourceState, to: ResourceState) -> bool {
    matches!(
        (from, to),
        (Offline, OnlinePending)
            | (OnlinePending, Online | OfflinePending | Failed)
            | (Online, OfflinePending | Failed)
            | (OfflinePending, Offline | Failed)
            | (Failed, OnlinePending | Offline)
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use super::*;

    fn goes(from: ResourceState, to: ResourceState) -> Notice {
        Notice::ResourceState {
            resource: ResourceId(0),
            from,
            to,
            cause: base::StateChangeCause::Unknown,
        }
    }

    #[test]
    fn an_edge_that_is_not_documented_is_found() {
        let mut stage = Stage::new(States::default());
        stage.says(1, goes(Offline, OnlinePending));
        stage.says(1, goes(OnlinePending, Online));
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(1, goes(Online, Offline));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_state_that_nothing_led_to_is_found() {
        let mut stage = Stage::new(States::default());
        stage.says(1, goes(Offline, OnlinePending));
        stage.says(1, goes(Online, Failed));
        assert!(stage.verdict().is_err());
    }
}
