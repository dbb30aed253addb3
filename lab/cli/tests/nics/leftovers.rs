//! Nothing is left behind: no namespace, no process, no file.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use rhs::family;
use rustix::process::{Pid, Signal, kill_process};

use crate::Test;
use crate::bench::{Bench, shown_node, wait, with_word};
use crate::machine::{LAB, Lab};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_lab_leaves_no_namespace_behind",
        a_lab_leaves_no_namespace_behind,
    ),
    (
        "a_lab_that_dies_at_any_deed_leaves_no_namespace_behind",
        a_lab_that_dies_at_any_deed_leaves_no_namespace_behind,
    ),
    (
        "a_killed_agent_is_a_machine_that_starts_again",
        a_killed_agent_is_a_machine_that_starts_again,
    ),
    (
        "without_the_right_to_it_a_lab_is_refused",
        without_the_right_to_it_a_lab_is_refused,
    ),
];

/// Network namespaces that a process of the lab is in, or was started with.
fn namespaces(uid: &str) -> BTreeSet<u64> {
    let of = |pid: Pid| fs::metadata(format!("/proc/{}/ns/net", pid.as_raw_nonzero())).ok();
    let members = family::members(family::LAB, uid).into_iter().filter_map(of);
    members.map(|it| it.ino()).collect()
}

fn everybodys() -> BTreeSet<u64> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let of = |path: PathBuf| fs::metadata(path.join("ns/net")).ok();
    let found = entries.filter_map(|it| of(it.path()));
    found.map(|it| it.ino()).collect()
}

fn a_lab_leaves_no_namespace_behind() {
    for killed in [false, true] {
        let lab = Lab::up();
        lab.bench.online("app");
        let own = namespaces(&lab.uid);
        assert_eq!(own.len(), 5, "four machines, and where the lab itself is");
        if killed {
            kill_process(keeper_of(&lab.bench), Signal::KILL).unwrap();
            wait("its processes have ended", || {
                namespaces(&lab.uid).is_empty().then_some(())
            });
            lab.does(&["gc"]);
        } else {
            lab.does(&["down"]);
        }
        lab.bench.assert_clean(&lab.uid);
        let left = own.intersection(&everybodys()).count();
        assert_eq!(left, 1, "only the one where the lab was is there");
    }
}

fn a_lab_that_dies_at_any_deed_leaves_no_namespace_behind() {
    // The folder, four agents, three nodes: before each deed, and after it.
    for deed in ["2", "2+", "3+", "5", "6+", "8"] {
        let bench = Bench::new("local");
        fs::write(bench.file("small.lab.yaml"), LAB).unwrap();
        let mut up = bench.command(&["up", "small.lab.yaml"]);
        let up = up.env("LOOKSALIVE_DIE_AT_DEED", deed).output().unwrap();
        assert_eq!(up.status.code(), Some(3), "deed {deed}");
        let removed = bench.json(&["gc"]);
        let uid = removed["removed"][0]["uid"].as_str().unwrap().to_owned();
        bench.assert_clean(&uid);
    }
}

fn a_killed_agent_is_a_machine_that_starts_again() {
    let lab = Lab::up();
    let owner = lab.bench.online("app");
    let agents = with_word(&lab.uid, "serve");
    let of_owner = |pid: &&Pid| {
        let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap();
        line.split(|byte| *byte == 0)
            .any(|word| word == owner.as_bytes())
    };
    kill_process(*agents.iter().find(of_owner).unwrap(), Signal::KILL).unwrap();
    lab.moved("app", &owner);
    lab.bench.wait("the machine is back", |shown| {
        shown_node(shown, &owner)["state"] == "Up"
    });
}

fn without_the_right_to_it_a_lab_is_refused() {
    let bench = Bench::new("local");
    fs::write(bench.file("small.lab.yaml"), LAB).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // Where anybody may read: the program and the lab file may lie in somebody's home.
    let program = folder.path().join("looksalive");
    fs::copy(env!("CARGO_BIN_EXE_looksalive"), &program).unwrap();
    let file = folder.path().join("adapters.lab.yaml");
    fs::write(&file, LAB).unwrap();
    let mut up = std::process::Command::new(&program);
    up.arg("up")
        .arg(&file)
        .env("LOOKSALIVE_STATE", folder.path().join("labs"));
    let up = up
        .current_dir(folder.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&up.stderr);
    assert_eq!(up.status.code(), Some(3), "{said}");
    assert!(
        said.contains("`expose: tun` cannot be had here") && said.contains("mend it"),
        "{said}"
    );
    assert!(
        !folder.path().join("labs").exists(),
        "something was left behind"
    );
}

/// The user with no rights.
const NOBODY: u32 = 65_534;

/// The process that keeps the lab: the parent of its nodes.
fn keeper_of(bench: &Bench) -> Pid {
    let shown = bench.json(&["inspect"]);
    let node = shown["nodes"][0]["process"].as_i64().unwrap();
    let status = fs::read_to_string(format!("/proc/{node}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    Pid::from_raw(parent.unwrap().trim().parse().unwrap()).unwrap()
}
