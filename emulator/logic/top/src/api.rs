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
    /// Take a resource offline, and what depends on it.
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
