//! What a node says about itself: typed notices for the event log, the timeline and the checkers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::{
    DiskId, GroupId, GroupState, HostId, Incarnation, InterfaceState, NetworkId, NetworkState,
    NodeId, NodeSet, PaxosTag, RegroupStage, ResourceEvent, ResourceId, ResourceState,
    ServiceEvent, StateChangeCause, Timestamp, ViewId, VolumeState,
};

/// Why the cluster service of a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HaltReason {
    /// The view has too few votes (event 1177, error 5925).
    QuorumLost,
    /// The surviving view excludes this node; it must rejoin.
    RemovedFromMembership,
    /// The local replica of the cluster database could not be written; ending avoids that it
    /// differs from the others (seed 001, Database Manager; event 1073).
    DatabaseFailed,
    /// The cluster database could not be read at start: it is missing or corrupt (event 1057).
    DatabaseUnreadable,
    /// A global update failed here while it succeeded elsewhere (seed 001, Global Update Manager).
    UpdateFailed,
    /// An administrator stopped the service.
    Stopped,
    /// Another side of the cluster was formed by an administrator's word and is the one that
    /// counts (event 5396); this node must rejoin.
    ForcedElsewhere,
    /// An administrator evicted this node from the cluster; what it keeps of the cluster database
    /// is to be removed.
    Evicted,
}

impl HaltReason {
    /// Whether nobody asked for it, so that the service control manager starts it again.
    #[must_use]
    pub fn is_unplanned(self) -> bool {
        !matches!(self, Self::Stopped | Self::Evicted)
    }

    /// The number of the event by which the product tells of it, if it has one.
    #[must_use]
    pub fn event_id(self) -> Option<u16> {
        match self {
            Self::DatabaseUnreadable => Some(1057),
            Self::DatabaseFailed => Some(1073),
            Self::QuorumLost => Some(1177),
            Self::ForcedElsewhere => Some(5396),
            Self::RemovedFromMembership | Self::UpdateFailed | Self::Stopped | Self::Evicted => {
                None
            }
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::QuorumLost => "quorum lost",
            Self::RemovedFromMembership => "removed from active membership",
            Self::DatabaseFailed => "cluster database could not be written",
            Self::DatabaseUnreadable => "cluster database could not be read",
            Self::UpdateFailed => "global update failed on this node",
            Self::Stopped => "stopped by an administrator",
            Self::ForcedElsewhere => "another side has quorum by an administrator's word",
            Self::Evicted => "evicted from the cluster",
        }
    }
}

impl fmt::Display for HaltReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// How an arbitration for the witness ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WitnessVerdict {
    /// The witness votes for this view.
    Won,
    /// Another node defends it.
    Lost,
    /// It could not be reached.
    Unreachable,
}

/// What became of a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerChange {
    /// It is online now.
    Came,
    /// It is no longer online.
    Went,
    /// It is online elsewhere, or made of other parts.
    Changed,
}

impl ServerChange {
    /// The word for people and plug-ins.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Came => "came",
            Self::Went => "went",
            Self::Changed => "changed",
        }
    }
}

/// Why a connection of another node was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionRefusal {
    /// It speaks another version (event 1547).
    Version,
    /// It belongs to another cluster.
    ClusterName,
    /// No node of that number has that name in this cluster (event 1571).
    NodeName,
    /// It could not prove that it belongs to the cluster (event 1570).
    Unproven,
}

impl ConnectionRefusal {
    /// The number of the event by which the product tells of it, if it has one.
    #[must_use]
    pub fn event_id(self) -> Option<u16> {
        match self {
            Self::Version => Some(1547),
            Self::Unproven => Some(1570),
            Self::NodeName => Some(1571),
            Self::ClusterName => None,
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Version => "another version",
            Self::ClusterName => "another cluster",
            Self::NodeName => "not a node of this cluster",
            Self::Unproven => "not proven to belong to this cluster",
        }
    }
}

