//! Messaging, global updates, database and log of several members together, under attack.
//!
//! Goal: one total order, all or nothing across views, nothing acknowledged is lost, one lock.
//! Method: real managers; models of the network (loses, repeats, reorders), of the nodes' disks
//! (tear when power fails) and of a witness disk (one holder, the others fenced). Views are fed by
//! hand: a new one at any moment, any quorate set of nodes, promises and installations in any
//! order, left-behind nodes frozen in their old view. An oracle sees everything that is published,
//! applied and acknowledged. One seed is one history. Faults planted in the models prove that the
//! oracle can see.

mod attack;
mod cluster;
mod member;
mod oracle;
mod regroup;
mod witness;

use attack::{Plan, run};

/// Histories per property.
const SEEDS: u64 = 25;

fn every_seed_holds(plan: &Plan) {
    let mut acknowledged = 0;
    for seed in 0..SEEDS {
        match run(seed, plan) {
            Ok(count) => acknowledged += count,
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    let seeds = usize::try_from(SEEDS).unwrap_or(usize::MAX);
    assert!(
        acknowledged > seeds,
        "so little was carried out that nothing is proven"
    );
}

/// Whether some history shows the planted fault: an oracle's complaint or a manager's assertion.
fn is_noticed(plan: &Plan) -> bool {
    (0..2_000).any(|seed| {
        std::panic::catch_unwind(|| run(seed, plan)).map_or(true, |outcome| outcome.is_err())
    })
}

#[test]
fn three_nodes_keep_every_promise() {
    every_seed_holds(&Plan::new(3));
}

#[test]
fn five_nodes_keep_every_promise() {
    every_seed_holds(&Plan::new(5));
}

#[test]
fn two_nodes_and_a_witness_disk_keep_every_promise() {
    every_seed_holds(&Plan {
        witness: true,
        ..Plan::new(2)
    });
}

#[test]
fn four_nodes_and_a_witness_disk_keep_every_promise() {
    every_seed_holds(&Plan {
        witness: true,
        ..Plan::new(4)
    });
}

#[test]
fn the_oracle_notices_disks_that_lie_about_syncing() {
    assert!(is_noticed(&Plan {
        disks_lie: true,
        ..Plan::new(3)
    }));
}

#[test]
fn the_oracle_notices_views_that_need_no_majority() {
    assert!(is_noticed(&Plan {
        minority_is_enough: true,
        ..Plan::new(3)
    }));
}

#[test]
fn the_oracle_notices_reports_that_say_nothing_of_the_replica() {
    assert!(is_noticed(&Plan {
        reports_are_blank: true,
        ..Plan::new(3)
    }));
}

#[test]
fn the_oracle_notices_a_network_that_passes_words_of_one_view_off_as_of_another() {
    assert!(is_noticed(&Plan {
        views_are_mixed: true,
        ..Plan::new(3)
    }));
}

#[test]
fn the_oracle_notices_views_that_end_without_repair() {
    assert!(is_noticed(&Plan {
        repairs_are_skipped: true,
        ..Plan::new(3)
    }));
}

#[test]
fn the_oracle_notices_a_witness_that_forgets() {
    assert!(is_noticed(&Plan {
        witness: true,
        witness_forgets: true,
        ..Plan::new(2)
    }));
}
