//! `looksalive machine`: what runs first in a container of a lab.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use lab::docker::{MachineOptions, run_machine};

use crate::exit::Exit;

/// A machine of a lab, started by a container engine; people have no use for it
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Machine {
    /// Its name
    name: String,
    /// The lab's socket for machines
    #[arg(long, value_name = "PATH")]
    lab: PathBuf,
    /// A port of this machine that others reach through a socket
    #[arg(long = "offer", value_name = "PATH=ADDRESS:PORT", value_parser = offer)]
    offers: Vec<(PathBuf, SocketAddr)>,
    /// A socket of others that is a port of this machine
    #[arg(long = "reach", value_name = "ADDRESS:PORT=PATH", value_parser = reach)]
    reaches: Vec<(SocketAddr, PathBuf)>,
}

fn offer(text: &str) -> Result<(PathBuf, SocketAddr), String> {
    let parts = text.rsplit_once('=');
    let offer = parts.and_then(|(path, port)| Some((path.into(), port.parse().ok()?)));
    offer.ok_or_else(|| "write PATH=ADDRESS:PORT".to_owned())
}

fn reach(text: &str) -> Result<(SocketAddr, PathBuf), String> {
    let parts = text.split_once('=');
    let reach = parts.and_then(|(port, path)| Some((port.parse().ok()?, path.into())));
    reach.ok_or_else(|| "write ADDRESS:PORT=PATH".to_owned())
}

impl Machine {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let options = MachineOptions {
            name: self.name,
            lab: self.lab,
            offers: self.offers,
            reaches: self.reaches,
        };
        run_machine(options).context("the machine cannot run")?;
        Ok(Exit::Good)
    }
}
