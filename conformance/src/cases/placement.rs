//! Where a group goes, row by row of the reference; the small cases of every rule together are in
//! the decision table `fixtures/placement.txt`.

use super::{EVENTUALLY, PROGRAM, SAMPLE, fails_over, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::subject::Of;
use crate::trial::Trial;
use base::{Generation, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_move_to_the_best_node_starts_at_the_top_of_the_list(),
        without_a_list_a_failing_resource_goes_to_the_next_node(),
        a_lost_node_sends_its_group_down_the_list(),
        without_randomness_a_lost_node_sends_its_group_to_the_next(),
        a_move_to_no_possible_owner_is_refused(),
        a_move_to_a_node_that_is_down_is_refused(),
        a_group_waits_for_its_preferred_node(),
        a_group_of_no_priority_stays_offline(),
        the_last_node_is_remembered(),
        zero_failovers_are_allowed(),
    ]
}

fn goes_to(trial: &mut Trial<'_>, node: &str) -> Result<(), Stop> {
    trial.within(EVENTUALLY, &format!("the group is on {node}"), |seen| {
        seen.online("app") && seen.owner("app") == Some(node)
    })
}

fn starts_on(trial: &mut Trial<'_>, node: &str) -> Result<(), Stop> {
    if trial.owner("app")? != node {
        trial.act(format!("{{ do: move, group: app, to: {node} }}"))?;
    }
    trial.needs(secs(60), "the group is where it is to start", |seen| {
        seen.online("app") && seen.owner("app") == Some(node)
    })
}

const OFTEN: &str = "failover: { limit: 9, within: 6h },";
const AT_ONCE: &str = "restart: { limit: 0 }";

fn a_move_to_the_best_node_starts_at_the_top_of_the_list() -> Case {
    Case {
        id: "placement/a-move-to-the-best-node-starts-at-the-top-of-the-list".into(),
        title: "A move to the best possible node takes the first preferred owner".into(),
        clauses: &["RCM-7"],
        source: &[("3.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: [n3, n1, n2] },";
            trial.form(&Lab::of(4).program_in_group(owners, ""))?;
            for start in ["n1", "n2", "n4"] {
                starts_on(trial, start)?;
                trial.act("{ do: move, group: app }")?;
                goes_to(trial, "n3")?;
            }
            Ok(())
        }),
    }
}

fn without_a_list_a_failing_resource_goes_to_the_next_node() -> Case {
    Case {
        id: "placement/without-a-list-a-failing-resource-goes-to-the-next-node".into(),
        title: "Without preferred owners a failing resource goes to the next node id, and after \
                the last to the first"
            .into(),
        clauses: &["RCM-8"],
        source: &[("3.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).program_in_group(OFTEN, AT_ONCE))?;
            starts_on(trial, "n2")?;
            for expected in ["n3", "n4", "n1", "n2"] {
                fails_over(trial, PROGRAM, "app")?;
                let owner = trial.owner("app")?;
                trial.equal("the next owner", owner.as_str(), expected)?;
            }
            Ok(())
        }),
    }
}

fn a_lost_node_sends_its_group_down_the_list() -> Case {
    Case {
        id: "placement/a-lost-node-sends-its-group-down-the-list".into(),
        title: "With its node a group is lost to the next preferred owner below, not the first"
            .into(),
        clauses: &["RCM-8"],
        source: &[("3.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: [n4, n2, n5] },";
            trial.form(&Lab::of(5).program_in_group(owners, ""))?;
            starts_on(trial, "n2")?;
            trial.power_off(&["n2".into()])?;
            goes_to(trial, "n5")?;
            trial.power_off(&["n5".into()])?;
            // Below the last preferred owner come the other nodes by their ids.
            goes_to(trial, "n1")
        }),
    }
}

fn without_randomness_a_lost_node_sends_its_group_to_the_next() -> Case {
    Case {
        id: "placement/without-randomness-a-lost-node-sends-its-group-to-the-next".into(),
        title: "With DisableGroupPreferredOwnerRandomization a group of a lost node goes on in \
                the order of nodes"
            .into(),
        clauses: &["RCM-8"],
        source: &[("3.1", Mark::Stated)],
        generations: &[Generation::V2003, Generation::V2008, Generation::V2008R2],
        run: Box::new(|trial| {
            trial.form(&Lab::of(5).program(""))?;
            let property = "property: DisableGroupPreferredOwnerRandomization, value: 1";
            trial.act(format!("{{ do: set, {property} }}"))?;
            trial.run(secs(5));
            starts_on(trial, "n2")?;
            for (lost, next) in [("n2", "n3"), ("n3", "n4")] {
                trial.power_off(&[lost.into()])?;
                goes_to(trial, next)?;
            }
            Ok(())
        }),
    }
}

