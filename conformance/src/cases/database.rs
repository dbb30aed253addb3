//! The cluster database behind its updates: what a node keeps, what it survives, what ends it.

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::{Observation, WitnessState};
use crate::subject::{Of, Told};
use crate::trial::Trial;
use base::{Generation, HaltReason, Notice};
use std::collections::BTreeSet;

pub(super) fn cases() -> Vec<Case> {
    vec![
        an_answered_change_survives_the_loss_of_all_power(),
        an_answered_change_is_on_every_member(),
        a_node_that_cannot_write_its_disk_stops(),
        a_node_that_stopped_for_its_disk_joins_again(),
        what_fails_on_one_node_succeeds_for_the_cluster(),
        a_change_is_found_on_the_witness_disk(),
        a_witness_share_keeps_a_stale_node_out(),
        the_copy_is_loaded_by_the_owner_of_the_witness_alone(),
        a_copy_that_cannot_be_written_is_unloaded(),
        every_member_keeps_every_object(),
        objects_have_their_documented_values(),
        every_member_answers_for_every_object(),
    ]
}

/// A property that nothing in these labs depends on; 2008 R2 and later have it.
const DELAY: &str = "property: ClusterGroupWaitDelay";
const SINCE_2008R2: &[Generation] = &[Generation::V2008R2, Generation::V2016, Generation::V2022];

fn change(trial: &mut Trial<'_>, seconds: u32) -> Result<(), Stop> {
    let told = trial.answer(format!("{{ do: set, {DELAY}, value: {seconds} }}"))?;
    trial.equal("the answer", told, Told::Done)
}

fn is_changed(trial: &mut Trial<'_>, seconds: u32) -> Result<(), Stop> {
    trial.has(&Of::Cluster, "ClusterGroupWaitDelay", &seconds.to_string())
}

fn an_answered_change_survives_the_loss_of_all_power() -> Case {
    Case {
        id: "database/an-answered-change-survives-the-loss-of-all-power".into(),
        title: "A change is in the log of every node before its administrator is answered".into(),
        clauses: &["DM-6", "SVC-6"],
        source: &[("4.3", Mark::Stated)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            for seconds in [7, 8, 9] {
                change(trial, seconds)?;
            }
            trial.fault("{ node: all, do: power-off, for: 30s }")?;
            trial.run(secs(31));
            trial.needs(EVENTUALLY * 2, "all nodes are members again", |seen| {
                seen.all_up(["n1", "n2", "n3"])
            })?;
            is_changed(trial, 9)
        }),
    }
}

fn an_answered_change_is_on_every_member() -> Case {
    Case {
        id: "database/an-answered-change-is-on-every-member".into(),
        title: "Once an administrator is answered, every member answers with the new value".into(),
        clauses: &["GUM-1", "GUM-5", "OM-5"],
        source: &[("6.2", Mark::Secondary)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4))?;
            change(trial, 17)?;
            for node in ["n1", "n2", "n3", "n4"] {
                let told = trial.property(Some(node), &Of::Cluster, "ClusterGroupWaitDelay")?;
                let expected = Told::Value("17".into());
                trial.equal(&format!("the answer of {node}"), told, expected)?;
            }
            Ok(())
        }),
    }
}

/// Four nodes; the own disk of one that does not hold the lock fails, and something is changed.
fn with_a_broken_disk(trial: &mut Trial<'_>) -> Result<(String, usize), Stop> {
    trial.form(&Lab::of(4))?;
    // The updates of forming are over.
    trial.run(secs(60));
    let lock = |notice: &Notice| matches!(notice, Notice::LockOwner { .. });
    let owners = trial.events(0, lock);
    let locker = match owners.last().map(|event| &event.notice) {
        Some(Notice::LockOwner { owner }) => Some(*owner),
        _ => None,
    };
    let nodes = &trial.seen().nodes;
    let other = nodes.iter().find(|(_, node)| Some(node.id) != locker);
    let broken = other.map_or_else(|| "n2".to_owned(), |(name, _)| name.clone());
    let mark = trial.mark();
    trial.own_disk(&broken, true)?;
    // While the view changes under it, a change may be refused with 5925; then it is tried again.
    for _ in 0..5 {
        let told = trial.answer(format!("{{ do: set, {DELAY}, value: 21 }}"))?;
        if told == Told::Done {
            return Ok((broken, mark));
        }
        trial.run(secs(10));
    }
    trial.check("the change is done when it is tried again", false)?;
    Ok((broken, mark))
}

