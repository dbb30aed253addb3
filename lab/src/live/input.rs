//! What reaches a running lab from its threads.

use std::os::unix::net::UnixStream;

use base::{DiskId, IoId, NodeId, RequestId};
use bottom::share::ShareRequest;
use rhs::outside::ToLab;
use runtime::telemetry::Said;
use sim::workload::Look;
use top::api::AdminReply;

use crate::machine::MachineId;

/// A connection of a resource host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A life of a node said something.
    Said {
        node: NodeId,
        life: u32,
        said: Box<Said>,
    },
    /// A life of a node has ended.
    Ended { node: NodeId, life: u32 },
    /// A node asks the file server of the witness share for something.
    Share {
        node: NodeId,
        io: IoId,
        request: ShareRequest,
    },
    /// A resource host connects.
    Connected(ConnectionId, UnixStream),
    /// A resource host says something.
    Outside(ConnectionId, ToLab),
    /// A resource host is gone.
    Gone(ConnectionId),
    /// An administrator's request was answered.
    Replied(RequestId, AdminReply),
    /// The target has another holder for a disk.
    Holder(DiskId, Option<NodeId>),
    /// Somebody has a command for the lab's keeper.
    Order(crate::Order),
    /// A machine has lost or got power without the lab's doing.
    Power(MachineId, bool),
    /// The agent behind a machine's adapters has ended.
    NicEnded { station: usize, life: u32 },
    /// A background client has looked.
    Looked { name: String, look: Look },
    /// A target process has ended.
    TargetEnded(usize),
}
