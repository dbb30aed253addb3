//! Votes that follow the membership: who votes at each size, what may be lost, and whose vote goes.

use super::{EVENTUALLY, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::subject::Of;
use crate::trial::Trial;
use base::Generation;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for nodes in 1..=6 {
        for witness in [Witness::None, Witness::Disk, Witness::Share] {
            cases.push(votes(nodes, witness));
        }
    }
    cases.extend(SURVIVALS.iter().map(survival));
    cases.extend([
        the_voter_of_two_must_stay(),
        the_low_priority_half_loses_an_even_split(),
        a_vote_that_was_taken_away_stays_away(),
        a_witness_is_a_vote_before_it_is_dynamic(),
        without_dynamic_quorum_votes_are_fixed(),
    ]);
    cases
}

/// Where the witness votes when that makes an odd number.
const BOTH_DYNAMIC: &[Generation] = &[Generation::V2012R2, Generation::V2016, Generation::V2022];
/// The table of what may be lost is of these.
const SINCE_2016: &[Generation] = &[Generation::V2016, Generation::V2019, Generation::V2022];

fn word(witness: Witness) -> &'static str {
    match witness {
        Witness::None => "no-witness",
        Witness::Disk => "a-disk",
        Witness::Share => "a-share",
        Witness::Cloud => "a-cloud-blob",
        Witness::DiskOnly => "a-disk-only",
    }
}

/// How many vote: always an odd number.
fn total(nodes: u8, witness: Witness) -> u32 {
    let nodes = u32::from(nodes);
    match (witness, nodes % 2) {
        (_, 1) => nodes,
        (Witness::None, _) => nodes - 1,
        _ => nodes + 1,
    }
}

fn votes(nodes: u8, witness: Witness) -> Case {
    let total = total(nodes, witness);
    let word = word(witness);
    Case {
        id: format!("dynamic-quorum/votes-of-{nodes}-with-{word}"),
        title: format!(
            "With dynamic quorum {nodes} nodes and {} have {total} votes",
            word.replace('-', " ")
        ),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: BOTH_DYNAMIC,
        run: Box::new(move |trial| {
            let lab = Lab::of(nodes).witness(witness).dynamic();
            trial.form(&lab)?;
            trial.within(secs(120), "every node counts so many votes", |seen| {
                let counts = seen.nodes.values().map(|node| node.votes);
                let mut totals = counts.map(|votes| votes.map(|it| (it.total, it.needed)));
                totals.all(|it| it == Some((total, total / 2 + 1)))
            })?;
            let mut weights = 0;
            for node in lab.names() {
                let told = trial.property(None, &Of::Node(node), "DynamicWeight")?;
                weights += u32::from(told == crate::Told::Value("1".into()));
            }
            let witness_votes = u32::from(witness != Witness::None && nodes.is_multiple_of(2));
            trial.equal("nodes of DynamicWeight 1", weights + witness_votes, total)?;
            if witness == Witness::None {
                return Ok(());
            }
            let weight = if witness_votes == 1 { "1" } else { "0" };
            trial.has(&Of::Cluster, "WitnessDynamicWeight", weight)
        }),
    }
}

/// A row of the table of what may be lost.
struct Survival {
    nodes: u8,
    with_witness: bool,
    /// How many are lost at one moment, one loss after the other.
    losses: &'static [u8],
    survives: bool,
}

const fn survives(nodes: u8, with_witness: bool, losses: &'static [u8]) -> Survival {
    Survival {
        nodes,
        with_witness,
        losses,
        survives: true,
    }
}

const fn falls(nodes: u8, with_witness: bool, losses: &'static [u8]) -> Survival {
    Survival {
        survives: false,
        ..survives(nodes, with_witness, losses)
    }
}

