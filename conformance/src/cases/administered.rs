//! What administrators do to quorum and nodes: force it, prevent it, change its model, stop and
//! evict nodes.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark};
use crate::lab::{Lab, Witness};
use crate::observation::Observation;
use crate::subject::Of;
use base::{Generation, HaltReason, Notice};

/// Generations with dynamic quorum and a witness vote that follows it.
const DYNAMIC: &[Generation] = &[Generation::V2012R2, Generation::V2016, Generation::V2022];

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_minority_forms_by_force(),
        the_forced_state_ends_by_itself(),
        the_other_side_gives_way_to_the_forced_one(),
        a_node_that_only_joins_never_forms(),
        a_node_says_that_it_needs_prevent_quorum(),
        the_last_voter_hands_its_vote_over(),
        an_even_cluster_silences_the_node_it_is_told_to(),
        a_witness_is_taken_away_and_comes_back(),
        a_removed_weight_no_longer_counts(),
        an_added_node_costs_no_quorum_before_it_joins(),
        an_evicted_node_ends_and_may_come_back(),
        a_cloud_witness_decides_an_even_split(),
        a_slow_member_holds_updates_up_only_in_mode_0(),
    ]
}

/// Whether the last count of some node that has quorum is this.
fn counted(seen: &Observation, have: u32, total: u32) -> bool {
    let quorate = seen.nodes.values().filter(|node| node.holds_quorum());
    let mut votes = quorate.filter_map(|node| node.votes);
    votes.any(|votes| votes.have == have && votes.total == total)
}

fn a_minority_forms_by_force() -> Case {
    Case {
        id: "forced/a-minority-forms-by-force".into(),
        title: "Two of five nodes wait, and go on once one of them is started with ForceQuorum"
            .into(),
        clauses: &["QRM-1"],
        source: &[("4.3", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(5).program(""))?;
            trial.power_off(&["n1".into(), "n2".into(), "n3".into()])?;
            trial.run(secs(200));
            let quorate = trial.seen().quorate();
            trial.check("two of five nodes have no quorum", !quorate)?;
            trial.act("{ do: start, node: n4, force-quorum: true }")?;
            trial.within(EVENTUALLY, "both are up and run the group", |seen| {
                seen.all_up(["n4", "n5"]) && seen.online("app") && counted(seen, 2, 5)
            })
        }),
    }
}

fn the_forced_state_ends_by_itself() -> Case {
    Case {
        id: "forced/the-forced-state-ends-by-itself".into(),
        title: "With enough votes back the forced state is over: the next loss is counted again"
            .into(),
        clauses: &["QRM-1", "QRM-2"],
        source: &[("4.3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            trial.fault("{ node: [n1, n2], do: power-off, for: 5m }")?;
            trial.run(secs(120));
            trial.act("{ do: start, node: n3, force-quorum: true }")?;
            trial.within(secs(120), "n3 goes on alone", |seen| seen.up("n3"))?;
            // The property came with 2008 R2.
            let shown = trial.generation() > Generation::V2008;
            if shown {
                trial.run(secs(5));
                trial.has(&Of::Cluster, "FixQuorum", "1")?;
            }
            trial.within(EVENTUALLY * 2, "all are members again", |seen| {
                seen.all_up(["n1", "n2", "n3"]) && counted(seen, 3, 3)
            })?;
            if shown {
                trial.run(secs(5));
                trial.has(&Of::Cluster, "FixQuorum", "0")?;
            }
            trial.power_off(&["n1".into(), "n2".into()])?;
            trial.within(secs(120), "n3 alone has no quorum any more", |seen| {
                !seen.quorate()
            })
        }),
    }
}

