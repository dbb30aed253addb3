//! A place for labs of one test, and the program that makes them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rhs::family;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Three nodes, an address and a program; heartbeats that find a loss within half a second.
pub(crate) const LAB: &str = "
lab: 1
name: small
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
nodes:
  n[1-3]: { networks: [lan] }
storage:
  san: { kind: iscsi, luns: { data: 64MiB } }
cluster:
  name: CLU1
  address: 10.10.1.100
  service-restart: 1s
  heartbeat:
    same-subnet: { every: 100ms, missed: 5 }
  groups:
    app:
      resources:
        ip: { type: ip-address, address: 10.10.1.101 }
        prog:
          type: generic-application
          command: sleep 600
          depends: ip
          policy: { poll: { looks-alive: 200ms, is-alive: 1s } }
";

/// A folder of its own for labs.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    backend: &'static str,
}

impl Bench {
    pub(crate) fn new(backend: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small.lab.yaml"), LAB).unwrap();
        Self { folder, backend }
    }

    /// The command line that brings the small lab up.
    pub(crate) fn up_line(&self) -> [&'static str; 4] {
        ["up", "small.lab.yaml", "--backend", self.backend]
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("labs")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_looksalive"));
        command
            .args(arguments)
            .env("LOOKSALIVE_STATE", self.root())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The document that a command prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Brings the small lab up; returns its unique id.
    pub(crate) fn up(&self) -> String {
        let shown = self.json(&self.up_line());
        assert_eq!(shown["quorate"], true);
        shown["uid"].as_str().unwrap().to_owned()
    }

    /// Waits until what `inspect` shows fits.
    pub(crate) fn wait(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait(what, || {
            Some(self.json(&["inspect"])).filter(|shown| fits(shown))
        })
    }

    /// Waits until the group is online; returns its owner.
    pub(crate) fn online(&self, group: &str) -> String {
        let found = |shown: &Value| shown_group(shown, group)["state"] == "Online";
        let shown = self.wait("the group is online", found);
        shown_group(&shown, group)["owner"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Verdicts of the steps of the small lab with a scenario, which passes on a backend and leaves
    /// nothing.
    pub(crate) fn verdicts(&self, scenario: &str, backend: &str) -> Vec<Value> {
        let text = format!("{LAB}{scenario}");
        fs::write(self.file("played.lab.yaml"), text).unwrap();
        let report = self.json(&["run", "played.lab.yaml", "--backend", backend]);
        assert_eq!(report["backend"], backend);
        assert_eq!(report["verdict"], "passed");
        assert!(!self.root().exists());
        let steps = report["steps"].as_array().unwrap();
        steps.iter().map(|step| step["verdict"].clone()).collect()
    }

    /// Nothing of a lab is left: no process, no file.
    pub(crate) fn assert_clean(&self, uid: &str) {
        let processes = || family::members(family::LAB, uid);
        wait("its processes have ended", || {
            processes().is_empty().then_some(())
        });
        assert!(
            !self.root().exists(),
            "{} is still there",
            self.root().display()
        );
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A test that failed in the middle leaves nothing either.
        let _down = self.run(&["down"]);
        let _collected = self.run(&["gc"]);
    }
}

pub(crate) fn shown_group<'v>(shown: &'v Value, name: &str) -> &'v Value {
    named(&shown["groups"], name)
}

pub(crate) fn shown_node<'v>(shown: &'v Value, name: &str) -> &'v Value {
    named(&shown["nodes"], name)
}

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let list = list.as_array().unwrap();
    list.iter().find(|it| it["name"] == name).unwrap()
}

/// Asks until there is an answer.
pub(crate) fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn kill(pid: &Value, signal: Signal) {
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Processes whose command line has a word.
pub(crate) fn with_word(uid: &str, word: &str) -> Vec<Pid> {
    let has = |pid: &Pid| {
        let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
        let line = line.unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|it| it == word.as_bytes())
    };
    family::members(family::LAB, uid)
        .into_iter()
        .filter(has)
        .collect()
}