/// Rows that are no matter of luck; where the table says half, other cases say which half.
const SURVIVALS: &[Survival] = &[
    survives(2, true, &[1]),
    survives(3, false, &[1]),
    survives(3, true, &[1]),
    survives(3, true, &[1, 1]),
    falls(3, false, &[2]),
    falls(3, true, &[2]),
    survives(4, false, &[1]),
    survives(4, false, &[1, 1]),
    survives(4, true, &[1]),
    survives(4, true, &[1, 1]),
    survives(4, true, &[2]),
    survives(5, false, &[1]),
    survives(5, false, &[1, 1]),
    survives(5, false, &[2]),
    survives(5, true, &[1, 1]),
    survives(5, true, &[2]),
    survives(6, false, &[2]),
    survives(6, true, &[2, 1]),
];

fn survival(row: &'static Survival) -> Case {
    let words: Vec<String> = row.losses.iter().map(u8::to_string).collect();
    let (then, end) = (
        words.join("-then-"),
        if row.survives { "goes-on" } else { "falls" },
    );
    let with = if row.with_witness {
        "-and-a-witness"
    } else {
        ""
    };
    let nodes = row.nodes;
    Case {
        id: format!("dynamic-quorum/{nodes}{with}-less-{then}-{end}"),
        title: format!(
            "A cluster of {nodes} nodes{} that loses {} {}",
            with.replace('-', " "),
            words.join(", then "),
            end.replace('-', " ")
        ),
        clauses: &["QRM-1", "QRM-2"],
        source: &[("4.2", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(move |trial| lose(trial, row)),
    }
}

fn lose(trial: &mut Trial<'_>, row: &Survival) -> Result<(), Stop> {
    let witness = if row.with_witness {
        Witness::Share
    } else {
        Witness::None
    };
    let lab = Lab::of(row.nodes).witness(witness).dynamic();
    trial.form(&lab)?;
    trial.run(secs(60));
    let mut left = lab.names();
    for count in row.losses {
        let lost: Vec<String> = left.drain(..usize::from(*count)).collect();
        trial.power_off(&lost)?;
        trial.run(secs(90));
    }
    if !row.survives {
        return trial.stays(secs(120), "nobody has quorum", |seen| !seen.quorate());
    }
    trial.stays(secs(120), "the rest has quorum", |seen| {
        seen.all_up(left.iter().map(String::as_str))
    })
}

/// The node whose DynamicWeight is one, of two, and the other.
fn voter(trial: &mut Trial<'_>) -> Result<(String, String), Stop> {
    trial.form(&Lab::of(2).dynamic().quorum("lower-priority-node: n1"))?;
    trial.run(secs(60));
    trial.has(&Of::Node("n1".into()), "DynamicWeight", "0")?;
    trial.has(&Of::Node("n2".into()), "DynamicWeight", "1")?;
    Ok(("n2".into(), "n1".into()))
}

fn the_voter_of_two_must_stay() -> Case {
    Case {
        id: "dynamic-quorum/the-voter-of-two-must-stay".into(),
        title: "Of two nodes without a witness one votes: without it the other stops, without \
                the other it goes on"
            .into(),
        clauses: &["QRM-1", "QRM-2", "QRM-7"],
        source: &[("4.2", Mark::Stated)],
        generations: BOTH_DYNAMIC,
        run: Box::new(|trial| {
            let (voter, other) = voter(trial)?;
            trial.power_off(std::slice::from_ref(&voter))?;
            trial.within(secs(120), "the other stops", |seen| !seen.quorate())?;
            trial.stays(secs(120), "nobody has quorum", |seen| !seen.quorate())?;
            trial.act("{ do: heal }")?;
            trial.needs(EVENTUALLY, "both are members", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.run(secs(60));
            let told = trial.property(None, &Of::Node(voter.clone()), "DynamicWeight")?;
            trial.equal("the vote of n2", told, crate::Told::Value("1".into()))?;
            trial.power_off(&[other])?;
            trial.run(secs(60));
            trial.stays(secs(120), "the voter goes on", |seen| seen.up(&voter))
        }),
    }
}

fn the_low_priority_half_loses_an_even_split() -> Case {
    Case {
        id: "dynamic-quorum/the-low-priority-half-loses-an-even-split".into(),
        title: "Of two equal halves the one with the node of LowerQuorumPriorityNodeID stops"
            .into(),
        clauses: &["QRM-1", "QRM-2", "MM-10"],
        source: &[("4.2", Mark::Stated)],
        generations: BOTH_DYNAMIC,
        run: Box::new(|trial| {
            let lab = Lab::of(4).dynamic();
            trial.form(&lab.quorum("lower-priority-node: n2"))?;
            trial.run(secs(60));
            trial.fault("{ partition: { between: [[n1, n2], [n3, n4]] } }")?;
            trial.within(secs(120), "only n3 and n4 have quorum", |seen| {
                seen.all_up(["n3", "n4"]) && !seen.up("n1") && !seen.up("n2")
            })?;
            trial.stays(secs(120), "only n3 and n4 have quorum", |seen| {
                seen.all_up(["n3", "n4"]) && !seen.up("n1") && !seen.up("n2")
            })
        }),
    }
}

fn a_vote_that_was_taken_away_stays_away() -> Case {
    Case {
        id: "dynamic-quorum/a-vote-that-was-taken-away-stays-away".into(),
        title: "A node of NodeWeight 0 never votes, whatever dynamic quorum does with the others"
            .into(),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: BOTH_DYNAMIC,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).dynamic().voteless("n4"))?;
            trial.run(secs(60));
            let of = Of::Node("n4".into());
            trial.has(&of, "NodeWeight", "0")?;
            trial.has(&of, "DynamicWeight", "0")?;
            let votes = trial.seen().nodes.get("n1").and_then(|node| node.votes);
            trial.equal("all votes", votes.map(|it| it.total), Some(3))?;
            trial.power_off(&["n1".into()])?;
            trial.run(secs(90));
            trial.has(&of, "DynamicWeight", "0")?;
            let votes = trial.seen().nodes.get("n4").and_then(|node| node.votes);
            trial.equal("all votes after a loss", votes.map(|it| it.total), Some(1))
        }),
    }
}

