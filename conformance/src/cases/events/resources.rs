//! Events of disks, resources, their hosts and groups.

use super::{Logged, fault, logged, offline, refused};
use crate::case::Stop;
use crate::cases::{PROGRAM, SINCE_2008, break_once, secs};
use crate::lab::Lab;
use crate::trial::Trial;

const RESOURCE: &[&str] = &["SVC-3", "TOP-2"];
const DISK: &[&str] = &["SVC-3", "DISK-1"];

/// A program whose first failure exceeds every limit.
fn program() -> Lab {
    Lab::of(2).program_in_group("failover: { limit: 0 },", "restart: { limit: 0 }")
}

fn files() -> Lab {
    Lab::of(2).file_group()
}

fn service() -> Lab {
    Lab::of(2).service()
}

fn broken(trial: &mut Trial<'_>, resource: &str) -> Result<(), Stop> {
    break_once(trial, resource)?;
    trial.run(secs(5));
    Ok(())
}

fn stolen(trial: &mut Trial<'_>) -> Result<(), Stop> {
    let owner = trial.owner("fs")?;
    let thief = if owner == "n1" { "n2" } else { "n1" };
    let taken = "lun: san/data, do: preempt-reservation";
    fault(trial, &format!("{{ {taken}, by: {thief} }}"))
}

const SERVICE: &str = "svc/spooler";

pub(super) const EVENTS: &[Logged] = &[
    logged(
        1035,
        "access to a disk's volume failed",
        DISK,
        files,
        |trial| fault(trial, "{ lun: san/data, do: offline }"),
    ),
    logged(
        1038,
        "the ownership of a disk was lost",
        DISK,
        files,
        stolen,
    ),
    logged(
        1039,
        "a program could not be started",
        RESOURCE,
        program,
        |trial| {
            offline(trial, "app")?;
            refused(trial, "app", PROGRAM, 2)
        },
    ),
    logged(
        1040,
        "a service could not be opened",
        RESOURCE,
        service,
        |trial| {
            offline(trial, "svc")?;
            refused(trial, "svc", SERVICE, 1_060)
        },
    ),
    logged(
        1041,
        "a service could not be started",
        RESOURCE,
        service,
        |trial| {
            offline(trial, "svc")?;
            refused(trial, "svc", SERVICE, 1_053)
        },
    ),
    logged(
        1042,
        "a service failed after its start",
        RESOURCE,
        service,
        |trial| broken(trial, SERVICE),
    ),
    logged(
        1049,
        "another machine has an address",
        RESOURCE,
        files,
        |trial| {
            offline(trial, "fs")?;
            refused(trial, "fs", "fs/ip", 5_057)
        },
    ),
    logged(1069, "a resource failed", RESOURCE, program, |trial| {
        broken(trial, PROGRAM)
    })
    .of(SINCE_2008),
    logged(
        1077,
        "the health check of an address failed",
        RESOURCE,
        files,
        |trial| broken(trial, "fs/ip"),
    ),
    logged(
        1146,
        "a resource host ended",
        RESOURCE,
        || Lab::of(2).program(""),
        |trial| fault(trial, "{ node: all, do: monitor-kill }"),
    )
    .of(SINCE_2008),
    logged(
        1205,
        "a group stays incomplete",
        RESOURCE,
        program,
        |trial| broken(trial, PROGRAM),
    ),
    logged(
        1230,
        "a call of a resource timed out",
        RESOURCE,
        || Lab::of(2).program("deadlock: 30s"),
        |trial| fault(trial, "{ resource: app/prog, do: hang }"),
    )
    .of(SINCE_2008),
    logged(
        1254,
        "a group exceeded its failover threshold",
        RESOURCE,
        program,
        |trial| broken(trial, PROGRAM),
    )
    .of(SINCE_2008),
    logged(
        1635,
        "a resource failed and is restarted",
        RESOURCE,
        || Lab::of(2).program("restart: { limit: 3 }"),
        |trial| broken(trial, PROGRAM),
    ),
];
