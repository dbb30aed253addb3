//! What a node is started with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use base::{DiskId, NodeId};
use node::NodeConfig;
use scsi::{InitiatorPort, Isid, Lun};

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the node knows before it reads its database.
    pub config: NodeConfig,
    /// Folder of the cluster database.
    pub folder: PathBuf,
    /// The fabric's socket.
    pub fabric: PathBuf,
    /// Where to listen for administrators and faults.
    pub control: PathBuf,
    /// Where each clustered disk is.
    pub disks: BTreeMap<DiskId, DiskPath>,
    /// The command that starts a resource host; its numbers are appended.
    pub rhs: Vec<OsString>,
    /// The lab's socket for what resources serve.
    pub outside: Option<PathBuf>,
    /// Whether it says what it sends, heartbeats apart.
    pub trace_frames: bool,
    /// The server service of its machine; absent: it has none.
    pub server: Option<ServerOptions>,
    /// Mark of this node's processes in their environment.
    pub mark: String,
    /// Epoch of the node's clock, in nanoseconds of the system's monotonic clock.
    pub epoch_nanos: u64,
    /// How many times faster than the world around it runs.
    pub speed: u32,
}

/// The server service of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Where it listens for resource hosts.
    pub socket: PathBuf,
    /// The addresses of virtual servers are those of adapters that this machine has: shares are
    /// offered there. Otherwise they are on a loopback port that the system chooses.
    pub has_adapters: bool,
    /// The machine's network namespace, if it is not that of this process.
    pub namespace: Option<PathBuf>,
}

/// Where a clustered disk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskPath {
    /// Address of the target.
    pub portal: SocketAddr,
    /// Its iSCSI name.
    pub target: String,
    /// The disk's number there.
    pub lun: Lun,
}

/// The nodes' iSCSI names, but for the number at their end.
pub const INITIATOR_NAME: &str = "iqn.2026-01.example.looksalive:node-";

/// The initiator port of a node; always the same, so that a node finds its registrations again.
#[must_use]
pub fn initiator_port(node: NodeId) -> InitiatorPort {
    InitiatorPort::new(
        format!("{INITIATOR_NAME}{node}"),
        Isid([0x80, 0, 0, 0, 0, 1]),
    )
}
