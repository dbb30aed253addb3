//! The product's state enumerations with the numbers that its API shows (reference section 1.3).

use std::fmt;

/// State of a resource (CLUSTER_RESOURCE_STATE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ResourceState {
    /// 3: not running anywhere.
    #[default]
    Offline,
    /// 129: coming online.
    OnlinePending,
    /// 2: running on its owner.
    Online,
    /// 130: going offline.
    OfflinePending,
    /// 4: failed; the restart policy decides what follows.
    Failed,
}

impl ResourceState {
    /// The number that the cluster API shows.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Online => 2,
            Self::Offline => 3,
            Self::Failed => 4,
            Self::OnlinePending => 129,
            Self::OfflinePending => 130,
        }
    }

    /// The name as the product prints it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Offline => "Offline",
            Self::OnlinePending => "Online Pending",
            Self::Online => "Online",
            Self::OfflinePending => "Offline Pending",
            Self::Failed => "Failed",
        }
    }

    /// Whether it is on its way between two settled states.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::OnlinePending | Self::OfflinePending)
    }
}

impl fmt::Display for ResourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// State of a group, derived from its resources (CLUSTER_GROUP_STATE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum GroupState {
    /// 0: every resource is online.
    Online,
    /// 1: every resource is offline, or there is none.
    #[default]
    Offline,
    /// 2: at least one resource has failed.
    Failed,
    /// 3: at least one online, none pending or failed.
    PartialOnline,
    /// 4: at least one pending, none failed.
    Pending,
}

impl GroupState {
    /// Derives the state from the resources' states (reference section 1.3, group state
    /// derivation).
    #[must_use]
    pub fn derive(resources: impl IntoIterator<Item = ResourceState>) -> Self {
        let (mut failed, mut pending, mut online, mut offline) = (false, false, false, false);
        for state in resources {
            match state {
                ResourceState::Failed => failed = true,
                ResourceState::OnlinePending | ResourceState::OfflinePending => pending = true,
                ResourceState::Online => online = true,
                ResourceState::Offline => offline = true,
            }
        }
        match (failed, pending, online, offline) {
            (true, ..) => Self::Failed,
            (_, true, ..) => Self::Pending,
            (_, _, true, false) => Self::Online,
            (_, _, true, true) => Self::PartialOnline,
            (_, _, false, _) => Self::Offline,
        }
    }

    /// The number that the cluster API shows.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Online => 0,
            Self::Offline => 1,
            Self::Failed => 2,
            Self::PartialOnline => 3,
            Self::Pending => 4,
        }
    }

    /// The name as the product prints it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::Offline => "Offline",
            Self::Failed => "Failed",
            Self::PartialOnline => "Partial Online",
            Self::Pending => "Pending",
        }
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// State of a node (CLUSTER_NODE_STATE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum NodeState {
    /// 0: an active member of the cluster.
    Up,
    /// 1: not a member.
    #[default]
    Down,
    /// 2: a member that takes no new groups.
    Paused,
    /// 3: its service runs and tries to join or form.
    Joining,
}

impl NodeState {
    /// The name as the product prints it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Paused => "Paused",
            Self::Joining => "Joining",
        }
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// What the cluster thinks of a node beside its state (bits of a node's StatusInformation,
/// reference section 1.3; 2016 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum NodeStanding {
    /// 0: nothing special.
    #[default]
    Normal,
    /// 1: out of the membership, with virtual machines that go on running.
    Isolated,
    /// 2: it left too often and may not come back for a while.
    Quarantined,
}

impl NodeStanding {
    /// The bits of StatusInformation.
    #[must_use]
    pub fn status_bits(self) -> u32 {
        match self {
            Self::Normal => 0,
            Self::Isolated => 1,
            Self::Quarantined => 2,
        }
    }

    /// The name as the product prints it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Isolated => "Isolated",
            Self::Quarantined => "Quarantined",
        }
    }
}

/// The four quorum models of 2008 and later (seed 001, Quorum Manager).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuorumModel {
    /// Node Majority.
    NodeMajority,
    /// Node and Disk Majority.
    NodeAndDiskMajority,
    /// Node and File Share Majority.
    NodeAndFileShareMajority,
    /// No Majority: Disk Only.
    DiskOnly,
}

impl QuorumModel {
    /// The name as the product prints it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NodeMajority => "Node Majority",
            Self::NodeAndDiskMajority => "Node and Disk Majority",
            Self::NodeAndFileShareMajority => "Node and File Share Majority",
            Self::DiskOnly => "No Majority: Disk Only",
        }
    }
}

/// What the quorum manager knows of the current view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum QuorumState {
    /// No view yet, or too few votes for it.
    #[default]
    Absent,
    /// Exactly one vote short; the witness is being arbitrated for.
    Arbitrating,
    /// The view has quorum.
    Held,
}

/// Why a group or resource changed its state (CLUSTER_RESOURCE_STATE_CHANGE_REASON, reference
/// section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StateChangeCause {
    /// 0.
    #[default]
    Unknown,
    /// 1: an administrator moved it.
    Move,
    /// 2: its node or its resource failed.
    Failover,
    /// 3: a move that did not succeed and went back.
    FailedMove,
    /// 4: the node shuts down.
    Shutdown,
}

/// State of a network (CLUSTER_NETWORK_STATE, reference section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkState {
    /// 0: no member of the view is attached.
    Unavailable,
    /// 1: nobody can communicate over it.
    Down,
    /// 2: some of the attached nodes cannot communicate with each other.
    Partitioned,
    /// 3: it works.
    Up,
}

impl NetworkState {
    /// The state in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unavailable => "Unavailable",
            Self::Down => "Down",
            Self::Partitioned => "Partitioned",
            Self::Up => "Up",
        }
    }
}

/// State of a network interface (CLUSTER_NETINTERFACE_STATE, reference section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfaceState {
    /// 0: its node is not a member of the view.
    Unavailable,
    /// 1: it has no link.
    Failed,
    /// 2: it has a link and reaches nobody.
    Unreachable,
    /// 3: it works.
    Up,
}

impl InterfaceState {
    /// The state in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unavailable => "Unavailable",
            Self::Failed => "Failed",
            Self::Unreachable => "Unreachable",
            Self::Up => "Up",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceState::{Failed, Offline, Online, OnlinePending};

    #[test]
    fn a_group_state_follows_from_its_resources() {
        let cases: [(&[ResourceState], GroupState); 7] = [
            (&[], GroupState::Offline),
            (&[Offline, Offline], GroupState::Offline),
            (&[Online, Online], GroupState::Online),
            (&[Online, Offline], GroupState::PartialOnline),
            (&[Online, OnlinePending], GroupState::Pending),
            (&[OnlinePending, Failed], GroupState::Failed),
            (&[Online, Failed], GroupState::Failed),
        ];
        for (resources, expected) in cases {
            assert_eq!(
                GroupState::derive(resources.iter().copied()),
                expected,
                "{resources:?}"
            );
        }
    }
}
