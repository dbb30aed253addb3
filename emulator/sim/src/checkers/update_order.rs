//! Applied updates are one sequence and every node has a prefix of it (GUM-4, OM-5): after the same
//! number of updates all active members of a view have the same tag and the same owners.
//!
//! Only within a view: who owns what is volatile and dies with the last member that knew it.

use std::collections::BTreeMap;

use base::{GroupId, NodeId, PaxosTag, ViewId};

use super::{Change, Checker, Scene, is_active};

/// States remembered; older ones are no longer compared.
const REMEMBERED_MAX: usize = 256;

/// What one place in the sequence looks like.
#[derive(Debug, PartialEq, Eq)]
struct State {
    tag: PaxosTag,
    owners: Vec<(GroupId, NodeId)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct UpdateOrder {
    /// By view and number of the last update.
    states: BTreeMap<(ViewId, u64), State>,
}

impl Checker for UpdateOrder {
    fn name(&self) -> &'static str {
        "update-order"
    }

    fn clause(&self) -> &'static str {
        "GUM-4, OM-5"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Picture(picture) = change else {
            return Ok(());
        };
        let Some((view, _)) = picture.view.filter(|_| is_active(picture)) else {
            return Ok(());
        };
        let owners = picture.groups.iter();
        let state = State {
            tag: picture.tag,
            owners: owners.map(|(group, row)| (*group, row.owner)).collect(),
        };
        let place = (view, picture.applied);
        match self.states.get(&place) {
            Some(known) if *known != state => {
                return Err(format!(
                    "after update {} {} has {state:?}, another had {known:?}",
                    picture.applied,
                    scene.node(picture.node)
                ));
            }
            Some(_) => {}
            None => {
                self.states.insert(place, state);
            }
        }
        while self.states.len() > REMEMBERED_MAX {
            self.states.pop_first();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, node};
    use super::*;
    use node::GroupPicture;

    #[test]
    fn two_nodes_with_different_owners_after_the_same_update_are_found() {
        let mut stage = Stage::new(UpdateOrder::default());
        let owned = |by: u8, owner: u8| {
            let mut picture = active(by, 5, &[1, 2]);
            picture.applied = 7;
            let owner = node(owner);
            picture.groups.insert(GroupId(1), GroupPicture { owner });
            picture
        };
        stage.shows(owned(1, 1));
        stage.shows(owned(2, 1));
        assert_eq!(stage.verdict(), Ok(()));
        stage.shows(owned(2, 2));
        assert!(stage.verdict().is_err());
    }
}
