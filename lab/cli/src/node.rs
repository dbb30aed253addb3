//! `looksalive node`: one cluster node alone, on real sockets and files.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use base::{HaltReason, NodeSet, StartMode};
use clap::Args;
use lab::NodeStart;
use plan::Plan;

use crate::exit::Exit;
use crate::{check, output};

/// One node of a lab, on the lab's fabric and targets, until it is stopped with SIGTERM
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// The lab file
    file: PathBuf,
    /// Which of its members this is
    name: String,
    /// Folder of its cluster database
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Socket of the fabric that carries its datagrams
    #[arg(long, value_name = "PATH")]
    fabric: PathBuf,
    /// Socket to listen on for administrators and for faults
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
    /// Where the target of an array listens
    #[arg(long = "portal", value_name = "ARRAY=ADDRESS:PORT", value_parser = portal)]
    portals: Vec<(String, SocketAddr)>,
    /// Socket of the lab that knows who serves which address and name
    #[arg(long, value_name = "PATH")]
    outside: Option<PathBuf>,
    /// Socket of the agent behind its machine's adapters, for addresses; `--fabric` is then the
    /// agent's other socket
    #[arg(long, value_name = "PATH")]
    adapters: Option<PathBuf>,
    /// The machine's network namespace, in which programs run
    #[arg(long, value_name = "PATH")]
    namespace: Option<PathBuf>,
    /// Socket for the machine's server service, which offers shares to clients
    #[arg(long, value_name = "PATH")]
    server_service: Option<PathBuf>,
    /// Mark of its processes
    #[arg(long, hide = true, default_value = "")]
    mark: String,
    /// Epoch of its clock
    #[arg(long, hide = true)]
    epoch: Option<u64>,
    /// How many times faster than the world around its clock runs
    #[arg(long, hide = true, default_value_t = 1)]
    speed: u32,
    /// Note every health check
    #[arg(long)]
    trace_polls: bool,
    /// Tell everything that it sends, heartbeats apart
    #[arg(long)]
    trace_frames: bool,
    /// Form a cluster without enough votes if there is none to join; this node's database becomes
    /// the one that counts. Among these nodes the majority is counted in 2003
    #[arg(long, value_name = "NODE,...", num_args = 0.., value_delimiter = ',')]
    #[arg(conflicts_with = "prevent_quorum")]
    force_quorum: Option<Vec<String>>,
    /// Only join a cluster, never form one
    #[arg(long)]
    prevent_quorum: bool,
    /// Join, and have the cluster forget that it has quarantined this node
    #[arg(long, conflicts_with_all = ["force_quorum", "prevent_quorum"])]
    clear_quarantine: bool,
}

fn portal(text: &str) -> Result<(String, SocketAddr), String> {
    let parts = text.split_once('=');
    let portal = parts.and_then(|(array, at)| Some((array.to_owned(), at.parse().ok()?)));
    portal.ok_or_else(|| "write ARRAY=ADDRESS:PORT".to_owned())
}

/// The option of the start, with the numbers of the nodes that it names.
fn mode(node: &Node, plan: &Plan) -> anyhow::Result<StartMode> {
    let Some(names) = &node.force_quorum else {
        return Ok(match (node.prevent_quorum, node.clear_quarantine) {
            (true, _) => StartMode::PreventQuorum,
            (_, true) => StartMode::ClearQuarantine,
            _ => StartMode::Normal,
        });
    };
    let node = |name: &String| {
        let node = plan.names.node(name);
        node.with_context(|| format!("the lab has no member `{name}`"))
    };
    let nodes: NodeSet = names.iter().map(node).collect::<anyhow::Result<_>>()?;
    Ok(StartMode::ForceQuorum { nodes })
}

impl Node {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Some(lab) = check::load(&self.file) else {
            return Ok(Exit::Usage);
        };
        let plan = Plan::new(&lab)?;
        let mode = mode(&self, &plan)?;
        let start = NodeStart {
            name: self.name,
            folder: self.state,
            fabric: self.fabric,
            control: self.control,
            portals: self.portals.into_iter().collect::<BTreeMap<_, _>>(),
            outside: self.outside,
            adapters: self.adapters,
            namespace: self.namespace,
            server_service: self.server_service,
            program: std::env::current_exe().context("cannot find my own program")?,
            mark: self.mark,
            epoch_nanos: self.epoch,
            speed: self.speed,
            trace_polls: self.trace_polls,
            trace_frames: self.trace_frames,
            start: mode,
        };
        let options = match start.options(&plan) {
            Ok(options) => options,
            Err(unknown) => {
                output::error(&unknown.to_string());
                return Ok(Exit::Usage);
            }
        };
        let driver = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let reason = driver
            .block_on(runtime::run(options))
            .context("the node cannot run")?;
        Ok(match reason {
            HaltReason::Stopped => Exit::Good,
            _ => Exit::Failed,
        })
    }
}
