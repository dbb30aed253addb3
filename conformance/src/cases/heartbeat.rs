//! Heartbeats: how long it takes by where nodes stand, on which networks they go, and what a change
//! of their settings does.

use super::{SAMPLE, SINCE_2008, SINCE_2012, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Generation, Notice};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        other_subnets_are_given_longer_from_2016_on(),
        a_changed_threshold_counts_at_once(),
        a_changed_delay_counts_at_once(),
        a_node_is_lost_with_its_last_route_only(),
        a_removed_node_comes_back_by_itself(),
    ]
}

/// When each node that is left missed the last one, after it went silent.
fn silence(trial: &mut Trial<'_>, gone: &str) -> Result<BTreeMap<String, Duration>, Stop> {
    let (mark, start) = (trial.mark(), trial.seen().at);
    trial.power_off(&[gone.to_owned()])?;
    trial.run(secs(40));
    let lost = trial.events(mark, |it| matches!(it, Notice::PeerLost { .. }));
    let took = lost
        .into_iter()
        .map(|it| (it.node, it.at.saturating_sub(start)));
    Ok(took.collect())
}

fn missed(
    trial: &mut Trial<'_>,
    took: &BTreeMap<String, Duration>,
    node: &str,
    after: u64,
) -> Result<(), Stop> {
    let took = took.get(node).copied().unwrap_or_default();
    let bounds = (secs(after.saturating_sub(1)), secs(after + 1));
    trial.between(
        &format!("{node} misses the silent node, which"),
        took,
        bounds,
    )
}

fn other_subnets_are_given_longer_from_2016_on() -> Case {
    Case {
        id: "heartbeat/other-subnets-are-given-longer-from-2016-on".into(),
        title: "A silent node is missed after 5 seconds up to 2012 R2; from 2016 on after 10 in \
                its own subnet and 20 from another one"
            .into(),
        clauses: &["MM-5", "BOT-3"],
        source: &[("6.1", Mark::Stated), ("10", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(5).two_sites())?;
            let took = silence(trial, "n5")?;
            let (near, far) = if trial.generation() >= Generation::V2016 {
                (10, 20)
            } else {
                (5, 5)
            };
            missed(trial, &took, "n4", near)?;
            for node in ["n1", "n2", "n3"] {
                missed(trial, &took, node, far)?;
            }
            Ok(())
        }),
    }
}

fn set(trial: &mut Trial<'_>, name: &str, value: u32) -> Result<(), Stop> {
    trial.act(format!("{{ do: set, property: {name}, value: {value} }}"))?;
    trial.run(secs(10));
    Ok(())
}

fn a_changed_threshold_counts_at_once() -> Case {
    Case {
        id: "heartbeat/a-changed-threshold-counts-at-once".into(),
        title: "A SameSubnetThreshold that is set while the cluster runs decides the next loss"
            .into(),
        clauses: &["MM-5", "GUM-1"],
        source: &[("6.1", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            set(trial, "SameSubnetThreshold", 15)?;
            let took = silence(trial, "n3")?;
            missed(trial, &took, "n1", 15)?;
            missed(trial, &took, "n2", 15)
        }),
    }
}

fn a_changed_delay_counts_at_once() -> Case {
    Case {
        id: "heartbeat/a-changed-delay-counts-at-once".into(),
        title: "A SameSubnetDelay that is set while the cluster runs decides the next loss".into(),
        clauses: &["MM-5", "GUM-1"],
        source: &[("6.1", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            set(trial, "SameSubnetThreshold", 6)?;
            set(trial, "SameSubnetDelay", 500)?;
            let took = silence(trial, "n3")?;
            missed(trial, &took, "n1", 3)
        }),
    }
}

fn a_node_is_lost_with_its_last_route_only() -> Case {
    Case {
        id: "heartbeat/a-node-is-lost-with-its-last-route-only".into(),
        title: "Missed heartbeats take one route down; the node is removed when the last one is"
            .into(),
        clauses: &["MM-5", "BOT-3", "TM-5"],
        source: &[("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network())?;
            let mark = trial.mark();
            trial.fault("{ nic: n3/heart, do: down }")?;
            trial.run(secs(60));
            let removed = |it: &Notice| matches!(it, Notice::NodeRemoved { .. });
            let early = trial.events(mark, removed);
            trial.equal("removals with one route left", early.len(), 0)?;
            let up = trial.seen().all_up(["n1", "n2", "n3"]);
            trial.check("all are members", up)?;
            trial.fault("{ nic: n3/lan, do: down }")?;
            trial.within(secs(60), "the node is removed", |seen| {
                seen.all_up(["n1", "n2"]) && !seen.up("n3")
            })
        }),
    }
}

fn a_removed_node_comes_back_by_itself() -> Case {
    Case {
        id: "heartbeat/a-removed-node-comes-back-by-itself".into(),
        title: "The service of a node that was removed ends and is started again, and joins".into(),
        clauses: &["MM-11", "GUM-7"],
        source: &[("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let mark = trial.mark();
            trial.fault("{ nic: n3/lan, do: down, for: 60s }")?;
            trial.run(secs(60));
            let halted = trial.events(mark, |it| matches!(it, Notice::Halted { .. }));
            let own = halted.iter().all(|event| event.node == "n3");
            trial.check(
                "its service has ended, and no other",
                own && !halted.is_empty(),
            )?;
            trial.within(secs(300), "it is a member again", |seen| {
                seen.all_up(["n1", "n2", "n3"])
            })?;
            let started = |it: &Notice| matches!(it, Notice::ServiceStarted { .. });
            let started = trial.events(mark, started);
            trial.check("its service was started again", !started.is_empty())
        }),
    }
}
