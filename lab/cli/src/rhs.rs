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
            server_service: self.server_service,
            namespace: self.namespace,
        };
        rhs::run(options).context("the resource host cannot go on")?;
        Ok(Exit::Good)
    }
}
