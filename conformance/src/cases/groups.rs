//! Groups: their states, moves, and where they may go.

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, fails_over, restarts_in_place, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use base::{GroupState, Notice, ResourceState, StateChangeCause};

pub(super) fn cases() -> Vec<Case> {
    vec![
        state_follows_from_the_resources(),
        an_administrator_moves_a_group(),
        a_group_that_is_not_to_start_stays_offline(),
        a_group_only_goes_to_possible_owners(),
        a_failing_resource_goes_down_the_preferred_list(),
        a_group_runs_on_its_owner_alone(),
    ]
}

fn two_programs() -> Lab {
    let program = "type: generic-application, command: sleep 86400";
    let resources = format!("{{ one: {{ {program} }}, two: {{ {program} }} }}");
    Lab::of(2).group("app", &format!("{{ resources: {resources} }}"))
}

fn state_follows_from_the_resources() -> Case {
    Case {
        id: "groups/state-follows-from-the-resources".into(),
        title: "A group is online, partially online or offline as its resources are".into(),
        clauses: &["RCM-6", "RCM-3", "TOP-1", "OM-6"],
        source: &[("1.3", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&two_programs())?;
            let state = trial.seen().group_state("app");
            trial.equal("the state", state, GroupState::Online)?;
            trial.act("{ do: offline, resource: app/one }")?;
            trial.within(secs(60), "the group is partially online", |seen| {
                seen.group_state("app") == GroupState::PartialOnline
            })?;
            trial.act("{ do: offline, resource: app/two }")?;
            trial.within(secs(60), "the group is offline", |seen| {
                seen.group_state("app") == GroupState::Offline
            })?;
            trial.act("{ do: online, group: app }")?;
            trial.within(secs(60), "the group is online", |seen| seen.online("app"))
        }),
    }
}

fn an_administrator_moves_a_group() -> Case {
    Case {
        id: "groups/an-administrator-moves-a-group".into(),
        title: "A group moved by an administrator goes offline there and online here".into(),
        clauses: &["RCM-7", "RCM-3", "OM-3"],
        source: &[("1.3", Mark::Stated), ("3.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let owner = trial.owner("app")?;
            let target = if owner == "n3" { "n2" } else { "n3" };
            let mark = trial.mark();
            trial.act(format!("{{ do: move, group: app, to: {target} }}"))?;
            trial.within(secs(120), "the group is online on the target", |seen| {
                seen.online("app") && seen.owner("app") == Some(target)
            })?;
            trial.first(mark, "the move, by its cause", |notice| {
                matches!(
                    notice,
                    Notice::GroupMoved {
                        cause: StateChangeCause::Move,
                        ..
                    }
                )
            })?;
            Ok(())
        }),
    }
}

fn a_group_that_is_not_to_start_stays_offline() -> Case {
    Case {
        id: "groups/a-group-that-is-not-to-start-stays-offline".into(),
        title: "A group whose persistent state is offline stays so when the cluster forms".into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.start(&Lab::of(2).program_in_group("start: false,", ""))?;
            trial.needs(EVENTUALLY, "the cluster forms", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.stays(secs(300), "the group stays offline", |seen| {
                seen.state(PROGRAM) == ResourceState::Offline
            })
        }),
    }
}

fn a_group_only_goes_to_possible_owners() -> Case {
    Case {
        id: "groups/a-group-only-goes-to-possible-owners".into(),
        title: "A group never comes online on a node that is not a possible owner".into(),
        clauses: &["RCM-8"],
        source: &[("3.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let group = "owners: { possible: [n1, n2] },";
            trial.form(&Lab::of(5).program_in_group(group, ""))?;
            for _ in 0..2 {
                let owner = trial.owner("app")?;
                trial.power_off(&[owner])?;
                trial.stays(secs(120), "the group stays off n3, n4 and n5", |seen| {
                    let runs = seen.resource(PROGRAM).map(|it| it.running_on.iter());
                    runs.into_iter()
                        .flatten()
                        .all(|node| node == "n1" || node == "n2")
                })?;
            }
            let online = trial.seen().online("app");
            trial.check("the group without a possible owner is not online", !online)
        }),
    }
}

fn a_failing_resource_goes_down_the_preferred_list() -> Case {
    Case {
        id: "groups/a-failing-resource-goes-down-the-preferred-list".into(),
        title: "On failure a group goes to the next preferred owner below its current one".into(),
        clauses: &["RCM-8", "RCM-2"],
        source: &[("3.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let group = "owners: { preferred: [n3, n1, n2] }, failover: { limit: 9, within: 6h },";
            trial.form(&Lab::of(3).program_in_group(group, "restart: { limit: 0 }"))?;
            trial.act("{ do: move, group: app, to: n3 }")?;
            trial.needs(secs(60), "the group is on n3", |seen| {
                seen.online("app") && seen.owner("app") == Some("n3")
            })?;
            for expected in ["n1", "n2"] {
                fails_over(trial, PROGRAM, "app")?;
                let owner = trial.owner("app")?;
                trial.equal("the next owner", owner.as_str(), expected)?;
            }
            Ok(())
        }),
    }
}

fn a_group_runs_on_its_owner_alone() -> Case {
    Case {
        id: "groups/a-group-runs-on-its-owner-alone".into(),
        title: "Through a restart and a failover no resource ever runs on two nodes".into(),
        clauses: &["RCM-3", "RCM-8"],
        source: &[("1.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            restarts_in_place(trial, PROGRAM, "app")?;
            let owner = trial.owner("app")?;
            trial.power_off(&[owner])?;
            trial.stays(secs(180), "the program runs at most once", |seen| {
                seen.resource(PROGRAM)
                    .is_none_or(|it| it.running_on.len() <= 1)
            })?;
            let online = trial.seen().online("app");
            trial.check("the group is online", online)
        }),
    }
}
