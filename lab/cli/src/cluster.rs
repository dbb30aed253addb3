//! `looksalive cluster`: the administrator's client of a lab that is up.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::format::Format;
use crate::{local, output, show};

/// Ask the cluster of a lab for something, as its administrator would
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    /// The lab; may be left out while one is up
    #[arg(long, global = true)]
    lab: Option<String>,
    /// How to print what was asked for
    #[arg(long, value_enum, global = true, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show nodes, groups and resources
    Get,
    /// Show votes and who holds the witness
    Quorum,
    /// Move a group to a node, or to the best one
    Move {
        /// The group
        group: String,
        /// The node
        to: Option<String>,
    },
    /// Bring a group, or one resource as GROUP/RESOURCE, online
    Online {
        /// What
        what: String,
    },
    /// Take a group, or one resource as GROUP/RESOURCE, offline
    Offline {
        /// What
        what: String,
    },
    /// Let a node take no new groups
    Pause {
        /// The node
        node: String,
        /// Move its groups away as well
        #[arg(long)]
        drain: bool,
    },
    /// End the pause of a node
    Resume {
        /// The node
        node: String,
    },
    /// Treat a resource as failed
    Fail {
        /// The resource, as GROUP/RESOURCE
        resource: String,
    },
}

impl Cluster {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match order(&self.action) {
            Some(what) => local::order(self.lab.as_deref(), &what),
            None => self.show(),
        }
    }

    fn show(&self) -> anyhow::Result<Exit> {
        let folder = match local::find(self.lab.as_deref()) {
            Ok(folder) => folder,
            Err(exit) => return Ok(exit),
        };
        let shown = local::shown(&folder)?;
        let text = match (self.format, &self.action) {
            (Format::Json, _) => format!("{shown:#}\n"),
            (Format::Text, Action::Quorum) => show::quorum(&shown),
            (Format::Text, _) => show::cluster(&shown),
        };
        output::print(&text)?;
        Ok(Exit::Good)
    }
}

/// What the lab is asked to do; nothing for what is only shown.
fn order(action: &Action) -> Option<Value> {
    let on = |verb: &str, what: &str| {
        let key = if what.contains('/') {
            "resource"
        } else {
            "group"
        };
        json!({ "do": "cluster", "action": verb, key: what })
    };
    let node = |verb: &str, node: &str| json!({ "do": "cluster", "action": verb, "node": node });
    Some(match action {
        Action::Get | Action::Quorum => return None,
        Action::Move { group, to } => {
            json!({ "do": "cluster", "action": "move", "group": group, "to": to })
        }
        Action::Online { what } => on("online", what),
        Action::Offline { what } => on("offline", what),
        Action::Pause { node: name, drain } => node(if *drain { "drain" } else { "pause" }, name),
        Action::Resume { node: name } => node("resume", name),
        Action::Fail { resource } => on("fail", resource),
    })
}
