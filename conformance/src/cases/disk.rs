//! Clustered disks: who holds the reservation, and what its loss means.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::observation::Observation;
use base::Notice;

pub(super) fn cases() -> Vec<Case> {
    vec![
        the_owner_holds_the_reservation(),
        a_lost_reservation_is_noticed(),
    ]
}

/// The holder of the data disk is the owner of its group.
fn held_by_its_owner(seen: &Observation) -> bool {
    let owner = seen.groups.get("fs").and_then(|group| group.owner.clone());
    owner.is_some() && seen.holders.get("san/data") == Some(&owner)
}

fn the_owner_holds_the_reservation() -> Case {
    Case {
        id: "disk/the-owner-holds-the-reservation".into(),
        title: "The node that runs a disk resource holds its reservation, before and after a \
            failover"
            .into(),
        clauses: &["DISK-2", "BOT-3", "RCM-8"],
        source: &[("5.2", Mark::Excerpt)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).file_group())?;
            let held = held_by_its_owner(trial.seen());
            trial.check("the owner holds the reservation", held)?;
            let owner = trial.owner("fs")?;
            trial.power_off(std::slice::from_ref(&owner))?;
            trial.within(
                EVENTUALLY,
                "the next owner runs the group and holds it",
                |seen| {
                    seen.online("fs")
                        && held_by_its_owner(seen)
                        && seen.owner("fs") != Some(owner.as_str())
                },
            )
        }),
    }
}

fn a_lost_reservation_is_noticed() -> Case {
    Case {
        id: "disk/a-lost-reservation-is-noticed".into(),
        title: "When an outsider takes the reservation away the owner logs event 1038".into(),
        clauses: &["DISK-1", "DISK-2"],
        source: &[("5.2", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).file_group())?;
            let owner = trial.owner("fs")?;
            let thief = if owner == "n1" { "n2" } else { "n1" };
            let mark = trial.mark();
            trial.fault(format!(
                "{{ lun: san/data, do: preempt-reservation, by: {thief} }}"
            ))?;
            trial.run(secs(95));
            let lost = trial.events(mark, |it| matches!(it, Notice::DiskLost { .. }));
            let told = lost.iter().any(|event| event.node == owner);
            trial.check("the owner logs the loss", told)
        }),
    }
}
