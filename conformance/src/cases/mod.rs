//! The cases, one file per component.
//!
//! Each asserts only what a clause of the register or a sourced row of the reference says. Bounds
//! that nothing is said about (how long a failover may take in all) are wide on purpose.

mod administered;
mod checkpoint;
mod control;
mod database;
mod dependency;
mod disk;
mod domain;
mod drain;
mod dynamic_quorum;
mod events;
mod failback;
mod failover_timing;
mod frames;
mod groups;
mod heartbeat;
mod is_alive;
mod isolation;
mod looks_alive;
mod maintenance;
mod membership;
mod messaging;
mod monitor;
mod names;
mod placement;
mod properties;
mod quorum;
mod quorum_arithmetic;
mod requests;
mod resilience;
mod restart;
mod room;
mod security;
mod server_2003;
mod settings;
mod shared_volume;
mod shares;
mod topology;
mod updates;
mod witness;

use crate::case::{Case, Stop};
use crate::trial::Trial;
use base::{Generation, Notice, ResourceId, ResourceState};
use std::time::Duration;

/// Every generation from 2008 on.
const SINCE_2008: &[Generation] = &[
    Generation::V2008,
    Generation::V2008R2,
    Generation::V2012,
    Generation::V2012R2,
    Generation::V2016,
    Generation::V2019,
    Generation::V2022,
];

/// Every generation.
const ALL: &[Generation] = &Generation::ALL;

/// For what came with 2012.
const SINCE_2012: &[Generation] = &[Generation::V2012, Generation::V2012R2, Generation::V2022];

/// For behaviour that the reference gives for all generations: one of each era.
const SAMPLE: &[Generation] = &[Generation::V2008, Generation::V2012R2, Generation::V2022];

/// Longest wait for something that must happen but has no documented duration.
const EVENTUALLY: Duration = Duration::from_secs(300);

/// Every case of the suite, in reading order.
#[must_use]
pub fn all() -> Vec<Case> {
    let components = [
        looks_alive::cases(),
        is_alive::cases(),
        requests::cases(),
        restart::cases(),
        room::cases(),
        failover_timing::cases(),
        heartbeat::cases(),
        failback::cases(),
        dependency::cases(),
        groups::cases(),
        placement::cases(),
        shared_volume::cases(),
        shares::cases(),
        drain::cases(),
        maintenance::cases(),
        isolation::cases(),
        monitor::cases(),
        control::cases(),
        properties::cases(),
        settings::cases(),
        checkpoint::cases(),
        events::cases(),
        quorum_arithmetic::cases(),
        quorum::cases(),
        dynamic_quorum::cases(),
        witness::cases(),
        administered::cases(),
        membership::cases(),
        resilience::cases(),
        updates::cases(),
        database::cases(),
        messaging::cases(),
        security::cases(),
        topology::cases(),
        disk::cases(),
        names::cases(),
        domain::cases(),
        server_2003::cases(),
    ];
    components.into_iter().flatten().collect()
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The program that `Lab::program` makes.
const PROGRAM: &str = "app/prog";

/// Times between neighbours.
fn gaps(times: &[Duration]) -> Vec<Duration> {
    times
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .collect()
}

/// Asserts that something happened at a steady interval, give or take half a second.
fn steady(
    trial: &mut Trial<'_>,
    what: &str,
    times: &[Duration],
    every: Duration,
) -> Result<(), Stop> {
    let gaps = gaps(times);
    trial.check(
        &format!("{what} happens at least three times"),
        gaps.len() >= 2,
    )?;
    let slack = Duration::from_millis(500);
    for gap in gaps {
        trial.between(
            &format!("{what} again"),
            gap,
            (every.saturating_sub(slack), every + slack),
        )?;
    }
    Ok(())
}

/// A filter for the moment when a resource enters a state.
fn enters(resource: ResourceId, state: ResourceState) -> impl FnMut(&Notice) -> bool {
    move |notice| match notice {
        Notice::ResourceState {
            resource: which,
            to,
            ..
        } => *which == resource && *to == state,
        _ => false,
    }
}

/// Breaks a resource once and waits until IsAlive has seen it. Returns the mark before the fault.
fn break_once(trial: &mut Trial<'_>, resource: &str) -> Result<usize, Stop> {
    let id = trial.id(resource)?;
    let mark = trial.mark();
    trial.fault(format!("{{ resource: {resource}, do: fail }}"))?;
    trial.needs(secs(70), "IsAlive sees the fault", |seen| {
        let seen = seen.since(mark).map(|event| &event.notice);
        seen.into_iter()
            .any(|notice| *notice == Notice::IsAliveFailed { resource: id })
    })?;
    Ok(mark)
}

/// Breaks a resource once; it must come back on the node where it is.
fn restarts_in_place(trial: &mut Trial<'_>, resource: &str, group: &str) -> Result<(), Stop> {
    let owner = trial.owner(group)?;
    let mark = break_once(trial, resource)?;
    trial.within(EVENTUALLY, "the group is online again", |seen| {
        seen.online(group)
    })?;
    let now = trial.owner(group)?;
    trial.equal("the owner", now, owner)?;
    let moved = trial.events(mark, |notice| matches!(notice, Notice::GroupMoved { .. }));
    trial.equal("the number of moves", moved.len(), 0)
}

/// Breaks a resource once; its group must come online on another node.
fn fails_over(trial: &mut Trial<'_>, resource: &str, group: &str) -> Result<(), Stop> {
    let owner = trial.owner(group)?;
    break_once(trial, resource)?;
    trial.within(EVENTUALLY, "the group is online on another node", |seen| {
        seen.online(group) && seen.owner(group) != Some(owner.as_str())
    })
}
