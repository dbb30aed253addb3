//! All small cases of the vote as a table that people can read (`fixtures/quorum.txt`), compared
//! with a second, naive version of the rules (reference sections 4.1 and 4.2).
//!
//! Each row is a cluster of one to six nodes and the order in which parts of it are lost, the
//! survivors deciding after each loss. With `UPDATE_GOLDEN` set it is written anew. A second
//! test compares the two versions for every set of nodes that may be lost, without writing it down.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use base::{DiskId, Generation, NodeId, NodeSet, QuorumModel, Rng};
use middle::database::{Change, Hive};
use middle::quorum::{adjust, calls_for_witness, count};
use middle::settings::{NodeSettings, Settings, Witness};

/// What votes beside the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    Disk,
    Share,
    DiskOnly,
}

const KINDS: [Kind; 4] = [Kind::None, Kind::Disk, Kind::Share, Kind::DiskOnly];

/// How votes follow the membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Votes {
    /// Not at all.
    Fixed,
    /// As in 2012: who is lost has no vote, and the witness always has one.
    Survivors,
    /// As from 2012 R2 on: their number is odd.
    Odd,
}

/// One case.
#[derive(Clone, Debug)]
struct Case {
    nodes: u8,
    kind: Kind,
    votes: Votes,
    /// The witness can be had by whoever tries.
    reachable: bool,
    /// Which nodes are lost together, one loss after the other.
    losses: Vec<Vec<u8>>,
}

/// What becomes of the survivors of one loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Quorum,
    QuorumByWitness,
    Lost,
}

impl Case {
    /// The rows for people: the nodes with the highest numbers go first, or those with the lowest.
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for nodes in 1..=6 {
            for counts in (0..=nodes).flat_map(compositions) {
                let orders = [taken((1..=nodes).rev(), &counts), taken(1..=nodes, &counts)];
                cases.extend(Self::variants(nodes, &orders));
            }
        }
        cases
    }

    /// All clusters of this size with these orders of losses. For readers, what 2012 made of it is
    /// there up to four nodes.
    fn variants(nodes: u8, orders: &[Vec<Vec<u8>>]) -> Vec<Self> {
        let mut cases = Vec::new();
        for kind in KINDS {
            for votes in [Votes::Fixed, Votes::Survivors, Votes::Odd] {
                if votes == Votes::Survivors && nodes > 4 {
                    continue;
                }
                let witnesses: &[bool] = if kind == Kind::None {
                    &[true]
                } else {
                    &[true, false]
                };
                for reachable in witnesses {
                    cases.extend(orders.iter().map(|losses| Self {
                        nodes,
                        kind,
                        votes,
                        reachable: *reachable,
                        losses: losses.clone(),
                    }));
                }
            }
        }
        cases
    }

    /// The survivors before the first loss and after each.
    fn survivors(&self) -> Vec<Vec<u8>> {
        let mut left: Vec<u8> = (1..=self.nodes).collect();
        let mut all = vec![left.clone()];
        for loss in &self.losses {
            left.retain(|node| !loss.contains(node));
            all.push(left.clone());
        }
        all
    }

    fn name(&self) -> String {
        let kind = match self.kind {
            Kind::None => "no witness",
            Kind::Disk => "disk",
            Kind::Share => "share",
            Kind::DiskOnly => "disk only",
        };
        let votes = match self.votes {
            Votes::Fixed => "fixed",
            Votes::Survivors => "as 2012",
            Votes::Odd => "dynamic",
        };
        let reached = match (self.kind, self.reachable) {
            (Kind::None, _) => "-",
            (_, true) => "reached",
            (_, false) => "gone",
        };
        let word = |loss: &Vec<u8>| loss.iter().map(u8::to_string).collect::<String>();
        let losses: Vec<String> = self.losses.iter().map(word).collect();
        format!(
            "{} | {kind:<10} | {reached:<7} | {votes:<7} | {:<11}",
            self.nodes,
            losses.join(" ")
        )
    }
}