fn others(broken: &str) -> Vec<&'static str> {
    let names = ["n1", "n2", "n3", "n4"];
    names.into_iter().filter(|name| *name != broken).collect()
}

fn a_node_that_cannot_write_its_disk_stops() -> Case {
    Case {
        id: "database/a-node-that-cannot-write-its-disk-stops".into(),
        title: "A node that cannot commit a change ends its service, and the others remove it"
            .into(),
        clauses: &["DM-7", "GUM-6"],
        source: &[("4.3", Mark::Secondary), ("6.2", Mark::Secondary)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            let (broken, mark) = with_a_broken_disk(trial)?;
            trial.run(secs(60));
            let halted = |it: &Notice| {
                let reason = HaltReason::DatabaseFailed;
                *it == Notice::Halted { reason }
            };
            let halted = trial.events(mark, halted);
            let nodes: BTreeSet<&str> = halted.iter().map(|it| it.node.as_str()).collect();
            let expected = BTreeSet::from([broken.as_str()]);
            trial.equal("the nodes whose service ended for it", nodes, expected)?;
            let removed = trial.events(mark, |it| it.event_id() == Some(1135));
            let nodes: BTreeSet<&str> = removed.iter().map(|it| it.node.as_str()).collect();
            let expected: BTreeSet<&str> = others(&broken).into_iter().collect();
            trial.equal("the nodes that log its removal", nodes, expected)
        }),
    }
}

fn a_node_that_stopped_for_its_disk_joins_again() -> Case {
    Case {
        id: "database/a-node-that-stopped-for-its-disk-joins-again".into(),
        title: "A node that failed an update joins anew and has it then".into(),
        clauses: &["GUM-7", "GUM-13", "MM-11"],
        source: &[("6.2", Mark::Secondary)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            let (broken, _) = with_a_broken_disk(trial)?;
            trial.run(secs(30));
            let up = trial.seen().up(&broken);
            trial.check("the node is out", !up)?;
            trial.own_disk(&broken, false)?;
            trial.within(EVENTUALLY, "the node is a member again", |seen| {
                seen.all_up(["n1", "n2", "n3", "n4"])
            })?;
            let told = trial.property(Some(&broken), &Of::Cluster, "ClusterGroupWaitDelay")?;
            trial.equal("its answer", told, Told::Value("21".into()))
        }),
    }
}

fn what_fails_on_one_node_succeeds_for_the_cluster() -> Case {
    Case {
        id: "database/what-fails-on-one-node-succeeds-for-the-cluster".into(),
        title: "A change that one node cannot apply gets done without that node: what works on \
                one of the others works on all of them"
            .into(),
        clauses: &["GUM-5", "GUM-3"],
        source: &[("6.2", Mark::Secondary)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            let (broken, mark) = with_a_broken_disk(trial)?;
            let mut tags = std::collections::BTreeMap::<String, Vec<_>>::new();
            for event in trial.events(mark, |it| matches!(it, Notice::UpdateCommitted { .. })) {
                tags.entry(event.node).or_default().push(event.notice);
            }
            let other = others(&broken).iter().all(|it| tags.contains_key(*it));
            trial.check("the others have applied updates", other)?;
            let all_alike = tags
                .values()
                .collect::<Vec<_>>()
                .windows(2)
                .all(|it| it[0] == it[1]);
            trial.check("all of them the same", all_alike)?;
            for node in others(&broken) {
                let told = trial.property(Some(node), &Of::Cluster, "ClusterGroupWaitDelay")?;
                let expected = Told::Value("21".into());
                trial.equal(&format!("the answer of {node}"), told, expected)?;
            }
            change(trial, 22)
        }),
    }
}

/// n2 is away while something changes, then n1 loses its power and n2 comes back alone.
fn one_after_the_other(trial: &mut Trial<'_>, witness: Witness) -> Result<(), Stop> {
    trial.form(&Lab::of(2).witness(witness).program(""))?;
    trial.needs(secs(120), "the witness is in use", |seen| {
        let witness = seen.witness.as_ref();
        witness.is_some_and(|it| it.state == WitnessState::Online)
    })?;
    trial.fault("{ node: n2, do: power-off, for: 3m }")?;
    trial.needs(secs(150), "n1 goes on alone", |seen| {
        let view = seen.nodes.get("n1").map_or(0, |node| node.view.len());
        seen.up("n1") && view == 1
    })?;
    trial.run(secs(10));
    let told = trial.answer("{ do: set, group: app, property: FailoverPeriod, value: 77 }")?;
    trial.equal("the answer", told, Told::Done)?;
    trial.run(secs(20));
    trial.power_off(&["n1".into()])
}

