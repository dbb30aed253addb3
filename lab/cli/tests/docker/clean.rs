//! A lab of containers leaves nothing behind, whoever ends it and whenever.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rhs::family;
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, LAB, shown_group, wait};
use crate::engine;

fn assert_clean(bench: &Bench, uid: &str) {
    assert_eq!(engine::containers(uid), Vec::<String>::new());
    bench.assert_clean(uid);
}

pub(crate) fn a_lab_of_containers_is_broken_and_healed_and_leaves_nothing() {
    let bench = Bench::new("docker");
    let uid = bench.up();
    assert_eq!(engine::containers(&uid).len(), 4);
    let owner = bench.online("app");
    for fault in ["power-off", "pause"] {
        let owner = bench.online("app");
        let fault = format!("{{ node: owner-of(app), do: {fault} }}");
        assert!(bench.run(&["fault", &fault]).status.success());
        bench.wait("the group moves", |shown| {
            let group = shown_group(shown, "app");
            group["state"] == "Online" && group["owner"] != owner.as_str()
        });
        assert!(bench.run(&["heal"]).status.success());
        bench.wait("all nodes are up", |shown| {
            let nodes = shown["nodes"].as_array().unwrap();
            nodes.iter().all(|node| node["state"] == "Up")
        });
    }
    let events = bench.run(&["events"]);
    assert!(String::from_utf8_lossy(&events.stdout).contains(&owner));
    assert!(bench.run(&["down", "small.lab.yaml"]).status.success());
    assert_clean(&bench, &uid);
}

pub(crate) fn a_lab_that_dies_at_any_deed_is_removed_by_gc() {
    // The image is there. The folder, the containers, the target and the first node.
    drop(Bench::new("docker").up());
    for deed in ["1", "1+", "2", "2+", "3", "3+", "4", "4+"] {
        let bench = Bench::new("docker");
        let up = bench
            .command(&bench.up_line())
            .env("LOOKSALIVE_DIE_AT_DEED", deed)
            .output()
            .unwrap();
        assert_eq!(up.status.code(), Some(3), "deed {deed}");
        let removed = bench.json(&["gc"]);
        let removed = removed["removed"].as_array().unwrap();
        let uid = removed[0]["uid"].as_str().unwrap().to_owned();
        assert_clean(&bench, &uid);
    }
}

pub(crate) fn an_interrupt_in_the_middle_of_up_leaves_nothing() {
    for after in [0, 60, 250, 700] {
        let bench = Bench::new("docker");
        let mut up = bench.command(&bench.up_line());
        let up = up.stdout(Stdio::null()).stderr(Stdio::null());
        let mut up = up.spawn().unwrap();
        // The handler stands before the first deed.
        let folders = || fs::read_dir(bench.root()).into_iter().flatten();
        let uid = wait("the lab's folder", || {
            let entry = folders().next()?.ok()?;
            entry.file_name().into_string().ok()
        });
        std::thread::sleep(Duration::from_millis(after));
        let pid = Pid::from_raw(i32::try_from(up.id()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        let code = up.wait().unwrap().code();
        assert_eq!(code, Some(130), "after {after} ms");
        wait("everything is gone", || {
            (!bench.root().exists()).then_some(())
        });
        assert_clean(&bench, &uid);
    }
}

pub(crate) fn containers_of_a_killed_keeper_end_and_gc_removes_them() {
    let bench = Bench::new("docker");
    let uid = bench.up();
    // The keeper is the only process of the lab's program on this computer whose words say so.
    let keepers = || {
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let keeps = |entry: &fs::DirEntry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let root = bench.root().display().to_string();
            let here = String::from_utf8_lossy(&environment).contains(&root);
            words.contains(&b"--keep".as_slice()) && here
        };
        let found = processes.filter(keeps);
        let pid = found.filter_map(|it| it.file_name().to_str()?.parse().ok());
        pid.filter_map(Pid::from_raw).collect::<Vec<Pid>>()
    };
    let [keeper] = keepers()[..] else {
        panic!("one process keeps the lab");
    };
    kill_process(keeper, Signal::KILL).unwrap();
    wait("its processes have ended", || {
        family::members(family::LAB, &uid).is_empty().then_some(())
    });
    assert_eq!(engine::containers(&uid).len(), 4);
    let removed = bench.json(&["gc"]);
    assert_eq!(removed["removed"][0]["uid"].as_str(), Some(uid.as_str()));
    assert_clean(&bench, &uid);
}

pub(crate) fn two_labs_are_up_side_by_side() {
    let bench = Bench::new("docker");
    let first = bench.up();
    let text = LAB.replace("name: small", "name: other");
    fs::write(bench.file("other.lab.yaml"), text).unwrap();
    let second = bench.json(&["up", "other.lab.yaml", "--backend", "docker"]);
    let second = second["uid"].as_str().unwrap().to_owned();
    let labs = bench.json(&["ps"]);
    let labs = labs["labs"].as_array().unwrap();
    assert_eq!(labs.len(), 2);
    assert!(labs.iter().all(|it| it["quorate"] == true), "{labs:?}");
    assert!(bench.run(&["down", "small"]).status.success());
    assert_eq!(engine::containers(&first), Vec::<String>::new());
    assert_eq!(engine::containers(&second).len(), 4);
    assert!(bench.run(&["down", "other"]).status.success());
    assert_clean(&bench, &second);
}
