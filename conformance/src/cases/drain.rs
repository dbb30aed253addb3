//! Pausing, draining and resuming nodes, and what a node says of itself meanwhile.

use super::{SAMPLE, SINCE_2008, SINCE_2012, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::subject::Of;
use base::{NodeState, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_paused_node_takes_no_groups(),
        a_drained_node_says_so(),
        a_failed_drain_says_so(),
        a_resumed_node_takes_groups_again(),
        a_drain_moves_every_group(),
    ]
}

fn node(seen: &crate::Observation, name: &str) -> Option<NodeState> {
    seen.nodes.get(name).map(|node| node.state)
}

fn a_paused_node_takes_no_groups() -> Case {
    Case {
        id: "drain/a-paused-node-takes-no-groups".into(),
        title: "A paused node stays a member and keeps its groups; a move to it is refused with \
                5070, and no failover goes there"
            .into(),
        clauses: &["RCM-7", "TOP-1"],
        source: &[("1.3", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: [n1, n2, n3] },";
            trial.form(&Lab::of(3).program_in_group(owners, "restart: { limit: 0 }"))?;
            trial.act("{ do: pause, node: n2 }")?;
            trial.needs(secs(30), "n2 is paused", |seen| {
                node(seen, "n2") == Some(NodeState::Paused)
            })?;
            trial.refused("{ do: move, group: app, to: n2 }", 5070)?;
            super::fails_over(trial, super::PROGRAM, "app")?;
            let owner = trial.owner("app")?;
            trial.equal("the owner, past the paused node", owner.as_str(), "n3")?;
            let up = trial.seen().up("n2");
            trial.check("the paused node is a member", up)
        }),
    }
}

fn status(trial: &mut crate::Trial<'_>, information: &str, drain: &str) -> Result<(), crate::Stop> {
    let of = Of::Node("n1".into());
    trial.has(&of, "StatusInformation", information)?;
    trial.has(&of, "NodeDrainStatus", drain)
}

fn a_drained_node_says_so() -> Case {
    Case {
        id: "drain/a-drained-node-says-so".into(),
        title: "A drained node has StatusInformation 8 and NodeDrainStatus 2, and zeros again \
                when it is resumed"
            .into(),
        clauses: &["RCM-7", "TOP-1"],
        source: &[("1.3", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: [n1, n2] },";
            trial.form(&Lab::of(2).program_in_group(owners, ""))?;
            status(trial, "0", "0")?;
            trial.act("{ do: drain, node: n1 }")?;
            trial.needs(secs(60), "the group is on n2", |seen| {
                seen.online("app") && seen.owner("app") == Some("n2")
            })?;
            trial.run(secs(10));
            status(trial, "8", "2")?;
            trial.act("{ do: resume, node: n1 }")?;
            trial.run(secs(5));
            status(trial, "0", "0")
        }),
    }
}

fn a_failed_drain_says_so() -> Case {
    Case {
        id: "drain/a-failed-drain-says-so".into(),
        title: "A node that could not be drained has StatusInformation 16 and NodeDrainStatus 3"
            .into(),
        clauses: &["RCM-7"],
        source: &[("1.3", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program_in_group("owners: { possible: n1 },", ""))?;
            trial.act("{ do: drain, node: n1 }")?;
            trial.run(secs(30));
            status(trial, "16", "3")
        }),
    }
}

fn a_resumed_node_takes_groups_again() -> Case {
    Case {
        id: "drain/a-resumed-node-takes-groups-again".into(),
        title: "After a pause and its end a node is up and groups can move to it".into(),
        clauses: &["RCM-7"],
        source: &[("1.3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program_in_group("owners: { preferred: n1 },", ""))?;
            trial.act("{ do: pause, node: n2 }")?;
            trial.needs(secs(30), "n2 is paused", |seen| {
                node(seen, "n2") == Some(NodeState::Paused)
            })?;
            trial.act("{ do: resume, node: n2 }")?;
            trial.within(secs(30), "n2 is up", |seen| {
                node(seen, "n2") == Some(NodeState::Up)
            })?;
            // The owner of the group hears of it a moment later.
            trial.run(secs(1));
            trial.act("{ do: move, group: app, to: n2 }")?;
            trial.within(secs(60), "the group is on n2", |seen| {
                seen.online("app") && seen.owner("app") == Some("n2")
            })
        }),
    }
}

fn a_drain_moves_every_group() -> Case {
    Case {
        id: "drain/a-drain-moves-every-group".into(),
        title: "A drain takes every group that runs on a node to others, and none is left offline"
            .into(),
        clauses: &["RCM-7", "RCM-3"],
        source: &[("1.3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n1 },";
            let demo = "resources: { it: { type: generic-application, command: sleep 86400 } }";
            let other = format!("{{ {owners} {demo} }}");
            let lab = Lab::of(3).program_in_group(owners, "");
            trial.form(&lab.group("b", &other).group("c", &other))?;
            trial.act("{ do: drain, node: n1 }")?;
            trial.within(secs(120), "all groups run on other nodes", |seen| {
                let away = |group| seen.online(group) && seen.owner(group) != Some("n1");
                ["app", "b", "c"].into_iter().all(away)
            })?;
            let state = trial.seen().state("b/it");
            trial.equal("the state of a resource", state, ResourceState::Online)
        }),
    }
}
