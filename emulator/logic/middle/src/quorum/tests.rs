//! Votes by the four models, and the witness only when exactly one is missing.

use std::collections::BTreeMap;

use base::{DiskId, Generation, NodeId, NodeSet, QuorumModel};

use super::{Tally, count};
use crate::settings::votes::calls_for_witness;
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
fn a_witness_without_a_vote_is_tried_only_where_its_copy_may_know_of_newer_votes() {
    let share = (QuorumModel::NodeAndFileShareMajority, Witness::Share);
    let disk = (QuorumModel::NodeAndDiskMajority, Witness::Disk(DiskId(0)));
    let tried = |(model, witness), weight, forming| {
        let mut three = settings(3, model, witness);
        (three.dynamic_quorum, three.dynamic_witness) = (true, true);
        three.witness_dynamic_weight = weight;
        let tally = Tally {
            have: 1,
            needed: 2,
            total: 3,
        };
        calls_for_witness(&three, tally, forming)
    };
    assert!(!tried(share, 0, true));
    assert!(tried(share, 1, false));
    assert!(tried(disk, 0, true));
    assert!(!tried(disk, 0, false), "an active member knows the votes");
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

/// The weights that a view of the first `present` of `nodes` nodes ends with: nodes, witness.
fn adjusted(nodes: u8, witness: Witness, generation: Generation, present: u32) -> (Vec<u32>, u32) {
    let model = match witness {
        Witness::None => QuorumModel::NodeMajority,
        Witness::Disk(_) => QuorumModel::NodeAndDiskMajority,
        Witness::Share => QuorumModel::NodeAndFileShareMajority,
        Witness::Cloud => QuorumModel::NodeMajority,
    };
    let mut known = settings(nodes, model, witness);
    known.generation = generation;
    known.dynamic_quorum = generation.defaults().dynamic_quorum;
    known.dynamic_witness = generation.defaults().dynamic_witness;
    let mut rng = base::Rng::new(1, 1);
    let mut hive = crate::database::Hive::default();
    known.write(&mut hive);
    for change in super::adjust(&known, first(present), &mut rng) {
        if let crate::database::Change::Hive(change) = change {
            hive.apply(&change);
        }
    }
    let after = Settings::read(&hive);
    (
        after
            .nodes
            .values()
            .map(|node| node.dynamic_weight)
            .collect(),
        after.witness_dynamic_weight,
    )
}

#[test]
fn weights_after_a_view_follow_the_rules_of_2012_r2() {
    let new = Generation::V2022;
    let sum = |(weights, _): &(Vec<u32>, u32)| weights.iter().sum::<u32>();
    assert_eq!(
        sum(&adjusted(2, Witness::None, new, 2)),
        1,
        "even, no witness: one is silenced"
    );
    assert_eq!(
        sum(&adjusted(3, Witness::None, new, 3)),
        3,
        "odd, no witness: all vote"
    );
    assert_eq!(
        adjusted(4, Witness::Share, new, 4),
        (vec![1; 4], 1),
        "even: the witness votes"
    );
    assert_eq!(
        adjusted(3, Witness::Share, new, 3),
        (vec![1; 3], 0),
        "odd: it does not"
    );
    assert_eq!(
        adjusted(3, Witness::Share, new, 2),
        (vec![1, 1, 0], 1),
        "survivors are the base"
    );
    assert_eq!(
        adjusted(2, Witness::Share, new, 1),
        (vec![1, 0], 0),
        "the last one alone"
    );
}

#[test]
fn generation_2012_only_takes_the_votes_of_lost_nodes() {
    assert_eq!(
        adjusted(2, Witness::None, Generation::V2012, 2),
        (vec![1, 1], 1)
    );
    assert_eq!(
        adjusted(3, Witness::None, Generation::V2012, 2),
        (vec![1, 1, 0], 1)
    );
}

#[test]
fn generations_without_dynamic_quorum_keep_their_votes() {
    assert_eq!(
        adjusted(3, Witness::None, Generation::V2008R2, 1),
        (vec![1, 1, 1], 1)
    );
}

/// Node 1 of two is alone and asks for the witness disk; then the last update of the view before
/// comes through, which gave it the vote of the other one.
#[test]
fn a_decider_that_waits_for_the_witness_counts_again_when_the_votes_change() {
    use base::{Manager, Outbox, Timestamp};

    use super::{Input, Message, Output, Quorum};
    use crate::test_context::{blank_facts, node, nodes, view, with_context};

    let disk = (QuorumModel::NodeAndDiskMajority, Witness::Disk(DiskId(0)));
    let mut known = settings(2, disk.0, disk.1);
    (known.dynamic_quorum, known.dynamic_witness) = (true, true);
    known.witness_dynamic_weight = 1;
    let mut facts = blank_facts(node(1));
    facts.settings = known.clone().into();
    facts.view = Some(view(5, nodes(&[1])).into());
    let (mut quorum, mut out) = (Quorum::default(), Outbox::default());
    let mut tell = |facts: &crate::Facts, input| -> Vec<Output> {
        with_context(facts, Timestamp::ZERO, |cx| {
            quorum.handle(cx, input, &mut out);
        });
        out.drain().collect()
    };
    tell(&facts, Input::SettingsChanged);
    let said = tell(&facts, Input::ViewInstalled);
    let asks = |it: &Output| {
        let message = |message: &Message| matches!(message, Message::Arbitrate { .. });
        matches!(it, Output::Send { message: it, .. } if message(it))
    };
    assert!(said.iter().any(asks));
    let other = known.nodes.get_mut(&node(2)).expect("a node");
    other.dynamic_weight = 0;
    known.witness_dynamic_weight = 0;
    facts.settings = known.into();
    let said = tell(&facts, Input::SettingsChanged);
    let holds = |it: &Output| {
        let message = |message: &Message| matches!(message, Message::Decision { held: true, .. });
        matches!(it, Output::Send { message: it, .. } if message(it))
    };
    assert!(said.iter().any(holds), "{said:?}");
}