/// All ways to lose `count` nodes in turns.
fn compositions(count: u8) -> Vec<Vec<u8>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 1..=count {
        for mut rest in compositions(count - first) {
            rest.insert(0, first);
            all.push(rest);
        }
    }
    all
}

/// Losses of so many nodes each, the first of the list first.
fn taken(mut nodes: impl Iterator<Item = u8>, counts: &[u8]) -> Vec<Vec<u8>> {
    let mut take = |count: &u8| nodes.by_ref().take(usize::from(*count)).collect();
    counts.iter().map(&mut take).collect()
}

/// All ways to lose some of these nodes in turns, in whatever sets.
fn losses(left: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut all = vec![Vec::new()];
    for bits in 1_u32..1 << left.len() {
        let is_in = |place: &usize| bits & (1 << place) != 0;
        let (lost, rest): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(is_in);
        let lost: Vec<u8> = lost.into_iter().map(|place| left[place]).collect();
        let rest: Vec<u8> = rest.into_iter().map(|place| left[place]).collect();
        for mut then in losses(&rest) {
            then.insert(0, lost.clone());
            all.push(then);
        }
    }
    all
}

/// The fates by the quorum manager's own arithmetic, with what it counted.
fn judged(case: &Case) -> Vec<(Fate, String)> {
    let mut settings = settings(case);
    let mut rng = Rng::new(1, 1);
    let mut fates = Vec::new();
    for left in case.survivors() {
        let members: NodeSet = left.iter().filter_map(|it| NodeId::new(*it)).collect();
        let alone = count(&settings, members, false);
        let tried = !left.is_empty() && calls_for_witness(&settings, alone, false);
        let with = count(&settings, members, tried && case.reachable);
        let fate = match (alone.has_quorum(), with.has_quorum()) {
            (true, _) => Fate::Quorum,
            (false, true) => Fate::QuorumByWitness,
            (false, false) => Fate::Lost,
        };
        fates.push((fate, format!("{}/{}", with.have, with.needed)));
        if fate == Fate::Lost {
            break;
        }
        let changes = adjust(&settings, members, &mut rng);
        let mut hive = Hive::default();
        settings.write(&mut hive);
        for change in &changes {
            if let Change::Hive(change) = change {
                hive.apply(change);
            }
        }
        settings = Settings::read(&hive);
    }
    fates
}

fn settings(case: &Case) -> Settings {
    let generation = match case.votes {
        Votes::Survivors => Generation::V2012,
        Votes::Fixed | Votes::Odd => Generation::V2022,
    };
    let mut settings = Settings::blank(generation);
    for number in 1..=case.nodes {
        let known = NodeSettings {
            name: format!("n{number}"),
            weight: 1,
            dynamic_weight: 1,
            site: String::new(),
            interfaces: BTreeMap::new(),
        };
        settings.nodes.insert(NodeId::new(number).unwrap(), known);
    }
    settings.dynamic_quorum = case.votes != Votes::Fixed;
    settings.dynamic_witness = case.votes == Votes::Odd;
    settings.lower_priority_node = NodeId::new(1);
    (settings.model, settings.witness) = match case.kind {
        Kind::None => (QuorumModel::NodeMajority, Witness::None),
        Kind::Disk => (QuorumModel::NodeAndDiskMajority, Witness::Disk(DiskId(0))),
        Kind::Share => (QuorumModel::NodeAndFileShareMajority, Witness::Share),
        Kind::DiskOnly => (QuorumModel::DiskOnly, Witness::Disk(DiskId(0))),
    };
    settings
}

/// The same by the words of the reference: who votes is a list, a majority is more than half of it.
fn naive(case: &Case) -> Vec<Fate> {
    let mut voters: Vec<u8> = (1..=case.nodes).collect();
    let mut witness_votes = case.kind != Kind::None;
    let mut fates = Vec::new();
    for left in case.survivors() {
        let fate = naive_fate(case, &voters, witness_votes, &left);
        fates.push(fate);
        if fate == Fate::Lost {
            break;
        }
        if case.votes == Votes::Survivors && case.kind != Kind::DiskOnly {
            voters = left;
        } else if case.votes == Votes::Odd && case.kind != Kind::DiskOnly {
            voters = left;
            witness_votes = case.kind != Kind::None && voters.len().is_multiple_of(2);
            if case.kind == Kind::None && voters.len() > 1 && voters.len().is_multiple_of(2) {
                // Node 1 has the lowest priority; else whoever is silent already stays silent, and
                // nobody is before node 1 is lost.
                voters.retain(|it| *it != 1);
            }
        }
    }
    fates
}

