//! What the cluster disk driver hears and says.

use std::time::Duration;

use base::{DiskFence, DiskId, IoId, NodeSet, Notice};
use volume::SharedFile;

/// What is known of a disk that this node holds or fights for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DiskFact {
    /// The reservation is this node's.
    pub held: bool,
    /// The last periodic check of the reservation succeeded: the flag that LooksAlive of a
    /// physical disk reads (reference section 2).
    pub healthy: bool,
}

/// What rcm or quorum asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Take the disk's reservation, by challenge if another node holds it, and defend it until
    /// `Release`. Ends in `Held` or `ArbitrationLost`.
    Arbitrate,
    /// Stop defending and give the reservation back. Ends in `Released`.
    Release,
    /// The disk carries a cluster shared volume, and these nodes may be registered beside the
    /// owner. Holds from now on; not answered.
    Share { with: NodeSet },
    /// Register beside the owner, without the reservation, and see to it that this stays so until
    /// `Arbitrate` or `Release`. Answered by `Attached` whenever that changes, or by `Fenced`.
    Attach,
    /// List the root of the disk's volume, as IsAlive does. Ends in `Checked`.
    Check,
    /// Read pages of [`PAGE_BYTES`](super::PAGE_BYTES) from `page` on. Ends in `Read`.
    Read { page: u64, pages: u32 },
    /// Write `data`, whole pages, from `page` on and make it durable. Ends in `Written`.
    Write { page: u64, data: Vec<u8> },
}

/// What the cluster disk driver reports of one disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The reservation is held and defended.
    Held,
    /// Another node defends it, or the disk does not answer.
    ArbitrationLost { unreachable: bool },
    /// A reservation that was held is gone: preempted, cleared or the disk does not answer.
    Lost,
    /// The reservation was given back, or was not held.
    Released,
    /// The root of the volume could be listed or not.
    Checked { ok: bool },
    /// What was read; `None` when the disk refused.
    Read { data: Option<Vec<u8>> },
    /// Whether the data is on the medium.
    Written { ok: bool },
    /// Whether this node, which is not the owner, is registered and has a way to the disk.
    Attached { ok: bool },
    /// Somebody took the registration of this node out.
    Fenced,
    /// Where the shared file is on the volume that was just listed; comes before `Checked`.
    SharedFile(SharedFile),
}

/// A report together with its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskReport {
    /// The disk.
    pub disk: DiskId,
    /// What happened to it.
    pub report: Report,
}

impl DiskReport {
    /// Whether a read or a write has ended.
    #[must_use]
    pub fn is_transfer(&self) -> bool {
        matches!(self.report, Report::Read { .. } | Report::Written { .. })
    }
}

/// What the cluster disk driver hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From rcm or database.
    Request { disk: DiskId, request: Request },
    /// From the shell: a SCSI command or a reset ended.
    Done { io: IoId, outcome: scsi::Outcome },
    /// From the router: timing settings of the hive.
    Configure {
        interval: Duration,
        challenge_wait: Duration,
        settle_wait: Duration,
        fence: DiskFence,
    },
}

/// What the cluster disk driver says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the shell.
    Scsi {
        io: IoId,
        disk: DiskId,
        command: scsi::Command,
    },
    /// To the shell: reset the unit (2003).
    Reset { io: IoId, disk: DiskId },
    /// To whoever asked, after the fact is written.
    Report(DiskReport),
    /// To the facts.
    Publish { disk: DiskId, fact: DiskFact },
    /// To the event log.
    Notice(Notice),
}
