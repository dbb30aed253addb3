//! `looksalive down` and `gc`: take a lab down, and take away what dead labs have left.

use clap::Args;
use lab::{Collected, client};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::format::Format;
use crate::{local, output};

/// Take a lab down, and everything that it has made
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Name, id or file of the lab; may be left out while one is up
    lab: Option<String>,
}

/// Take away what is left of labs that nobody keeps any more
#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Down {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        // The file may have been edited or lost; only its lab's name counts.
        let named = self
            .lab
            .as_deref()
            .map(|word| match file::check_path(word.as_ref()) {
                Ok(checked) => checked.lab.map_or(word.to_owned(), |lab| lab.name),
                Err(_) => word.to_owned(),
            });
        let folder = match local::find(named.as_deref()) {
            Ok(folder) => folder,
            Err(exit) => return Ok(exit),
        };
        // The lab ends the connection when everything is gone.
        client::ask(&folder, &json!({ "do": "down" }), |_| true)?;
        lab::remove(&folder)?;
        Ok(Exit::Good)
    }
}

impl Gc {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let collected = lab::collect(&lab::root());
        let text = match self.format {
            Format::Json => format!("{:#}\n", document(&collected)),
            Format::Text => render(&collected),
        };
        output::print(&text)?;
        let kept = collected.labs.iter().any(|it| it.kept.is_some());
        Ok(if kept { Exit::NotBuilt } else { Exit::Good })
    }
}

fn document(collected: &Collected) -> Value {
    let labs = collected.labs.iter().map(|it| {
        json!({
            "uid": it.uid.as_str(),
            "processes": it.processes,
            "folder": it.folder,
            "kept": it.kept,
        })
    });
    let labs: Vec<_> = labs.collect();
    json!({ "version": 1, "removed": labs, "images": collected.images })
}

fn render(collected: &Collected) -> String {
    let line = |it: &lab::Removed| {
        if let Some(why) = &it.kept {
            return format!("{} stays: {why}\n", it.uid);
        }
        let folder = if it.folder { " and its folder" } else { "" };
        format!("removed {}: {} processes{folder}\n", it.uid, it.processes)
    };
    let mut lines: String = collected.labs.iter().map(line).collect();
    if collected.images > 0 {
        lines.push_str(&format!("removed {} images\n", collected.images));
    }
    if lines.is_empty() {
        lines.push_str("nothing was left behind\n");
    }
    lines
}
