//! Starting a target from a file, and what is said about files and flags that cannot be.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Process, Output, Stdio};

use tempfile::TempDir;

fn target(folder: &Path) -> Process {
    let mut process = Process::new(env!("CARGO_BIN_EXE_looksalive"));
    process.arg("target").current_dir(folder);
    process
}

fn refused(folder: &TempDir, arguments: &[&str], code: i32, parts: &[&str]) {
    let output: Output = target(folder.path()).args(arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    for part in parts {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_file_says_what_flags_would_and_a_flag_beats_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("labs")).unwrap();
    let text = "listen: [\"127.0.0.1:0\", \"127.0.0.1:0\"]\niqn: iqn.2024-01.example:filed\n\
                state: state\nformat: text\n\
                luns: { 0: \"1MiB,thin\", 7: { size: 2MiB, block: 4096, read-only: true } }\n";
    std::fs::write(folder.path().join("labs/disks.yaml"), text).unwrap();
    let mut process = target(folder.path())
        .args(["labs/disks.yaml", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).find(|it| it.contains("ready"));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(ready.unwrap().matches("127.0.0.1:").count(), 2);
    let state = folder.path().join("labs/state");
    assert_eq!(state.join("lun-0.disk").metadata().unwrap().len(), 1 << 20);
    assert_eq!(state.join("lun-7.disk").metadata().unwrap().len(), 2 << 20);
}

#[test]
fn everything_wrong_with_a_file_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let text = "listn: [a]\niqn: Disk\nluns: { 0: { size: 1, blok: 512 }, 1: 5XB }\n";
    std::fs::write(folder.path().join("bad.yaml"), text).unwrap();
    let parts = [
        "bad.yaml:1:1",
        "`listen`",
        "bad.yaml:2:6",
        "bad.yaml:3:23",
        "`block`",
        "bad.yaml:3:39",
    ];
    refused(&folder, &["bad.yaml"], 64, &parts);
    refused(&folder, &["none.yaml"], 3, &["none.yaml"]);
    std::fs::write(folder.path().join("empty.yaml"), "state: s").unwrap();
    refused(&folder, &["empty.yaml"], 64, &["needs a unit"]);
}

#[test]
fn flags_that_cannot_be_are_refused_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["--state", "file", "--lun", "0=1MiB"], 3, "is a file"),
        (&["--state", "s", "--lun", "0=1XB"], 64, "GiB"),
        (
            &["--state", "s", "--lun", "0=1MiB", "--lun", "0=1MiB"],
            64,
            "twice",
        ),
        (&["--state", "s", "--lun", "0=1MiB,physical=3"], 64, "128"),
        (
            &["--state", "s", "--lun", "0=,file=none"],
            64,
            "needs a size",
        ),
        (
            &["--state", "s", "--lun", "0=1MiB", "--iqn", "x"],
            64,
            "iqn.",
        ),
        (
            &["--state", "s", "--lun", "0=1MiB", "--mutual-chap", "a:b"],
            64,
            "--chap",
        ),
    ];
    for (arguments, code, part) in cases {
        refused(&folder, arguments, code, &[part]);
    }
}
