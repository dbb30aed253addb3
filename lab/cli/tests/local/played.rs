//! Scenarios on the wall clock: the same words and verdicts as in the simulator.

use std::fs;

use crate::bench::{Bench, LAB};

const SCENARIO: &str = "
scenario:
  - expect: { group: app, is: online, within: 20s }
  - expect: { group: app, owners: { at-most: 1 }, always: true }
  - fault: { node: owner-of(app), do: monitor-kill }
  - expect: { group: app, is: online, node: unchanged, within: 20s }
  - fault: { node: owner-of(app), do: power-off, for: 2s }
  - expect: { group: app, is: online, node: changed, within: 20s }
  - expect: { node: all, is: up, within: 30s }
  - { do: move, group: app, to: n1 }
  - expect: { group: app, is: online, node: n1, within: 10s }
  - fault: { partition: { between: [n1, [n2, n3]] }, for: 3s }
  - expect: { cluster: not-quorate, where: n1, within: 10s }
  - expect: { group: app, is: online, node: changed, within: 20s }
  - expect: { node: all, is: up, within: 30s }
";

#[test]
fn a_scenario_has_the_same_verdicts_on_the_wall_clock_as_in_virtual_time() {
    let bench = Bench::new("local");
    let verdicts = |backend| bench.verdicts(SCENARIO, backend);
    assert_eq!(verdicts("local"), verdicts("sim"));
}

#[test]
fn an_expectation_that_does_not_hold_fails_the_run_and_leaves_nothing() {
    let bench = Bench::new("local");
    let text = format!("{LAB}\nscenario:\n  - expect: {{ group: app, is: failed, within: 2s }}\n");
    fs::write(bench.file("wrong.lab.yaml"), text).unwrap();
    let output = bench.run(&["run", "wrong.lab.yaml", "--backend", "local"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!bench.root().exists());
}

#[test]
fn main_events_come_in_the_same_order_for_real_as_in_the_simulator() {
    let bench = Bench::new("local");
    let scenario = "
scenario:
  - expect: { group: app, is: online, within: 20s }
  - run: 1s
  - fault: { node: owner-of(app), do: power-off }
  - expect: { group: app, is: online, node: changed, within: 20s }
  - run: 1s
";
    fs::write(bench.file("parity.lab.yaml"), format!("{LAB}{scenario}")).unwrap();
    let found = bench.json(&["parity", "parity.lab.yaml", "--backend", "local"]);
    assert_eq!(found["labs"][0]["verdict"], "passed", "{found}");
    assert!(!bench.root().exists());
}
