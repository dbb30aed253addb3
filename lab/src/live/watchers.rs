//! Background clients: real ones, where machines have adapters of their own.
//!
//! Each is a process in its machine's network that says what it sees, look by look. Where there is
//! none, what a client would see is worked out from the lab's model.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use base::Timestamp;
use rhs::family;
use serde_json::Value;
use sim::workload::{Client, Look};

use super::Live;
use super::input::Input;
use crate::LabError;
use crate::ledger::Deed;

/// A client that looks.
#[derive(Debug)]
pub(super) struct Watcher {
    name: String,
    station: usize,
    child: Child,
    /// What it has seen and nobody has asked for yet.
    looks: Vec<Look>,
    answered: Option<bool>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Live {
    /// What a client has seen since it was last asked; none while nobody looks for real.
    pub(super) fn seen_by(&mut self, client: &Client) -> Option<Vec<Look>> {
        let station = usize::from(client.station.0);
        let machine = self.sockets_of(station)?;
        let name = &client.workload.name;
        if !self.watchers.iter().any(|it| it.name == *name) {
            let started = self.start_watcher(client, station, &machine.namespace);
            if let Err(error) = started {
                self.complain(&error);
            }
        }
        let watcher = self.watchers.iter_mut().find(|it| it.name == *name);
        Some(watcher.map_or_else(Vec::new, |it| std::mem::take(&mut it.looks)))
    }

    /// A machine has another network now: whoever looked from the old one looks no more.
    pub(super) fn end_watchers(&mut self, station: usize) {
        self.watchers.retain(|it| it.station != station);
    }

    pub(super) fn looked(&mut self, name: &str, look: Look) {
        let Some(watcher) = self.watchers.iter_mut().find(|it| it.name == name) else {
            return;
        };
        watcher.looks.push(look);
        if watcher.answered != Some(look.1) {
            watcher.answered = Some(look.1);
            self.changes += 1;
        }
    }

    fn start_watcher(
        &mut self,
        client: &Client,
        station: usize,
        namespace: &std::path::Path,
    ) -> Result<(), LabError> {
        let name = client.workload.name.clone();
        let log = self.folder.log(&format!("workload-{name}"));
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.map_err(LabError::path("write to", &log))?;
        let program = &self.options.program;
        let mut command = Command::new(program);
        command
            .args(["rhs", "--execute", &std::process::id().to_string()])
            .arg("--namespace")
            .arg(namespace)
            .arg("--")
            .arg(program)
            .args(["nic", "watch", &client.target.1])
            .args(["--by", client.workload.kind.label()])
            .args(["--every", &client.workload.every.as_millis().to_string()])
            .args(["--epoch", &self.clock.epoch_nanos().to_string()])
            .env(family::LAB, self.folder.uid().as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let what = format!("workload {name}");
        let deed = Deed::Process { what: what.clone() };
        let started = self.ledger.enter(&deed, || Ok(command.spawn()));
        let started = started.map_err(LabError::system("cannot write the ledger"))?;
        let mut child = started.map_err(|why| LabError::process(&what, why))?;
        if let Some(stdout) = child.stdout.take() {
            hear(name.clone(), stdout, self.sender.clone());
        }
        self.watchers.push(Watcher {
            name,
            station,
            child,
            looks: Vec::new(),
            answered: None,
        });
        Ok(())
    }
}

fn hear(name: String, stdout: impl std::io::Read + Send + 'static, inbox: Sender<Input>) {
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let Some(look) = read(&line) else { continue };
            let name = name.clone();
            if inbox.send(Input::Looked { name, look }).is_err() {
                return;
            }
        }
    });
}

fn read(line: &str) -> Option<Look> {
    let said: Value = serde_json::from_str(line).ok()?;
    let at = Duration::from_millis(said["at_ms"].as_u64()?);
    Some((Timestamp::ZERO + at, said["answers"].as_bool()?))
}
