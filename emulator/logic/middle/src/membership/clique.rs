//! Who can be together: of the nodes that gossiped, those that all reach each other.

use std::collections::BTreeMap;

use base::{Incarnation, NodeId, NodeSet};

/// What one node told in the opening stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gossip {
    pub(super) incarnation: Incarnation,
    pub(super) reachable: NodeSet,
    pub(super) heard: NodeSet,
    pub(super) active: bool,
    pub(super) authority: u64,
    pub(super) joins_only: bool,
    pub(super) clears_quarantine: bool,
}

/// The rows of those that may be together now: while nobody is active, nodes that only join are
/// left out, because there is nothing to join.
pub(super) fn eligible(gossip: &BTreeMap<NodeId, Gossip>) -> BTreeMap<NodeId, Gossip> {
    let running = gossip.values().any(|row| row.active);
    let rows = gossip.iter().filter(|(_, row)| running || !row.joins_only);
    rows.map(|(node, row)| (*node, *row)).collect()
}

/// Everybody that is connected to `me` over any number of hops, as far as gossip tells.
pub(super) fn component(me: NodeId, gossip: &BTreeMap<NodeId, Gossip>) -> NodeSet {
    let mut found = NodeSet::one(me);
    loop {
        let next = found
            .iter()
            .filter_map(|node| gossip.get(&node))
            .fold(found, |all, row| all.union(row.reachable));
        if next == found {
            return found;
        }
        found = next;
    }
}

/// Whether everybody in `component` has gossiped and has heard everybody else.
pub(super) fn is_complete(component: NodeSet, gossip: &BTreeMap<NodeId, Gossip>) -> bool {
    component.iter().all(|node| {
        gossip
            .get(&node)
            .is_some_and(|row| component.is_subset(row.heard))
    })
}

/// The node that proposes: the lowest active one that gossiped to this node, or the lowest while
/// none is active; one of `preferred` before others, because it is in the view that it proposes.
pub(super) fn coordinator(
    me: NodeId,
    gossip: &BTreeMap<NodeId, Gossip>,
    preferred: NodeSet,
) -> NodeId {
    let linked = |node: NodeId| node == me || are_linked(me, node, gossip);
    let active = gossip
        .iter()
        .filter(|(node, row)| row.active && linked(**node))
        .map(|(n, _)| *n);
    let all = gossip.keys().copied().filter(|node| linked(*node));
    let rank = |node: &NodeId| (!preferred.contains(*node), *node);
    let first = active.min_by_key(rank).or_else(|| all.min_by_key(rank));
    first.unwrap_or(me)
}

/// A set with `me` in which everybody reaches everybody, built from the best connected active
/// nodes first, of equal ones from those of `preferred` (PreferredSite). Not always the largest
/// such set; complete meshes come out whole.
pub(super) fn clique(me: NodeId, gossip: &BTreeMap<NodeId, Gossip>, preferred: NodeSet) -> NodeSet {
    let links = |node: NodeId| {
        gossip
            .keys()
            .filter(|o| are_linked(node, **o, gossip))
            .count()
    };
    let mut candidates: Vec<NodeId> = gossip.keys().copied().filter(|node| *node != me).collect();
    candidates.sort_by_key(|node| {
        let active = gossip.get(node).is_some_and(|row| row.active);
        let links = std::cmp::Reverse(links(*node));
        (!active, links, !preferred.contains(*node), *node)
    });
    candidates
        .into_iter()
        .fold(NodeSet::one(me), |chosen, node| {
            if chosen.iter().all(|member| are_linked(member, node, gossip)) {
                chosen.with(node)
            } else {
                chosen
            }
        })
}

fn are_linked(a: NodeId, b: NodeId, gossip: &BTreeMap<NodeId, Gossip>) -> bool {
    let reaches = |from: &NodeId, to| {
        gossip
            .get(from)
            .is_some_and(|row| row.reachable.contains(to))
    };
    a != b && reaches(&a, b) && reaches(&b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::new(number).expect("a valid node")
    }

    /// Gossip of nodes 1..=n with the given links cut.
    fn mesh(count: u8, cut: &[(u8, u8)]) -> BTreeMap<NodeId, Gossip> {
        let is_cut = |a: u8, b: u8| cut.contains(&(a, b)) || cut.contains(&(b, a));
        let row = |a: u8| {
            let reachable = (1..=count).filter(|b| !is_cut(a, *b)).map(node).collect();
            Gossip {
                incarnation: Incarnation(1),
                reachable,
                heard: reachable,
                active: true,
                authority: 0,
                joins_only: false,
                clears_quarantine: false,
            }
        };
        (1..=count).map(|a| (node(a), row(a))).collect()
    }

    #[test]
    fn a_full_mesh_is_one_clique() {
        let gossip = mesh(5, &[]);
        assert_eq!(clique(node(3), &gossip, NodeSet::EMPTY).len(), 5);
        assert!(is_complete(component(node(1), &gossip), &gossip));
    }

    #[test]
    fn a_missing_link_leaves_one_of_its_ends_out() {
        let gossip = mesh(3, &[(1, 3)]);
        let chosen = clique(node(1), &gossip, NodeSet::EMPTY);
        assert_eq!(chosen, NodeSet::one(node(1)).with(node(2)));
        assert!(!is_complete(component(node(1), &gossip), &gossip));
    }

    #[test]
    fn nodes_that_only_join_are_left_out_until_there_is_something_to_join() {
        let mut gossip = mesh(3, &[]);
        for row in gossip.values_mut() {
            row.active = false;
        }
        gossip.get_mut(&node(2)).expect("a row").joins_only = true;
        let rows: Vec<NodeId> = eligible(&gossip).into_keys().collect();
        assert_eq!(rows, [node(1), node(3)]);
        gossip.get_mut(&node(1)).expect("a row").active = true;
        assert_eq!(eligible(&gossip).len(), 3);
    }

    #[test]
    fn the_coordinator_is_the_lowest_active_node() {
        let mut gossip = mesh(3, &[]);
        gossip.get_mut(&node(1)).expect("a row").active = false;
        assert_eq!(coordinator(node(3), &gossip, NodeSet::EMPTY), node(2));
    }
    #[test]
    fn of_two_that_lost_each_other_the_one_of_the_preferred_site_stays() {
        let gossip = mesh(3, &[(1, 3)]);
        let site = NodeSet::one(node(3));
        assert_eq!(coordinator(node(2), &gossip, site), node(3));
        let chosen = clique(node(2), &gossip, site);
        assert_eq!(chosen, NodeSet::one(node(2)).with(node(3)));
    }
}
