//! No causal multicast is delivered before one that it depends on (MSG-14).

use std::collections::BTreeMap;

use base::{NodeId, Notice, ViewId};

use super::{Change, Checker, Scene};

/// What one node delivered in one view.
#[derive(Debug)]
struct Seen {
    view: ViewId,
    /// The last causal multicast of each sender.
    last: BTreeMap<NodeId, u64>,
    /// Up to which multicast of each sender something that was delivered depends on it.
    needed: BTreeMap<NodeId, u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct CausalOrder {
    nodes: BTreeMap<NodeId, Seen>,
}

impl Checker for CausalOrder {
    fn name(&self) -> &'static str {
        "causal-order"
    }

    fn clause(&self) -> &'static str {
        "MSG-14, MSG-15"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Notice {
            node,
            notice:
                Notice::CausallyDelivered {
                    view,
                    from,
                    sequence,
                    after,
                },
        } = change
        else {
            return Ok(());
        };
        let fresh = || Seen {
            view: *view,
            last: BTreeMap::new(),
            needed: BTreeMap::new(),
        };
        let seen = self.nodes.entry(*node).or_insert_with(fresh);
        if seen.view != *view {
            *seen = fresh();
        }
        let late = seen
            .needed
            .get(from)
            .is_some_and(|needed| needed >= sequence);
        let back = seen.last.get(from).is_some_and(|last| last >= sequence);
        seen.last.insert(*from, *sequence);
        for (cause, count) in after {
            let needed = seen.needed.entry(*cause).or_default();
            *needed = (*needed).max(*count);
        }
        if late || back {
            let (node, from) = (scene.node(*node), scene.node(*from));
            return Err(format!(
                "{node} delivered multicast {sequence} of {from} in view {view:?} after \
                 one that depends on it"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base::Incarnation;

    use super::super::testing::{Stage, node};
    use super::*;

    fn delivered(from: u8, sequence: u64, after: &[(u8, u64)]) -> Notice {
        Notice::CausallyDelivered {
            view: ViewId {
                epoch: 3,
                coordinator: node(1),
                incarnation: Incarnation(1),
            },
            from: node(from),
            sequence,
            after: after
                .iter()
                .map(|(by, count)| (node(*by), *count))
                .collect(),
        }
    }

    #[test]
    fn an_effect_before_its_cause_is_found() {
        let mut stage = Stage::new(CausalOrder::default());
        stage.says(1, delivered(1, 5, &[]));
        stage.says(1, delivered(2, 3, &[(1, 5)]));
        stage.says(3, delivered(2, 3, &[(1, 5)]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(3, delivered(1, 5, &[]));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn one_sender_out_of_order_is_found() {
        let mut stage = Stage::new(CausalOrder::default());
        stage.says(1, delivered(1, 5, &[]));
        stage.says(1, delivered(1, 4, &[]));
        assert!(stage.verdict().is_err());
    }
}
