//! What machines are that are containers.

use serde_json::json;

use crate::bench::{Bench, shown_group, shown_node};
use crate::engine;

pub(crate) fn containers_have_one_privilege_and_no_network() {
    let bench = Bench::new("docker");
    let uid = bench.up();
    for name in engine::containers(&uid) {
        let found = engine::inspect(&name);
        let host = &found["HostConfig"];
        assert_eq!(host["Privileged"], false);
        assert_eq!(host["CapAdd"], json!(["NET_ADMIN"]));
        assert_eq!(host["CapDrop"], json!(["ALL"]));
        assert_eq!(host["NetworkMode"], "none");
        assert_eq!(found["Config"]["Labels"]["looksalive.lab"], uid.as_str());
        assert!(found["Config"]["Labels"]["looksalive.machine"].is_string());
        // Whatever belongs to this computer can be read at most.
        for mount in found["Mounts"].as_array().unwrap() {
            let source = mount["Source"].as_str().unwrap();
            assert!(mount["RW"] == false || source.contains(&uid), "{source}");
        }
    }
}

pub(crate) fn containers_with_adapters_have_their_addresses_and_lose_them_with_their_power() {
    let bench = Bench::new("docker");
    let line = bench.up_line();
    let shown = bench.json(&[&line[..], &["--expose", "tun"]].concat());
    assert_eq!(shown["quorate"], true);
    let serves = |node: &str| {
        let told = bench.run(&["exec", node, "--", "ip", "-4", "addr", "show", "dev", "lan"]);
        String::from_utf8_lossy(&told.stdout).contains(" 10.10.1.101/")
    };
    let owner = bench.online("app");
    assert!(serves(&owner));
    assert!(
        bench
            .run(&["fault", "{ node: owner-of(app), do: power-off }"])
            .status
            .success()
    );
    bench.wait("the group moves", |shown| {
        let group = shown_group(shown, "app");
        group["state"] == "Online" && group["owner"] != owner.as_str()
    });
    let other = bench.online("app");
    assert!(serves(&other) && !serves(&owner));
    let far = format!("169.254.1.{}", other.trim_start_matches('n'));
    let third = ["n1", "n2", "n3"]
        .into_iter()
        .find(|it| *it != owner && *it != other);
    let line = format!("exec 3<>/dev/tcp/{far}/7; echo hello >&3; head -n 1 <&3");
    let heard = bench.run(&["exec", third.unwrap(), "--", "bash", "-c", &line]);
    assert_eq!(String::from_utf8_lossy(&heard.stdout).trim(), "hello");
}

pub(crate) fn a_container_that_somebody_kills_is_a_machine_without_power() {
    let bench = Bench::new("docker");
    bench.up();
    let owner = bench.online("app");
    let shown = bench.json(&["inspect"]);
    let container = shown_node(&shown, &owner)["container"].as_str().unwrap();
    engine::ask("POST", &format!("/containers/{container}/kill"));
    bench.wait("the group moves", |shown| {
        let group = shown_group(shown, "app");
        group["state"] == "Online" && group["owner"] != owner.as_str()
    });
    let shown = bench.json(&["inspect"]);
    assert_eq!(shown_node(&shown, &owner)["machine"], "off");
    engine::ask("POST", &format!("/containers/{container}/start"));
    bench.wait("the node is back", |shown| {
        shown_node(shown, &owner)["state"] == "Up"
    });
}

const SCENARIO: &str = "
scenario:
  - expect: { group: app, is: online, within: 20s }
  - expect: { group: app, owners: { at-most: 1 }, always: true }
  - fault: { node: owner-of(app), do: power-off, for: 2s }
  - expect: { group: app, is: online, node: changed, within: 20s }
  - expect: { node: all, is: up, within: 30s }
  - { do: move, group: app, to: n1 }
  - expect: { group: app, is: online, node: n1, within: 10s }
  - fault: { node: n1, do: pause, for: 3s }
  - expect: { group: app, is: online, node: changed, within: 20s }
  - expect: { node: all, is: up, within: 30s }
  - fault: { partition: { between: [n1, [n2, n3]] }, for: 3s }
  - expect: { cluster: not-quorate, where: n1, within: 10s }
  - expect: { node: all, is: up, within: 30s }
  - { do: stop, node: n3 }
  - expect: { node: n3, is: down, within: 10s }
  - { do: start, node: n3, prevent-quorum: true }
  - expect: { node: all, is: up, within: 30s }
  - { do: evict, node: n3 }
  - expect: { node: n3, is: down, within: 20s }
  - { do: add, node: n3 }
  - expect: { node: all, is: up, within: 30s }
  - fault: { network: lan, impair: { delay: 20ms, loss: 1% }, for: 2s }
  - expect: { group: app, is: online, for: 1s, node: unchanged }
";

pub(crate) fn a_scenario_has_the_same_verdicts_as_in_virtual_time() {
    let bench = Bench::new("docker");
    let verdicts = |backend| bench.verdicts(SCENARIO, backend);
    assert_eq!(verdicts("docker"), verdicts("sim"));
}

pub(crate) fn commands_run_on_the_machine_and_a_fault_that_is_refused_names_the_backend() {
    let bench = Bench::new("docker");
    bench.up();
    let folder = bench.run(&["exec", "n2", "--", "ls"]);
    assert!(String::from_utf8_lossy(&folder.stdout).contains("CLUSDB"));
    let hostname = bench.run(&["exec", "n2", "--", "cat", "/etc/hostname"]);
    assert_eq!(String::from_utf8_lossy(&hostname.stdout).trim(), "n2");
    let code = bench.run(&["exec", "n2", "--", "false"]).status.code();
    assert_eq!(code, Some(1));
    let refused = bench.run(&["fault", "{ node: n1, do: clock-jump, offset: 1h }"]);
    assert_eq!(refused.status.code(), Some(64));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("docker"), "{why}");
}
