//! The thorough health check: when it is asked, and what a no leads to.

use super::{PROGRAM, SAMPLE, SINCE_2008, enters, secs, steady};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Notice, ResourceState};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        asked_every_minute(),
        own_interval_beats_the_type(),
        no_fails_and_terminates(),
        a_disk_that_cannot_be_read_is_found(),
    ]
}

fn interval(
    trial: &mut Trial<'_>,
    policy: &str,
    every: Duration,
    run: Duration,
) -> Result<(), Stop> {
    trial.form(&Lab::of(2).program(policy))?;
    let resource = trial.id(PROGRAM)?;
    let mark = trial.mark();
    trial.run(run);
    let periodic = Notice::IsAliveAsked {
        resource,
        after_looks_alive: false,
    };
    let times = trial.times(mark, |notice| *notice == periodic);
    steady(trial, "IsAlive", &times, every)
}

fn asked_every_minute() -> Case {
    Case {
        id: "is-alive/asked-every-minute".into(),
        title: "IsAlive of an online resource is asked every sixty seconds by default".into(),
        clauses: &["TOP-2"],
        source: &[("1.1", Mark::Stated), ("1.2", Mark::Excerpt)],
        generations: SINCE_2008,
        run: Box::new(|trial| interval(trial, "", secs(60), secs(310))),
    }
}

fn own_interval_beats_the_type() -> Case {
    Case {
        id: "is-alive/own-interval-beats-the-type".into(),
        title: "A resource's own IsAlive interval beats that of its type".into(),
        clauses: &["TOP-2"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| interval(trial, "poll: { is-alive: 20s }", secs(20), secs(110))),
    }
}

fn no_fails_and_terminates() -> Case {
    Case {
        id: "is-alive/no-fails-and-terminates".into(),
        title: "When IsAlive answers no, the resource is failed and terminated at once".into(),
        clauses: &["TOP-2", "RCM-5"],
        source: &[("1.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let policy = "restart: { on-failure: do-nothing }, poll: { is-alive: 10s }";
            trial.form(&Lab::of(2).program(policy))?;
            let resource = trial.id(PROGRAM)?;
            let mark = trial.mark();
            trial.health(PROGRAM, true, false)?;
            trial.run(secs(15));
            let no = Notice::IsAliveFailed { resource };
            let no = trial.first(mark, "an IsAlive that answers no", |it| *it == no)?;
            let failed = enters(resource, ResourceState::Failed);
            let failed = trial.first(mark, "the failure", failed)?;
            let bounds = (Duration::ZERO, secs(1));
            trial.between(
                "the failure after the no",
                failed.saturating_sub(no),
                bounds,
            )?;
            let state = trial.seen().state(PROGRAM);
            trial.equal("the state", state, ResourceState::Failed)?;
            let runs = trial
                .seen()
                .resource(PROGRAM)
                .is_some_and(|it| !it.running_on.is_empty());
            trial.check("the program is terminated", !runs)
        }),
    }
}

fn a_disk_that_cannot_be_read_is_found() -> Case {
    Case {
        id: "is-alive/a-disk-that-cannot-be-read-is-found".into(),
        title: "A disk resource whose unit no longer answers fails by its next IsAlive".into(),
        clauses: &["DISK-1", "DISK-3"],
        source: &[("2", Mark::Excerpt), ("10", Mark::Inferred)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).file_group())?;
            let id = trial.id("fs/disk")?;
            let mark = trial.mark();
            trial.fault("{ lun: san/data, do: offline }")?;
            trial.run(secs(95));
            trial.first(
                mark,
                "the failure of the disk",
                enters(id, ResourceState::Failed),
            )?;
            let state = trial.seen().state("fs/disk");
            trial.check("the disk is not online", state != ResourceState::Online)
        }),
    }
}