fn the_other_side_gives_way_to_the_forced_one() -> Case {
    Case {
        id: "forced/the-other-side-gives-way".into(),
        title: "A side with votes that meets a forced one ends with event 5396 and joins it".into(),
        clauses: &["QRM-11", "MM-11"],
        source: &[("4.1", Mark::Stated), ("4.3", Mark::Stated)],
        generations: &[Generation::V2012, Generation::V2016, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.fault("{ partition: { between: [[n1, n2], n3] }, for: 6m }")?;
            trial.within(secs(120), "n1 and n2 go on without n3", |seen| {
                seen.all_up(["n1", "n2"]) && !seen.up("n3")
            })?;
            trial.act("{ do: start, node: n3, force-quorum: true }")?;
            trial.within(secs(120), "n3 goes on by force", |seen| seen.up("n3"))?;
            let mark = trial.mark();
            trial.within(EVENTUALLY * 3, "all are in one view again", |seen| {
                let whole = |name: &str| seen.nodes.get(name).is_some_and(|it| it.view.len() == 3);
                seen.all_up(["n1", "n2", "n3"]) && whole("n1") && whole("n3")
            })?;
            let reason = HaltReason::ForcedElsewhere;
            let gave_way = trial.events(mark, |it| *it == Notice::Halted { reason });
            trial.equal("the number of nodes that gave way", gave_way.len(), 2)?;
            trial.within(EVENTUALLY, "the group is online", |seen| seen.online("app"))
        }),
    }
}

fn a_node_that_only_joins_never_forms() -> Case {
    Case {
        id: "forced/a-node-that-only-joins-never-forms".into(),
        title: "Nodes started with PreventQuorum wait, however many, and join what others form"
            .into(),
        clauses: &["MM-10"],
        source: &[("4.3", Mark::Stated)],
        generations: &[Generation::V2012, Generation::V2016, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.act("{ do: stop, node: [n1, n2, n3] }")?;
            trial.needs(secs(120), "all services have ended", |seen| {
                !["n1", "n2", "n3"].iter().any(|node| seen.up(node))
            })?;
            trial.run(secs(30));
            trial.act("{ do: start, node: [n1, n2], prevent-quorum: true }")?;
            trial.stays(secs(300), "two of three nodes form nothing", |seen| {
                !seen.quorate()
            })?;
            trial.act("{ do: start, node: n3 }")?;
            trial.stays(secs(120), "one node alone has no majority", |seen| {
                !seen.quorate()
            })?;
            trial.act("{ do: start, node: n1 }")?;
            trial.within(EVENTUALLY, "n1 and n3 form and n2 joins", |seen| {
                seen.all_up(["n1", "n2", "n3"]) && seen.online("app")
            })
        }),
    }
}

fn a_node_says_that_it_needs_prevent_quorum() -> Case {
    Case {
        id: "forced/needs-prevent-quorum-tells-tools-how-to-start-a-node".into(),
        title: "A node whose NeedsPreventQuorum is 1 is started so that it only joins".into(),
        clauses: &["MM-10"],
        source: &[("4.3", Mark::Stated)],
        generations: &[Generation::V2012, Generation::V2016, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.act("{ do: stop, node: [n2, n3] }")?;
            trial.needs(secs(60), "n1 has lost quorum", |seen| !seen.quorate())?;
            trial.act("{ do: start, node: n1, force-quorum: true }")?;
            trial.needs(EVENTUALLY, "n1 goes on by force", |seen| seen.up("n1"))?;
            trial.act("{ do: set, property: NeedsPreventQuorum, value: 1, node: [n2, n3] }")?;
            trial.run(secs(10));
            trial.fault("{ partition: { between: [n1, [n2, n3]] } }")?;
            trial.act("{ do: start, node: [n2, n3] }")?;
            trial.stays(secs(600), "n2 and n3 form nothing beside n1", |seen| {
                !seen.up("n2") && !seen.up("n3")
            })?;
            trial.act("{ do: stop, node: [n2, n3] }")?;
            trial.power_off(&["n1".into()])?;
            trial.run(secs(30));
            // There is no cluster any more that could tell how they are to be started.
            trial.act("{ do: start, node: [n2, n3] }")?;
            trial.within(EVENTUALLY, "without the flag they form", |seen| {
                seen.all_up(["n2", "n3"])
            })
        }),
    }
}

