//! The cluster database: equal replicas, one order, and what a witness keeps.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::Observation;
use crate::trial::Trial;
use base::{Notice, PaxosTag};
use std::collections::BTreeMap;

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_change_reaches_every_replica(),
        every_node_applies_the_same_updates_in_the_same_order(),
        a_witness_disk_keeps_a_copy(),
        a_witness_share_keeps_none(),
    ]
}

/// The one tag that all nodes have, if they have one.
fn common_tag(seen: &Observation) -> Option<PaxosTag> {
    let mut tags = seen.nodes.values().map(|node| node.tag);
    let first = tags.next()??;
    tags.all(|tag| tag == Some(first)).then_some(first)
}

/// Forms the lab and changes the stored configuration; returns the tag from before.
fn changed(trial: &mut Trial<'_>, lab: &Lab) -> Result<Option<PaxosTag>, Stop> {
    trial.form(lab)?;
    trial.needs(secs(60), "all replicas have one tag", |seen| {
        common_tag(seen).is_some()
    })?;
    let before = common_tag(trial.seen());
    trial.act("{ do: offline, group: app }")?;
    Ok(before)
}

fn a_change_reaches_every_replica() -> Case {
    Case {
        id: "updates/a-change-reaches-every-replica".into(),
        title: "A change of the stored configuration gives every replica the same, later tag"
            .into(),
        clauses: &[
            "GUM-1", "DM-1", "DM-2", "DM-5", "OM-5", "SVC-2", "SVC-5", "MID-2",
        ],
        source: &[("3", Mark::Stated), ("4.3", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let before = changed(trial, &Lab::of(4).program(""))?;
            trial.within(secs(60), "all replicas have a later tag", |seen| {
                common_tag(seen) > before
            })
        }),
    }
}

fn every_node_applies_the_same_updates_in_the_same_order() -> Case {
    Case {
        id: "updates/every-node-applies-the-same-updates-in-the-same-order".into(),
        title: "The updates that nodes apply are one sequence, each of them once".into(),
        clauses: &["GUM-3", "GUM-4", "OM-5"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let lab = Lab::of(3).program("");
            trial.form(&lab)?;
            let mark = trial.mark();
            for action in ["offline", "online", "offline", "online"] {
                trial.act(format!("{{ do: {action}, group: app }}"))?;
                trial.run(secs(10));
            }
            let mut applied: BTreeMap<String, Vec<PaxosTag>> = BTreeMap::new();
            for event in trial.events(mark, |it| matches!(it, Notice::UpdateCommitted { .. })) {
                if let Notice::UpdateCommitted { tag } = event.notice {
                    applied.entry(event.node).or_default().push(tag);
                }
            }
            trial.equal("the number of nodes that applied updates", applied.len(), 3)?;
            let first = applied.get("n1").cloned().unwrap_or_default();
            trial.check(
                "the updates are in order",
                first.is_sorted() && !first.is_empty(),
            )?;
            for (name, tags) in applied {
                trial.equal(&format!("the sequence of {name}"), tags, first.clone())?;
            }
            Ok(())
        }),
    }
}

fn a_witness_disk_keeps_a_copy() -> Case {
    Case {
        id: "updates/a-witness-disk-keeps-a-copy".into(),
        title: "The copy of the database on a witness disk follows the nodes' replicas".into(),
        clauses: &["DM-3", "DM-5", "QRM-12"],
        source: &[("4.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let lab = Lab::of(2).witness(Witness::Disk).program("");
            let before = changed(trial, &lab)?;
            trial.within(
                EVENTUALLY,
                "the witness has the later tag of the nodes",
                |seen| {
                    let copy = seen.witness.as_ref().and_then(|witness| witness.tag);
                    let nodes = common_tag(seen);
                    nodes > before && copy == nodes
                },
            )
        }),
    }
}

fn a_witness_share_keeps_none() -> Case {
    Case {
        id: "updates/a-witness-share-keeps-none".into(),
        title: "A witness share holds no copy of the database".into(),
        clauses: &["DM-4"],
        source: &[("4.1", Mark::Stated), ("7", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let lab = Lab::of(2).witness(Witness::Share).program("");
            let before = changed(trial, &lab)?;
            trial.needs(secs(60), "the change is made", |seen| {
                common_tag(seen) > before
            })?;
            trial.run(secs(60));
            let witness = trial.seen().witness.clone();
            trial.check("the witness is shown", witness.is_some())?;
            let copy = witness.and_then(|witness| witness.tag);
            trial.equal("the copy on the share", copy, None)
        }),
    }
}
