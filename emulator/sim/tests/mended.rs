//! Faults of the cluster that the swarm found and that were mended: what was left of the plan of a
//! seed that failed once it was reduced (`looksalive shrink`), with the name of the fault.
//!
//! A history changes with everything that nodes say, so one of these may no longer come to the
//! moment at which it failed; what was mended has a test of its own where it stands.

use std::time::Duration;

use sim::swarm::{plan, run_caught};

/// Virtual time for which the seeds were attacked.
const LENGTH: Duration = Duration::from_secs(3_600);

/// Plays these acts of a seed's plan, counted from one, and whatever calm must bring back.
fn play(seed: u64, acts: &[usize]) {
    let plan = plan(seed, None, LENGTH).only(acts);
    assert_eq!(plan.acts.len(), acts.len(), "the plan of seed {seed}");
    let outcome = run_caught(&plan);
    assert_eq!(outcome.failure, None, "{plan}");
}

#[test]
fn replies_that_come_late_do_not_keep_a_node_that_is_cut_off_from_ending() {
    play(843, &[59, 63, 66]);
    play(1466, &[34, 39, 40]);
}

#[test]
fn a_newcomer_that_was_frozen_after_it_joined_finds_the_cluster_of_the_others() {
    play(1519, &[101, 102, 104]);
    play(611, &[50, 52, 55, 57, 59]);
}

#[test]
fn a_witness_that_was_given_back_while_it_answered_nothing_can_be_taken_again() {
    play(625, &[337, 339, 340, 341, 348, 352, 356, 357]);
}
