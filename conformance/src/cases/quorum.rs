//! Quorum beyond arithmetic: when the witness is tried, who wins a split, who comes back.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::{Observation, WitnessState};
use crate::trial::Trial;
use base::{Generation, Notice};

pub(super) fn cases() -> Vec<Case> {
    vec![
        witness_is_tried_when_one_vote_short(),
        witness_is_not_tried_when_two_votes_short(),
        a_split_leaves_the_majority(),
        an_even_split_is_decided_by_the_witness(),
        an_even_split_without_a_witness_ends_both_sides(),
        a_failed_witness_does_not_end_the_cluster(),
        the_witness_moves_with_its_owner(),
        dynamic_quorum_follows_sequential_losses(),
    ]
}

/// Five nodes and a disk, six votes, four needed: loses some nodes and says how often the
/// witness was needed.
fn needs_of_the_witness(trial: &mut Trial<'_>, lost: u8) -> Result<usize, Stop> {
    let lab = Lab::of(5).witness(Witness::Disk);
    trial.form(&lab)?;
    let mark = trial.mark();
    trial.power_off(&lab.names()[..usize::from(lost)])?;
    trial.run(secs(120));
    let needed = trial.events(mark, |notice| {
        matches!(notice, Notice::WitnessNeeded { .. })
    });
    Ok(needed.len())
}

fn witness_is_tried_when_one_vote_short() -> Case {
    Case {
        id: "quorum/witness-is-tried-when-one-vote-short".into(),
        title: "With exactly one vote missing the witness disk is brought online and decides"
            .into(),
        clauses: &["QRM-3"],
        source: &[("4.1", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let needed = needs_of_the_witness(trial, 2)?;
            trial.check("the witness is tried", needed > 0)?;
            let quorate = trial.seen().all_up(["n3", "n4", "n5"]);
            trial.check("the rest has quorum", quorate)
        }),
    }
}

fn witness_is_not_tried_when_two_votes_short() -> Case {
    Case {
        id: "quorum/witness-is-not-tried-when-two-votes-short".into(),
        title: "With more than one vote missing the witness disk is not tried".into(),
        clauses: &["QRM-4", "QRM-2"],
        source: &[("4.1", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let needed = needs_of_the_witness(trial, 3)?;
            trial.equal("the number of times the witness was tried", needed, 0)?;
            let quorate = trial.seen().quorate();
            trial.check("nobody claims quorum", !quorate)
        }),
    }
}

/// The sides of a split that hold quorum in a view of their own. A node that has not noticed the
/// split yet is on no side.
fn quorate_sides(seen: &Observation, sides: &[&[&str]]) -> usize {
    let quorate = |side: &&&[&str]| {
        let own = |name: &String| side.contains(&name.as_str());
        side.iter().any(|name| {
            let node = seen.nodes.get(*name);
            node.is_some_and(|node| node.holds_quorum() && node.view.iter().all(own))
        })
    };
    sides.iter().filter(quorate).count()
}

fn a_split_leaves_the_majority() -> Case {
    Case {
        id: "quorum/a-split-leaves-the-majority".into(),
        title: "Of a split cluster the majority goes on, the rest stops and joins again later"
            .into(),
        clauses: &["MM-10", "MM-11", "MM-6", "QRM-2", "GUM-7"],
        source: &[("4.1", Mark::Stated), ("6.2", Mark::Secondary)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.fault("{ partition: { between: [[n1, n2], n3] }, for: 5m }")?;
            trial.within(secs(120), "only n1 and n2 have quorum", |seen| {
                seen.all_up(["n1", "n2"]) && !seen.up("n3")
            })?;
            trial.stays(secs(150), "n3 stays out", |seen| {
                seen.all_up(["n1", "n2"]) && !seen.up("n3")
            })?;
            trial.within(EVENTUALLY * 2, "n3 has joined again", |seen| {
                seen.all_up(["n1", "n2", "n3"]) && seen.online("app")
            })
        }),
    }
}

