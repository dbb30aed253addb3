//! Labs of containers, driven by the commands that people use. Without a container engine these
//! tests do not apply: they are listed as ignored, with the reason, and never as passed.

#[path = "local/bench.rs"]
#[expect(dead_code, reason = "shared with the tests of labs of processes")]
mod bench;
#[path = "docker/clean.rs"]
mod clean;
#[path = "docker/engine.rs"]
mod engine;
#[path = "docker/machines.rs"]
mod machines;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let lacks = engine::missing();
    let kind = lacks.map(|why| format!("not applicable: {why}"));
    let trials = TESTS.iter().map(|(name, test)| {
        let trial = Trial::test(*name, move || {
            test();
            Ok(())
        });
        let trial = trial.with_ignored_flag(kind.is_some());
        trial.with_kind(kind.clone().unwrap_or_default())
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

type Test = (&'static str, fn());

const TESTS: [Test; 9] = [
    (
        "a_lab_of_containers_is_broken_and_healed_and_leaves_nothing",
        clean::a_lab_of_containers_is_broken_and_healed_and_leaves_nothing,
    ),
    (
        "a_lab_that_dies_at_any_deed_is_removed_by_gc",
        clean::a_lab_that_dies_at_any_deed_is_removed_by_gc,
    ),
    (
        "an_interrupt_in_the_middle_of_up_leaves_nothing",
        clean::an_interrupt_in_the_middle_of_up_leaves_nothing,
    ),
    (
        "containers_of_a_killed_keeper_end_and_gc_removes_them",
        clean::containers_of_a_killed_keeper_end_and_gc_removes_them,
    ),
    (
        "two_labs_are_up_side_by_side",
        clean::two_labs_are_up_side_by_side,
    ),
    (
        "containers_have_one_privilege_and_no_network",
        machines::containers_have_one_privilege_and_no_network,
    ),
    (
        "a_container_that_somebody_kills_is_a_machine_without_power",
        machines::a_container_that_somebody_kills_is_a_machine_without_power,
    ),
    (
        "a_scenario_has_the_same_verdicts_as_in_virtual_time",
        machines::a_scenario_has_the_same_verdicts_as_in_virtual_time,
    ),
    (
        "commands_run_on_the_machine_and_a_fault_that_is_refused_names_the_backend",
        machines::commands_run_on_the_machine_and_a_fault_that_is_refused_names_the_backend,
    ),
];
