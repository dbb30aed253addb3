//! `looksalive ps` and `inspect`: what labs are up, and what is in one of them.

use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use lab::client;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::format::Format;
use crate::{local, output};

/// Every lab that is up, and what is left of others
#[derive(Debug, Args)]
pub(crate) struct Ps {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Everything that can be seen of a lab
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The lab; may be left out while one is up
    lab: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Ps {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut labs = Vec::new();
        for found in client::labs(&lab::root()) {
            let shown = match local::shown(&found.folder) {
                Ok(shown) if found.answers => shown,
                _ => json!({
                    "lab": found.name,
                    "uid": found.folder.uid().as_str(),
                    "dead": !found.lives,
                }),
            };
            labs.push(shown);
        }
        let text = match self.format {
            Format::Json => format!("{:#}\n", json!({ "version": 1, "labs": labs })),
            Format::Text if labs.is_empty() => "no lab is up\n".to_owned(),
            Format::Text => labs.iter().map(line).collect(),
        };
        output::print(&text)?;
        Ok(Exit::Good)
    }
}

fn line(shown: &Value) -> String {
    let (uid, name) = (text(&shown["uid"]), text(&shown["lab"]));
    if shown["nodes"].is_null() {
        let why = if shown["dead"] == true {
            "dead; `looksalive gc` takes it away"
        } else {
            "being made, or played by `run`"
        };
        return format!("{uid}  {name}  {why}\n");
    }
    let count = |list: &Value, fits: &dyn Fn(&Value) -> bool| {
        let list = list.as_array().map_or(&[][..], Vec::as_slice);
        format!(
            "{}/{}",
            list.iter().filter(|it| fits(it)).count(),
            list.len()
        )
    };
    let nodes = count(&shown["nodes"], &|node| node["state"] == "Up");
    let groups = count(&shown["groups"], &|group| group["state"] == "Online");
    let quorum = if shown["quorate"] == true {
        "quorate"
    } else {
        "not quorate"
    };
    let up = Duration::from_millis(shown["up_ms"].as_u64().unwrap_or_default());
    format!(
        "{uid}  {name}  {}  {quorum}, nodes up {nodes}, groups online {groups}, for {} s\n",
        text(&shown["backend"]),
        up.as_secs()
    )
}

impl Inspect {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let folder = match local::find(self.lab.as_deref()) {
            Ok(folder) => folder,
            Err(exit) => return Ok(exit),
        };
        let shown = local::shown(&folder)?;
        let text = match self.format {
            Format::Json => format!("{shown:#}\n"),
            Format::Text => inspect(&shown),
        };
        output::print(&text)?;
        Ok(Exit::Good)
    }
}

/// What `up` says when the lab is quorate.
pub(crate) fn up(shown: &Value, took: Duration) -> String {
    let nodes = shown["nodes"].as_array().map_or(0, Vec::len);
    format!(
        "{} is up: {nodes} nodes, quorate after {:.2} s ({})\n",
        text(&shown["lab"]),
        took.as_secs_f64(),
        text(&shown["uid"])
    )
}

fn inspect(shown: &Value) -> String {
    let mut out = format!(
        "{} {}\nbackend {}, generation {}, folder {}\n\n",
        text(&shown["lab"]),
        text(&shown["uid"]),
        text(&shown["backend"]),
        text(&shown["generation"]),
        text(&shown["folder"])
    );
    out.push_str(&cluster(shown));
    out.push_str("\ndisks\n");
    for disk in list(&shown["disks"]) {
        let held = disk["holder"]
            .as_str()
            .map_or("held by nobody".to_owned(), |it| format!("held by {it}"));
        let _ = writeln!(
            out,
            "  {:<16} {held:<16} iscsi://{}/{}/{}",
            text(&disk["name"]),
            text(&disk["portal"]),
            text(&disk["target"]),
            disk["lun"]
        );
    }
    let faults = list(&shown["faults"]);
    if !faults.is_empty() {
        out.push_str("\nfaults\n");
        for fault in faults {
            let _ = writeln!(out, "  {}", text(fault));
        }
    }
    out
}

/// Nodes, groups and resources.
pub(crate) fn cluster(shown: &Value) -> String {
    let mut out = quorum(shown);
    out.push_str("\nnodes\n");
    for node in list(&shown["nodes"]) {
        let process = node["process"].as_u64().map(|pid| format!("process {pid}"));
        let _ = writeln!(
            out,
            "  {:<16} {:<8} machine {:<8} {}",
            text(&node["name"]),
            text(&node["state"]),
            text(&node["machine"]),
            process.unwrap_or_default()
        );
    }
    out.push_str("\ngroups\n");
    for group in list(&shown["groups"]) {
        let owner = group["owner"].as_str().unwrap_or("nobody");
        let _ = writeln!(
            out,
            "  {:<16} {:<14} owner {owner}",
            text(&group["name"]),
            text(&group["state"])
        );
        for resource in list(&group["resources"]) {
            let _ = writeln!(
                out,
                "    {:<20} {:<16} {}",
                text(&resource["name"]),
                text(&resource["state"]),
                text(&resource["type"])
            );
        }
    }
    out
}

/// Votes and the witness.
pub(crate) fn quorum(shown: &Value) -> String {
    let votes = &shown["votes"];
    if votes.is_null() {
        return "the cluster has no quorum\n".to_owned();
    }
    let (have, total) = (&votes["have"], &votes["total"]);
    format!(
        "quorum: {have} of {total} votes, {} needed\n",
        votes["needed"]
    )
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