fn naive_fate(case: &Case, voters: &[u8], witness_votes: bool, left: &[u8]) -> Fate {
    if case.kind == Kind::DiskOnly {
        let held = case.reachable && !left.is_empty();
        return if held {
            Fate::QuorumByWitness
        } else {
            Fate::Lost
        };
    }
    let total = voters.len() + usize::from(witness_votes);
    let have = voters.iter().filter(|it| left.contains(it)).count();
    if have * 2 > total {
        return Fate::Quorum;
    }
    let with = have + usize::from(witness_votes);
    if case.reachable && !left.is_empty() && with * 2 > total {
        return Fate::QuorumByWitness;
    }
    Fate::Lost
}

/// Where the lowest goes first and no witness votes, an even rest without a silent node draws one.
fn draws(case: &Case) -> bool {
    let survivors = case.survivors();
    let even =
        |left: &Vec<u8>| left.len() > 1 && left.len().is_multiple_of(2) && !left.contains(&1);
    case.kind == Kind::None && case.votes == Votes::Odd && survivors.iter().any(even)
}

#[test]
fn every_small_case_is_decided_as_the_table_says_and_as_the_naive_rules_do() {
    let mut table = String::from(
        "# Votes counted and needed after each loss, and what follows. Written by the test\n\
         # `quorum_tables` with UPDATE_GOLDEN set; node 1 has the lowest quorum priority.\n\
         # nodes | witness | it is | votes | nodes lost | start, then each loss\n",
    );
    let cases: Vec<Case> = Case::all().into_iter().filter(|it| !draws(it)).collect();
    for case in &cases {
        let judged = judged(case);
        let fates: Vec<Fate> = judged.iter().map(|(fate, _)| *fate).collect();
        assert_eq!(fates, naive(case), "{}", case.name());
        let words = judged.iter().map(|(fate, counted)| {
            let word = match fate {
                Fate::Quorum => "quorum",
                Fate::QuorumByWitness => "quorum by the witness",
                Fate::Lost => "lost",
            };
            format!("{counted} {word}")
        });
        let words: Vec<String> = words.collect();
        writeln!(table, "{} | {}", case.name(), words.join(", ")).unwrap();
    }
    assert!(cases.len() > 500, "{} cases", cases.len());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/quorum.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, known) in table.lines().zip(golden.lines()) {
        assert_eq!(line, known);
    }
    assert_eq!(table.lines().count(), golden.lines().count());
}

#[test]
fn whoever_is_lost_in_whatever_order_both_versions_agree() {
    let mut count = 0;
    for nodes in 1..=4_u8 {
        let all: Vec<u8> = (1..=nodes).collect();
        for case in Case::variants(nodes, &losses(&all)) {
            if draws(&case) {
                continue;
            }
            let fates: Vec<Fate> = judged(&case).iter().map(|(fate, _)| *fate).collect();
            assert_eq!(fates, naive(&case), "{}", case.name());
            count += 1;
        }
    }
    assert!(count > 2_000, "{count} cases");
}

#[test]
fn the_naive_version_catches_a_planted_mistake() {
    // Votes that stay with the lost would be the easiest mistake to make.
    let case = Case {
        nodes: 3,
        kind: Kind::None,
        votes: Votes::Odd,
        reachable: true,
        losses: vec![vec![3], vec![1]],
    };
    let mut wrong = case.clone();
    wrong.votes = Votes::Fixed;
    let fates = |case: &Case| -> Vec<Fate> { judged(case).iter().map(|it| it.0).collect() };
    assert_eq!(fates(&case), naive(&case));
    assert_ne!(fates(&wrong), naive(&case));
}
