//! From a lab file to what one of its nodes is started with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use node::NodeConfig;
use plan::Plan;
use runtime::{DiskPath, Options, ServerOptions};
use scsi::Lun;

use crate::live::iqn;

/// Where a machine's registry is, in the folder of its database.
pub(crate) const REGISTRY_FOLDER: &str = "registry";

/// What a node is started with, beside the lab file.
#[derive(Clone, Debug)]
pub struct NodeStart {
    /// The member.
    pub name: String,
    /// Folder of its database.
    pub folder: PathBuf,
    /// The fabric's socket.
    pub fabric: PathBuf,
    /// Where it listens for administrators.
    pub control: PathBuf,
    /// Addresses of the targets, by array.
    pub portals: BTreeMap<String, SocketAddr>,
    /// The lab's socket for what resources serve.
    pub outside: Option<PathBuf>,
    /// The agent's socket for addresses, where the machine has adapters of its own.
    pub adapters: Option<PathBuf>,
    /// The machine's network namespace, if it is not that of the node's process.
    pub namespace: Option<PathBuf>,
    /// Where the machine's server service listens; absent: it has none.
    pub server_service: Option<PathBuf>,
    /// Our own program.
    pub program: PathBuf,
    /// Mark of the node's processes.
    pub mark: String,
    /// Epoch of its clock; absent: its start.
    pub epoch_nanos: Option<u64>,
    /// How many times faster than the world around its clock runs.
    pub speed: u32,
    /// Whether every health check is noted.
    pub trace_polls: bool,
    /// Whether everything that it sends is told.
    pub trace_frames: bool,
    /// The option that an administrator starts its service with.
    pub start: base::StartMode,
}

/// A name that is no member of the lab.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a member of the cluster; its members are {members}")]
pub struct UnknownNode {
    /// What was asked for.
    pub name: String,
    /// Who there is.
    pub members: String,
}

impl NodeStart {
    /// The options of the node's process.
    ///
    /// # Errors
    /// When the lab has no such member.
    pub fn options(self, plan: &Plan) -> Result<Options, UnknownNode> {
        let found = plan.members.iter().find(|it| it.machine.name == self.name);
        let Some(member) = found else {
            return Err(UnknownNode {
                name: self.name,
                members: plan.names.nodes.join(", "),
            });
        };
        let adapters = member.machine.adapters.iter();
        let clock = runtime::Clock::start();
        let server = self.server_service.map(|socket| ServerOptions {
            socket,
            has_adapters: self.adapters.is_some(),
            namespace: self.namespace.clone(),
        });
        let mut rhs: Vec<OsString> = vec![self.program.into(), "rhs".into()];
        let about_machine = [
            ("--adapters", self.adapters),
            ("--namespace", self.namespace),
            ("--registry", Some(self.folder.join(REGISTRY_FOLDER))),
        ];
        for (flag, path) in about_machine {
            rhs.extend(path.into_iter().flat_map(|path| [flag.into(), path.into()]));
        }
        for (name, command) in &member.machine.services {
            rhs.extend(["--service".into(), format!("{name}={command}").into()]);
        }
        Ok(Options {
            config: NodeConfig {
                me: member.id,
                interfaces: adapters.map(|(network, _)| *network).collect(),
                generation: plan.generation,
                start: self.start,
                trace_polls: self.trace_polls,
                defaults: plan.defaults.clone(),
            },
            folder: self.folder,
            fabric: self.fabric,
            control: self.control,
            disks: disks(plan, &self.portals),
            rhs,
            outside: self.outside,
            trace_frames: self.trace_frames,
            server,
            mark: self.mark,
            epoch_nanos: self.epoch_nanos.unwrap_or(clock.epoch_nanos()),
            speed: self.speed,
        })
    }
}

fn disks(plan: &Plan, portals: &BTreeMap<String, SocketAddr>) -> BTreeMap<base::DiskId, DiskPath> {
    let path = |disk: &plan::Disk| {
        let array = &plan.arrays.get(disk.array)?.name;
        let path = DiskPath {
            portal: *portals.get(array)?,
            target: iqn(array),
            lun: Lun(disk.lun),
        };
        Some((disk.id, path))
    };
    plan.disks.iter().filter_map(path).collect()
}
