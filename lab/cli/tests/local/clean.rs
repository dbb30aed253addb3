//! A lab leaves nothing behind, whoever ends it and whenever.

use std::process::Stdio;
use std::time::Duration;

use rhs::family;
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, shown_group, wait};

#[test]
fn a_lab_comes_up_is_broken_and_healed_and_leaves_nothing() {
    let bench = Bench::new("local");
    let uid = bench.up();
    let owner = bench.online("app");
    let labs = bench.json(&["ps"]);
    assert_eq!(labs["labs"][0]["uid"].as_str(), Some(uid.as_str()));
    assert!(
        bench
            .run(&["fault", "{ node: owner-of(app), do: power-off }"])
            .status
            .success()
    );
    let moved = bench.wait("the group moves", |shown| {
        let group = shown_group(shown, "app");
        group["state"] == "Online" && group["owner"] != owner.as_str()
    });
    assert_eq!(moved["faults"].as_array().unwrap().len(), 1);
    assert!(bench.run(&["heal"]).status.success());
    bench.wait("all nodes are up", |shown| {
        shown["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["state"] == "Up")
    });
    assert!(bench.run(&["down", "small.lab.yaml"]).status.success());
    bench.assert_clean(&uid);
}

#[test]
fn an_administrator_moves_a_group_and_is_told_what_is_refused() {
    let bench = Bench::new("local");
    bench.up();
    let owner = bench.online("app");
    let other = if owner == "n3" { "n2" } else { "n3" };
    assert!(
        bench
            .run(&["cluster", "move", "app", other])
            .status
            .success()
    );
    bench.wait("the group is there", |shown| {
        let group = shown_group(shown, "app");
        group["state"] == "Online" && group["owner"] == other
    });
    let refused = bench.run(&["cluster", "move", "nothing", other]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing"));
    let events = bench.run(&["events"]);
    assert!(String::from_utf8_lossy(&events.stdout).contains("forms the cluster"));
    let folder = bench.run(&["exec", other, "--", "ls"]);
    assert!(String::from_utf8_lossy(&folder.stdout).contains("CLUSDB"));
    assert_eq!(
        bench.run(&["exec", other, "--", "false"]).status.code(),
        Some(1)
    );
}

#[test]
fn a_lab_that_is_killed_ends_with_all_its_processes_even_frozen_ones_and_gc_removes_the_rest() {
    let bench = Bench::new("local");
    let uid = bench.up();
    bench.online("app");
    assert!(
        bench
            .run(&["fault", "{ node: owner-of(app), do: pause }"])
            .status
            .success()
    );
    let keeper = keeper_of(&bench);
    kill_process(keeper, Signal::KILL).unwrap();
    wait("its processes have ended", || {
        family::members(family::LAB, &uid).is_empty().then_some(())
    });
    assert!(bench.root().join(&uid).exists());
    let removed = bench.json(&["gc"]);
    assert_eq!(removed["removed"][0]["uid"].as_str(), Some(uid.as_str()));
    bench.assert_clean(&uid);
    assert_eq!(
        bench.json(&["gc"])["removed"].as_array().map(Vec::len),
        Some(0)
    );
}

#[test]
fn a_lab_that_dies_at_any_deed_is_removed_by_gc() {
    // The folder, the target and three nodes: before each deed, and after it.
    for deed in ["1", "1+", "2", "2+", "3", "3+", "4", "4+", "5", "5+"] {
        let bench = Bench::new("local");
        let up = bench
            .command(&bench.up_line())
            .env("LOOKSALIVE_DIE_AT_DEED", deed)
            .output()
            .unwrap();
        assert_eq!(up.status.code(), Some(3), "deed {deed}");
        let removed = bench.json(&["gc"]);
        let uid = removed["removed"][0]["uid"].as_str().unwrap().to_owned();
        bench.assert_clean(&uid);
    }
}

#[test]
fn an_interrupt_in_the_middle_of_up_leaves_nothing() {
    let mut interrupted = 0;
    for after in [0, 30, 120, 300] {
        let bench = Bench::new("local");
        let mut up = bench.command(&bench.up_line());
        let mut up = up
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The handler stands before the first deed.
        wait("the lab's folder", || bench.root().exists().then_some(()));
        std::thread::sleep(Duration::from_millis(after));
        let pid = Pid::from_raw(i32::try_from(up.id()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        match up.wait().unwrap().code() {
            Some(130) => interrupted += 1,
            // On a fast machine the lab was up already.
            Some(0) => assert!(bench.run(&["down"]).status.success(), "after {after} ms"),
            code => panic!("after {after} ms: {code:?}"),
        }
        wait("everything is gone", || {
            (!bench.root().exists()).then_some(())
        });
    }
    assert!(interrupted > 0, "no `up` was caught in the middle");
}

/// The process that keeps the lab: the parent of its nodes.
fn keeper_of(bench: &Bench) -> Pid {
    let shown = bench.json(&["inspect"]);
    let node = shown["nodes"][0]["process"].as_i64().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{node}/status")).unwrap();
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap();
    Pid::from_raw(parent.trim().parse().unwrap()).unwrap()
}
