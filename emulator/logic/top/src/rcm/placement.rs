//! Choosing the node that a group goes to.
//!
//! Facts: reference section 3.1 (every row) and AntiAffinityClassNames in section 3. Pure: who is
//! up, who hosts what and the randomness are arguments. Does not decide whether a group may move.

use base::{NodeId, NodeSet, Rng};

/// Why a node is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The cluster forms, led by this node.
    Start { leader: NodeId },
    /// A resource of the group failed on its owner for good.
    ResourceFailed { owner: NodeId },
    /// The owner left the cluster.
    NodeFailed { owner: NodeId },
    /// An administrator's move to the best possible node, or a drain.
    BestPossible { owner: NodeId },
}

/// What is known of a group and the cluster at the moment of the choice.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    /// Why.
    pub reason: Reason,
    /// Preferred owners, best first.
    pub preferred: &'a [NodeId],
    /// Possible owners that are up and not paused.
    pub available: NodeSet,
    /// Nodes that host a group which this one avoids.
    pub avoided: NodeSet,
    /// ClusterEnforcedAntiaffinity: an avoided node is no candidate while there is a choice not to
    /// move at all.
    pub enforced: bool,
    /// DisableGroupPreferredOwnerRandomization: node order instead of a random node.
    pub in_node_order: bool,
    /// DefaultOwner, where the generation keeps it.
    pub default_owner: Option<NodeId>,
}

/// The node, if any can take the group. Anti-affinity is soft: when every candidate is avoided,
/// it is ignored. Where it is enforced the group rather stays where it is; a group without an owner
/// still gets one, and stays offline there.
pub(super) fn choose(question: &Question<'_>, rng: &mut Rng) -> Option<NodeId> {
    let candidates = match question.reason {
        Reason::Start { .. } => question.available,
        Reason::ResourceFailed { owner }
        | Reason::NodeFailed { owner }
        | Reason::BestPossible { owner } => question.available.without(owner),
    };
    let free = candidates.difference(question.avoided);
    let stays = matches!(
        question.reason,
        Reason::ResourceFailed { .. } | Reason::BestPossible { .. }
    );
    if free.is_empty() && question.enforced && stays {
        return None;
    }
    let candidates = if free.is_empty() { candidates } else { free };
    match (question.reason, question.preferred.is_empty()) {
        (Reason::Start { leader }, true) => {
            let first = question.default_owner.filter(|it| candidates.contains(*it));
            next_in(&in_order(&[]), first.or(Some(leader)), candidates, true)
        }
        (Reason::Start { .. } | Reason::BestPossible { .. }, false) => {
            next_in(&in_order(question.preferred), None, candidates, false)
        }
        (Reason::ResourceFailed { owner } | Reason::NodeFailed { owner }, false) => next_in(
            &in_order(question.preferred),
            Some(owner),
            candidates,
            false,
        ),
        (Reason::ResourceFailed { owner }, true) => {
            next_in(&in_order(&[]), Some(owner), candidates, false)
        }
        (Reason::NodeFailed { owner }, true) if question.in_node_order => {
            next_in(&in_order(&[]), Some(owner), candidates, false)
        }
        (Reason::BestPossible { .. }, true) if question.in_node_order => candidates.first(),
        (Reason::NodeFailed { .. } | Reason::BestPossible { .. }, true) => {
            let nodes: Vec<NodeId> = candidates.iter().collect();
            rng.pick(&nodes).copied()
        }
    }
}

/// The first of `preferred` that is available and better than `owner`, for failback.
pub(super) fn better(preferred: &[NodeId], owner: NodeId, available: NodeSet) -> Option<NodeId> {
    preferred
        .iter()
        .take_while(|node| **node != owner)
        .find(|node| available.contains(**node))
        .copied()
}

/// Preferred owners in order, then all other nodes by ascending id.
fn in_order(preferred: &[NodeId]) -> Vec<NodeId> {
    let others = NodeSet(u64::MAX)
        .iter()
        .filter(|node| !preferred.contains(node));
    preferred.iter().copied().chain(others).collect()
}

