//! What reaches a node from outside.

use base::{HostId, IoId, NetworkId, NodeId, RequestId};
use bottom::share::ShareOutcome;
use bottom::txlog::DiskOutcome;
use top::api::AdminCommand;
use top::rcm::HostReport;

use crate::Frame;

/// Something that happened outside. Time passing is not an event: see `Node::advance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A datagram arrived on a network.
    Frame {
        network: NetworkId,
        from: NodeId,
        frame: Frame,
    },
    /// An operation on the node's own disk ended.
    Disk { io: IoId, outcome: DiskOutcome },
    /// A SCSI command ended.
    Scsi { io: IoId, outcome: scsi::Outcome },
    /// An operation on the witness share ended.
    Share { io: IoId, outcome: ShareOutcome },
    /// An interface of this machine changed its link.
    Interface { network: NetworkId, up: bool },
    /// A resource host reported.
    Host { host: HostId, report: HostReport },
    /// An administrator asked for something.
    Admin {
        request: RequestId,
        command: AdminCommand,
    },
    /// The service control manager asks the cluster service to stop: groups move away first.
    Stop,
}
