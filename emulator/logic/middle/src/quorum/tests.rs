//! Votes by the four models, and the witness only when exactly one is missing.

use std::collections::BTreeMap;

use base::{DiskId, Generation, NodeId, NodeSet, QuorumModel};

use super::{Tally, count};
use crate::settings::{NodeSettings, Settings, Witness};

fn settings(nodes: u8, model: QuorumModel, witness: Witness) -> Settings {
    let mut settings = Settings::blank(Generation::V2008);
    for number in 1..=nodes {
        let known = NodeSettings {
            name: format!("n{number}"),
            weight: 1,
            dynamic_weight: 1,
            site: String::new(),
            interfaces: BTreeMap::new(),
        };
        settings
            .nodes
            .insert(NodeId::new(number).expect("a valid node"), known);
    }
    (settings.model, settings.witness) = (model, witness);
    settings
}

fn first(count: u32) -> NodeSet {
    NodeSet((1 << count) - 1)
}

/// A second, naive version of the arithmetic, straight from the reference's words.
fn naive(nodes: u32, witness: bool, present: u32, held: bool) -> bool {
    let votes = nodes + u32::from(witness);
    let have = present + u32::from(witness && held);
    have * 2 > votes
}

#[test]
fn majorities_agree_with_the_naive_count_for_one_to_six_nodes() {
    let models = [
        (QuorumModel::NodeMajority, Witness::None),
        (QuorumModel::NodeAndDiskMajority, Witness::Disk(DiskId(0))),
        (QuorumModel::NodeAndFileShareMajority, Witness::Share),
    ];
    for nodes in 1..=6 {
        for (model, witness) in models {
            for present in 0..=u32::from(nodes) {
                for held in [false, true] {
                    let tally = count(&settings(nodes, model, witness), first(present), held);
                    let expected = naive(nodes.into(), witness != Witness::None, present, held);
                    let case = format!("{model:?} {nodes} nodes {present} present held {held}");
                    assert_eq!(tally.has_quorum(), expected, "{case}");
                }
            }
        }
    }
}

#[test]
fn only_one_missing_vote_calls_for_the_witness() {
    let four = settings(4, QuorumModel::NodeAndFileShareMajority, Witness::Share);
    assert!(count(&four, first(2), false).is_one_short());
    assert!(!count(&four, first(1), false).is_one_short());
    assert!(!count(&four, first(3), false).is_one_short());
}

#[test]
fn with_disk_only_nodes_have_no_votes() {
    let three = settings(3, QuorumModel::DiskOnly, Witness::Disk(DiskId(0)));
    assert!(!count(&three, first(3), false).has_quorum());
    let tally = count(&three, first(1), true);
    assert_eq!(
        tally,
        Tally {
            have: 1,
            needed: 1,
            total: 1
        }
    );
}

#[test]
fn a_node_without_a_vote_counts_nothing() {
    let mut three = settings(3, QuorumModel::NodeMajority, Witness::None);
    three.nodes.values_mut().next().expect("a node").weight = 0;
    assert_eq!(
        count(&three, first(3), false),
        Tally {
            have: 2,
            needed: 2,
            total: 2
        }
    );
    assert!(
        !count(&three, first(2), false).has_quorum(),
        "one of two votes is no majority"
    );
}

#[test]
fn dynamic_weights_count_only_where_dynamic_quorum_is_on() {
    let mut three = settings(3, QuorumModel::NodeMajority, Witness::None);
    for node in three.nodes.values_mut().skip(1) {
        node.dynamic_weight = 0;
    }
    assert!(!count(&three, first(1), false).has_quorum());
    three.dynamic_quorum = true;
    assert!(count(&three, first(1), false).has_quorum());
}
