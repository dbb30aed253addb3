//! `looksalive rhs`: a resource host, started by a node.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context;
use base::{HostId, NodeId};
use clap::Args;

use crate::exit::Exit;

/// A resource host; nodes start it, people have no use for it
#[derive(Debug, Args)]
pub(crate) struct Rhs {
    /// Number of the node that it runs for
    #[arg(long, required_unless_present = "execute")]
    node: Option<u8>,
    /// Its own number
    #[arg(long, required_unless_present = "execute")]
    host: Option<u16>,
    /// Socket of the lab that knows who serves which address and name
    #[arg(long, value_name = "PATH")]
    outside: Option<PathBuf>,
    /// Socket of the agent behind the machine's adapters
    #[arg(long, value_name = "PATH")]
    adapters: Option<PathBuf>,
    /// Folder of the machine's registry
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
    /// A service that the machine knows, with its command line
    #[arg(long = "service", value_name = "NAME=COMMAND", value_parser = service)]
    services: Vec<(String, String)>,
    /// Socket of the machine's server service
    #[arg(long, value_name = "PATH")]
    server_service: Option<PathBuf>,
    /// The machine's network namespace, in which programs run
    #[arg(long, value_name = "PATH")]
    namespace: Option<PathBuf>,
    /// Become this command, and end with the process of this number
    #[arg(long, hide = true, value_name = "PID")]
    execute: Option<i32>,
    #[arg(hide = true, last = true)]
    command: Vec<OsString>,
}

fn service(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=');
    let parts = parts.map(|(name, command)| (name.to_owned(), command.to_owned()));
    parts.ok_or_else(|| "write NAME=COMMAND".to_owned())
}

impl Rhs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if let Some(parent) = self.execute {
            return Err(rhs::execute(
                parent,
                self.namespace.as_deref(),
                &self.command,
            ))
            .context("cannot start a program");
        }
        let node = self
            .node
            .and_then(NodeId::new)
            .context("there is no such node")?;
        let options = rhs::Options {
            node,
            host: HostId(self.host.unwrap_or_default()),
            outside: self.outside,
            adapters: self.adapters,
            registry: self.registry,
            services: self.services.into_iter().collect(),
            server_service: self.server_service,
            namespace: self.namespace,
        };
        rhs::run(options).context("the resource host cannot go on")?;
        Ok(Exit::Good)
    }
}
