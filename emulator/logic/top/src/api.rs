//! What administrators ask for, and the answers they get.

use base::{GroupId, NodeId, ResourceId};

/// One request of an administrator. Any member takes it; it reaches the owner by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCommand {
    /// Move a group to `to`, or to the best possible node (reference section 3.1).
    MoveGroup { group: GroupId, to: Option<NodeId> },
    /// Bring a group online and keep it so.
    OnlineGroup { group: GroupId },
    /// Take a group offline and keep it so.
    OfflineGroup { group: GroupId },
    /// Bring a resource online, and what it depends on.
    OnlineResource { resource: ResourceId },
    /// Take a resource offline, and what depends on it. Its dependents come back with it.
    OfflineResource { resource: ResourceId },
    /// Treat a resource as inoperable (FailClusterResource).
    FailResource { resource: ResourceId },
    /// Let a node take no new groups; with `drain`, move its groups away.
    PauseNode { node: NodeId, drain: bool },
    /// End a pause.
    ResumeNode { node: NodeId },
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminReply {
    /// Carried out, or under way where it takes time.
    Done,
    /// Not carried out. `code` is the product's error number; `definite` tells whether it
    /// certainly had no effect.
    Refused {
        code: u32,
        reason: String,
        definite: bool,
    },
}

wire::codec!(enum AdminCommand {
    0 = MoveGroup { group, to },
    1 = OnlineGroup { group },
    2 = OfflineGroup { group },
    3 = OnlineResource { resource },
    4 = OfflineResource { resource },
    5 = FailResource { resource },
    6 = PauseNode { node, drain },
    7 = ResumeNode { node },
});
wire::codec!(enum AdminReply {
    0 = Done,
    1 = Refused { code, reason, definite },
});

/// The product's error numbers that requests are refused with (reference section 9).
pub mod code {
    /// The node has too many requests under way (ERROR_BUSY).
    pub const BUSY: u32 = 170;
    /// ERROR_RESOURCE_NOT_FOUND
    pub const RESOURCE_NOT_FOUND: u32 = 5007;
    /// ERROR_GROUP_NOT_AVAILABLE: nobody owns it now.
    pub const GROUP_NOT_AVAILABLE: u32 = 5012;
    /// ERROR_GROUP_NOT_FOUND
    pub const GROUP_NOT_FOUND: u32 = 5013;
    /// ERROR_HOST_NODE_NOT_GROUP_OWNER
    pub const NOT_GROUP_OWNER: u32 = 5016;
    /// ERROR_INVALID_STATE
    pub const INVALID_STATE: u32 = 5023;
    /// ERROR_RESOURCE_FAILED
    pub const RESOURCE_FAILED: u32 = 5038;
    /// ERROR_CLUSTER_NODE_NOT_FOUND
    pub const NODE_NOT_FOUND: u32 = 5042;
    /// ERROR_CLUSTER_NODE_DOWN
    pub const NODE_DOWN: u32 = 5050;
    /// ERROR_CLUSTER_NODE_PAUSED
    pub const NODE_PAUSED: u32 = 5070;
    /// ERROR_NODE_CANNOT_HOST_RESOURCE
    pub const NODE_CANNOT_HOST: u32 = 5071;
    /// ERROR_CLUSTER_GROUP_MOVING
    pub const GROUP_MOVING: u32 = 5908;
    /// ERROR_CLUSTER_NO_QUORUM
    pub const NO_QUORUM: u32 = 5925;
}
