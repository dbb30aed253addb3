//! Whatever is killed, the cluster does what the product would do.

use rustix::process::{Signal, kill_process};

use crate::bench::{Bench, kill, shown_group, shown_node, wait, with_word};

#[test]
fn a_killed_node_loses_its_groups_and_is_started_again() {
    let bench = Bench::new("local");
    bench.up();
    let owner = bench.online("app");
    let shown = bench.json(&["inspect"]);
    kill(&shown_node(&shown, &owner)["process"], Signal::KILL);
    bench.wait("the group moves", |shown| {
        let group = shown_group(shown, "app");
        group["state"] == "Online" && group["owner"] != owner.as_str()
    });
    bench.wait("the node is back", |shown| {
        shown_node(shown, &owner)["state"] == "Up"
    });
}

#[test]
fn a_killed_program_is_started_again_where_it_was() {
    let bench = Bench::new("local");
    let uid = bench.up();
    let owner = bench.online("app");
    let [before] = with_word(&uid, "600")[..] else {
        panic!("the program runs once");
    };
    kill_process(before, Signal::KILL).unwrap();
    let after = wait("another one runs", || {
        with_word(&uid, "600")
            .into_iter()
            .find(|pid| *pid != before)
    });
    assert_ne!(before, after);
    assert_eq!(bench.online("app"), owner);
}

#[test]
fn a_killed_resource_host_takes_only_its_resources_with_it() {
    let bench = Bench::new("local");
    let uid = bench.up();
    bench.online("app");
    let programs = with_word(&uid, "600");
    let hosts = with_word(&uid, "rhs");
    assert!(!hosts.is_empty());
    for host in hosts {
        kill_process(host, Signal::KILL).unwrap();
    }
    wait("the program runs again", || {
        let now = with_word(&uid, "600");
        (!now.is_empty() && now.iter().all(|pid| !programs.contains(pid))).then_some(())
    });
    bench.online("app");
    let shown = bench.json(&["inspect"]);
    assert!(
        shown["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["state"] == "Up")
    );
}

#[test]
fn a_killed_target_comes_back_with_its_reservations() {
    let bench = Bench::new("local");
    let uid = bench.up();
    let [target] = with_word(&uid, "target")[..] else {
        panic!("one array, one target");
    };
    kill_process(target, Signal::KILL).unwrap();
    let again = wait("the target runs again", || {
        with_word(&uid, "target")
            .into_iter()
            .find(|pid| *pid != target)
    });
    assert_ne!(target, again);
    bench.online("app");
}
