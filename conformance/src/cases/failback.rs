//! Whether a group goes home when its preferred owner is back.

use super::{EVENTUALLY, SAMPLE, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;

pub(super) fn cases() -> Vec<Case> {
    vec![prevented_by_default(), immediate()]
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