const FAILOVER: &str = "FailoverPeriod";

fn a_change_is_found_on_the_witness_disk() -> Case {
    Case {
        id: "database/a-change-is-found-on-the-witness-disk".into(),
        title: "A node that missed a change and comes back alone has it from the shared disk"
            .into(),
        clauses: &["DM-3", "QRM-11", "QRM-12", "SVC-6"],
        source: &[("4.1", Mark::Stated), ("7", Mark::Stated)],
        generations: &[
            Generation::V2003,
            Generation::V2008,
            Generation::V2012R2,
            Generation::V2022,
        ],
        run: Box::new(|trial| {
            one_after_the_other(trial, Witness::Disk)?;
            trial.within(EVENTUALLY * 2, "n2 runs the group alone", |seen| {
                seen.up("n2") && seen.online("app")
            })?;
            trial.has(&Of::Group("app".into()), FAILOVER, "77")
        }),
    }
}

fn a_witness_share_keeps_a_stale_node_out() -> Case {
    Case {
        id: "database/a-witness-share-keeps-a-stale-node-out".into(),
        title: "Where the witness keeps no copy, a node that missed a change does not form alone"
            .into(),
        clauses: &["DM-4", "DM-5", "QRM-11"],
        source: &[("4.3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            one_after_the_other(trial, Witness::Share)?;
            trial.run(secs(60));
            trial.stays(secs(600), "n2 forms no cluster", |seen| !seen.up("n2"))?;
            let told = trial.events(0, |it| it.event_id() == Some(1561));
            let by_n2 = !told.is_empty() && told.iter().all(|it| it.node == "n2");
            trial.check("n2 logs 1561, and n1 does not", by_n2)?;
            trial.act("{ do: heal }")?;
            trial.within(EVENTUALLY, "with n1 back both are members", |seen| {
                seen.all_up(["n1", "n2"]) && seen.online("app")
            })?;
            trial.has(&Of::Group("app".into()), FAILOVER, "77")
        }),
    }
}

fn loaders(seen: &Observation) -> BTreeSet<String> {
    let loads = seen.nodes.iter().filter(|(_, node)| node.has_witness_hive);
    loads.map(|(name, _)| name.clone()).collect()
}

fn the_copy_is_loaded_by_the_owner_of_the_witness_alone() -> Case {
    Case {
        id: "database/the-copy-is-loaded-by-the-owner-of-the-witness-alone".into(),
        title: "The hive 0.Cluster is loaded on the owner of the disk witness and nowhere else"
            .into(),
        clauses: &["DM-3", "QRM-5"],
        source: &[("7", Mark::Secondary)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).witness(Witness::Disk))?;
            let by_owner = |seen: &Observation| {
                let owner = seen.witness.as_ref().and_then(|it| it.owner.clone());
                owner.is_some() && loaders(seen).into_iter().eq(owner)
            };
            trial.within(secs(120), "the owner has it loaded", by_owner)?;
            let owner = loaders(trial.seen()).into_iter().next();
            let owner = owner.unwrap_or_else(|| "n1".to_owned());
            trial.power_off(std::slice::from_ref(&owner))?;
            trial.within(EVENTUALLY, "the next owner has it loaded", |seen| {
                by_owner(seen) && !loaders(seen).contains(&owner)
            })?;
            trial.form(&Lab::of(3).witness(Witness::Share))?;
            trial.run(secs(60));
            let nobody = loaders(trial.seen()).is_empty();
            trial.check("with a share as witness nobody has it", nobody)
        }),
    }
}

fn a_copy_that_cannot_be_written_is_unloaded() -> Case {
    Case {
        id: "database/a-copy-that-cannot-be-written-is-unloaded".into(),
        title: "When a change cannot be written to the witness disk, its hive is unloaded, the \
                disk is failed and the change holds"
            .into(),
        clauses: &["DM-8", "DM-9"],
        source: &[("4.3", Mark::Secondary), ("4.3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).witness(Witness::Disk).program(""))?;
            trial.needs(secs(120), "a node has the copy loaded", |seen| {
                !loaders(seen).is_empty()
            })?;
            let mark = trial.mark();
            trial.fault("{ lun: san/witness, do: offline }")?;
            trial.act("{ do: set, group: app, property: FailoverPeriod, value: 77 }")?;
            trial.within(EVENTUALLY, "nobody has the copy loaded", |seen| {
                loaders(seen).is_empty()
            })?;
            trial.within(secs(60), "the witness is failed", |seen| {
                let witness = seen.witness.as_ref();
                witness.is_some_and(|it| it.state == WitnessState::Failed)
            })?;
            let told = trial.events(mark, |it| it.event_id() == Some(1558));
            trial.check("event 1558 is logged", !told.is_empty())?;
            trial.run(secs(30));
            trial.has(&Of::Group("app".into()), FAILOVER, "77")?;
            let both = trial.seen().all_up(["n1", "n2"]);
            trial.check("both nodes go on", both)
        }),
    }
}