fn a_move_to_no_possible_owner_is_refused() -> Case {
    Case {
        id: "placement/a-move-to-no-possible-owner-is-refused".into(),
        title: "A move to a node that is not a possible owner is refused with 5071".into(),
        clauses: &["RCM-7"],
        source: &[("3.1", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { possible: [n1, n2] },";
            trial.form(&Lab::of(3).program_in_group(owners, ""))?;
            trial.refused("{ do: move, group: app, to: n3 }", 5071)?;
            let online = trial.seen().online("app");
            trial.check("the group stays online", online)
        }),
    }
}

fn a_move_to_a_node_that_is_down_is_refused() -> Case {
    Case {
        id: "placement/a-move-to-a-node-that-is-down-is-refused".into(),
        title: "A move to a node that is down is refused with 5050".into(),
        clauses: &["RCM-7"],
        source: &[("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program_in_group("owners: { preferred: n1 },", ""))?;
            trial.power_off(&["n3".into()])?;
            trial.needs(secs(60), "n3 is gone", |seen| {
                seen.all_up(["n1", "n2"]) && seen.nodes.values().all(|it| it.view.len() != 3)
            })?;
            trial.run(secs(10));
            trial.refused("{ do: move, group: app, to: n3 }", 5050)?;
            let online = trial.seen().online("app");
            trial.check("the group stays online", online)
        }),
    }
}

fn a_group_waits_for_its_preferred_node() -> Case {
    Case {
        id: "placement/a-group-waits-for-its-preferred-node".into(),
        title:
            "When the cluster starts, a group waits ClusterGroupWaitDelay, 120 seconds, for its \
                preferred node"
                .into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated)],
        generations: &[Generation::V2008R2, Generation::V2012R2, Generation::V2022],
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n3 },";
            trial.start(&Lab::of(3).program_in_group(owners, ""))?;
            trial.power_off(&["n3".into()])?;
            trial.needs(EVENTUALLY, "the cluster forms", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.stays(secs(90), "the group waits", |seen| !seen.online("app"))?;
            trial.within(secs(60), "the group is online", |seen| seen.online("app"))
        }),
    }
}

fn a_group_of_no_priority_stays_offline() -> Case {
    Case {
        id: "placement/a-group-of-no-priority-stays-offline".into(),
        title: "A group of priority 0 does not start by itself".into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated)],
        generations: super::SINCE_2012,
        run: Box::new(|trial| {
            trial.start(&Lab::of(2).program_in_group("priority: no-auto-start,", ""))?;
            trial.needs(EVENTUALLY, "the cluster forms", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.has(&Of::Group("app".into()), "Priority", "0")?;
            trial.stays(secs(300), "the group stays offline", |seen| {
                seen.state(PROGRAM) == ResourceState::Offline
            })?;
            trial.act("{ do: online, group: app }")?;
            trial.within(secs(60), "an administrator starts it", |seen| {
                seen.online("app")
            })
        }),
    }
}

fn the_last_node_is_remembered() -> Case {
    Case {
        id: "placement/the-last-node-is-remembered".into(),
        title: "DefaultOwner is the number of the node that a group was last moved to".into(),
        clauses: &["RCM-3", "DM-1"],
        source: &[("3", Mark::Stated)],
        generations: &[Generation::V2008R2, Generation::V2012R2, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            for (node, number) in [("n2", "2"), ("n3", "3"), ("n1", "1")] {
                starts_on(trial, node)?;
                trial.run(secs(5));
                trial.has(&Of::Group("app".into()), "DefaultOwner", number)?;
            }
            Ok(())
        }),
    }
}

fn zero_failovers_are_allowed() -> Case {
    Case {
        id: "placement/zero-failovers-are-allowed".into(),
        title: "With a FailoverThreshold of zero the first failure leaves the group where it is, \
                event 1254"
            .into(),
        clauses: &["RCM-2"],
        source: &[("3", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let limit = "failover: { limit: 0, within: 6h },";
            trial.form(&Lab::of(3).program_in_group(limit, AT_ONCE))?;
            let owner = trial.owner("app")?;
            let mark = super::break_once(trial, PROGRAM)?;
            trial.run(secs(30));
            let told = trial.events(mark, |it| it.event_id() == Some(1254));
            trial.equal("the number of events 1254", told.len(), 1)?;
            let now = trial.owner("app")?;
            trial.equal("the owner", now, owner)?;
            let state = trial.seen().state(PROGRAM);
            trial.equal("the state", state, ResourceState::Failed)
        }),
    }
}
