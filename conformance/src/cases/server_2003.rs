//! The server cluster of 2003: its heartbeats, its models, and the fight for its quorum disk.

use super::{EVENTUALLY, PROGRAM, restarts_in_place, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::Observation;
use crate::trial::Trial;
use base::{Generation, HaltReason, Notice, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_silent_node_is_missed_after_six_heartbeats(),
        the_challenger_stops_after_seven_seconds(),
        the_challenger_of_a_dead_owner_takes_the_disk(),
        a_majority_node_set_counts_configured_nodes(),
        three_restarts_by_default(),
        an_address_fails_at_the_next_looks_alive(),
        the_owner_of_the_quorum_disk_is_the_cluster(),
        a_list_of_nodes_forms_by_force(),
        a_defender_that_lost_its_reservation_ends_at_once(),
    ]
}

const ONLY: &[Generation] = &[Generation::V2003];

fn a_silent_node_is_missed_after_six_heartbeats() -> Case {
    Case {
        id: "server-2003/a-silent-node-is-missed-after-six-heartbeats".into(),
        title: "Heartbeats come every 1.2 seconds, and a node is missed after 7.2 seconds".into(),
        clauses: &["MM-5", "BOT-3"],
        source: &[("13", Mark::Excerpt)],
        generations: ONLY,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let (mark, start) = (trial.mark(), trial.seen().at);
            trial.power_off(&["n3".into()])?;
            trial.run(secs(12));
            let lost = |notice: &Notice| matches!(notice, Notice::PeerLost { .. });
            let lost = trial.first(mark, "the loss of the node", lost)?;
            let beat = std::time::Duration::from_millis(1_200);
            let bounds = (beat * 5, beat * 7);
            trial.between("noticing the loss", lost.saturating_sub(start), bounds)
        }),
    }
}

fn quorum_owner(seen: &Observation) -> Option<String> {
    seen.holders.get("san/witness").cloned().flatten()
}

/// Forms two nodes with a quorum disk: who owns it, and who would challenge.
fn owner_and_challenger(trial: &mut Trial<'_>) -> Result<(String, &'static str), Stop> {
    trial.form(&Lab::of(2).witness(Witness::Disk).program(""))?;
    trial.needs(secs(60), "the quorum disk has an owner", |seen| {
        quorum_owner(seen).is_some()
    })?;
    let owner = quorum_owner(trial.seen()).unwrap_or_else(|| "n1".into());
    let other = if owner == "n1" { "n2" } else { "n1" };
    Ok((owner, other))
}

fn the_challenger_stops_after_seven_seconds() -> Case {
    Case {
        id: "server-2003/the-challenger-stops-after-seven-seconds".into(),
        title: "When two nodes lose each other the owner of the quorum disk defends it, and the \
                other stops seven seconds after its reset"
            .into(),
        clauses: &["DISK-2", "QRM-2", "QRM-10", "BOT-3"],
        source: &[("5.1", Mark::Stated), ("10", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            let (owner, other) = owner_and_challenger(trial)?;
            let mark = trial.mark();
            trial.fault("{ partition: { between: [n1, n2] } }")?;
            trial.within(secs(60), "the owner goes on alone", |seen| {
                seen.up(&owner) && !seen.up(other)
            })?;
            trial.run(secs(15));
            let begun = |it: &Notice| matches!(it, Notice::WitnessNeeded { .. });
            let begun = trial.events(mark, begun);
            let ended = |it: &Notice| matches!(it, Notice::Halted { .. });
            let ended = trial.events(mark, ended);
            let by_other = |events: &[crate::Event]| {
                let own = events.iter().find(|event| event.node == other);
                own.map(|event| event.at)
            };
            let (begun, ended) = (by_other(&begun), by_other(&ended));
            trial.check(
                "the challenge and its end are told",
                begun.is_some() && ended.is_some(),
            )?;
            let took = ended
                .unwrap_or_default()
                .saturating_sub(begun.unwrap_or_default());
            trial.between("the challenge", took, (secs(7), secs(8)))?;
            trial.stays(secs(50), "the owner keeps the disk", |seen| {
                quorum_owner(seen).as_ref() == Some(&owner) && seen.up(&owner)
            })
        }),
    }
}

fn the_challenger_of_a_dead_owner_takes_the_disk() -> Case {
    Case {
        id: "server-2003/the-challenger-of-a-silent-owner-takes-the-disk".into(),
        title: "A challenger whose reset nobody answers has the quorum disk seven seconds later \
                and takes every resource"
            .into(),
        clauses: &["DISK-2", "QRM-10", "RCM-8"],
        source: &[("5.1", Mark::Stated), ("10", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            let (owner, other) = owner_and_challenger(trial)?;
            let mark = trial.mark();
            // A frozen owner keeps its session, so the array keeps its reservation.
            trial.fault(format!("{{ node: {owner}, do: pause }}"))?;
            trial.within(secs(120), "the other one is the cluster", |seen| {
                seen.up(other) && seen.online("app") && seen.owner("app") == Some(other)
            })?;
            let needed = |it: &Notice| matches!(it, Notice::WitnessNeeded { .. });
            let needed = trial.first(mark, "the challenge", needed)?;
            let moved = |it: &Notice| matches!(it, Notice::GroupMoved { .. });
            let moved = trial.first(mark, "the move of the group", moved)?;
            let took = moved.saturating_sub(needed);
            trial.between("the challenge", took, (secs(7), secs(12)))
        }),
    }
}

