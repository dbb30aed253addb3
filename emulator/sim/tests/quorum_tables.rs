//! All small cases of the vote as a table that people can read (`fixtures/quorum.txt`), compared
//! with a second, naive version of the rules (reference sections 4.1 and 4.2).
//!
//! Each row is a cluster of one to six nodes and the order in which parts of it are lost, the
//! survivors deciding after each loss. With `UPDATE_GOLDEN` set, the table is written anew.

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

/// One case.
#[derive(Clone, Debug)]
struct Case {
    nodes: u8,
    kind: Kind,
    dynamic: bool,
    /// The witness can be had by whoever tries.
    reachable: bool,
    /// The nodes with the highest numbers go first; else the lowest.
    from_top: bool,
    /// How many nodes are lost together, one loss after the other.
    losses: Vec<u8>,
}

/// What becomes of the survivors of one loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Quorum,
    QuorumByWitness,
    Lost,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for nodes in 1..=6 {
            for losses in (0..=nodes).flat_map(compositions) {
                for (kind, dynamic) in KINDS.iter().flat_map(|it| [(*it, false), (*it, true)]) {
                    let witnesses: &[bool] = if kind == Kind::None {
                        &[true]
                    } else {
                        &[true, false]
                    };
                    for (reachable, from_top) in
                        witnesses.iter().flat_map(|it| [(*it, true), (*it, false)])
                    {
                        cases.push(Self {
                            nodes,
                            kind,
                            dynamic,
                            reachable,
                            from_top,
                            losses: losses.clone(),
                        });
                    }
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
            for _ in 0..*loss {
                if self.from_top {
                    left.pop();
                } else {
                    left.remove(0);
                }
            }
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
        let dynamic = if self.dynamic { "dynamic" } else { "fixed" };
        let reached = match (self.kind, self.reachable) {
            (Kind::None, _) => "-",
            (_, true) => "reached",
            (_, false) => "gone",
        };
        let first = if self.from_top { "highest" } else { "lowest" };
        let losses: Vec<String> = self.losses.iter().map(u8::to_string).collect();
        format!(
            "{} | {kind:<10} | {reached:<7} | {dynamic:<7} | {first:<7} | {:<11}",
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
    let mut settings = Settings::blank(Generation::V2022);
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
    settings.dynamic_quorum = case.dynamic;
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
        if case.dynamic && case.kind != Kind::DiskOnly {
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
    case.kind == Kind::None && case.dynamic && survivors.iter().any(even)
}

#[test]
fn every_small_case_is_decided_as_the_table_says_and_as_the_naive_rules_do() {
    let mut table = String::from(
        "# Votes counted and needed after each loss, and what follows. Written by the test\n\
         # `quorum_tables` with UPDATE_GOLDEN set; node 1 has the lowest quorum priority.\n\
         # nodes | witness | it is | votes | lost first | lost together | start, then each loss\n",
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
