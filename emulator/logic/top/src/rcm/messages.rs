//! What the resource control manager hears, says, tells its peers and asks of resource hosts.

use std::collections::{BTreeMap, BTreeSet};

use base::{
    CallId, DiskId, HostId, NetworkId, NodeId, NodeSet, Notice, PaxosTag, QuorumState, RequestId,
    ResourceId, ResourceState,
};
use bottom::{clusdisk, csvfs, share};
use middle::database::{Change, Update};
use middle::gum;
use middle::object::Object;

use crate::api::{AdminCommand, AdminReply};
use crate::restype::{Checkpoint, CheckpointKey, NameReport, ResourceSpec};

/// The eleven entry points of a resource DLL, in the order of its function table (reference section
/// 1.4). A host carries out one at a time per resource, except that Terminate may overtake another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// Make the instance; leave the entity offline.
    Open(ResourceSpec),
    /// Bring it online. May end as `Pending`.
    Online(ResourceSpec),
    /// Take it offline gracefully. May end as `Pending`.
    Offline,
    /// End it at once.
    Terminate,
    /// The quick check.
    LooksAlive,
    /// The thorough check.
    IsAlive,
    /// Remove the instance.
    Close,
    /// Fight for the resource as the quorum resource; types that can be a witness only.
    Arbitrate,
    /// Stop defending what Arbitrate won.
    Release,
    /// A control code for the resource. `Failure { code: 1 }` (ERROR_INVALID_FUNCTION) asks the
    /// cluster service for its default handling.
    ResourceControl { code: u32, input: Vec<u8> },
    /// A control code for the type of the resource, called where one of its resources lives.
    ResourceTypeControl { code: u32, input: Vec<u8> },
}

impl EntryPoint {
    /// The product's name of the entry point.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Open(_) => "Open",
            Self::Online(_) => "Online",
            Self::Offline => "Offline",
            Self::Terminate => "Terminate",
            Self::LooksAlive => "LooksAlive",
            Self::IsAlive => "IsAlive",
            Self::Close => "Close",
            Self::Arbitrate => "Arbitrate",
            Self::Release => "Release",
            Self::ResourceControl { .. } => "ResourceControl",
            Self::ResourceTypeControl { .. } => "ResourceTypeControl",
        }
    }
}

/// How an entry point returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryResult {
    /// ERROR_SUCCESS, or TRUE of a check.
    Success,
    /// ERROR_SUCCESS of Online, or its worker's success, together with an event handle: the
    /// resource is never asked LooksAlive, its failure comes as `HostReport::Signalled`.
    Watched,
    /// ERROR_IO_PENDING: a worker goes on; `HostReport::Status` ends it.
    Pending,
    /// FALSE of a check, or any other error code.
    Failure { code: u32 },
}

/// What rcm asks of a resource host process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostCommand {
    /// Start the process. Answered by `Started`.
    Start,
    /// Kill the process; everything it runs ends. Answered by `Exited`.
    Kill,
    /// Call an entry point. Answered by `Returned`, or never if it hangs.
    Call {
        call: CallId,
        resource: ResourceId,
        entry: EntryPoint,
    },
    /// Put the content of a resource's checkpoints in place, over whatever is there, and watch
    /// them from now on until its Offline or Terminate. Answered by `Restored`.
    Restore {
        resource: ResourceId,
        checkpoints: Vec<Checkpoint>,
    },
}

/// What a resource host process reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostReport {
    /// The process runs.
    Started,
    /// An entry point returned.
    Returned {
        call: CallId,
        resource: ResourceId,
        result: EntryResult,
    },
    /// A control code was carried out, with what it answers. Ends the call as `Returned` does.
    Controlled {
        call: CallId,
        resource: ResourceId,
        output: Vec<u8>,
    },
    /// The event handle that Online gave was signalled: the resource noticed its own failure.
    Signalled { resource: ResourceId },
    /// What became of a network name in the directory.
    Name {
        resource: ResourceId,
        report: NameReport,
    },
    /// The checkpoints are in place, except those that could not be put there.
    Restored {
        resource: ResourceId,
        failed: Vec<CheckpointKey>,
    },
    /// A watched checkpoint has changed. Before Offline returns, whatever has changed is reported.
    Saved {
        resource: ResourceId,
        key: CheckpointKey,
        data: Vec<u8>,
    },
    /// SetResourceStatus of a pending resource: still working, or finished with a result.
    Status {
        resource: ResourceId,
        result: Option<EntryResult>,
    },
    /// The process ended: killed or crashed. All its resources ended with it.
    Exited,
}

/// What travels between resource control managers, within one view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// To the node that a request is about or that owns its group: carry it out. It came in at
    /// the sender. Answered by `Reply`.
    Command {
        request: RequestId,
        command: AdminCommand,
    },
    /// Back to the node where the request came in.
    Reply {
        request: RequestId,
        reply: AdminReply,
    },
}