fn a_majority_node_set_counts_configured_nodes() -> Case {
    Case {
        id: "server-2003/a-majority-node-set-counts-configured-nodes".into(),
        title: "A majority node set of five needs three, of four three, and falls below".into(),
        clauses: &["QRM-1", "QRM-2", "QRM-7"],
        source: &[("4.1", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            for (nodes, lost) in [(5, 2), (4, 1), (3, 1)] {
                let lab = Lab::of(nodes);
                trial.form(&lab)?;
                let votes = trial.seen().nodes.get("n1").and_then(|node| node.votes);
                let needed = votes.map(|it| it.needed);
                trial.equal("the votes needed", needed, Some(u32::from(nodes) / 2 + 1))?;
                let mut left = lab.names();
                let gone: Vec<String> = left.drain(..lost).collect();
                trial.power_off(&gone)?;
                trial.run(secs(60));
                let up = trial.seen().all_up(left.iter().map(String::as_str));
                trial.check("the majority goes on", up)?;
                trial.power_off(&left[..1])?;
                trial.within(secs(60), "one less does not", |seen| !seen.quorate())?;
            }
            Ok(())
        }),
    }
}

fn three_restarts_by_default() -> Case {
    Case {
        id: "server-2003/three-restarts-by-default".into(),
        title: "A resource is restarted three times in place by default".into(),
        clauses: &["RCM-2"],
        source: &[("13", Mark::Excerpt), ("1.1", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            for _ in 0..3 {
                restarts_in_place(trial, PROGRAM, "app")?;
            }
            super::fails_over(trial, PROGRAM, "app")
        }),
    }
}

fn an_address_fails_at_the_next_looks_alive() -> Case {
    Case {
        id: "server-2003/an-address-fails-at-the-next-looks-alive".into(),
        title: "An address fails when LooksAlive is asked after its interface failed".into(),
        clauses: &["ADDR-1", "NAME-2", "TM-5"],
        source: &[("2", Mark::Excerpt), ("13", Mark::Excerpt)],
        generations: ONLY,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network().file_group())?;
            let (owner, resource) = (trial.owner("fs")?, trial.id("fs/ip")?);
            let mark = trial.mark();
            trial.fault(format!("{{ nic: {owner}/lan, do: down, for: 10m }}"))?;
            trial.run(secs(30));
            let failed = super::enters(resource, ResourceState::Failed);
            let failed = trial.first(mark, "the failure of the address", failed)?;
            let asked = Notice::LooksAliveFailed { resource };
            let asked = trial.first(mark, "a LooksAlive that says no", |it| *it == asked)?;
            trial.check("LooksAlive comes before the failure", asked <= failed)?;
            trial.within(EVENTUALLY, "the group is online elsewhere", |seen| {
                seen.online("fs") && seen.owner("fs") != Some(owner.as_str())
            })
        }),
    }
}

fn the_owner_of_the_quorum_disk_is_the_cluster() -> Case {
    Case {
        id: "server-2003/the-owner-of-the-quorum-disk-is-the-cluster".into(),
        title: "With a quorum disk one node of three is the cluster when it owns the disk".into(),
        clauses: &["QRM-10", "QRM-1"],
        source: &[("4.1", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).witness(Witness::Disk).program(""))?;
            trial.power_off(&["n1".into(), "n2".into()])?;
            trial.within(EVENTUALLY, "n3 is the cluster", |seen| {
                seen.up("n3") && seen.online("app")
            })?;
            let owner = quorum_owner(trial.seen());
            trial.equal("the owner of the disk", owner.as_deref(), Some("n3"))
        }),
    }
}

fn a_list_of_nodes_forms_by_force() -> Case {
    Case {
        id: "server-2003/a-list-of-nodes-forms-by-force".into(),
        title: "Nodes of a majority node set that are started with the same list of nodes form \
                with the majority of the list, not of all"
            .into(),
        clauses: &["QRM-1", "QRM-7"],
        source: &[("4.3", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            trial.form(&Lab::of(5).program(""))?;
            trial.power_off(&["n3".into(), "n4".into(), "n5".into()])?;
            trial.needs(secs(120), "two of five are no cluster", |seen| {
                !seen.quorate()
            })?;
            trial.stays(secs(120), "they stay none by themselves", |seen| {
                !seen.quorate()
            })?;
            trial.act("{ do: stop, node: [n1, n2] }")?;
            trial.run(secs(60));
            trial.act("{ do: start, node: [n1, n2], force-quorum: true }")?;
            trial.within(EVENTUALLY, "the two of the list are the cluster", |seen| {
                seen.all_up(["n1", "n2"]) && seen.online("app")
            })?;
            trial.power_off(&["n2".into()])?;
            trial.within(secs(120), "one of two is no majority of the list", |seen| {
                !seen.quorate()
            })
        }),
    }
}

fn a_defender_that_lost_its_reservation_ends_at_once() -> Case {
    Case {
        id: "server-2003/a-defender-that-lost-its-reservation-ends-at-once".into(),
        title: "The owner of the quorum disk ends its service as soon as it finds another node's \
                reservation on it"
            .into(),
        clauses: &["DISK-2", "QRM-10"],
        source: &[("5.1", Mark::Stated)],
        generations: ONLY,
        run: Box::new(|trial| {
            let (owner, other) = owner_and_challenger(trial)?;
            trial.run(secs(30));
            let mark = trial.mark();
            let taken = "lun: san/witness, do: preempt-reservation";
            trial.fault(format!("{{ {taken}, by: {other} }}"))?;
            trial.run(secs(10));
            let lost = |it: &Notice| {
                let reason = HaltReason::QuorumLost;
                *it == Notice::Halted { reason }
            };
            let ended = trial.events(mark, lost);
            let by_owner = ended.first().is_some_and(|it| it.node == owner);
            trial.check("the service of the owner ended for it", by_owner)?;
            trial.within(EVENTUALLY, "the cluster goes on", |seen| {
                seen.quorate() && seen.online("app")
            })
        }),
    }
}