fn an_even_split_is_decided_by_the_witness() -> Case {
    Case {
        id: "quorum/an-even-split-is-decided-by-the-witness".into(),
        title: "Of two nodes that lose each other the one that gets the witness disk goes on"
            .into(),
        clauses: &["QRM-3", "QRM-8", "MM-10", "DISK-2"],
        source: &[("4.1", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).witness(Witness::Disk).program(""))?;
            trial.fault("{ partition: { between: [n1, n2] } }")?;
            let sides: [&[&str]; 2] = [&["n1"], &["n2"]];
            trial.within(
                EVENTUALLY,
                "exactly one node has quorum and runs the group",
                |seen| quorate_sides(seen, &sides) == 1 && seen.online("app"),
            )?;
            trial.stays(secs(300), "exactly one node has quorum", |seen| {
                quorate_sides(seen, &sides) == 1
            })
        }),
    }
}

fn an_even_split_without_a_witness_ends_both_sides() -> Case {
    Case {
        id: "quorum/an-even-split-without-a-witness-ends-both-sides".into(),
        title: "Without a witness and with fixed votes neither half of a cluster goes on".into(),
        clauses: &["QRM-2", "QRM-7", "MM-10"],
        source: &[("4.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).program(""))?;
            trial.fault("{ partition: { between: [[n1, n2], [n3, n4]] } }")?;
            trial.within(secs(120), "no node has quorum", |seen| !seen.quorate())?;
            trial.stays(secs(300), "no node has quorum and nothing runs", |seen| {
                let running = seen
                    .resource("app/prog")
                    .map_or(0, |it| it.running_on.len());
                !seen.quorate() && running == 0
            })
        }),
    }
}

fn a_failed_witness_does_not_end_the_cluster() -> Case {
    Case {
        id: "quorum/a-failed-witness-does-not-end-the-cluster".into(),
        title: "When the witness disk can no longer be written it is failed and the nodes go on"
            .into(),
        clauses: &["DM-9", "QRM-1"],
        source: &[("4.3", Mark::Stated), ("4.3", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).witness(Witness::Disk).program(""))?;
            trial.fault("{ lun: san/witness, do: offline }")?;
            // Something to write: the cluster notices a dead witness when it uses it.
            trial.act("{ do: offline, group: app }")?;
            trial.within(EVENTUALLY, "the witness is failed", |seen| {
                let witness = seen.witness.as_ref();
                witness.is_some_and(|witness| witness.state == WitnessState::Failed)
            })?;
            trial.stays(secs(120), "both nodes go on", |seen| {
                seen.all_up(["n1", "n2"])
            })
        }),
    }
}

fn the_witness_moves_with_its_owner() -> Case {
    Case {
        id: "quorum/the-witness-moves-with-its-owner".into(),
        title: "When the owner of the witness disk is lost another member owns it".into(),
        clauses: &["QRM-5"],
        source: &[("4.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).witness(Witness::Disk))?;
            let owner = |seen: &Observation| seen.witness.as_ref().and_then(|it| it.owner.clone());
            trial.needs(secs(120), "the witness has an owner", |seen| {
                owner(seen).is_some()
            })?;
            let first = owner(trial.seen()).unwrap_or_default();
            trial.power_off(std::slice::from_ref(&first))?;
            trial.within(EVENTUALLY, "another node owns the witness", |seen| {
                owner(seen).is_some_and(|now| now != first && seen.all_up([now.as_str()]))
            })
        }),
    }
}

fn dynamic_quorum_follows_sequential_losses() -> Case {
    Case {
        id: "quorum/dynamic-quorum-follows-sequential-losses".into(),
        title: "With dynamic quorum five nodes may be lost one after the other down to two".into(),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: &[Generation::V2012R2, Generation::V2016, Generation::V2022],
        run: Box::new(|trial| {
            let lab = Lab::of(5).dynamic();
            trial.form(&lab)?;
            let mut left = lab.names();
            while left.len() > 2 {
                let lost = left.remove(0);
                trial.power_off(&[lost])?;
                trial.run(secs(90));
                let up = trial.seen().all_up(left.iter().map(String::as_str));
                trial.check(&format!("{} go on", left.join(", ")), up)?;
            }
            Ok(())
        }),
    }
}
