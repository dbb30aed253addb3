//! What the words of a scenario mean, shown with small labs.

use std::time::Duration;

use super::*;
use crate::report::RunReport;

const HEAD: &str = "
lab: 1
name: small
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
nodes:
  n[1-3]: { networks: [lan] }
storage:
  san: { kind: iscsi, luns: { data: 1GiB } }
cluster:
  name: CLU1
  address: 10.10.1.100
  groups:
    fs1:
      resources:
        ip:   { type: ip-address, address: 10.10.1.101 }
        name: { type: network-name, name: FS1, depends: ip }
        disk: { type: physical-disk, lun: san/data }
        srv:  { type: file-server, depends: name and disk }
scenario:
  - expect: { group: fs1, is: online, within: 60s }
";

fn lab(scenario: &str) -> Lab {
    let text = format!("{HEAD}{scenario}");
    let checked = file::check("small.lab.yaml", text.as_bytes());
    let errors: Vec<&String> = checked.diagnostics.iter().map(|it| &it.message).collect();
    checked.lab.unwrap_or_else(|| panic!("{errors:?}"))
}

fn run(scenario: &str) -> RunReport {
    play(&lab(scenario), Options::new(1)).unwrap()
}

/// The verdict of the last step, with what was found.
fn last(scenario: &str) -> (Verdict, String) {
    let report = run(scenario);
    let step = report.steps.last().unwrap();
    (step.verdict, step.detail.clone().unwrap_or_default())
}

#[test]
fn an_expectation_that_holds_passes_and_one_that_does_not_fails_with_what_was_found() {
    assert_eq!(
        last("  - expect: { group: fs1, is: online }").0,
        Verdict::Passed
    );
    let (verdict, found) = last("  - expect: { group: fs1, is: offline }");
    assert_eq!(verdict, Verdict::Failed);
    assert!(found.starts_with("fs1 is Online on n"), "{found}");
}

