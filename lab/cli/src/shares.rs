//! `looksalive shares`: the shares that the server service of a node's machine offers, and their
//! flags.
//!
//! A program of a resource finds the service of its machine in the environment; people name a
//! node.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use plan::Plan;
use rhs::server::{FromServer, Offered, SERVER_SERVICE, ToServer, ask};
use serde_json::json;

use crate::exit::Exit;
use crate::format::Format;
use crate::{check, local, output};

/// Shares that a node offers, where clients reach them, and their flags
#[derive(Debug, Args)]
pub(crate) struct Shares {
    /// The lab and the node; the lab may be left out while one is up, and both in a program that a
    /// resource runs
    #[arg(value_name = "[LAB] NODE", num_args = 0..=2)]
    words: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Change the flags of a share: 0x0800 hides from everyone what everyone may not read
    #[arg(long, value_name = "SERVER/SHARE=FLAGS", value_parser = flags)]
    set_flags: Option<ToServer>,
    /// Remove a share without its resource's knowledge
    #[arg(long, value_name = "SERVER/SHARE", value_parser = removal, conflicts_with = "set_flags")]
    remove: Option<ToServer>,
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((server, share)) if !server.is_empty() && !share.is_empty() => {
            Ok((server.to_owned(), share.to_owned()))
        }
        _ => Err("write SERVER/SHARE".to_owned()),
    }
}

fn flags(text: &str) -> Result<ToServer, String> {
    let (name, flags) = text.split_once('=').ok_or("write SERVER/SHARE=FLAGS")?;
    let (server, share) = named(name)?;
    let number = match flags.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => flags.parse(),
    };
    let flags = number.map_err(|_| format!("flags are a number such as 0x0800, not `{flags}`"))?;
    Ok(ToServer::SetFlags {
        server,
        share,
        flags,
    })
}

fn removal(text: &str) -> Result<ToServer, String> {
    let (server, share) = named(text)?;
    Ok(ToServer::Remove { server, share })
}

impl Shares {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let service = match self.service()? {
            Ok(service) => service,
            Err(exit) => return Ok(exit),
        };
        let request = self.set_flags.or(self.remove).unwrap_or(ToServer::List);
        let answer = ask(&service, &request);
        match answer.context("the node's server service does not answer; is the node up?")? {
            FromServer::Done => {}
            FromServer::Failed(code) => {
                output::error(&format!(
                    "the server service refuses that with error {code}; `looksalive shares` shows \
                     what there is"
                ));
                return Ok(Exit::Failed);
            }
            FromServer::Shares(shares) => output::print(&match self.format {
                Format::Text => table(&shares),
                Format::Json => format!("{:#}\n", object(&shares)),
            })?,
        }
        Ok(Exit::Good)
    }

    fn service(&self) -> anyhow::Result<Result<PathBuf, Exit>> {
        let (name, node) = match self.words.as_slice() {
            [] => match std::env::var_os(SERVER_SERVICE) {
                Some(path) => return Ok(Ok(path.into())),
                None => {
                    output::error("name a node: only programs of resources know theirs");
                    return Ok(Err(Exit::Usage));
                }
            },
            [node] => (None, node),
            [name, node, ..] => (Some(name.as_str()), node),
        };
        let folder = match local::find(name) {
            Ok(folder) => folder,
            Err(exit) => return Ok(Err(exit)),
        };
        let Some(lab) = check::load(&folder.lab_file()) else {
            return Ok(Err(Exit::Usage));
        };
        let plan = Plan::new(&lab)?;
        let Some(node) = plan.names.node(node) else {
            output::error(&format!("the cluster has no member `{node}`"));
            return Ok(Err(Exit::Usage));
        };
        Ok(Ok(folder.server_service(node)?))
    }
}

fn table(shares: &[Offered]) -> String {
    if shares.is_empty() {
        return "no share is online here\n".to_owned();
    }
    let mut text = String::new();
    for it in shares {
        let (server, share) = (&it.server, &it.share);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{server}/{share}  {}  flags {:#06x}", it.at, it.flags);
    }
    text
}

fn object(shares: &[Offered]) -> serde_json::Value {
    let one = |it: &Offered| {
        let (server, share) = (&it.server, &it.share);
        json!({ "server": server, "share": share, "at": it.at, "flags": it.flags })
    };
    json!({ "version": 1, "shares": shares.iter().map(one).collect::<Vec<_>>() })
}