/// What the resource control manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From gum: the view is quorate and open; `formed` when nobody was active before. Groups of
    /// nodes outside the view are orphaned.
    Opened { formed: bool },
    /// From membership: this active node looks for a view with quorum; the rest of the cluster may
    /// go on without it.
    Undecided,
    /// From membership: a new view is being agreed on; proposals fail until `Opened`.
    Closed,
    /// From quorum: what the current view has of it.
    Quorum { state: QuorumState },
    /// From database: an update was applied; hive and object table facts already show it.
    Applied { update: Update },
    /// From gum: a proposal of ours ended.
    Done {
        ticket: gum::Ticket,
        result: Result<PaxosTag, gum::Failure>,
    },
    /// From a resource host of this node.
    Host { host: HostId, report: HostReport },
    /// From the checkpoint manager: a resource's checkpoints are in place.
    Restored { resource: ResourceId },
    /// From clusdisk.
    Disk { report: clusdisk::DiskReport },
    /// From csvfs: what a program read or wrote ended.
    VolumeIo {
        ticket: u64,
        result: csvfs::IoResult,
    },
    /// From the witness share's client.
    Share { report: share::Output },
    /// From an administrator at this node.
    Command {
        request: RequestId,
        command: AdminCommand,
    },
    /// From another member.
    Message { from: NodeId, message: Message },
    /// From quorum: get the witness for this node; answered by the report of clusdisk or of the
    /// share's client, which the router shows to quorum as well. The core group may still be
    /// elsewhere or nowhere; when it comes online here, its witness resource finds the witness
    /// held.
    WitnessNeeded,
    /// From database: the replica on the witness disk failed; fail the witness resource.
    WitnessFailed,
    /// From the node: the service is to stop. Groups move away, or go offline where nobody can
    /// take them; ends in `Stopped`.
    Stop,
    /// From netft: an interface of this node changed (flag of the IP Address resource).
    Interface { network: NetworkId, up: bool },
}

/// What the resource control manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To gum.
    Propose {
        ticket: gum::Ticket,
        changes: Vec<Change>,
    },
    /// To the shell.
    Host { host: HostId, command: HostCommand },
    /// To the checkpoint manager: bring these to the node before the resource comes online.
    Restore {
        resource: ResourceId,
        host: HostId,
        keys: Vec<CheckpointKey>,
    },
    /// To clusdisk.
    Disk {
        disk: DiskId,
        request: clusdisk::Request,
    },
    /// To partmgr: the disks that belong to the cluster, after any change.
    Disks { disks: BTreeSet<DiskId> },
    /// To csvfs: what the cluster makes of its shared volumes, after any change.
    Roles {
        roles: BTreeMap<DiskId, csvfs::Role>,
    },
    /// To csvfs: a program on this node reads or writes.
    VolumeIo {
        ticket: u64,
        disk: DiskId,
        io: csvfs::PageIo,
    },
    /// To the witness share's client.
    Share { request: share::Input },
    /// To messaging.
    Send { to: NodeSet, message: Message },
    /// To the administrator at this node.
    Reply {
        request: RequestId,
        reply: AdminReply,
    },
    /// To the facts: the state of every resource of the groups owned here, after any change.
    Publish {
        running: BTreeMap<ResourceId, ResourceState>,
    },
    /// To the node after `Stop`: nothing runs here any more; the service may end.
    Stopped,
    /// To the event log.
    Notice(Notice),
}

wire::codec!(enum Message {
    0 = Command { request, command },
    1 = Reply { request, reply },
});
wire::codec!(enum EntryPoint {
    0 = Open(spec),
    1 = Online(spec),
    2 = Offline,
    3 = Terminate,
    4 = LooksAlive,
    5 = IsAlive,
    6 = Close,
    7 = Arbitrate,
    8 = Release,
    9 = ResourceControl { code, input },
    10 = ResourceTypeControl { code, input },
});
wire::codec!(enum EntryResult {
    0 = Success,
    1 = Pending,
    2 = Failure { code },
    3 = Watched,
});
wire::codec!(enum HostCommand {
    0 = Start,
    1 = Kill,
    2 = Call { call, resource, entry },
    3 = Restore { resource, checkpoints },
});
wire::codec!(enum HostReport {
    0 = Started,
    1 = Returned { call, resource, result },
    2 = Status { resource, result },
    3 = Exited,
    4 = Controlled { call, resource, output },
    5 = Signalled { resource },
    6 = Restored { resource, failed },
    7 = Saved { resource, key, data },
    8 = Name { resource, report },
});

impl Message {
    /// The object that a command is about, if its owner carries it out.
    #[must_use]
    pub fn object(&self) -> Option<Object> {
        let Self::Command { command, .. } = self else {
            return None;
        };
        match command {
            AdminCommand::MoveGroup { group, .. }
            | AdminCommand::QueueMove { group, .. }
            | AdminCommand::OnlineGroup { group }
            | AdminCommand::OfflineGroup { group } => Some(Object::Group(*group)),
            AdminCommand::OnlineResource { resource }
            | AdminCommand::OfflineResource { resource }
            | AdminCommand::FailResource { resource } => Some(Object::Resource(*resource)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::{Codec, Sample};

    use super::{HostCommand, HostReport, Message};

    fn survives<T: Codec + Sample + PartialEq + std::fmt::Debug>(entropy: &[u8]) {
        let value = T::from_entropy(entropy);
        assert_eq!(T::from_bytes(&value.to_bytes()), Ok(value));
    }

    proptest! {
        #[test]
        fn every_word_survives_the_wire(
            entropy in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            survives::<Message>(&entropy);
            survives::<HostCommand>(&entropy);
            survives::<HostReport>(&entropy);
        }

        #[test]
        fn foreign_bytes_are_refused_and_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok(message) = Message::from_bytes(&bytes) {
                prop_assert_eq!(message.to_bytes(), bytes);
            }
        }
    }
}
