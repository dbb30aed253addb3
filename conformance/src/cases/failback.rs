//! Whether a group goes home when its preferred owner is back.

use super::{EVENTUALLY, SAMPLE, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;

pub(super) fn cases() -> Vec<Case> {
    vec![
        prevented_by_default(),
        immediate(),
        not_before_its_window_opens(),
        within_its_window(),
        without_a_list_there_is_no_way_home(),
        a_window_holds_nobody_on_a_failing_node(),
    ]
}

/// The preferred owner loses its power for two minutes, and is back.
fn away_and_back(trial: &mut Trial<'_>, failback: &str) -> Result<(), Stop> {
    let group = format!("owners: {{ preferred: [n1, n2, n3] }}, {failback}");
    trial.form(&Lab::of(3).program_in_group(&group, ""))?;
    trial.act("{ do: move, group: app, to: n1 }")?;
    trial.needs(secs(60), "the group is on n1", |seen| {
        seen.online("app") && seen.owner("app") == Some("n1")
    })?;
    trial.fault("{ node: n1, do: power-off, for: 2m }")?;
    trial.needs(secs(119), "the group is online elsewhere", |seen| {
        seen.online("app") && seen.owner("app") != Some("n1")
    })?;
    trial.needs(EVENTUALLY * 2, "n1 is a member again", |seen| {
        seen.all_up(["n1"])
    })
}

fn prevented_by_default() -> Case {
    Case {
        id: "failback/prevented-by-default".into(),
        title: "A group stays where it is when its preferred owner comes back".into(),
        clauses: &["RCM-9"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            away_and_back(trial, "")?;
            let owner = trial.owner("app")?;
            trial.stays(secs(600), "the group stays", |seen| {
                seen.owner("app") == Some(owner.as_str())
            })
        }),
    }
}

fn immediate() -> Case {
    Case {
        id: "failback/immediate".into(),
        title: "With failback allowed and no window a group goes home at once".into(),
        clauses: &["RCM-9"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            away_and_back(trial, "failback: { mode: immediate },")?;
            trial.within(secs(60), "the group is back on n1", |seen| {
                seen.online("app") && seen.owner("app") == Some("n1")
            })
        }),
    }
}

/// The hour of the day on the cluster's clock, which its log tells.
fn hour(trial: &mut Trial<'_>) -> Result<u32, Stop> {
    let log = trial.cluster_log("n2")?;
    let stamp = log.last().and_then(|line| line.split("::").nth(1));
    let hour = stamp.and_then(|stamp| stamp.get(11..13)?.parse().ok());
    let hour = hour.or_else(|| trial.is_rehearsal().then_some(0));
    hour.ok_or_else(|| Stop::Inconclusive("the cluster log tells no hour".to_owned()))
}

/// Sets the failback window `from` so many hours from now `to` so many hours from now, while the
/// preferred owner is away.
fn window(trial: &mut Trial<'_>, from: u32, to: u32) -> Result<(), Stop> {
    let group = "owners: { preferred: [n1, n2, n3] }, failback: { mode: immediate },";
    trial.form(&Lab::of(3).program_in_group(group, ""))?;
    trial.act("{ do: move, group: app, to: n1 }")?;
    trial.needs(secs(60), "the group is on n1", |seen| {
        seen.online("app") && seen.owner("app") == Some("n1")
    })?;
    trial.fault("{ node: n1, do: power-off, for: 5m }")?;
    trial.needs(secs(119), "the group is online elsewhere", |seen| {
        seen.online("app") && seen.owner("app") != Some("n1")
    })?;
    trial.run(secs(10));
    let hour = hour(trial)?;
    for (name, ahead) in [("Start", from), ("End", to)] {
        let value = (hour + ahead) % 24;
        let set = format!("property: FailbackWindow{name}, value: {value}");
        trial.act(format!("{{ do: set, group: app, {set} }}"))?;
        trial.run(secs(5));
    }
    trial.needs(EVENTUALLY * 2, "n1 is a member again", |seen| seen.up("n1"))
}

fn not_before_its_window_opens() -> Case {
    Case {
        id: "failback/not-before-its-window-opens".into(),
        title: "With a failback window a group goes home when the window opens, and not before"
            .into(),
        clauses: &["RCM-9"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            window(trial, 2, 4)?;
            // At least one hour lies between any minute and the full hour after the next.
            trial.stays(secs(45 * 60), "the group stays", |seen| {
                seen.owner("app") != Some("n1")
            })?;
            trial.within(secs(80 * 60), "the group is back on n1", |seen| {
                seen.online("app") && seen.owner("app") == Some("n1")
            })
        }),
    }
}

fn within_its_window() -> Case {
    Case {
        id: "failback/within-its-window".into(),
        title: "Inside its failback window a group goes home at once, over midnight as well".into(),
        clauses: &["RCM-9"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            window(trial, 23, 3)?;
            trial.within(secs(60), "the group is back on n1", |seen| {
                seen.online("app") && seen.owner("app") == Some("n1")
            })
        }),
    }
}

fn without_a_list_there_is_no_way_home() -> Case {
    Case {
        id: "failback/without-a-list-there-is-no-way-home".into(),
        title: "Failback without preferred owners has no effect".into(),
        clauses: &["RCM-9"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program_in_group("failback: { mode: immediate },", ""))?;
            let first = trial.owner("app")?;
            trial.fault(format!("{{ node: {first}, do: power-off, for: 2m }}"))?;
            trial.needs(secs(119), "the group is online elsewhere", |seen| {
                seen.online("app") && seen.owner("app") != Some(first.as_str())
            })?;
            let owner = trial.owner("app")?;
            trial.needs(EVENTUALLY * 2, "the first node is back", |seen| {
                seen.up(&first)
            })?;
            trial.stays(secs(600), "the group stays", |seen| {
                seen.online("app") && seen.owner("app") == Some(owner.as_str())
            })
        }),
    }
}

fn a_window_holds_nobody_on_a_failing_node() -> Case {
    Case {
        id: "failback/a-window-holds-nobody-on-a-failing-node".into(),
        title: "A group whose owner is lost moves, whatever its failback window".into(),
        clauses: &["RCM-9", "RCM-8"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            window(trial, 6, 8)?;
            let owner = trial.owner("app")?;
            trial.power_off(std::slice::from_ref(&owner))?;
            trial.within(EVENTUALLY, "the group is online on another node", |seen| {
                seen.online("app") && seen.owner("app") != Some(owner.as_str())
            })
        }),
    }
}