fn a_witness_is_a_vote_before_it_is_dynamic() -> Case {
    Case {
        id: "dynamic-quorum/a-witness-is-a-vote-before-it-is-dynamic".into(),
        title: "In 2012 the witness keeps its vote whatever the number of nodes that vote".into(),
        clauses: &["QRM-1", "QRM-8"],
        source: &[("4.2", Mark::Stated)],
        generations: &[Generation::V2012],
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).witness(Witness::Disk).dynamic())?;
            trial.run(secs(60));
            let votes = trial.seen().nodes.get("n1").and_then(|node| node.votes);
            trial.equal("all votes", votes.map(|it| it.total), Some(4))
        }),
    }
}

fn without_dynamic_quorum_votes_are_fixed() -> Case {
    Case {
        id: "dynamic-quorum/without-it-votes-are-fixed".into(),
        title: "Without dynamic quorum a cluster counts all configured votes after every loss"
            .into(),
        clauses: &["QRM-1", "QRM-7"],
        source: &[("4.1", Mark::Stated), ("4.2", Mark::Stated)],
        generations: &[Generation::V2008, Generation::V2008R2, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(5))?;
            for lost in ["n1", "n2"] {
                trial.power_off(&[lost.into()])?;
                trial.run(secs(90));
                let votes = trial.seen().nodes.get("n5").and_then(|node| node.votes);
                let counted = votes.map(|it| (it.total, it.needed));
                trial.equal("all votes and those needed", counted, Some((5, 3)))?;
            }
            trial.power_off(&["n3".into()])?;
            trial.within(secs(120), "nobody has quorum", |seen| !seen.quorate())
        }),
    }
}
