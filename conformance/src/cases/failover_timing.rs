//! How long it takes to notice that a node is gone, and what follows.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Generation, Notice};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        default_detection(),
        configured_detection(),
        a_short_silence_is_forgiven(),
        node_loss_moves_the_group(),
    ]
}

/// SameSubnetDelay and SameSubnetThreshold as documented (reference 6.1); kept apart from the
/// product's own table, which they are to judge.
fn documented(generation: Generation) -> (Duration, u32) {
    (
        secs(1),
        if generation >= Generation::V2016 {
            10
        } else {
            5
        },
    )
}

/// Switches the last node off and asserts how long the others take to miss it.
fn detection(trial: &mut Trial<'_>, delay: Duration, missed: u32) -> Result<(), Stop> {
    let (mark, start) = (trial.mark(), trial.seen().at);
    trial.power_off(&["n3".into()])?;
    let expected = delay * missed;
    trial.run(expected + delay * 2);
    let lost = |notice: &Notice| matches!(notice, Notice::PeerLost { .. });
    let lost = trial.first(mark, "the loss of the node", lost)?;
    let bounds = (expected.saturating_sub(delay), expected + delay);
    trial.between("noticing the loss", lost.saturating_sub(start), bounds)
}

fn default_detection() -> Case {
    Case {
        id: "failover-timing/default-detection".into(),
        title: "A silent node is noticed after delay times threshold of its generation".into(),
        clauses: &["MM-5", "BOT-3"],
        source: &[("6.1", Mark::Stated), ("10", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let (delay, missed) = documented(trial.generation());
            detection(trial, delay, missed)
        }),
    }
}

fn configured_detection() -> Case {
    Case {
        id: "failover-timing/configured-detection".into(),
        title: "Configured SameSubnetDelay and SameSubnetThreshold decide when a node is missed"
            .into(),
        clauses: &["MM-5"],
        source: &[("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).heartbeat("{ every: 2s, missed: 4 }"))?;
            detection(trial, secs(2), 4)
        }),
    }
}

fn a_short_silence_is_forgiven() -> Case {
    Case {
        id: "failover-timing/a-short-silence-is-forgiven".into(),
        title: "A node that is silent for less than the threshold stays a member".into(),
        clauses: &["MM-6"],
        source: &[("6.1", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let (delay, missed) = documented(trial.generation());
            let silence = delay * (missed - 2);
            let mark = trial.mark();
            let cut = "{ partition: { between: [[n1, n2], n3] }";
            trial.fault(format!("{cut}, for: {}s }}", silence.as_secs()))?;
            trial.run(secs(60));
            let lost = trial.events(mark, |notice| {
                matches!(notice, Notice::PeerLost { .. } | Notice::NodeRemoved { .. })
            });
            trial.equal("the number of losses", lost.len(), 0)?;
            let up = trial.seen().all_up(["n1", "n2", "n3"]);
            trial.check("all nodes are members", up)
        }),
    }
}

fn node_loss_moves_the_group() -> Case {
    Case {
        id: "failover-timing/node-loss-moves-the-group".into(),
        title: "When its node is lost a group comes online on a surviving node, after detection"
            .into(),
        clauses: &["RCM-8", "RCM-2", "MM-5", "SVC-4"],
        source: &[("3.1", Mark::Stated), ("6.1", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let owner = trial.owner("app")?;
            let mark = trial.mark();
            trial.power_off(std::slice::from_ref(&owner))?;
            trial.within(EVENTUALLY, "the group is online on another node", |seen| {
                seen.online("app") && seen.owner("app") != Some(owner.as_str())
            })?;
            let lost = |notice: &Notice| matches!(notice, Notice::PeerLost { .. });
            let lost = trial.first(mark, "the loss of the node", lost)?;
            let moved = |notice: &Notice| matches!(notice, Notice::GroupMoved { .. });
            let moved = trial.first(mark, "the move of the group", moved)?;
            trial.check("the loss comes before the move", lost <= moved)
        }),
    }
}
