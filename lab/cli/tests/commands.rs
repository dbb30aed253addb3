//! The program as scripts see it: exit codes, streams, JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn looksalive(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_looksalive"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

const GOOD: &str = "topologies/two-node-disk-witness.lab.yaml";
const BAD: &str = "fixtures/labs/bad/unknown-key-network.lab.yaml";
const WARNED: &str = "fixtures/labs/bad/warning-even-votes.lab.yaml";

#[test]
fn a_good_lab_ends_in_zero_with_one_line() {
    let output = looksalive(&["check", GOOD]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        format!("{GOOD}: good (2 nodes, 1 group, 3 steps)\n")
    );
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_warning_is_shown_and_ends_in_zero() {
    let output = looksalive(&["check", WARNED]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).ends_with(", 1 warning\n"));
    assert!(text(&output.stderr).contains("even-votes"));
}

#[test]
fn a_bad_lab_ends_in_64_with_place_and_hint_and_without_colour() {
    let output = looksalive(&["check", GOOD, BAD]);
    assert_eq!(output.status.code(), Some(64));
    let shown = text(&output.stderr);
    assert!(shown.contains(&format!("{BAD}:5:10")) && shown.contains("did you mean `subnet`?"));
    assert!(!shown.contains('\u{1b}'));
    assert!(text(&output.stdout).contains(&format!("{BAD}: 1 error, 0 warnings\n")));
}

#[test]
fn json_holds_every_file_with_its_verdict() {
    let output = looksalive(&[
        "check",
        "--format",
        "json",
        GOOD,
        BAD,
        WARNED,
        "no/such/file",
    ]);
    assert_eq!(output.status.code(), Some(64));
    let document: Json = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(document["version"], 1);
    let verdicts: Vec<&str> = (0..4)
        .filter_map(|index| document["files"][index]["verdict"].as_str())
        .collect();
    assert_eq!(verdicts, ["passed", "failed", "passed", "failed"]);
    let found = &document["files"][1]["diagnostics"][0];
    assert_eq!(
        (&found["line"], &found["column"]),
        (&Json::from(5), &Json::from(10))
    );
    assert_eq!(found["rule"], "unknown-key");
    assert_eq!(found["severity"], "error");
    assert_eq!(document["files"][3]["diagnostics"][0]["rule"], "unreadable");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn files_that_cannot_be_read_end_in_64() {
    for path in ["no/such/file.lab.yaml", "topologies"] {
        let output = looksalive(&["check", path]);
        assert_eq!(output.status.code(), Some(64), "{path}");
        assert!(text(&output.stderr).contains(path));
    }
}

#[test]
fn bad_usage_ends_in_64_and_help_in_zero() {
    for arguments in [
        &["check"][..],
        &[],
        &["chekc", GOOD],
        &["check", "--format", "xml", GOOD],
    ] {
        let output = looksalive(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["check", "--help"], &["--version"]] {
        let output = looksalive(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn schema_prints_the_committed_schema() {
    let output = looksalive(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    let committed = std::fs::read_to_string(root().join("schemas/lab-1.schema.json"));
    let same = text(&output.stdout) == committed.expect("the schema is committed");
    assert!(
        same,
        "the program prints another schema than the committed one"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_looksalive"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_report_folder_that_cannot_be_used_is_noticed_before_the_run() {
    let file = std::env::temp_dir().join(format!("looksalive-{}-not-a-folder", std::process::id()));
    std::fs::write(&file, "kept").expect("a file can be written");
    let output = looksalive(&["run", GOOD, "--report", &file.to_string_lossy()]);
    let kept = std::fs::read_to_string(&file).expect("it is still there");
    std::fs::remove_file(&file).expect("it can be removed");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout), "", "nothing ran");
    assert!(text(&output.stderr).contains("it is not a folder"));
    assert_eq!(kept, "kept");
}

#[test]
fn a_replay_steps_breaks_and_compares() {
    let output = looksalive(&["replay", GOOD, "--break", "group fs1 goes from n1 to n2"]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("n2    group fs1 goes from n1 to n2 (failover)\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\nn1: Off\n"),
        "the picture follows: {shown}"
    );
    let never = looksalive(&["replay", GOOD, "--break", "nobody says this"]);
    assert_eq!(never.status.code(), Some(2));
    let output = looksalive(&["replay", GOOD, "--diff", "2s", "40s"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("san/data held by: n1 -> n2\n"), "{shown}");
    assert!(
        shown.contains("group fs1: Offline, owner n1 -> Online, owner n2\n"),
        "{shown}"
    );
}

#[test]
fn a_stepped_replay_obeys_its_commands() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_looksalive"));
    program.args(["replay", GOOD, "--step"]).current_dir(root());
    program.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = program.spawn().expect("the program starts");
    let commands = b"s 2\nb group fs1 is online\nc\np fs1\nt 15s\nd\np nobody\nq\n";
    let mut stdin = running.stdin.take().expect("it has an input");
    std::io::Write::write_all(&mut stdin, commands).expect("it reads");
    let output = running.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("group fs1 is Online\n"),
        "the break: {shown}"
    );
    assert!(shown.contains("fs1/srv: "), "the picture: {shown}");
    assert!(
        shown.contains(" -> 2 of n2, not open\n"),
        "the difference: {shown}"
    );
    assert!(
        shown.contains("there is nothing called nobody\n"),
        "{shown}"
    );
}

#[test]
fn shrink_says_when_there_is_nothing_to_reduce_and_completions_are_printed() {
    let output = looksalive(&["shrink", "--seed", "2", "--for", "1s"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "seed 2 does not fail\n");
    for shell in ["bash", "zsh", "fish"] {
        let output = looksalive(&["completion", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("conformance"));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_in_130() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_looksalive"));
    program.args(["swarm", "--seeds", "1000000", "--for", "1h"]);
    program.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = program
        .current_dir(root())
        .spawn()
        .expect("the program starts");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let told = Command::new("kill")
        .args(["-INT", &running.id().to_string()])
        .status();
    assert!(told.expect("there is a kill").success());
    assert_eq!(running.wait().expect("it ends").code(), Some(130));
}

#[test]
fn without_a_container_engine_a_lab_of_containers_is_not_built_and_doctor_says_what_mends_it() {
    let nowhere = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_looksalive"));
        let command = command.args(arguments).current_dir(root());
        command
            .env("DOCKER_HOST", "unix:///nowhere/engine.sock")
            .output()
            .expect("it starts")
    };
    for verb in ["up", "run"] {
        let output = nowhere(&[verb, GOOD, "--backend", "docker"]);
        assert_eq!(output.status.code(), Some(3), "{verb}");
        let why = text(&output.stderr);
        assert!(why.contains("no container engine answers"), "{why}");
        assert!(why.contains("/nowhere/engine.sock"), "{why}");
    }
    let output = nowhere(&["doctor", "--backend", "docker"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("mend it with: "));
    let line = [
        "conformance",
        "run",
        "--subject",
        "docker",
        "--generation",
        "2022",
    ];
    let output = nowhere(&[&line[..], &["node-majority-3", "--format", "json"]].concat());
    let report: Json = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let rows = report["cases"].as_array().expect("there are cases");
    assert!(
        rows.iter().all(|row| row["verdict"] == "not-applicable"),
        "{report}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_simulator_cannot_keep_a_lab_up() {
    let output = looksalive(&["up", GOOD, "--backend", "sim"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("--backend local"));
}
