//! Who is a member: forming, losing, dividing, coming back.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::observation::Observation;
use base::{HaltReason, Notice, RegroupStage};
use std::collections::BTreeSet;

pub(super) fn cases() -> Vec<Case> {
    vec![
        all_nodes_agree_on_one_view(),
        survivors_agree_and_log_the_loss(),
        the_minority_logs_the_loss_before_it_stops(),
        one_lost_network_removes_nobody(),
        a_pair_that_lost_each_other_does_not_divide_the_cluster(),
        a_returning_node_is_brought_up_to_date(),
        a_cluster_without_power_forms_again(),
    ]
}

/// Every node that holds quorum is in the same view, and that view is just those nodes.
fn one_view(seen: &Observation) -> bool {
    let up = seen.nodes.iter().filter(|(_, node)| node.holds_quorum());
    let (names, views): (BTreeSet<_>, BTreeSet<_>) = up
        .map(|(name, node)| (name.clone(), node.view.clone()))
        .unzip();
    views.len() == 1 && views.contains(&names)
}

fn all_nodes_agree_on_one_view() -> Case {
    Case {
        id: "membership/all-nodes-agree-on-one-view".into(),
        title: "When a cluster has formed every node has the same view with all nodes in it".into(),
        clauses: &["MM-1", "MM-4", "MM-12", "SVC-7", "MID-2"],
        source: &[("6.2", Mark::Secondary)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4))?;
            trial.within(secs(60), "there is one view", one_view)?;
            let size = trial
                .seen()
                .nodes
                .get("n1")
                .map_or(0, |node| node.view.len());
            trial.equal("the size of the view", size, 4)?;
            trial.stays(secs(300), "the view stays", one_view)
        }),
    }
}

fn survivors_agree_and_log_the_loss() -> Case {
    Case {
        id: "membership/survivors-agree-and-log-the-loss".into(),
        title: "A lost node leaves through a regroup, and every survivor logs event 1135".into(),
        clauses: &["MM-5", "MM-8", "MM-2", "MM-12", "SVC-8", "GUM-2"],
        source: &[("6.1", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4))?;
            let mark = trial.mark();
            trial.power_off(&["n2".into()])?;
            trial.within(
                secs(120),
                "the survivors agree on a view without it",
                |seen| one_view(seen) && seen.all_up(["n1", "n3", "n4"]) && !seen.all_up(["n2"]),
            )?;
            let stages = trial.events(mark, |notice| matches!(notice, Notice::Regroup { .. }));
            let opening = |stage: &Notice| {
                matches!(
                    stage,
                    Notice::Regroup {
                        stage: RegroupStage::Opening,
                        ..
                    }
                )
            };
            let kinds = |open| stages.iter().any(|event| opening(&event.notice) == open);
            trial.check(
                "the regroup has more than one stage",
                kinds(true) && kinds(false),
            )?;
            let logged = trial.events(mark, |notice| notice.event_id() == Some(1135));
            let logged: BTreeSet<_> = logged.iter().map(|event| event.node.as_str()).collect();
            let expected = BTreeSet::from(["n1", "n3", "n4"]);
            trial.equal("the nodes that log event 1135", logged, expected)
        }),
    }
}

fn the_minority_logs_the_loss_before_it_stops() -> Case {
    Case {
        id: "membership/the-minority-logs-the-loss-before-it-stops".into(),
        title: "A node cut off from the rest logs their loss, then stops for want of quorum".into(),
        clauses: &["MM-6", "QRM-2"],
        source: &[("13", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let mark = trial.mark();
            trial.fault("{ partition: { between: [[n1, n2], n3] } }")?;
            trial.run(secs(120));
            let alone = trial.events(mark, |_| true);
            let alone = alone.iter().filter(|event| event.node == "n3");
            let ids: Vec<_> = alone.filter_map(|event| event.notice.event_id()).collect();
            let place = |id| ids.iter().position(|known| *known == id);
            let (lost, stopped) = (place(1135), place(1177));
            trial.check("n3 logs 1135 and 1177", lost.is_some() && stopped.is_some())?;
            trial.check("1135 comes first", lost < stopped)
        }),
    }
}