#[test]
fn within_waits_no_longer_than_it_must() {
    let report = run("  - fault: { node: owner-of(fs1), do: power-off }
  - expect: { group: fs1, is: online, node: changed, within: 60s }
");
    assert_eq!(report.verdict, Verdict::Passed);
    let waited = report.steps[2].until.0 - report.steps[2].at.0;
    assert!((10_000.0..40_000.0).contains(&waited), "{waited}");
}

#[test]
fn within_fails_when_its_time_is_over() {
    let report = run("  - fault: { node: all, do: stop-service }
  - expect: { group: fs1, is: online, for: 1s, within: 30s }
");
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(report.failure, Some(FailureKind::Expectation));
    let step = &report.steps[2];
    assert!((step.until.0 - step.at.0 - 30_000.0).abs() < 1.0);
}

#[test]
fn what_must_always_hold_fails_whenever_it_breaks_later() {
    let report = run("  - expect: { group: fs1, is: online, always: true }
  - run: 5s
  - fault: { node: owner-of(fs1), do: power-off }
  - run: 60s
");
    assert_eq!(report.steps[1].verdict, Verdict::Failed);
    assert!(report.steps[1].until.0 > 5_000.0);
    let report = run(
        "  - expect: { group: fs1, owners: { at-most: 1 }, always: true }
  - fault: { node: owner-of(fs1), do: power-off }
  - run: 60s
",
    );
    assert_eq!(report.verdict, Verdict::Passed);
}

#[test]
fn a_fault_heals_by_itself_after_its_time() {
    let report = run("  - fault: { node: n1, do: power-off, for: 30s }
  - expect: { node: n1, is: down, within: 25s }
  - expect: { node: n1, is: up, within: 5m }
");
    assert_eq!(report.verdict, Verdict::Passed);
    assert!(report.steps[3].until.0 > 50_000.0);
}

#[test]
fn a_silent_node_counts_as_up_until_the_others_have_noticed() {
    let (verdict, found) = last(
        "  - fault: { node: n1, do: power-off }
  - expect: { node: n2, is: up }
  - expect: { node: n1, is: up }
",
    );
    assert_eq!(
        (verdict, found.as_str()),
        (Verdict::Failed, "n1 is off and still counted as a member")
    );
}

#[test]
fn a_broken_resource_is_not_online_whatever_its_node_believes() {
    let (verdict, found) = last(
        "  - fault: { resource: fs1/srv, do: fail }
  - expect: { resource: fs1/srv, is: online }
",
    );
    assert_eq!(
        (verdict, found.as_str()),
        (Verdict::Failed, "fs1/srv is Failed")
    );
}

#[test]
fn a_selector_that_picks_nothing_is_inconclusive() {
    let report = run("  - fault: { node: all, do: power-off }
  - run: 60s
  - fault: { node: minority, do: power-off }
");
    assert_eq!(report.steps[3].verdict, Verdict::Inconclusive);
    assert_eq!(report.verdict, Verdict::Inconclusive);
}

#[test]
fn an_expectation_judges_the_nodes_that_the_fault_before_it_drew() {
    for seed in 1..=6 {
        let lab = lab("  - fault: { partition: { between: [minority, majority] } }
  - expect: { cluster: not-quorate, where: minority, within: 60s }
  - expect: { cluster: quorate, where: majority, within: 10s }
");
        let report = play(&lab, Options::new(seed)).unwrap();
        assert_eq!(
            report.verdict,
            Verdict::Passed,
            "seed {seed}: {:?}",
            report.steps
        );
    }
}

#[test]
fn an_expectation_draws_no_nodes_of_its_own() {
    let (verdict, found) = last("  - expect: { node: any 2, is: up }\n");
    assert_eq!(
        (verdict, found.as_str()),
        (
            Verdict::Failed,
            "nothing before has drawn `any 2`, and an expectation draws no nodes of its own"
        )
    );
}

#[test]
fn an_action_that_the_cluster_refuses_fails() {
    let report = run("  - do: move
    group: fs1
    to: n2
  - expect: { group: fs1, is: online, node: n2, within: 60s }
  - do: pause
    node: n3
  - do: move
    group: fs1
    to: n3
");
    let verdicts: Vec<Verdict> = report.steps.iter().map(|step| step.verdict).collect();
    assert_eq!(verdicts[..4], [Verdict::Passed; 4]);
    assert_eq!(verdicts[4], Verdict::Failed, "{:?}", report.steps[4]);
}

#[test]
fn parallel_steps_end_when_the_last_one_has_ended() {
    let report = run("  - parallel:
      - run: 10s
      - run: 4s
  - expect: { cluster: quorate }
");
    let at = |place: usize| report.steps[place].at.0;
    assert!((at(1) - at(2)).abs() < 1e-9);
    assert!((at(3) - at(1) - 10_000.0).abs() < 1e-9);
}

#[test]
fn a_lab_without_a_scenario_runs_and_proves_nothing() {
    let mut lab = lab("");
    lab.scenario.clear();
    let report = play(&lab, Options::new(1)).unwrap();
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(report.elapsed.0 >= WITHOUT_SCENARIO.as_secs_f64());
    assert!(report.events.len() > 20);
}

#[test]
fn the_phases_of_a_failover_add_up_to_its_total() {
    let report = run("  - fault: { node: owner-of(fs1), do: power-off }
  - expect: { group: fs1, is: online, node: changed, within: 60s }
");
    let failover = report
        .failovers
        .iter()
        .find(|it| it.group == "fs1")
        .unwrap();
    let phases = failover.phases;
    let sum: f64 = [
        phases.detection,
        phases.regroup,
        phases.quorum,
        phases.placement,
        phases.arbitration,
        phases.online,
    ]
    .into_iter()
    .map(|phase| phase.unwrap().0)
    .sum();
    assert!(
        (sum - failover.total.unwrap().0).abs() < 0.1,
        "{failover:?}"
    );
    // Nobody can notice before ten heartbeats are missed.
    assert!(phases.detection.unwrap().0 >= 9_000.0);
}

#[test]
fn a_log_line_counts_only_since_the_latest_fault() {
    let before = "  - expect: { log: \"forms the cluster\" }\n";
    assert_eq!(last(before).0, Verdict::Passed);
    let after = "  - fault: { resource: fs1/srv, do: fail }
  - expect: { log: \"forms the cluster\" }
";
    let (verdict, found) = last(after);
    assert_eq!(
        (verdict, found.as_str()),
        (
            Verdict::Failed,
            "no log line since the latest fault contains `forms the cluster`"
        )
    );
}

#[test]
fn a_disk_on_an_array_without_reservations_never_comes_online() {
    let head = HEAD.replace("kind: iscsi,", "kind: iscsi, reservations: none,");
    let text = head.replace("is: online, within: 60s", "is: failed, within: 10m")
        + "  - expect: { log: \"san/data refuses persistent reservations\" }
  - expect: { resource: fs1/disk, is: failed }
";
    let lab = file::check("none.lab.yaml", text.as_bytes()).lab.unwrap();
    let report = play(&lab, Options::new(1)).unwrap();
    assert_eq!(report.verdict, Verdict::Passed, "{:?}", report.steps);
}

#[test]
fn timelines_have_no_debug_text_and_no_numbers_for_names() {
    let report = run("  - fault: { lun: san/data, do: offline, for: 20s }
  - fault: { lun: san/data, do: slow, latency: 90ms, for: 20s }
  - fault: { path: { array: san, from: n1 }, do: drop, for: 20s }
  - fault: { resource: fs1/srv, do: fail, for: 20s }
  - fault: { resource: fs1/name, do: hang, for: 20s }
  - fault: { nic: n2/lan, impair: { loss: 5%, delay: 3ms }, for: 20s }
  - run: 3m
");
    assert!(report.events.len() > 60, "{}", report.events.len());
    for event in &report.events {
        let text = event.text.as_str();
        let code = ["{ ", "::", "Id(", "Rule", "no words"];
        let step = event.node.is_none() && text.contains(": {");
        assert!(step || !code.iter().any(|it| text.contains(it)), "{text}");
        assert!(!text.contains("(unknown)"), "{text}");
    }
    let text: Vec<&str> = report.events.iter().map(|it| it.text.as_str()).collect();
    let text = text.join("\n");
    for words in [
        "san/data answers nothing",
        "san/data answers 90 ms late",
        "no path from n1 to array san",
        "fs1/srv is broken wherever it runs",
        "fs1/name hangs wherever it runs",
    ] {
        assert!(text.contains(words), "`{words}` in {text}");
    }
}

#[test]
fn a_refusal_names_what_it_is_about() {
    let (verdict, found) = last(
        "  - do: move
    group: fs1
    to: n2
  - do: move
    group: fs1
    to: n3
",
    );
    assert_eq!(verdict, Verdict::Failed);
    assert!(found.contains("group fs1 is moving"), "{found}");
}

#[test]
fn a_step_waits_for_its_condition_and_is_left_out_without_it() {
    let report = run("  - fault: { node: owner-of(fs1), do: power-off }
  - when: { group: fs1, is: online, node: changed, within: 60s }
    do: pause
    node: owner-of(fs1)
  - when: { group: fs1, is: failed }
    fault: { node: all, do: power-off }
");
    let steps = &report.steps;
    assert_eq!(steps[2].step, StepWord::When);
    assert_eq!(
        (steps[2].verdict, steps[3].step),
        (Verdict::Passed, StepWord::Do)
    );
    assert!(steps[3].at.0 > 10_000.0, "{:?}", steps[3]);
    assert_eq!(steps[4].verdict, Verdict::Inconclusive);
    assert_eq!(steps.len(), 5, "the fault is left out");
    assert_eq!(report.verdict, Verdict::Inconclusive);
}

#[test]
fn resource_hosts_that_die_are_replaced_and_their_resources_restarted() {
    let report = run("  - fault: { node: owner-of(fs1), do: monitor-kill }
  - expect: { resource: fs1/srv, is: failed, within: 5s }
  - expect: { event: 1146, within: 5s }
  - expect: { group: fs1, is: online, node: unchanged, within: 60s }
");
    assert_eq!(report.verdict, Verdict::Passed, "{:?}", report.steps);
}

#[test]
fn a_cluster_service_whose_process_dies_is_missed_and_comes_back() {
    let report = run("  - fault: { node: n1, do: kill-service }
  - expect: { node: n1, is: down, within: 30s }
  - expect: { node: n1, is: up, within: 5m }
");
    assert_eq!(report.verdict, Verdict::Passed, "{:?}", report.steps);
}

#[test]
fn an_excepted_invariant_is_not_judged() {
    assert!(is_wanted("single-owner", &Invariant::STANDARD));
    assert!(!is_wanted("single-owner", &[Invariant::DbConverges]));
    assert!(is_wanted("states", &[]));
    assert_eq!(Duration::from_secs(300), WITHOUT_SCENARIO);
}
