//! `looksalive events`, `logs` and `exec`: what happened in a lab, and commands on its nodes.

use std::fs;
use std::io::Write;
use std::process::Command;

use anyhow::Context;
use clap::Args;
use lab::client;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::format::Format;
use crate::{local, output};

/// What happened in a lab, oldest first
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// The lab; may be left out while one is up
    lab: Option<String>,
    /// Go on with what happens from now on
    #[arg(long)]
    follow: bool,
    /// How to print; `json` prints one object per line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What a node said, and everything that its programs printed
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The lab and the node; the lab may be left out while one is up
    #[arg(value_name = "[LAB] NODE", num_args = 1..=2, required = true)]
    words: Vec<String>,
}

/// Run a command on a node, in the folder of its database
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The lab and the node; the lab may be left out while one is up
    #[arg(value_name = "[LAB] NODE", num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// The command
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Events {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let folder = match local::find(self.lab.as_deref()) {
            Ok(folder) => folder,
            Err(exit) => return Ok(exit),
        };
        let what = json!({ "do": "events", "follow": self.follow });
        let mut printed = Ok(());
        client::ask(&folder, &what, |event| {
            let line = match self.format {
                Format::Json => format!("{event}\n"),
                Format::Text => line(&event),
            };
            let mut stdout = std::io::stdout().lock();
            printed = stdout
                .write_all(line.as_bytes())
                .and_then(|()| stdout.flush());
            printed.is_ok()
        })?;
        match printed {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Exit::Good),
        }
    }
}

fn line(event: &Value) -> String {
    let at = event["at"].as_f64().unwrap_or_default();
    let who = event["node"].as_str().unwrap_or("-");
    let text = event["text"].as_str().unwrap_or_default();
    let id = event["id"]
        .as_u64()
        .map(|id| format!(" [{id}]"))
        .unwrap_or_default();
    format!("{at:>12.3}  {who:<8}  {text}{id}\n")
}

impl Logs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (folder, node) = match of_node(&self.words) {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let log = folder.log(&node);
        let text = fs::read_to_string(&log);
        output::print(&text.with_context(|| format!("cannot read {}", log.display()))?)?;
        Ok(Exit::Good)
    }
}

impl Exec {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (folder, node) = match of_node(&self.words) {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let shown = local::shown(&folder)?;
        let nodes = shown["nodes"].as_array().map_or(&[][..], Vec::as_slice);
        let machine = nodes.iter().find(|it| it["name"] == node.as_str());
        if let Some(container) = machine.and_then(|it| it["container"].as_str()) {
            let ended = lab::docker::execute(container, &folder.node(&node), &self.command)?;
            let code = ended.code.and_then(|code| u8::try_from(code).ok());
            return Ok(Exit::Of(code.unwrap_or(1)));
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return Ok(Exit::Usage);
        };
        let namespace = folder.namespace(&node);
        if namespace.exists() {
            rhs::enter(&namespace)?;
        }
        // A process of the node, so that it freezes and ends with its machine.
        let status = Command::new(program)
            .args(arguments)
            .current_dir(folder.node(&node))
            .env(rhs::family::LAB, folder.uid().as_str())
            .env(rhs::family::NODE, format!("{}/{node}", folder.uid()))
            .status()
            .with_context(|| format!("cannot run {program}"))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(Exit::Of(code.unwrap_or(1)))
    }
}

/// The lab and one of its nodes.
fn of_node(words: &[String]) -> Result<(lab::LabFolder, String), Exit> {
    let (name, node) = match words {
        [name, node] => (Some(name.as_str()), node),
        [node] => (None, node),
        _ => return Err(Exit::Usage),
    };
    let folder = local::find(name)?;
    if folder.node(node).is_dir() {
        return Ok((folder, node.clone()));
    }
    output::error(&format!(
        "the lab has no node `{node}`; `looksalive inspect` shows its nodes"
    ));
    Err(Exit::Usage)
}
