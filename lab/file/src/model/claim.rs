//! Expectations: what must be true, and when.

use std::net::IpAddr;
use std::time::Duration;

use base::{GroupState, InterfaceState, NetworkState, NodeStanding, NodeState, ResourceState};

use super::{LunRef, NicSelector, Selector};
use crate::position::Position;

/// Something that must be true.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Where the file has it.
    pub position: Position,
    /// The expectation in one line, as the file words it; for reports.
    pub text: String,
    /// When.
    pub timing: Timing,
    /// What.
    pub claim: Claim,
}

/// When an expectation must hold. Nothing set: now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// Must first hold before so much time has passed.
    pub within: Option<Duration>,
    /// Holds from here to the end of the scenario; does not block.
    pub always: bool,
    /// Must hold so long without a break.
    pub held_for: Option<Duration>,
}

/// What must be true.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The cluster as its nodes see it.
    Cluster {
        /// Quorate or not.
        is: ClusterState,
        /// Only these nodes are asked; absent: some running node must say so (quorate), or no
        /// running node may say otherwise (not quorate).
        at: Option<Selector>,
    },
    /// Groups; everything that is given must be true of every group picked.
    Group(GroupClaim),
    /// One resource; everything that is given must be true.
    Resource {
        /// Its group.
        group: String,
        /// Its name.
        resource: String,
        /// Its state.
        is: Option<ResourceState>,
        /// Words in its status text.
        status_contains: Option<String>,
    },
    /// How nodes reach a cluster shared volume.
    Volume {
        /// The group of its disk.
        group: String,
        /// The disk.
        resource: String,
        /// These nodes; absent: every live member.
        nodes: Option<Selector>,
        /// The way.
        is: VolumeWord,
    },
    /// Every network picked is in the state, as the cluster has it.
    Network {
        /// The networks.
        networks: Selector,
        /// The state.
        is: NetworkState,
    },
    /// Every adapter picked is in the state, as the cluster has it.
    Nic {
        /// The adapters.
        nics: NicSelector,
        /// The state.
        is: InterfaceState,
    },
    /// Every node picked is in the state.
    Node {
        /// The nodes.
        nodes: Selector,
        /// The state.
        is: NodeClaim,
    },
    /// The witness.
    Witness(WitnessState),
    /// The votes that the cluster counts.
    Votes {
        /// All votes there are.
        total: Option<u32>,
        /// The votes present.
        have: Option<u32>,
        /// The votes that quorum needs.
        need: Option<u32>,
    },
    /// Who holds the reservation of a logical unit; `None` is `none`.
    LunHolder {
        /// The unit.
        lun: LunRef,
        /// The holder.
        holder: Option<Selector>,
    },
    /// What a name resolves to; empty is `none`.
    Dns {
        /// The name.
        name: String,
        /// Every address that it must resolve to, and no other.
        resolves: Vec<IpAddr>,
    },
    /// A background client.
    Workload {
        /// Its name.
        name: String,
        /// The longest time without an answer, since its target answered first.
        pause_max: Duration,
    },
    /// An event was logged since the latest fault began, or since the start.
    Event {
        /// Its number in the product's event log.
        id: u32,
        /// On these nodes; absent: anywhere.
        node: Option<Selector>,
    },
    /// A line of the cluster log contains a text.
    Log {
        /// The text.
        text: String,
        /// On these nodes; absent: anywhere.
        node: Option<Selector>,
    },
}

/// How a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeClaim {
    /// Its state.
    State(NodeState),
    /// What the cluster thinks of it beside that.
    Standing(NodeStanding),
}

/// What must be true of groups.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupClaim {
    /// The groups.
    pub groups: Selector,
    /// The state.
    pub is: Option<GroupState>,
    /// The owner compared with the owner when the latest fault began, or by name.
    pub node: Option<NodeChange>,
    /// The owner's site.
    pub site: Option<String>,
    /// How many nodes own it.
    pub owners: Option<Bounds>,
}

/// The owner of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeChange {
    /// Another one than when the latest fault began.
    Changed,
    /// The same as when the latest fault began.
    Unchanged,
    /// One of these.
    Is(Selector),
}

/// A number between two bounds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Lowest.
    pub at_least: u32,
    /// Highest; absent: no limit.
    pub at_most: Option<u32>,
}

/// The cluster as its nodes see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterState {
    /// Has quorum.
    Quorate,
    /// Has no quorum.
    NotQuorate,
}

/// State of the witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessState {
    /// Online.
    Online,
    /// Offline.
    Offline,
    /// Failed.
    Failed,
}

/// How a node reaches a cluster shared volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeWord {
    /// Not online.
    Offline,
    /// By itself.
    Direct,
    /// Through the coordinator, because an administrator wants it so.
    FileSystemRedirected,
    /// Through the coordinator, because it has no way to the disk.
    BlockRedirected,
    /// Not at the moment; reads and writes wait.
    Paused,
    /// Maintenance mode.
    Maintenance,
    /// Paused for too long.
    Inaccessible,
    /// Its disk failed on this node.
    DiskFailed,
}
