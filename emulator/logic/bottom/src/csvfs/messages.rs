//! What CSVFS hears, says and tells its peers.

use std::collections::BTreeMap;

use base::{DiskId, NodeId, NodeSet, Notice, VolumeState};

use crate::clusdisk::{DiskReport, Request};

/// What the cluster makes of a shared volume, the same on all members but for the time that an
/// update takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Role {
    /// The member that owns its disk resource: the coordinator, once that is online.
    pub owner: Option<NodeId>,
    /// What became of the disk resource.
    pub phase: Phase,
    /// An administrator has everything go through the coordinator.
    pub redirected: bool,
    /// Maintenance mode.
    pub maintenance: bool,
    /// The present owner got it by a move, not by a failure.
    pub planned: bool,
    /// The members of the view.
    pub members: NodeSet,
}

/// State of the disk resource as far as a file system cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not online, or on its way.
    #[default]
    Down,
    /// Online on its owner.
    Online,
    /// Failed on its owner.
    Failed,
}

/// How this node reaches a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct VolumeFact {
    /// The state.
    pub state: VolumeState,
    /// This node is the coordinator: it alone changes the file system.
    pub is_coordinator: bool,
}

/// A read or write of one page of the file on the volume that every node may write in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageIo {
    /// Read a page.
    Read { page: u32 },
    /// Write a whole page.
    Write { page: u32, data: Vec<u8> },
    /// Ask where the file is. Between nodes only: the coordinator alone knows the file system.
    Open,
}

/// Why a read or write was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IoRefusal {
    /// There is no such volume, or it is not online.
    NotOnline,
    /// Nobody could carry it out for too long.
    TimedOut,
    /// The volume is in maintenance mode.
    Maintenance,
    /// The file has no such page, or there is no file.
    NoSuchPage,
    /// Between nodes: the one asked is not the coordinator.
    NotCoordinator,
    /// Too many wait.
    TooMany,
}

impl IoRefusal {
    /// The reason in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotOnline => "the volume is not online",
            Self::TimedOut => "no node could carry it out in time",
            Self::Maintenance => "the volume is in maintenance mode",
            Self::NoSuchPage => "the volume has no such page",
            Self::NotCoordinator => "the node is not the coordinator",
            Self::TooMany => "too many reads and writes wait",
        }
    }
}

/// How a read or write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IoResult {
    /// The page.
    Read { data: Vec<u8> },
    /// It is on the medium.
    Written,
    /// Where the file is, in pages of the disk.
    Opened { page: u64, pages: u32 },
    /// Not carried out, as far as is known.
    Refused(IoRefusal),
}

/// What travels between file systems of members, within one view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// To the coordinator: carry this out. Answered by `Reply`.
    Request { id: u64, disk: DiskId, io: PageIo },
    /// Back to the node that asked.
    Reply {
        id: u64,
        disk: DiskId,
        result: IoResult,
    },
}

/// What CSVFS hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From rcm: what the cluster makes of its shared volumes, all of them, whenever that changes.
    Roles { roles: BTreeMap<DiskId, Role> },
    /// From clusdisk, of a disk that may carry a shared volume.
    Disk { report: DiskReport },
    /// From rcm: a program on this node reads or writes. Answered by `Done`.
    Io {
        ticket: u64,
        disk: DiskId,
        io: PageIo,
    },
    /// From another member.
    Message { from: NodeId, message: Message },
}

/// What CSVFS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To clusdisk.
    Disk { disk: DiskId, request: Request },
    /// To messaging.
    Send { to: NodeId, message: Message },
    /// To rcm: a read or write ended.
    Done { ticket: u64, result: IoResult },
    /// To the facts.
    Publish { disk: DiskId, fact: VolumeFact },
    /// To the event log.
    Notice(Notice),
}

wire::codec!(struct VolumeFact { state, is_coordinator });
wire::codec!(enum PageIo {
    0 = Read { page },
    1 = Write { page, data },
    2 = Open,
});
wire::codec!(enum IoRefusal {
    0 = NotOnline, 1 = TimedOut, 2 = Maintenance, 3 = NoSuchPage, 4 = NotCoordinator, 5 = TooMany,
});
wire::codec!(enum IoResult {
    0 = Read { data },
    1 = Written,
    2 = Opened { page, pages },
    3 = Refused(why),
});
wire::codec!(enum Message {
    0 = Request { id, disk, io },
    1 = Reply { id, disk, result },
});
