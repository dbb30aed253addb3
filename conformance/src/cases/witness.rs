//! The witness in use: who gets it, when it is given up, and when it is tried again.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::{Observation, WitnessState};
use crate::trial::Trial;
use base::{Notice, WitnessVerdict};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_failed_witness_is_tried_again_after_a_quarter_of_an_hour(),
        the_owner_of_the_core_group_gets_the_share(),
        others_wait_before_they_try_the_share(),
        a_share_that_is_gone_ends_nobody(),
        a_disk_alone_carries_one_node(),
    ]
}

fn state(seen: &Observation) -> Option<WitnessState> {
    seen.witness.as_ref().map(|witness| witness.state)
}

fn in_use(trial: &mut Trial<'_>, lab: &Lab) -> Result<String, Stop> {
    trial.form(lab)?;
    trial.needs(secs(120), "the witness is in use", |seen| {
        state(seen) == Some(WitnessState::Online)
    })?;
    let owner = trial
        .seen()
        .witness
        .as_ref()
        .and_then(|it| it.owner.clone());
    Ok(owner.unwrap_or_else(|| "n1".into()))
}

fn a_failed_witness_is_tried_again_after_a_quarter_of_an_hour() -> Case {
    Case {
        id: "witness/a-failed-witness-is-tried-again-after-a-quarter-of-an-hour".into(),
        title: "A witness disk that failed on every node is tried again after \
                WitnessRestartInterval, 15 minutes"
            .into(),
        clauses: &["DM-9", "QRM-3"],
        source: &[("4.3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            in_use(trial, &Lab::of(2).witness(Witness::Disk).program(""))?;
            let mark = trial.mark();
            trial.fault("{ lun: san/witness, do: offline, for: 5m }")?;
            trial.act("{ do: offline, group: app }")?;
            trial.run(secs(25 * 60));
            let tried = |it: &Notice| matches!(it, Notice::DiskArbitrationLost { .. });
            let tried = trial.times(mark, tried);
            let last = tried.last().copied();
            trial.check("another node has tried it in vain", tried.len() >= 2)?;
            let won = |it: &Notice| matches!(it, Notice::DiskHeld { .. });
            let won = trial.first(mark, "the witness held again", won)?;
            let took = won.saturating_sub(last.unwrap_or_default());
            trial.between("the pause", took, (secs(15 * 60), secs(15 * 60 + 30)))?;
            let online = state(trial.seen()) == Some(WitnessState::Online);
            trial.check("the witness is online", online)
        }),
    }
}

fn the_owner_of_the_core_group_gets_the_share() -> Case {
    Case {
        id: "witness/the-owner-of-the-core-group-gets-the-share".into(),
        title: "Of two halves that both reach the witness share the one that owns the core group \
                goes on"
            .into(),
        clauses: &["QRM-3", "QRM-9", "MM-10"],
        source: &[("5.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let owner = in_use(trial, &Lab::of(2).witness(Witness::Share))?;
            let other = if owner == "n1" { "n2" } else { "n1" };
            trial.fault("{ partition: { between: [n1, n2] } }")?;
            trial.within(EVENTUALLY, "the owner goes on alone", |seen| {
                seen.up(&owner) && !seen.up(other)
            })?;
            trial.stays(secs(120), "the owner goes on alone", |seen| {
                seen.up(&owner) && !seen.up(other)
            })
        }),
    }
}

fn others_wait_before_they_try_the_share() -> Case {
    Case {
        id: "witness/others-wait-before-they-try-the-share".into(),
        title: "A node that does not own the core group waits ArbitrationDelay, 6 seconds, before \
                it takes the witness share"
            .into(),
        clauses: &["QRM-3", "QRM-9"],
        source: &[
            ("5.2", Mark::Stated),
            ("2.1", Mark::Stated),
            ("10", Mark::Stated),
        ],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let owner = in_use(trial, &Lab::of(2).witness(Witness::Share))?;
            let mark = trial.mark();
            trial.power_off(&[owner])?;
            trial.needs(EVENTUALLY, "the other goes on", |seen| {
                let alone = seen.nodes.values().any(|node| node.view.len() == 1);
                alone && seen.quorate()
            })?;
            let needed = |it: &Notice| matches!(it, Notice::WitnessNeeded { .. });
            let needed = trial.first(mark, "the need of the witness", needed)?;
            let won = |it: &Notice| {
                let verdict = WitnessVerdict::Won;
                *it == Notice::WitnessArbitrated { verdict }
            };
            let won = trial.first(mark, "the witness won", won)?;
            let took = won.saturating_sub(needed);
            trial.between("the arbitration", took, (secs(6), secs(8)))
        }),
    }
}

fn a_share_that_is_gone_ends_nobody() -> Case {
    Case {
        id: "witness/a-share-that-is-gone-ends-nobody".into(),
        title: "While all nodes are there they go on without the witness share".into(),
        clauses: &["QRM-1", "QRM-9"],
        source: &[("4.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            in_use(trial, &Lab::of(2).witness(Witness::Share).program(""))?;
            trial.fault("{ witness: all, do: unreachable }")?;
            trial.stays(secs(600), "both go on and the group is online", |seen| {
                seen.all_up(["n1", "n2"]) && seen.online("app")
            })?;
            trial.power_off(&["n2".into()])?;
            trial.within(secs(120), "one alone has too few votes", |seen| {
                !seen.quorate()
            })
        }),
    }
}

fn a_disk_alone_carries_one_node() -> Case {
    Case {
        id: "witness/a-disk-alone-carries-one-node".into(),
        title: "Where the disk counts alone one node of four is enough, and without the disk all \
                four are not"
            .into(),
        clauses: &["QRM-10", "QRM-1", "QRM-2"],
        source: &[("4.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            in_use(trial, &Lab::of(4).witness(Witness::DiskOnly))?;
            trial.power_off(&["n1".into(), "n2".into(), "n3".into()])?;
            trial.within(EVENTUALLY, "one node goes on", |seen| seen.up("n4"))?;
            in_use(trial, &Lab::of(4).witness(Witness::DiskOnly))?;
            trial.fault("{ lun: san/witness, do: offline }")?;
            trial.within(EVENTUALLY, "nobody goes on", |seen| !seen.quorate())
        }),
    }
}
