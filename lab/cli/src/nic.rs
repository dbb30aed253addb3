//! `looksalive nic`: the agent behind one machine's adapters, and a third party's eye on an
//! address.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use lab::NicStart;
use nic::watch::{self, Look};
use plan::Plan;
use runtime::Clock;
use serde_json::json;

use crate::exit::Exit;
use crate::{check, output};

/// The adapters of one machine; labs start it, people look through it
#[derive(Debug, Args)]
pub(crate) struct Nic {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Serve(Serve),
    Watch(Watch),
}

/// Open a TAP device for each network of a machine and a TUN device for the virtual adapter, and
/// carry what they send to the fabric; prints `ready`, and ends with the fabric
#[derive(Debug, Args)]
struct Serve {
    /// The lab file
    file: PathBuf,
    /// Which of its machines this is, a member of the cluster or not
    machine: String,
    /// Socket of the fabric that carries its frames
    #[arg(long, value_name = "PATH")]
    fabric: PathBuf,
    /// Socket to listen on for the machine's cluster service: its `--fabric`
    #[arg(long, value_name = "PATH")]
    node: PathBuf,
    /// Socket to listen on for the machine's resource hosts: its `--adapters`
    #[arg(long, value_name = "PATH")]
    addresses: PathBuf,
    /// Make a network namespace for the machine, instead of taking the one of this process
    #[arg(long)]
    own_namespace: bool,
    /// Milliseconds between two of the three probes for an address
    #[arg(long, value_name = "MS", default_value_t = 50)]
    probe_every: u64,
}

/// Look at an address every so often, and print a JSON object for each look
#[derive(Debug, Args)]
struct Watch {
    /// The address
    address: Ipv4Addr,
    /// How to look
    #[arg(long, value_enum, default_value_t = By::Ping)]
    by: By,
    /// Milliseconds between two looks, and how long an answer may take
    #[arg(long, value_name = "MS", default_value_t = 100)]
    every: u64,
    /// How many looks; without it they go on
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Epoch of the clock that times are given in
    #[arg(long, hide = true)]
    epoch: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// An echo request of ICMP
    Ping,
    /// A new connection to the echo service of TCP, and a byte there and back
    Connect,
}

impl Nic {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.what {
            What::Serve(serve) => serve.run(),
            What::Watch(watch) => watch.run(),
        }
    }
}

impl Serve {
    fn run(self) -> anyhow::Result<Exit> {
        let Some(lab) = check::load(&self.file) else {
            return Ok(Exit::Usage);
        };
        let start = NicStart {
            machine: self.machine,
            own_namespace: self.own_namespace,
            fabric: self.fabric,
            node: self.node,
            addresses: self.addresses,
            probe_every: Duration::from_millis(self.probe_every),
        };
        let options = match start.options(&Plan::new(&lab)?) {
            Ok(options) => options,
            Err(unknown) => {
                output::error(&unknown.to_string());
                return Ok(Exit::Usage);
            }
        };
        let ready = || {
            // Whoever started the agent may not listen.
            let _unheard = output::print("ready\n");
        };
        nic::run(options, ready).context("the machine has no adapters")?;
        Ok(Exit::Good)
    }
}

impl Watch {
    fn run(self) -> anyhow::Result<Exit> {
        let clock = self.epoch.map_or_else(Clock::start, Clock::since);
        let every = Duration::from_millis(self.every);
        let look = match self.by {
            By::Ping => Look::Ping,
            By::Connect => Look::Connect,
        };
        let (mut looks, mut answered) = (0, 0);
        let mut out = std::io::stdout();
        watch::watch(look, self.address, every, |began, answers| {
            looks += 1;
            answered += u64::from(answers);
            let at = clock.mono().as_millis();
            let ago = u64::try_from(began.elapsed().as_millis()).unwrap_or_default();
            let at = at.saturating_sub(ago);
            let line = json!({ "at_ms": at, "answers": answers });
            writeln!(out, "{line}").is_ok() && self.count.is_none_or(|count| looks < count)
        })
        .with_context(|| format!("cannot look at {}", self.address))?;
        Ok(if answered == looks {
            Exit::Good
        } else {
            Exit::Failed
        })
    }
}