fn the_last_voter_hands_its_vote_over() -> Case {
    Case {
        id: "quorum/the-voter-of-two-hands-its-vote-over".into(),
        title: "Of two nodes without a witness either may be stopped in order: the other goes on"
            .into(),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: DYNAMIC,
        run: Box::new(|trial| {
            for node in ["n1", "n2"] {
                trial.form(&Lab::of(2).dynamic().program(""))?;
                trial.run(secs(30));
                let other = if node == "n1" { "n2" } else { "n1" };
                trial.act(format!("{{ do: stop, node: {node} }}"))?;
                trial.needs(secs(60), "the node has stopped", |seen| {
                    let node = seen.nodes.get(node);
                    node.is_some_and(|it| it.service == crate::Service::Stopped)
                })?;
                trial.run(secs(120));
                let goes_on = trial.seen().up(other) && trial.seen().online("app");
                trial.check(&format!("{other} goes on without {node}"), goes_on)?;
            }
            Ok(())
        }),
    }
}

fn an_even_cluster_silences_the_node_it_is_told_to() -> Case {
    Case {
        id: "quorum/lower-priority-node-loses-its-vote".into(),
        title: "Of four nodes without a witness LowerQuorumPriorityNodeID has no vote, so the \
                other half survives a split"
            .into(),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: DYNAMIC,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).dynamic().program(""))?;
            let set = "do: set, property: LowerQuorumPriorityNodeID";
            trial.act(format!("{{ {set}, value: 2 }}"))?;
            trial.run(secs(10));
            trial.within(secs(60), "three votes are left", |seen| counted(seen, 3, 3))?;
            trial.fault("{ partition: { between: [[n1, n2], [n3, n4]] }, for: 10m }")?;
            trial.within(secs(120), "only n3 and n4 go on", |seen| {
                seen.all_up(["n3", "n4"]) && !seen.up("n1") && !seen.up("n2")
            })
        }),
    }
}

fn a_witness_is_taken_away_and_comes_back() -> Case {
    Case {
        id: "quorum/the-model-changes-at-run-time".into(),
        title: "The witness disk is taken away and made the witness again while all goes on".into(),
        clauses: &["QRM-6"],
        source: &[("4.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).witness(Witness::Disk).program(""))?;
            trial.within(secs(60), "three votes count", |seen| counted(seen, 3, 3))?;
            trial.act("{ do: quorum, witness: none }")?;
            trial.within(secs(60), "the disk no longer counts", |seen| {
                seen.up("n1") && !counted(seen, 3, 3)
            })?;
            trial.act("{ do: quorum, witness: { disk: san/witness } }")?;
            trial.within(secs(60), "three votes count again", |seen| {
                counted(seen, 3, 3)
            })?;
            trial.power_off(&["n1".into()])?;
            trial.within(EVENTUALLY, "n2 goes on with the witness's vote", |seen| {
                seen.up("n2") && counted(seen, 2, 3) && seen.online("app")
            })
        }),
    }
}

fn a_removed_weight_no_longer_counts() -> Case {
    Case {
        id: "quorum/node-weight-changes-at-run-time".into(),
        title: "A node whose NodeWeight is set to 0 no longer counts, for nor against".into(),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).program(""))?;
            trial.act("{ do: set, property: NodeWeight, value: 0, node: n4 }")?;
            trial.within(secs(60), "three votes count", |seen| counted(seen, 3, 3))?;
            trial.power_off(&["n3".into(), "n4".into()])?;
            trial.within(
                EVENTUALLY,
                "n1 and n2 go on with two of three votes",
                |seen| seen.all_up(["n1", "n2"]) && counted(seen, 2, 3) && seen.online("app"),
            )
        }),
    }
}

fn an_evicted_node_ends_and_may_come_back() -> Case {
    Case {
        id: "membership/an-evicted-node-ends-and-may-come-back".into(),
        title: "An evicted member ends, its vote and its groups are gone; added again, it joins"
            .into(),
        clauses: &["MM-13"],
        source: &[("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let owner = trial.owner("app")?;
            let mark = trial.mark();
            trial.act(format!("{{ do: evict, node: {owner} }}"))?;
            trial.within(secs(120), "two nodes with two votes are left", |seen| {
                !seen.up(&owner) && counted(seen, 2, 2)
            })?;
            trial.first(mark, "the eviction (event 1011)", |notice| {
                matches!(notice, Notice::NodeEvicted { .. })
            })?;
            trial.within(EVENTUALLY, "another node runs its group", |seen| {
                seen.online("app") && seen.owner("app") != Some(owner.as_str())
            })?;
            trial.run(secs(120));
            trial.act(format!("{{ do: add, node: {owner} }}"))?;
            trial.within(EVENTUALLY, "it is a member with a vote again", |seen| {
                seen.all_up(["n1", "n2", "n3"]) && counted(seen, 3, 3)
            })
        }),
    }
}

