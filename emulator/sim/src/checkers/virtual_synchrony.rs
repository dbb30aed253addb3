//! Nodes that go from one view to the next together have delivered the same multicasts (MSG-10).

use std::collections::BTreeMap;

use base::{NodeId, Notice, ViewId};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct VirtualSynchrony {
    /// By the view that ended and the one that followed: who said first what was delivered.
    closed: BTreeMap<(ViewId, ViewId), (NodeId, BTreeMap<NodeId, u64>)>,
}

impl Checker for VirtualSynchrony {
    fn name(&self) -> &'static str {
        "virtual-synchrony"
    }

    fn clause(&self) -> &'static str {
        "MSG-9, MSG-10"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Notice {
            node,
            notice:
                Notice::ViewClosed {
                    view,
                    next,
                    delivered,
                },
        } = change
        else {
            return Ok(());
        };
        let known = self.closed.entry((*view, *next));
        let (first, known) = known.or_insert_with(|| (*node, delivered.clone()));
        if known == delivered {
            return Ok(());
        }
        let (first, node) = (scene.node(*first), scene.node(*node));
        Err(format!(
            "{first} and {node} went from view {view:?} to {next:?} together, but {first} \
             delivered {} multicasts and {node} {}",
            known.values().sum::<u64>(),
            delivered.values().sum::<u64>(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use base::Incarnation;

    use super::super::testing::{Stage, node};
    use super::*;

    fn closed(next: u64, of_first: u64) -> Notice {
        let view = |epoch| ViewId {
            epoch,
            coordinator: node(1),
            incarnation: Incarnation(1),
        };
        Notice::ViewClosed {
            view: view(3),
            next: view(next),
            delivered: BTreeMap::from([(node(1), of_first), (node(2), 4)]),
        }
    }

    #[test]
    fn a_multicast_that_one_survivor_lacks_is_found() {
        let mut stage = Stage::new(VirtualSynchrony::default());
        stage.says(1, closed(4, 7));
        stage.says(2, closed(4, 7));
        stage.says(3, closed(5, 6));
        assert_eq!(stage.verdict(), Ok(()), "node 3 went another way");
        stage.says(3, closed(4, 6));
        assert!(stage.verdict().is_err());
    }
}
