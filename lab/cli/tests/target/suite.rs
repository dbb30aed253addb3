//! The reservation suite on our own target, and its exit codes. Where libiscsi is not installed
//! every case says so, which is looked at too.

use std::process::{Command as Process, Output};

use serde_json::Value as Json;

use super::process::{NAME, Target};

fn judge(subject: &str, filter: &str) -> Output {
    Process::new(env!("CARGO_BIN_EXE_looksalive"))
        .args(["conformance", "run", filter, "--destructive"])
        .args(["--format", "json", "--subject", subject])
        .output()
        .unwrap()
}

/// How many cases have each verdict, or nothing where libiscsi is missing.
fn counts(output: &Output) -> Option<Json> {
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let lacking = |case: &Json| {
        let why = case["why"].as_str().unwrap_or_default();
        why.contains("libiscsi is not installed")
    };
    let cases = report["cases"].as_array().unwrap();
    if cases.iter().all(lacking) {
        assert_eq!(output.status.code(), Some(2));
        return None;
    }
    Some(report["counts"].clone())
}

#[test]
fn our_target_passes_and_a_broken_one_does_not() {
    let state = tempfile::tempdir().unwrap();
    let control = state.path().join("control");
    let target = Target::start(state.path(), &["--control", control.to_str().unwrap()]);
    let subject = format!("iscsi://{}/{NAME}/0", target.address);
    let output = judge(&subject, "storage/clustering");
    let Some(found) = counts(&output) else { return };
    assert_eq!(found["passed"], 6, "{found}");
    assert_eq!(output.status.code(), Some(0));
    let fault = Process::new(env!("CARGO_BIN_EXE_looksalive"))
        .args(["fault", "--control"])
        .arg(&control)
        .arg("{lun: 0, do: medium-error, blocks: [0, 0]}")
        .status();
    assert!(fault.unwrap().success());
    let output = judge(&subject, "storage/access/type-5-the-holder-");
    assert_eq!(counts(&output).unwrap()["failed"], 2);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_cannot_be_reached_ends_in_three_and_what_is_no_address_in_64() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let output = judge(&format!("iscsi://{address}/{NAME}/0"), "storage");
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("cannot connect"), "{told}");
    let output = judge("127.0.0.1", "storage");
    assert_eq!(output.status.code(), Some(64));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("iscsi://"), "{told}");
}