fn one_lost_network_removes_nobody() -> Case {
    Case {
        id: "membership/one-lost-network-removes-nobody".into(),
        title: "With two networks the loss of one ends routes, not membership; they come back"
            .into(),
        clauses: &["MM-6", "TM-7", "BOT-3"],
        source: &[("6.1", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network().program(""))?;
            let owner = trial.owner("app")?;
            let mark = trial.mark();
            trial.fault("{ network: heart, do: down, for: 2m }")?;
            trial.stays(secs(119), "nobody leaves and nothing moves", |seen| {
                seen.all_up(["n1", "n2", "n3"])
                    && seen.online("app")
                    && seen.owner("app") == Some(owner.as_str())
            })?;
            let down = |notice: &Notice| matches!(notice, Notice::RouteDown { .. });
            let down = trial.events(mark, down);
            trial.check("routes went down", !down.is_empty())?;
            let lost = trial.events(mark, |notice| matches!(notice, Notice::PeerLost { .. }));
            trial.equal("the number of lost nodes", lost.len(), 0)?;
            trial.run(secs(60));
            let up = trial.events(mark, |notice| matches!(notice, Notice::RouteUp { .. }));
            trial.equal("the number of routes that came back", up.len(), down.len())
        }),
    }
}

fn a_pair_that_lost_each_other_does_not_divide_the_cluster() -> Case {
    Case {
        id: "membership/a-pair-that-lost-each-other-does-not-divide-the-cluster".into(),
        title: "When two nodes cannot reach each other but a third reaches both, one view remains"
            .into(),
        clauses: &["MM-7", "MM-1"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            trial.fault("{ partition: { between: [n1, n2] } }")?;
            trial.run(secs(120));
            trial.within(secs(60), "there is one view with quorum", |seen| {
                seen.quorate() && one_view(seen)
            })?;
            let both = trial.seen().all_up(["n1", "n2"]);
            trial.check("the two are not both members", !both)
        }),
    }
}

fn a_returning_node_is_brought_up_to_date() -> Case {
    Case {
        id: "membership/a-returning-node-is-brought-up-to-date".into(),
        title: "A node that comes back joins again and receives what it missed".into(),
        clauses: &["MM-4", "MM-11", "GUM-13", "DM-5", "QRM-11", "QRM-12"],
        source: &[("4.3", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.fault("{ node: n3, do: power-off, for: 3m }")?;
            trial.needs(secs(120), "n3 is gone", |seen| {
                seen.all_up(["n1", "n2"]) && one_view(seen) && !seen.up("n3")
            })?;
            trial.run(secs(5));
            trial.act("{ do: offline, group: app }")?;
            trial.within(EVENTUALLY * 2, "n3 is back with the same tag", |seen| {
                let tags: BTreeSet<_> = seen.nodes.values().map(|node| node.tag).collect();
                seen.all_up(["n1", "n2", "n3"]) && one_view(seen) && tags.len() == 1
            })
        }),
    }
}

fn a_cluster_without_power_forms_again() -> Case {
    Case {
        id: "membership/a-cluster-without-power-forms-again".into(),
        title: "After all nodes lost their power the cluster forms again from what it stored"
            .into(),
        clauses: &["OM-2", "MM-13", "DM-1", "MM-4"],
        source: &[("6.2", Mark::Stated), ("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let before = trial.seen().tag("n1");
            let mark = trial.mark();
            trial.fault("{ node: all, do: power-off, for: 1m }")?;
            trial.needs(secs(10), "nobody has quorum", |seen| !seen.quorate())?;
            trial.run(secs(61));
            trial.within(
                EVENTUALLY * 2,
                "all nodes are members and the group is online",
                |seen| seen.all_up(["n1", "n2", "n3"]) && seen.online("app"),
            )?;
            let after = trial.seen().tag("n1");
            trial.check("the database did not go back", after >= before)?;
            let halts = |notice: &Notice| {
                matches!(
                    notice,
                    Notice::Halted {
                        reason: HaltReason::DatabaseUnreadable
                    }
                )
            };
            let halts = trial.events(mark, halts);
            trial.equal("the number of unreadable databases", halts.len(), 0)
        }),
    }
}
