//! Who may have maintenance mode, and failing a resource by hand.
//!
//! That health checks are ignored in that mode is shown beside resource control: a fault of a disk
//! here breaks its reservation too, which no mode hides.

use super::{EVENTUALLY, PROGRAM, SAMPLE, enters, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use base::ResourceState;

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_disk_that_is_offline_has_none(),
        only_disks_have_it(),
        an_administrator_can_fail_a_resource(),
    ]
}

const ON: &str = "{ do: maintenance, resource: fs/disk, value: true }";

fn a_disk_that_is_offline_has_none() -> Case {
    Case {
        id: "maintenance/a-disk-that-is-offline-has-none".into(),
        title: "Maintenance mode of a disk that is offline is refused with 5023".into(),
        clauses: &["ARCH-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).file_group())?;
            trial.act("{ do: offline, group: fs }")?;
            trial.needs(secs(120), "the disk is offline", |seen| {
                seen.state("fs/disk") == ResourceState::Offline
            })?;
            trial.refused(ON, 5023)
        }),
    }
}

fn only_disks_have_it() -> Case {
    Case {
        id: "maintenance/only-disks-have-it".into(),
        title: "Maintenance mode of anything but a disk is refused".into(),
        clauses: &["ARCH-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).file_group())?;
            let told = trial.answer("{ do: maintenance, resource: fs/name, value: true }")?;
            let refused = matches!(told, crate::Told::Refused(..));
            trial.check(
                &format!("it is refused, and the answer is {told:?}"),
                refused,
            )
        }),
    }
}

fn an_administrator_can_fail_a_resource() -> Case {
    Case {
        id: "maintenance/an-administrator-can-fail-a-resource".into(),
        title: "A resource that is declared failed goes through its restarts, then its group moves"
            .into(),
        clauses: &["TOP-2", "RCM-2", "ARCH-5"],
        source: &[("1.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { limit: 1 }"))?;
            let (owner, id) = (trial.owner("app")?, trial.id(PROGRAM)?);
            let mark = trial.mark();
            trial.act(format!("{{ do: fail, resource: {PROGRAM} }}"))?;
            trial.run(secs(30));
            let failed = trial.events(mark, enters(id, ResourceState::Failed));
            trial.equal("failures", failed.len(), 1)?;
            let now = trial.owner("app")?;
            trial.equal("the owner after the restart", now, owner.clone())?;
            trial.act(format!("{{ do: fail, resource: {PROGRAM} }}"))?;
            trial.within(
                EVENTUALLY,
                "the group is online on the other node",
                |seen| seen.online("app") && seen.owner("app") != Some(owner.as_str()),
            )
        }),
    }
}
