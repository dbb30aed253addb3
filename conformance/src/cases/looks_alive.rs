//! The quick health check: when it is asked, and what its answers lead to.

use super::{PROGRAM, SAMPLE, SINCE_2008, secs, steady};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Notice, ResourceId, ResourceState};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        asked_every_five_seconds(),
        own_interval_beats_the_type(),
        no_is_followed_by_is_alive_at_once(),
        no_alone_never_fails_a_resource(),
        a_broken_program_is_found_within_one_interval(),
        yes_hides_a_failure_until_is_alive(),
        not_asked_while_offline(),
    ]
}

fn asked(resource: ResourceId) -> impl FnMut(&Notice) -> bool {
    move |notice| *notice == Notice::LooksAliveAsked { resource }
}

/// Waits for a periodic IsAlive, so that a stretch with nothing but LooksAlive lies ahead.
fn after_is_alive(trial: &mut Trial<'_>, resource: ResourceId) -> Result<usize, Stop> {
    let mark = trial.mark();
    let wanted = Notice::IsAliveAsked {
        resource,
        after_looks_alive: false,
    };
    trial.needs(secs(125), "a periodic IsAlive is asked", |seen| {
        seen.since(mark).any(|event| event.notice == wanted)
    })?;
    Ok(trial.mark())
}

fn interval(trial: &mut Trial<'_>, policy: &str, every: Duration) -> Result<(), Stop> {
    trial.form(&Lab::of(2).program(policy))?;
    let id = trial.id(PROGRAM)?;
    let mark = after_is_alive(trial, id)?;
    trial.run(secs(50));
    let times = trial.times(mark, asked(id));
    steady(trial, "LooksAlive", &times, every)
}

fn asked_every_five_seconds() -> Case {
    Case {
        id: "looks-alive/asked-every-five-seconds".into(),
        title: "LooksAlive of an online resource is asked every five seconds by default".into(),
        clauses: &["TOP-2"],
        source: &[("1.1", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| interval(trial, "", secs(5))),
    }
}

fn own_interval_beats_the_type() -> Case {
    Case {
        id: "looks-alive/own-interval-beats-the-type".into(),
        title: "A resource's own LooksAlive interval beats that of its type".into(),
        clauses: &["TOP-2"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| interval(trial, "poll: { looks-alive: 2s }", secs(2))),
    }
}

fn no_is_followed_by_is_alive_at_once() -> Case {
    Case {
        id: "looks-alive/no-is-followed-by-is-alive-at-once".into(),
        title: "When LooksAlive answers no, IsAlive is asked at once".into(),
        clauses: &["TOP-2"],
        source: &[("1.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let resource = trial.id(PROGRAM)?;
            let mark = after_is_alive(trial, resource)?;
            trial.health(PROGRAM, false, true)?;
            trial.run(secs(7));
            let no = Notice::LooksAliveFailed { resource };
            let no = trial.first(mark, "a LooksAlive that answers no", |it| *it == no)?;
            let check = Notice::IsAliveAsked {
                resource,
                after_looks_alive: true,
            };
            let check = trial.first(mark, "the IsAlive that follows", |it| *it == check)?;
            let bounds = (Duration::ZERO, secs(1));
            trial.between("the IsAlive after the no", check.saturating_sub(no), bounds)
        }),
    }
}

fn no_alone_never_fails_a_resource() -> Case {
    Case {
        id: "looks-alive/no-alone-never-fails-a-resource".into(),
        title: "However often LooksAlive answers no, a yes of IsAlive keeps the resource online"
            .into(),
        clauses: &["TOP-2"],
        source: &[("1.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let resource = trial.id(PROGRAM)?;
            let mark = trial.mark();
            trial.health(PROGRAM, false, true)?;
            trial.stays(secs(300), "the program is online", |seen| {
                seen.state(PROGRAM) == ResourceState::Online
            })?;
            let no = trial.times(mark, |it| *it == Notice::LooksAliveFailed { resource });
            trial.check("LooksAlive answered no again and again", no.len() >= 10)
        }),
    }
}

fn a_broken_program_is_found_within_one_interval() -> Case {
    Case {
        id: "looks-alive/a-broken-program-is-found-within-one-interval".into(),
        title: "A failure that LooksAlive can see is found within its interval".into(),
        clauses: &["TOP-2"],
        source: &[("2", Mark::Stated), ("10", Mark::Inferred)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let resource = trial.id(PROGRAM)?;
            let (mark, start) = (trial.mark(), trial.seen().at);
            trial.fault(format!("{{ resource: {PROGRAM}, do: fail }}"))?;
            trial.run(secs(7));
            let failed = Notice::IsAliveFailed { resource };
            let failed = trial.first(mark, "an IsAlive that answers no", |it| *it == failed)?;
            let took = failed.saturating_sub(start);
            trial.between("finding the failure", took, (Duration::ZERO, secs(6)))
        }),
    }
}

fn yes_hides_a_failure_until_is_alive() -> Case {
    Case {
        id: "looks-alive/yes-hides-a-failure-until-is-alive".into(),
        title: "A failure that only IsAlive can see waits for the next IsAlive".into(),
        clauses: &["TOP-2"],
        source: &[("1.2", Mark::Stated), ("10", Mark::Inferred)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let resource = trial.id(PROGRAM)?;
            let mark = after_is_alive(trial, resource)?;
            let start = trial.seen().at;
            trial.health(PROGRAM, true, false)?;
            trial.run(secs(65));
            let failed = Notice::IsAliveFailed { resource };
            let failed = trial.first(mark, "an IsAlive that answers no", |it| *it == failed)?;
            let took = failed.saturating_sub(start);
            trial.between("finding the failure", took, (secs(55), secs(61)))?;
            let quick = trial.times(mark, asked(resource));
            trial.check("LooksAlive was asked meanwhile", quick.len() >= 5)?;
            let no = trial.times(mark, |it| *it == Notice::LooksAliveFailed { resource });
            trial.equal("the number of LooksAlive that answered no", no.len(), 0)
        }),
    }
}

fn not_asked_while_offline() -> Case {
    Case {
        id: "looks-alive/not-asked-while-offline".into(),
        title: "A resource that is offline is not asked for its health".into(),
        clauses: &["TOP-2"],
        source: &[("1.2", Mark::Excerpt)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let id = trial.id(PROGRAM)?;
            trial.act("{ do: offline, group: app }")?;
            trial.needs(secs(60), "the program is offline", |seen| {
                seen.state(PROGRAM) == ResourceState::Offline
            })?;
            let mark = trial.mark();
            trial.run(secs(130));
            let asked = trial.times(mark, |notice| match notice {
                Notice::LooksAliveAsked { resource } | Notice::IsAliveAsked { resource, .. } => {
                    *resource == id
                }
                _ => false,
            });
            trial.equal("the number of health checks", asked.len(), 0)
        }),
    }
}