/// One thing that happened on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The cluster service started.
    ServiceStarted { incarnation: Incarnation },
    /// The cluster service ends; nothing follows.
    Halted { reason: HaltReason },
    /// An interface of this node changed its link.
    InterfaceChanged { network: NetworkId, up: bool },
    /// A network of the cluster has another state, as all members have it.
    NetworkState {
        network: NetworkId,
        state: NetworkState,
    },
    /// An interface of a node has another state, as all members have it.
    InterfaceState {
        node: NodeId,
        network: NetworkId,
        state: InterfaceState,
    },
    /// The host manager accepted a raw connection of `peer` and handed it to security.
    ConnectionAccepted { peer: NodeId },
    /// The connection with `peer` is secured; its routes may come up.
    ConnectionSecured { peer: NodeId },
    /// `peer` was not connected, or would not connect this node.
    ConnectionRefused {
        peer: NodeId,
        reason: ConnectionRefusal,
    },
    /// The connection with `peer` was not secured in time (event 1282).
    HandshakeTimedOut { peer: NodeId },
    /// A frame was dropped by the security manager: `total` of them so far, for whatever reason.
    FramesRefused { total: u64 },
    /// Heartbeats of `peer` are answered again on `network`.
    RouteUp { network: NetworkId, peer: NodeId },
    /// `peer` missed too many heartbeats on `network`; `last_heard` is its last reply.
    RouteDown {
        network: NetworkId,
        peer: NodeId,
        last_heard: Timestamp,
    },
    /// The last route to `peer` is down.
    PeerLost { peer: NodeId, last_heard: Timestamp },
    /// A first route to `peer` is up.
    PeerFound { peer: NodeId },
    /// A regroup entered a stage.
    Regroup { epoch: u64, stage: RegroupStage },
    /// A view was agreed on.
    ViewInstalled { view: ViewId, members: NodeSet },
    /// The view `view` ended here, followed by `next`, with so many multicasts of each member
    /// delivered in it.
    ViewClosed {
        view: ViewId,
        next: ViewId,
        delivered: BTreeMap<NodeId, u64>,
    },
    /// The causal multicast number `sequence` of `from` was delivered; its time stamp says how many
    /// multicasts of each other member have to come before it.
    CausallyDelivered {
        view: ViewId,
        from: NodeId,
        sequence: u64,
        after: BTreeMap<NodeId, u64>,
    },
    /// This node was out of the cluster and is now an active member: it formed the cluster
    /// (`formed`) or joined it.
    Joined { formed: bool },
    /// A node left the active membership (event 1135).
    NodeRemoved { node: NodeId },
    /// A node became an active member.
    NodeAdded { node: NodeId },
    /// A node was lost and the virtual machines on it are left to it for a while (event 1673).
    NodeIsolated { node: NodeId },
    /// A node is no longer isolated: it came back, or its time is over (event 1680).
    NodeIsolationEnded { node: NodeId },
    /// A node left too often and is kept out for a while (event 1672).
    NodeQuarantined { node: NodeId },
    /// A quarantined node was not let in (event 1675).
    JoinerQuarantined { node: NodeId },
    /// This node was not let in because it is quarantined (event 1676).
    Quarantined,
    /// The group's virtual machines run on an isolated node, and nobody looks after them (event
    /// 1681).
    GroupUnmonitored { group: GroupId },
    /// The group is looked after again, here or elsewhere (event 1682).
    GroupMonitored { group: GroupId },
    /// A node is no longer configured (event 1011).
    NodeEvicted { node: NodeId },
    /// The view has quorum by an administrator's word alone: `have` of `total` votes, `needed` for
    /// quorum (ForceQuorum).
    QuorumForced { have: u32, needed: u32, total: u32 },
    /// Votes were counted: `have` of `total`, `needed` for quorum.
    QuorumCounted {
        have: u32,
        needed: u32,
        total: u32,
        held: bool,
    },
    /// No cluster was formed: the nodes that are here may not have the newest configuration, with
    /// `have` of `total` votes where `needed` are (event 5398).
    NewestConfigurationAbsent { have: u32, needed: u32, total: u32 },
    /// The cluster does not know this node as a member (event 1093).
    NotAMember,
    /// The cloud witness was not reached (event 1568).
    CloudWitnessUnreachable,
    /// Exactly one vote is missing, so the witness is tried: `have` votes without it, `needed` for
    /// quorum.
    WitnessNeeded { have: u32, needed: u32 },
    /// The arbitration for the witness ended.
    WitnessArbitrated { verdict: WitnessVerdict },
    /// A witness stopped working while the cluster ran (event 1558).
    WitnessFailed,
    /// A disk of the cluster appeared on this machine, with this signature; it is offline until
    /// this node owns it.
    DiskAppeared { disk: DiskId, signature: u32 },
    /// A disk's reservation is being fought for: somebody else's key was found on it.
    DiskChallenged { disk: DiskId },
    /// The disk's reservation is held by this node.
    DiskHeld { disk: DiskId },
    /// Arbitration for the disk failed.
    DiskArbitrationLost { disk: DiskId },
    /// The disk refuses persistent reservations altogether, so no node of 2008 or later can own it
    /// (reference section 5.2: storage must implement them).
    DiskWithoutReservations { disk: DiskId },
    /// A reservation that was held is gone (event 1038).
    DiskLost { disk: DiskId },
    /// The volume of a disk could not be used when its root was listed.
    VolumeFailed { disk: DiskId, fault: VolumeFault },
    /// The reservation was given back.
    DiskReleased { disk: DiskId },
    /// A cluster shared volume is reached in another way on this node (events 5120 to 5157).
    SharedVolume { disk: DiskId, state: VolumeState },
    /// The lock of the global update manager moved.
    LockOwner { owner: NodeId },
    /// A global update changed the cluster database.
    UpdateCommitted { tag: PaxosTag },
    /// This node's replica was replaced or brought up to `tag`.
    Reconciled { tag: PaxosTag },
    /// A group has another owner.
    GroupMoved {
        group: GroupId,
        from: Option<NodeId>,
        to: NodeId,
        cause: StateChangeCause,
    },
    /// A group's derived state changed, as its owner sees it.
    GroupState { group: GroupId, state: GroupState },
    /// A resource changed its state on this node.
    ResourceState {
        resource: ResourceId,
        from: ResourceState,
        to: ResourceState,
        cause: StateChangeCause,
    },
    /// LooksAlive answered no; IsAlive follows at once.
    LooksAliveFailed { resource: ResourceId },
    /// IsAlive answered no; the resource fails and is terminated.
    IsAliveFailed { resource: ResourceId },
    /// IsAlive was asked, for timing cases.
    IsAliveAsked {
        resource: ResourceId,
        after_looks_alive: bool,
    },
    /// LooksAlive was asked, for timing cases.
    LooksAliveAsked { resource: ResourceId },
    /// A failed resource is started again on the same node: attempt `attempt` in the window (event
    /// 1635).
    RestartScheduled {
        resource: ResourceId,
        attempt: u32,
        delay: Duration,
    },
    /// An address was not taken: another machine answers for it (event 1049).
    AddressInUse { resource: ResourceId },
    /// A share did not come online; `code` is the product's number of what was in the way (event
    /// 1053).
    ShareNotCreated { resource: ResourceId, code: u32 },
    /// A share that is online was not found under its network name (event 1055).
    ShareNotFound { resource: ResourceId },
    /// A failed resource has used up its restarts (event 1069) and affects its group.
    RestartsExhausted { resource: ResourceId },
    /// A group has used up its failovers and stays where it is (event 1254).
    FailoversExhausted { group: GroupId },
    /// No node can take the group.
    NoOwnerAvailable { group: GroupId },
    /// A move of the group waits until its target can take it.
    MoveQueued { group: GroupId, to: Option<NodeId> },
    /// A queued move of the group did not come to its end (event 1155).
    QueuedMoveFailed { group: GroupId },
    /// The group goes offline because `by`, of a higher priority, lacks resources (event 1251).
    GroupPreempted { group: GroupId, by: GroupId },
    /// The group stays offline: `with`, which it avoids, is on the same node.
    AntiAffinityConflict { group: GroupId, with: GroupId },
    /// The group starts only after `on`.
    GroupWaits { group: GroupId, on: GroupId },
    /// A group could not be moved off a node that is drained (event 1137).
    DrainMoveFailed { group: GroupId },
    /// The drain of this node has ended; if it failed, something stayed (event 1677).
    DrainEnded { completed: bool },
    /// A checkpoint of a resource could not be put in place before it came online (events 1024 and
    /// 1121).
    CheckpointNotRestored {
        resource: ResourceId,
        crypto: bool,
        name: String,
    },
    /// A virtual server came, went or changed; every member says so. `node` is where it is or was.
    VirtualServer {
        name: String,
        node: NodeId,
        change: ServerChange,
    },
    /// A resource noticed its own failure and signalled it.
    FailureSignalled { resource: ResourceId },
    /// Something happened to a network name in the directory: the product's event, and the Win32
    /// status that it names (directory fact sheet, section 8).
    NetworkName {
        resource: ResourceId,
        event: u16,
        status: u32,
    },
    /// An entry point did not return in time (event 1230).
    EntryPointTimedOut { resource: ResourceId },
    /// A resource has something of its own to report.
    OfResource {
        resource: ResourceId,
        event: ResourceEvent,
    },
    /// The cluster service has something of its own to report.
    OfService { event: ServiceEvent },
    /// A group is not wholly online, and nothing more is done about it now (event 1205).
    GroupIncomplete { group: GroupId },
    /// Communication with a member was lost and is back, and it stayed a member (event 1592).
    ConnectionRestored { peer: NodeId },
    /// A resource host process ended (event 1146).
    HostExited { host: HostId },
    /// The cluster service refused something for a reason that people should see.
    Refused { what: String },
}