fn an_added_node_costs_no_quorum_before_it_joins() -> Case {
    Case {
        id: "membership/an-added-node-costs-no-quorum-before-it-joins".into(),
        title: "Where dynamic quorum has left one vote, a node that is added and not reached yet \
                takes it from nobody"
            .into(),
        clauses: &["MM-13", "QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: DYNAMIC,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).dynamic().program(""))?;
            trial.act("{ do: evict, node: n3 }")?;
            trial.needs(secs(120), "n1 and n2 are left with one vote", |seen| {
                !seen.up("n3") && counted(seen, 1, 1)
            })?;
            trial.fault("{ nic: n3/lan, do: down, for: 3m }")?;
            trial.act("{ do: add, node: n3 }")?;
            trial.stays(secs(120), "the cluster goes on", |seen| {
                seen.quorate() && seen.online("app")
            })?;
            trial.within(EVENTUALLY, "n3 is a member with a vote", |seen| {
                seen.all_up(["n1", "n2", "n3"]) && counted(seen, 3, 3)
            })
        }),
    }
}

fn a_cloud_witness_decides_an_even_split() -> Case {
    Case {
        id: "quorum/a-cloud-witness-decides-an-even-split".into(),
        title: "Of two nodes that lose each other the one that gets the blob's lease goes on"
            .into(),
        clauses: &["QRM-1"],
        source: &[("4.1", Mark::Stated)],
        generations: &[Generation::V2016, Generation::V2019, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).witness(Witness::Cloud).program(""))?;
            trial.within(secs(60), "three votes count", |seen| counted(seen, 3, 3))?;
            trial.fault("{ partition: { between: [n1, n2] }, for: 10m }")?;
            trial.run(secs(60));
            let one = |seen: &Observation| seen.up("n1") != seen.up("n2");
            trial.within(
                EVENTUALLY,
                "exactly one node goes on and runs the group",
                |seen| one(seen) && seen.online("app"),
            )?;
            trial.stays(secs(120), "exactly one node goes on", one)
        }),
    }
}

fn a_slow_member_holds_updates_up_only_in_mode_0() -> Case {
    Case {
        id: "updates/a-slow-member-holds-updates-up-only-in-mode-0".into(),
        title: "With DatabaseReadWriteMode 1 and 2 a majority is enough for an update, with 0 all \
                members are needed"
            .into(),
        clauses: &["GUM-3"],
        source: &[("6.2", Mark::Stated)],
        generations: DYNAMIC,
        run: Box::new(|trial| {
            for mode in 0..3 {
                trial.form(&Lab::of(3).program(""))?;
                let set = "do: set, property: DatabaseReadWriteMode";
                trial.act(format!("{{ {set}, value: {mode} }}"))?;
                trial.run(secs(10));
                let before = trial.seen().tag("n1");
                // Shorter than the detection of its loss.
                trial.fault("{ node: n3, do: pause, for: 4s }")?;
                trial.act("{ do: set, property: ClusterGroupWaitDelay, value: 33 }")?;
                trial.run(secs(3));
                let carried_out = trial.seen().tag("n1") > before;
                let what = format!("mode {mode}: the update waits for n3 only in mode 0");
                trial.check(&what, carried_out == (mode != 0))?;
                trial.run(secs(30));
                let tags = ["n1", "n2", "n3"].map(|node| trial.seen().tag(node));
                let same = tags.iter().all(|tag| *tag == tags[0]) && tags[0] > before;
                trial.check(&format!("mode {mode}: all have it in the end"), same)?;
            }
            Ok(())
        }),
    }
}
