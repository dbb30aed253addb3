//! What a node wants done outside, and what the shell promises for each.

use base::{DiskId, HaltReason, HostId, IoId, NetworkId, NodeSet, Notice, RequestId};
use bottom::share::ShareRequest;
use bottom::txlog::DiskRequest;
use top::api::AdminReply;
use top::rcm::HostCommand;

use crate::Frame;

/// One thing to do outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a datagram to each node of `to`. The shell may lose, delay, repeat and reorder it.
    Send {
        network: NetworkId,
        to: NodeSet,
        frame: Frame,
    },
    /// Work on the node's own disk: in order per file, exactly one `Event::Disk` per `io` while
    /// the process lives.
    Disk { io: IoId, request: DiskRequest },
    /// Reset a unit (LOGICAL UNIT RESET): exactly one `Event::Scsi` per `io`, `Good` without data
    /// when it was done.
    ScsiReset {
        /// Its id.
        io: IoId,
        /// The unit.
        disk: DiskId,
    },
    /// Send a SCSI command: exactly one `Event::Scsi` per `io`.
    Scsi {
        io: IoId,
        disk: DiskId,
        command: scsi::Command,
    },
    /// Work on the witness share: exactly one `Event::Share` per `io`.
    Share { io: IoId, request: ShareRequest },
    /// Ask a resource host: at most once; an answer, `Exited`, or silence if it hangs.
    Host { host: HostId, command: HostCommand },
    /// Answer an administrator: delivered at most once.
    Reply {
        request: RequestId,
        reply: AdminReply,
    },
    /// For the event log, tests and traces.
    Notice(Notice),
    /// The cluster service ends: no later effect is performed, and the process and its resource
    /// hosts end.
    Halt(HaltReason),
}
