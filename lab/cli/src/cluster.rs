//! `looksalive cluster`: the administrator's client of a lab that is up.

use clap::{Args, Subcommand, ValueEnum};
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
        /// Have the move wait when the node cannot take the group now
        #[arg(long)]
        queue: bool,
    },
    /// List every object of the cluster with its state
    List {
        /// Only this kind
        #[arg(value_enum)]
        kind: Option<Kind>,
    },
    /// Show the properties of an object, or one of them
    Show {
        /// The kind of object
        #[arg(value_enum)]
        kind: Kind,
        /// Its name: GROUP/RESOURCE of a resource, NODE/NETWORK of an interface
        name: Option<String>,
        /// Only this property
        #[arg(long)]
        property: Option<String>,
    },
    /// Set a property of an object by its documented name
    Set {
        /// The kind of object
        #[arg(value_enum)]
        kind: Kind,
        /// NAME PROPERTY VALUE; of the cluster PROPERTY VALUE
        #[arg(num_args = 2..=3, required = true)]
        words: Vec<String>,
    },
    /// Turn maintenance mode of a disk on or off
    Maintenance {
        /// The disk, as GROUP/RESOURCE
        resource: String,
        /// On or off
        #[arg(value_enum)]
        to: Switch,
    },
    /// Read a page of a cluster shared volume on a node, or write it
    Volume {
        /// The volume's disk, as GROUP/RESOURCE
        resource: String,
        /// The node whose program it is
        node: String,
        /// The page
        #[arg(long, default_value_t = 0)]
        page: u32,
        /// Write this text
        #[arg(long)]
        write: Option<String>,
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
    /// Start the cluster service of nodes that are no members
    Start {
        /// The nodes
        #[arg(required = true)]
        nodes: Vec<String>,
        /// Form a cluster without enough votes if there is none to join; the nodes' database
        /// becomes the one that counts
        #[arg(long, conflicts_with_all = ["prevent_quorum", "clear_quarantine"])]
        force_quorum: bool,
        /// Only join a cluster, never form one
        #[arg(long, conflicts_with = "clear_quarantine")]
        prevent_quorum: bool,
        /// Have the cluster forget that it has quarantined the nodes
        #[arg(long)]
        clear_quarantine: bool,
    },
    /// Stop the cluster service of nodes in order
    Stop {
        /// The nodes
        #[arg(required = true)]
        nodes: Vec<String>,
    },
    /// Take a node out of the cluster's configuration
    Evict {
        /// The node
        node: String,
    },
    /// Take a node that was evicted into the cluster again
    Add {
        /// The node
        node: String,
    },
    /// Make something else the witness, and with it change the quorum model
    Witness {
        /// What votes beside the nodes
        #[arg(value_enum)]
        kind: WitnessKind,
        /// ARRAY/LUN of a disk, the endpoint of a share or a cloud
        name: Option<String>,
        /// The disk counts alone
        #[arg(long)]
        disk_only: bool,
    },
    /// Treat a resource as failed
    Fail {
        /// The resource, as GROUP/RESOURCE
        resource: String,
    },
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Cluster,
    Node,
    Network,
    Interface,
    Group,
    Resource,
    Type,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Node => "node",
            Self::Network => "network",
            Self::Interface => "interface",
            Self::Group => "group",
            Self::Resource => "resource",
            Self::Type => "type",
        }
    }
}

/// What votes beside the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WitnessKind {
    None,
    Disk,
    Share,
    Cloud,
}

