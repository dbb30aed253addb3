//! Priorities: who makes room for whom, and moves that wait for their target.

use super::{EVENTUALLY, SINCE_2012, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::subject::Of;
use base::{GroupState, Notice};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_group_of_a_lower_priority_makes_room(),
        a_queued_move_is_carried_out_when_its_target_can_take_the_group(),
        a_queued_move_that_is_overtaken_did_not_complete(),
    ]
}

/// A group on n1 with a program that needs most of a node.
fn big(priority: &str, start: bool) -> String {
    let program = "{ type: generic-application, command: sleep 86400, memory: 700MiB }";
    let owners = "owners: { preferred: [n1, n2, n3] }";
    format!(
        "{{ priority: {priority}, start: {start}, {owners}, resources: {{ prog: {program} }} }}"
    )
}

fn a_group_of_a_lower_priority_makes_room() -> Case {
    Case {
        id: "room/a-group-of-a-lower-priority-makes-room".into(),
        title: "A group of a high priority that lacks resources takes the place of one of a low \
                priority, with 1251"
            .into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            let lab = Lab::of(3).memory("1GiB");
            let lab = lab.group("low", &big("low", true));
            trial.start(&lab.group("high", &big("high", false)))?;
            trial.needs(EVENTUALLY, "low is online on n1", |seen| {
                seen.owner("low") == Some("n1") && seen.group_state("low") == GroupState::Online
            })?;
            let mark = trial.mark();
            trial.act("{ do: online, group: high }")?;
            trial.within(EVENTUALLY, "high is online on n1", |seen| {
                seen.owner("high") == Some("n1") && seen.group_state("high") == GroupState::Online
            })?;
            trial.within(EVENTUALLY, "low is online elsewhere", |seen| {
                let away = seen.owner("low").is_some_and(|owner| owner != "n1");
                away && seen.group_state("low") == GroupState::Online
            })?;
            let told = trial.events(mark, |it| it.event_id() == Some(1251));
            trial.equal("how often 1251 is logged", told.len(), 1)
        }),
    }
}

fn a_queued_move_is_carried_out_when_its_target_can_take_the_group() -> Case {
    Case {
        id: "room/a-queued-move-is-carried-out-when-its-target-can-take-the-group".into(),
        title: "A move to a paused node is refused with 5070; queued, it waits until the node is \
                resumed"
            .into(),
        clauses: &["RCM-7"],
        source: &[("3.1", Mark::Stated), ("3", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: [n1, n2, n3] },";
            trial.form(&Lab::of(3).program_in_group(owners, ""))?;
            trial.answer("{ do: pause, node: n3 }")?;
            trial.refused("{ do: move, group: app, to: n3 }", 5_070)?;
            trial.answer("{ do: move, group: app, to: n3, queue: true }")?;
            trial.run(secs(20));
            let owner = trial.owner("app")?;
            trial.equal("its owner", owner.as_str(), "n1")?;
            trial.has(&Of::Group("app".to_owned()), "StatusInformation", "4")?;
            trial.answer("{ do: resume, node: n3 }")?;
            trial.within(EVENTUALLY, "n3 owns it", |seen| {
                seen.owner("app") == Some("n3")
            })
        }),
    }
}

fn a_queued_move_that_is_overtaken_did_not_complete() -> Case {
    Case {
        id: "room/a-queued-move-that-is-overtaken-did-not-complete".into(),
        title: "A queued move of a group that goes elsewhere meanwhile ends with 1155".into(),
        clauses: &["RCM-7"],
        source: &[("9", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: [n1, n2, n3] },";
            trial.form(&Lab::of(3).program_in_group(owners, ""))?;
            trial.answer("{ do: pause, node: n3 }")?;
            trial.answer("{ do: move, group: app, to: n3, queue: true }")?;
            let mark = trial.mark();
            trial.answer("{ do: move, group: app, to: n2 }")?;
            trial.run(secs(20));
            let failed = |it: &Notice| matches!(it, Notice::QueuedMoveFailed { .. });
            let told = trial.events(mark, failed);
            trial.equal("how often it is logged", told.len(), 1)?;
            let numbered = told.iter().all(|it| it.notice.event_id() == Some(1155));
            trial.check("with 1155", numbered)
        }),
    }
}