impl Notice {
    /// The id under which the product logs this (reference section 9), if it has one.
    #[must_use]
    pub fn event_id(&self) -> Option<u16> {
        Some(match self {
            Self::NodeRemoved { .. } => 1135,
            Self::Halted { reason } => return reason.event_id(),
            Self::OfResource { event, .. } => event.id(),
            Self::OfService { event } => event.id(),
            Self::GroupIncomplete { .. } => 1205,
            Self::ConnectionRestored { .. } => 1592,
            Self::NodeEvicted { .. } => 1011,
            Self::NotAMember => 1093,
            Self::CloudWitnessUnreachable => 1568,
            Self::NewestConfigurationAbsent { .. } => 5398,
            Self::NodeQuarantined { .. } => 1672,
            Self::NodeIsolated { .. } => 1673,
            Self::JoinerQuarantined { .. } => 1675,
            Self::Quarantined => 1676,
            Self::NodeIsolationEnded { .. } => 1680,
            Self::GroupUnmonitored { .. } => 1681,
            Self::GroupMonitored { .. } => 1682,
            Self::WitnessFailed => 1558,
            Self::DiskLost { .. } => 1038,
            Self::VolumeFailed { fault, .. } => fault.event_id(),
            Self::SharedVolume { state, .. } => return state.event_id(),
            Self::AddressInUse { .. } => 1049,
            Self::ShareNotCreated { .. } => 1053,
            Self::ShareNotFound { .. } => 1055,
            Self::RestartsExhausted { .. } => 1069,
            // Which of a failure's two events is logged when is unsourced: here the informational
            // one goes with a restart, the error with its end.
            Self::RestartScheduled { .. } => 1635,
            Self::FailoversExhausted { .. } => 1254,
            Self::CheckpointNotRestored { crypto: false, .. } => 1024,
            Self::CheckpointNotRestored { crypto: true, .. } => 1121,
            Self::QueuedMoveFailed { .. } => 1155,
            Self::GroupPreempted { .. } => 1251,
            Self::DrainMoveFailed { .. } => 1137,
            Self::DrainEnded { completed: false } => 1677,
            Self::NetworkName { event, .. } => *event,
            Self::EntryPointTimedOut { .. } => 1230,
            Self::HostExited { .. } => 1146,
            Self::InterfaceChanged { up: false, .. }
            | Self::InterfaceState {
                state: InterfaceState::Failed,
                ..
            } => 1127,
            Self::InterfaceState {
                state: InterfaceState::Unreachable,
                ..
            } => 1125,
            Self::NetworkState {
                state: NetworkState::Partitioned,
                ..
            } => 1129,
            Self::NetworkState {
                state: NetworkState::Down,
                ..
            } => 1130,
            Self::HandshakeTimedOut { .. } => 1282,
            Self::ConnectionRefused { reason, .. } => return reason.event_id(),
            _ => return None,
        })
    }
}

/// What was found instead of a volume whose root can be listed (reference section 9, events 1034,
/// 1035 and 1037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VolumeFault {
    /// The disk has no partition table, so not the signature that is expected.
    Missing,
    /// The disk does not let itself be read.
    Unreadable,
    /// What is on it is no file system, or one that makes no sense.
    Corrupt,
}

impl VolumeFault {
    /// The number of the event by which the product tells of it.
    #[must_use]
    pub fn event_id(self) -> u16 {
        match self {
            Self::Missing => 1034,
            Self::Unreadable => 1035,
            Self::Corrupt => 1037,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_service_has_the_event_of_its_reason() {
        let id = |reason| Notice::Halted { reason }.event_id();
        assert_eq!(id(HaltReason::DatabaseUnreadable), Some(1057));
        assert_eq!(id(HaltReason::DatabaseFailed), Some(1073));
        assert_eq!(id(HaltReason::QuorumLost), Some(1177));
        assert_eq!(id(HaltReason::Stopped), None);
    }
}