fn every_member_keeps_every_object() -> Case {
    Case {
        id: "database/every-member-keeps-every-object".into(),
        title: "All members show one database, with a key for every node in order of its id, and \
                the tag at its root"
            .into(),
        clauses: &["OM-1", "OM-5", "DM-1", "DM-2"],
        source: &[("7", Mark::Stated), ("7", Mark::Secondary)],
        generations: ALL_BUT_FEW,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).file_group().program(""))?;
            trial.run(secs(30));
            let first = trial.database("n1")?;
            for node in ["n2", "n3"] {
                let same = trial.database(node)? == first;
                trial.check(&format!("{node} shows the same as n1"), same)?;
            }
            let nodes = first.keys().filter_map(|key| key.strip_prefix("Nodes\\"));
            let nodes: Vec<&str> = nodes.filter(|it| !it.contains('\\')).collect();
            trial.equal("the keys of nodes", nodes, vec!["1", "2", "3"])
        }),
    }
}

/// The registry's shape is told of all generations.
const ALL_BUT_FEW: &[Generation] = &[
    Generation::V2003,
    Generation::V2008,
    Generation::V2012R2,
    Generation::V2022,
];

fn objects_have_their_documented_values() -> Case {
    Case {
        id: "database/objects-have-their-documented-values".into(),
        title: "What is set through a property stands in the database under the documented name"
            .into(),
        clauses: &["DM-1", "OM-6"],
        source: &[("7", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let settings = [
                ("resource: app/prog", "RestartThreshold", "4"),
                ("resource: app/prog", "IsAlivePollInterval", "30000"),
                ("group: app", "FailoverThreshold", "2"),
                ("group: app", "AutoFailbackType", "1"),
                ("node: n2", "NodeWeight", "0"),
            ];
            for (of, name, value) in settings {
                let action = format!("{{ do: set, {of}, property: {name}, value: {value} }}");
                let told = trial.answer(action)?;
                trial.equal("the answer", told, Told::Done)?;
            }
            let database = trial.database("n1")?;
            for (of, name, value) in settings {
                let mut keys = database.values();
                let stands = keys.any(|key| key.get(name).is_some_and(|it| it == value));
                trial.check(
                    &format!("{name} of {of} is {value} in the database"),
                    stands,
                )?;
            }
            let named = |name: &str, value: &str| {
                let mut keys = database.values();
                keys.any(|key| key.get(name).is_some_and(|it| it == value))
            };
            let all = named("Name", "app") && named("Name", "prog") && named("NodeName", "n1");
            trial.check("group, resource and node have their names", all)
        }),
    }
}

fn every_member_answers_for_every_object() -> Case {
    Case {
        id: "database/every-member-answers-for-every-object".into(),
        title: "Any member knows every object and its owner: it answers for what others own".into(),
        clauses: &["OM-1", "OM-3", "OM-4", "ARCH-5"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n2 },";
            trial.form(&Lab::of(3).program_in_group(owners, ""))?;
            let objects = [
                (Of::Group("app".into()), "Name", "app"),
                (Of::Resource("app".into(), "prog".into()), "Name", "prog"),
                (Of::Node("n2".into()), "NodeName", "n2"),
                (Of::Cluster, "ClusterName", "CLU1"),
            ];
            for node in ["n1", "n2", "n3"] {
                for (object, name, value) in &objects {
                    let told = trial.property(Some(node), object, name)?;
                    let expected = Told::Value((*value).to_owned());
                    trial.equal(&format!("{name} as {node} has it"), told, expected)?;
                }
            }
            trial.act("{ do: offline, group: app }")?;
            trial.within(secs(60), "n1 passed a command on to the owner", |seen| {
                seen.state(PROGRAM) == base::ResourceState::Offline
            })
        }),
    }
}
