//! What an administrator does to nodes and quorum of a lab that is up.

use std::fs;

use crate::bench::{Bench, shown_node};

fn done(bench: &Bench, words: &[&str]) {
    let output = bench.run(&[&["cluster"], words].concat());
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {why}");
}

fn refused(bench: &Bench, words: &[&str]) -> String {
    let output = bench.run(&[&["cluster"], words].concat());
    assert_eq!(output.status.code(), Some(64), "{words:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn wait_for(bench: &Bench, node: &str, state: &str) {
    bench.wait(&format!("{node} is {state}"), |shown| {
        shown_node(shown, node)["state"] == state
    });
}

#[test]
fn a_node_is_stopped_started_evicted_and_added() {
    let bench = Bench::new("local");
    bench.up();
    bench.online("app");
    done(&bench, &["stop", "n3"]);
    wait_for(&bench, "n3", "Down");
    done(&bench, &["start", "n3"]);
    wait_for(&bench, "n3", "Up");
    let why = refused(&bench, &["start", "n3"]);
    assert!(why.contains("n3"), "{why}");

    done(&bench, &["evict", "n3"]);
    wait_for(&bench, "n3", "Down");
    bench.wait("its vote is gone", |shown| shown["votes"]["total"] != 3);
    let folder = bench.json(&["inspect"])["folder"]
        .as_str()
        .unwrap()
        .to_owned();
    let database = || {
        let folder = std::path::Path::new(&folder).join("nodes").join("n3");
        fs::read_dir(folder).unwrap().filter(|it| {
            let path = it.as_ref().unwrap().path();
            path.is_file() && !path.ends_with("incarnation")
        })
    };
    bench.wait("its database is gone", |_| database().count() == 0);
    done(&bench, &["add", "n3"]);
    wait_for(&bench, "n3", "Up");
    bench.wait("three votes count", |shown| shown["votes"]["total"] == 3);
    let why = refused(&bench, &["evict", "n9"]);
    assert!(why.contains("n9"), "{why}");
}

#[test]
fn a_minority_goes_on_by_force_and_the_others_join_it() {
    let bench = Bench::new("local");
    bench.up();
    bench.online("app");
    let off = "{ node: [n1, n2], do: power-off }";
    assert!(bench.run(&["fault", off]).status.success());
    bench.wait("quorum is lost", |shown| shown["quorate"] == false);
    bench.wait("n3 looks for others", |shown| {
        shown_node(shown, "n3")["state"] == "Joining"
    });
    done(&bench, &["start", "n3", "--force-quorum"]);
    bench.wait("n3 goes on alone", |shown| {
        shown["quorate"] == true && shown_node(shown, "n3")["state"] == "Up"
    });
    bench.online("app");
    assert!(bench.run(&["heal"]).status.success());
    wait_for(&bench, "n1", "Up");
    wait_for(&bench, "n2", "Up");
}
