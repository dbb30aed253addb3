//! Dynamic quorum and dynamic witness: which votes to give and take after a view opened
//! (reference section 4.2).
//!
//! The survivors of a proven majority become the new base. From 2012 R2 on the total is kept odd:
//! an even number of voting nodes has the witness vote, or without a witness one node loses its
//! vote; an odd number silences the witness. 2012 only takes the votes of lost nodes. Which node
//! loses its vote where LowerQuorumPriorityNodeID is unset is random in the product, but none of
//! PreferredSite as long as there are others (2016 and later); here a node without a vote stays the
//! one.

use std::collections::BTreeMap;

use base::{NodeId, NodeSet, QuorumModel, Rng};

use crate::database::{Change, HiveChange, Value};
use crate::settings::{Settings, Witness};

/// The changes that bring the weights in line with a view of these members, none if they are.
#[must_use]
pub fn adjust(settings: &Settings, members: NodeSet, rng: &mut Rng) -> Vec<Change> {
    if !settings.dynamic_quorum || settings.model == QuorumModel::DiskOnly {
        return Vec::new();
    }
    let mut voters: Vec<NodeId> = settings
        .nodes
        .iter()
        .filter(|(node, known)| members.contains(**node) && known.weight > 0)
        .map(|(node, _)| *node)
        .collect();
    let even = voters.len().is_multiple_of(2);
    let has_witness = settings.witness != Witness::None;
    if even && voters.len() > 1 && !has_witness && settings.dynamic_witness {
        let silent = silenced(settings, &voters, rng);
        voters.retain(|node| Some(*node) != silent);
    }
    let weight = |node| u32::from(voters.contains(node));
    let nodes = settings.nodes.iter().filter(|(_, known)| known.weight > 0);
    let witness = (has_witness && settings.dynamic_witness).then_some(u32::from(even));
    let settled = nodes
        .clone()
        .all(|(node, known)| known.dynamic_weight == weight(node))
        && witness.is_none_or(|weight| settings.witness_dynamic_weight == weight);
    if settled {
        return Vec::new();
    }
    // All of them: changes that others have under way must not mix with these.
    let nodes = nodes.map(|(node, _)| (format!("Nodes\\{node}"), "DynamicWeight", weight(node)));
    let witness = witness.map(|weight| (String::new(), "WitnessDynamicWeight", weight));
    let weights = nodes.chain(witness);
    weights
        .map(|(key, name, weight)| set(&key, name, weight))
        .collect()
}

/// What the weights follow from beside the membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    pub(super) witness: Witness,
    model: QuorumModel,
    votes: BTreeMap<NodeId, u32>,
    dynamic: bool,
    lower_priority: Option<NodeId>,
    preferred: NodeSet,
}

impl Basis {
    pub(super) fn of(settings: &Settings) -> Self {
        let nodes = settings.nodes.iter();
        Self {
            witness: settings.witness,
            model: settings.model,
            votes: nodes.map(|(node, known)| (*node, known.weight)).collect(),
            dynamic: settings.dynamic_quorum,
            lower_priority: settings.lower_priority_node,
            preferred: settings.preferred_nodes(),
        }
    }
}

/// The node among an even number of voters that loses its vote.
fn silenced(settings: &Settings, voters: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
    let lower = settings
        .lower_priority_node
        .filter(|node| voters.contains(node));
    let preferred = settings.preferred_nodes();
    let mut others = voters.to_vec();
    others.retain(|node| !preferred.contains(*node));
    if others.is_empty() {
        others = voters.to_vec();
    }
    let already = others.iter().copied().find(|node| {
        settings
            .nodes
            .get(node)
            .is_some_and(|known| known.dynamic_weight == 0)
    });
    lower.or(already).or_else(|| rng.pick(&others).copied())
}

/// Sets a number of the database.
pub(super) fn set(key: &str, name: &str, weight: u32) -> Change {
    Change::Hive(HiveChange::Set {
        key: key.to_owned(),
        name: name.to_owned(),
        value: Value::Dword(weight),
    })
}