/// The first candidate of the list below `current` (or at it, if `inclusive`), wrapping to the
/// top; from the top if there is no current one.
fn next_in(
    list: &[NodeId],
    current: Option<NodeId>,
    candidates: NodeSet,
    inclusive: bool,
) -> Option<NodeId> {
    let at = current.and_then(|node| list.iter().position(|listed| *listed == node));
    let start = at.map_or(0, |position| position + usize::from(!inclusive));
    let (above, below) = list.split_at(start.min(list.len()));
    below
        .iter()
        .chain(above)
        .find(|node| candidates.contains(**node))
        .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::new(number).expect("1 to 64")
    }

    fn nodes(numbers: &[u8]) -> Vec<NodeId> {
        numbers.iter().copied().map(node).collect()
    }

    fn set(numbers: &[u8]) -> NodeSet {
        nodes(numbers).into_iter().collect()
    }

    fn chosen(reason: Reason, preferred: &[u8], available: &[u8], avoided: &[u8]) -> Option<u8> {
        let preferred = nodes(preferred);
        let question = Question {
            reason,
            preferred: &preferred,
            available: set(available),
            avoided: set(avoided),
            enforced: false,
            in_node_order: false,
            default_owner: None,
        };
        choose(&question, &mut Rng::new(1, 1)).map(NodeId::number)
    }

    fn resource_failed(owner: u8) -> Reason {
        Reason::ResourceFailed { owner: node(owner) }
    }

    fn node_failed(owner: u8) -> Reason {
        Reason::NodeFailed { owner: node(owner) }
    }

    fn drawn(reason: Reason, available: &[u8]) -> BTreeSet<u8> {
        let question = Question {
            reason,
            preferred: &[],
            available: set(available),
            avoided: NodeSet::EMPTY,
            enforced: false,
            in_node_order: false,
            default_owner: None,
        };
        (0..200)
            .filter_map(|seed| choose(&question, &mut Rng::new(seed, 1)))
            .map(NodeId::number)
            .collect()
    }

    #[test]
    fn on_failure_the_next_preferred_owner_below_the_current_one_is_taken() {
        let all = [1, 2, 3, 4];
        assert_eq!(chosen(resource_failed(1), &[3, 1, 4], &all, &[]), Some(4));
        assert_eq!(chosen(node_failed(1), &[3, 1, 4], &[2, 3, 4], &[]), Some(4));
    }

    #[test]
    fn below_the_preferred_owners_all_other_nodes_follow_by_number_and_then_the_top() {
        assert_eq!(chosen(node_failed(4), &[3, 4], &[1, 2, 3], &[]), Some(1));
        assert_eq!(
            chosen(resource_failed(2), &[3, 4], &[1, 3, 4], &[]),
            Some(3)
        );
    }

    #[test]
    fn a_resource_failure_without_preferred_owners_takes_the_next_number_and_wraps() {
        assert_eq!(chosen(resource_failed(2), &[], &[1, 2, 3], &[]), Some(3));
        assert_eq!(chosen(resource_failed(3), &[], &[1, 2, 3], &[]), Some(1));
    }

    #[test]
    fn a_node_failure_without_preferred_owners_takes_a_random_node() {
        assert_eq!(drawn(node_failed(1), &[2, 3, 4]), BTreeSet::from([2, 3, 4]));
    }

    #[test]
    fn a_move_to_the_best_possible_starts_at_the_top_or_is_random() {
        let best = Reason::BestPossible { owner: node(4) };
        assert_eq!(chosen(best, &[3, 4, 1], &[1, 3, 4], &[]), Some(3));
        assert_eq!(drawn(best, &[1, 2, 4]), BTreeSet::from([1, 2]));
    }

    #[test]
    fn at_start_the_first_preferred_owner_is_taken_else_the_node_that_formed() {
        let start = Reason::Start { leader: node(2) };
        assert_eq!(chosen(start, &[3, 1], &[1, 2, 3], &[]), Some(3));
        assert_eq!(chosen(start, &[], &[1, 2, 3], &[]), Some(2));
        assert_eq!(chosen(start, &[], &[1, 3], &[]), Some(3));
    }

    #[test]
    fn nodes_that_are_not_available_are_never_chosen() {
        assert_eq!(chosen(resource_failed(1), &[2, 3], &[1, 3], &[]), Some(3));
        assert_eq!(chosen(resource_failed(1), &[], &[1], &[]), None);
        assert_eq!(chosen(node_failed(1), &[], &[], &[]), None);
    }

    #[test]
    fn anti_affinity_is_soft() {
        assert_eq!(chosen(resource_failed(1), &[], &[1, 2, 3], &[2]), Some(3));
        let everywhere = chosen(resource_failed(1), &[2, 3], &[1, 2, 3], &[2, 3]);
        assert_eq!(everywhere, Some(2));
    }

    #[test]
    fn failback_looks_only_above_the_owner_in_the_preferred_list() {
        let preferred = nodes(&[3, 1, 2]);
        let up = set(&[1, 2, 3]);
        assert_eq!(better(&preferred, node(1), up), Some(node(3)));
        assert_eq!(better(&preferred, node(3), up), None);
        assert_eq!(better(&preferred, node(4), set(&[2])), Some(node(2)));
    }
}