impl WitnessKind {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Disk => "disk",
            Self::Share => "share",
            Self::Cloud => "cloud",
        }
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Cluster {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match order(&self.action) {
            Some(what) => self.ask(&what),
            None => self.show(),
        }
    }

    /// Has the cluster do something, and prints what it shows.
    fn ask(&self, what: &Value) -> anyhow::Result<Exit> {
        let folder = match local::find(self.lab.as_deref()) {
            Ok(folder) => folder,
            Err(exit) => return Ok(exit),
        };
        let answer = local::ask(&folder, what)?;
        if answer["ok"] != true {
            output::error(answer["error"].as_str().unwrap_or("the lab gave no reason"));
            return Ok(Exit::Usage);
        }
        let shown = &answer["shown"];
        if !shown.is_null() {
            let only = match &self.action {
                Action::List { kind } => *kind,
                _ => None,
            };
            output::print(&match self.format {
                Format::Json => format!("{shown:#}\n"),
                Format::Text => lines(shown, only),
            })?;
        }
        Ok(Exit::Good)
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
        Action::Move { group, to, queue } => {
            json!({ "do": "cluster", "action": "move", "group": group, "to": to, "queue": queue })
        }
        Action::List { .. } => json!({ "do": "cluster", "action": "list" }),
        Action::Show {
            kind,
            name,
            property,
        } => json!({ "do": "cluster", "action": "show", "kind": kind.word(), "name": name,
                     "property": property }),
        Action::Set { kind, words } => set(*kind, words),
        Action::Maintenance { resource, to } => {
            let on = *to == Switch::On;
            json!({ "do": "cluster", "action": "maintenance", "resource": resource, "on": on })
        }
        Action::Volume {
            resource,
            node,
            page,
            write,
        } => {
            let verb = if write.is_some() {
                "write-volume"
            } else {
                "read-volume"
            };
            json!({ "do": "cluster", "action": verb, "resource": resource, "node": node,
                    "page": page, "value": write })
        }
        Action::Online { what } => on("online", what),
        Action::Offline { what } => on("offline", what),
        Action::Pause { node: name, drain } => node(if *drain { "drain" } else { "pause" }, name),
        Action::Resume { node: name } => node("resume", name),
        Action::Fail { resource } => on("fail", resource),
        Action::Start { .. }
        | Action::Stop { .. }
        | Action::Evict { .. }
        | Action::Add { .. }
        | Action::Witness { .. } => {
            json!({ "do": "cluster", "action": "step", "step": step(action) })
        }
    })
}

/// What is done to nodes and quorum, as a step of a lab file.
fn step(action: &Action) -> String {
    let nodes = |nodes: &[String]| format!("[{}]", nodes.join(", "));
    match action {
        Action::Start {
            nodes: named,
            force_quorum,
            prevent_quorum,
            clear_quarantine,
        } => {
            let options = [
                ("force-quorum", force_quorum),
                ("prevent-quorum", prevent_quorum),
                ("clear-quarantine", clear_quarantine),
            ];
            let given = options.iter().filter(|(_, given)| **given);
            let given: String = given.map(|(word, _)| format!(", {word}: true")).collect();
            format!("{{ do: start, node: {}{given} }}", nodes(named))
        }
        Action::Stop { nodes: named } => format!("{{ do: stop, node: {} }}", nodes(named)),
        Action::Evict { node } => format!("{{ do: evict, node: {node} }}"),
        Action::Add { node } => format!("{{ do: add, node: {node} }}"),
        Action::Witness {
            kind,
            name,
            disk_only,
        } => {
            let alone = if *disk_only { ", model: disk-only" } else { "" };
            let witness = match name {
                Some(name) => format!("{{ {}: {name} }}", kind.word()),
                None => kind.word().to_owned(),
            };
            format!("{{ do: quorum, witness: {witness}{alone} }}")
        }
        _ => String::new(),
    }
}

/// The last two words are property and value.
fn set(kind: Kind, words: &[String]) -> Value {
    let (name, property, value) = match words {
        [name, property, value] => (Some(name), property, value),
        [property, value] => (None, property, value),
        _ => unreachable!("the parser takes two or three words"),
    };
    json!({ "do": "cluster", "action": "set", "kind": kind.word(), "name": name,
            "property": property, "value": value })
}

/// What is shown, line by line.
fn lines(shown: &Value, only: Option<Kind>) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match shown {
        Value::Object(properties) => properties
            .iter()
            .map(|(name, value)| format!("{name} = {}\n", text(value)))
            .collect(),
        Value::Array(entries) => entries
            .iter()
            .filter(|entry| only.is_none_or(|kind| entry["kind"] == kind.word()))
            .map(|entry| {
                let (kind, name) = (text(&entry["kind"]), text(&entry["name"]));
                format!("{kind:<10} {name:<36} {}\n", text(&entry["state"]))
            })
            .collect(),
        other => format!("{}\n", text(other)),
    }
}
