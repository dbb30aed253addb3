//! Partition manager and the file system of cluster shared volumes.

use super::{EVENTUALLY, SAMPLE, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::subject::{Of, Told};
use crate::trial::Trial;
use base::{Generation, Notice, VolumeState};
use std::collections::BTreeSet;

/// Generations that have cluster shared volumes.
const HAVE_IT: &[Generation] = &[Generation::V2008R2, Generation::V2012R2, Generation::V2022];

pub(super) fn cases() -> Vec<Case> {
    vec![
        disks_appear_everywhere_and_belong_to_one_node(),
        what_one_node_writes_every_node_reads(),
        a_node_without_a_way_to_the_disk_goes_through_the_coordinator(),
        a_move_of_the_coordinator_is_an_expected_pause(),
        the_loss_of_the_coordinator_pauses_and_loses_nothing(),
        in_maintenance_mode_only_the_coordinator_writes(),
    ]
}

fn disks_appear_everywhere_and_belong_to_one_node() -> Case {
    Case {
        id: "shared-volume/disks-appear-everywhere-and-belong-to-one-node".into(),
        title: "A disk appears on every node with its signature, and one node at a time owns it"
            .into(),
        clauses: &["BOT-2", "ARCH-3"],
        source: &[("2.1", Mark::Stated), ("5.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).file_group())?;
            let appeared = trial.events(0, |it| matches!(it, Notice::DiskAppeared { .. }));
            let nodes: BTreeSet<_> = appeared.iter().map(|event| event.node.clone()).collect();
            trial.equal("the number of nodes where it appears", nodes.len(), 3)?;
            let signatures: BTreeSet<u32> = appeared
                .iter()
                .filter_map(|event| match event.notice {
                    Notice::DiskAppeared { signature, .. } => Some(signature),
                    _ => None,
                })
                .collect();
            trial.equal("the number of signatures", signatures.len(), 1)?;
            let signature = signatures.first().copied().unwrap_or_default();
            let disk = Of::Resource("fs".to_owned(), "disk".to_owned());
            trial.has(&disk, "DiskSignature", &signature.to_string())?;
            let held = trial.events(0, |it| matches!(it, Notice::DiskHeld { .. }));
            trial.equal("the number of nodes that own it", held.len(), 1)
        }),
    }
}

/// Forms a cluster of three whose volume every node reaches by itself.
fn formed(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.form(&Lab::of(3).shared_volume())?;
    trial.run(secs(5));
    Ok(())
}

fn write(trial: &mut Trial<'_>, node: &str, text: &str) -> Result<(), Stop> {
    let words = format!("node: {node}, resource: vol/csv, value: {text}");
    let told = trial.answer(format!("{{ do: write-volume, {words} }}"))?;
    trial.check(&format!("{node} writes"), told == Told::Done)
}

fn read(trial: &mut Trial<'_>, node: &str, text: &str) -> Result<(), Stop> {
    let words = format!("node: {node}, resource: vol/csv, value: {text}");
    let told = trial.answer(format!("{{ do: read-volume, {words} }}"))?;
    let same = told == Told::Value(text.to_owned());
    trial.check(&format!("{node} reads what was written"), same)
}

/// The states that a node has entered since a mark.
fn entered(trial: &mut Trial<'_>, mark: usize, node: &str) -> Vec<VolumeState> {
    let events = trial.events(mark, |it| matches!(it, Notice::SharedVolume { .. }));
    let of_node = events.iter().filter(|event| event.node == node);
    let state = |notice: &Notice| match notice {
        Notice::SharedVolume { state, .. } => Some(*state),
        _ => None,
    };
    of_node.filter_map(|event| state(&event.notice)).collect()
}

fn what_one_node_writes_every_node_reads() -> Case {
    Case {
        id: "shared-volume/what-one-node-writes-every-node-reads".into(),
        title: "Every node reads and writes the volume, whichever node coordinates".into(),
        clauses: &["BOT-4"],
        source: &[("9", Mark::Stated)],
        generations: HAVE_IT,
        run: Box::new(|trial| {
            formed(trial)?;
            for writer in ["n1", "n2", "n3"] {
                let text = format!("from-{writer}");
                write(trial, writer, &text)?;
                for reader in ["n1", "n2", "n3"] {
                    read(trial, reader, &text)?;
                }
            }
            Ok(())
        }),
    }
}

fn a_node_without_a_way_to_the_disk_goes_through_the_coordinator() -> Case {
    Case {
        id: "shared-volume/a-node-without-a-way-to-the-disk-goes-through-the-coordinator".into(),
        title: "A node that loses its way to the disk is redirected, says 5121, and still writes"
            .into(),
        clauses: &["BOT-4"],
        source: &[("9", Mark::Stated)],
        generations: HAVE_IT,
        run: Box::new(|trial| {
            formed(trial)?;
            let mark = trial.mark();
            trial.fault("{ path: { array: san, from: n3 }, do: drop, for: 120s }")?;
            trial.run(secs(30));
            let states = entered(trial, mark, "n3");
            let told = states.iter().any(|it| it.event_id() == Some(5121));
            trial.check("n3 is redirected and logs 5121", told)?;
            write(trial, "n3", "round-about")?;
            read(trial, "n2", "round-about")?;
            trial.run(secs(120));
            let states = entered(trial, mark, "n3");
            let last = states.last() == Some(&VolumeState::Direct);
            trial.check("it is direct again when the way is back", last)
        }),
    }
}

fn a_move_of_the_coordinator_is_an_expected_pause() -> Case {
    Case {
        id: "shared-volume/a-move-of-the-coordinator-is-an-expected-pause".into(),
        title: "While another node is made the coordinator the volume pauses, with 5157".into(),
        clauses: &["BOT-4"],
        source: &[("9", Mark::Stated)],
        generations: HAVE_IT,
        run: Box::new(|trial| {
            formed(trial)?;
            write(trial, "n3", "before")?;
            let mark = trial.mark();
            trial.act("{ do: move, group: vol, to: n2 }")?;
            read(trial, "n1", "before")?;
            trial.within(EVENTUALLY, "n2 owns the volume", |seen| {
                seen.owner("vol") == Some("n2")
            })?;
            let states = entered(trial, mark, "n1");
            let ids: Vec<_> = states.iter().filter_map(|it| it.event_id()).collect();
            trial.check("n1 logs 5157", ids.contains(&5157))?;
            trial.check("and not 5120", !ids.contains(&5120))
        }),
    }
}

fn the_loss_of_the_coordinator_pauses_and_loses_nothing() -> Case {
    Case {
        id: "shared-volume/the-loss-of-the-coordinator-pauses-and-loses-nothing".into(),
        title: "When the coordinator dies the volume pauses, with 5120, and what was written stays"
            .into(),
        clauses: &["BOT-4"],
        source: &[("9", Mark::Stated)],
        generations: HAVE_IT,
        run: Box::new(|trial| {
            formed(trial)?;
            write(trial, "n2", "kept")?;
            let mark = trial.mark();
            let owner = trial.owner("vol")?;
            trial.power_off(std::slice::from_ref(&owner))?;
            trial.within(EVENTUALLY, "another node owns the volume", |seen| {
                seen.owner("vol").is_some_and(|now| now != owner)
            })?;
            trial.run(secs(30));
            for node in ["n1", "n2", "n3"].into_iter().filter(|node| *node != owner) {
                let states = entered(trial, mark, node);
                let paused = states.contains(&VolumeState::Paused { expected: false });
                trial.check(&format!("{node} logs 5120"), paused)?;
                read(trial, node, "kept")?;
            }
            Ok(())
        }),
    }
}

fn in_maintenance_mode_only_the_coordinator_writes() -> Case {
    Case {
        id: "shared-volume/in-maintenance-mode-only-the-coordinator-writes".into(),
        title: "In maintenance mode other nodes than the coordinator are refused, with 5970".into(),
        clauses: &["BOT-4"],
        source: &[("9", Mark::Stated), ("1.1", Mark::Stated)],
        generations: HAVE_IT,
        run: Box::new(|trial| {
            formed(trial)?;
            trial.act("{ do: maintenance, resource: vol/csv, value: true }")?;
            trial.run(secs(5));
            write(trial, "n1", "alone")?;
            let other = "{ do: write-volume, node: n2, resource: vol/csv, value: x }";
            trial.refused(other, 5_970)?;
            trial.act("{ do: maintenance, resource: vol/csv, value: false }")?;
            trial.run(secs(5));
            read(trial, "n2", "alone")
        }),
    }
}
