//! The cluster: members, witness, quorum, heartbeats, groups.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Generation, QuorumModel};

use super::{LunRef, Resource};
use crate::position::Position;

/// The cluster of the lab.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Network name of the cluster, at most 15 characters.
    pub name: String,
    /// Where the file names it.
    pub position: Position,
    /// Addresses of the cluster name; more than one when any of them will do.
    pub addresses: Vec<Ipv4Addr>,
    /// The product version whose documented defaults and behaviours hold.
    pub generation: Generation,
    /// Names of the member nodes, in order of joining: node ids count up from one in this order.
    pub members: Vec<String>,
    /// The witness.
    pub witness: Witness,
    /// How quorum is counted.
    pub quorum: Quorum,
    /// When a silent node counts as lost.
    pub heartbeat: Heartbeat,
    /// How long a regroup takes.
    pub regroup: Regroup,
    /// When the reservation of a disk is looked at and challenged.
    pub disk_arbitration: DiskArbitration,
    /// How patient it is with nodes that it loses.
    pub resiliency: Resiliency,
    /// How long after a halt that no administrator asked for the cluster service starts again.
    pub service_restart: Option<Duration>,
    /// A group stays offline rather than share a node with one that it avoids.
    pub enforced_anti_affinity: bool,
    /// The groups, in file order.
    pub groups: Vec<Group>,
}

/// What casts the extra vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witness {
    /// Nothing.
    None,
    /// A disk.
    Disk(LunRef),
    /// A file share on an endpoint.
    Share(String),
    /// A blob on an endpoint.
    Cloud(String),
}

/// How quorum is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// The model, given or derived from the witness.
    pub model: QuorumModel,
    /// Votes follow the membership (`DynamicQuorum`).
    pub dynamic: Option<bool>,
    /// The witness vote follows the number of node votes (`WitnessDynamicWeight`).
    pub dynamic_witness: Option<bool>,
    /// The node that loses its vote in an even split (`LowerQuorumPriorityNodeID`).
    pub lower_priority_node: Option<String>,
}

/// When a silent node counts as lost, by where the two nodes stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// Same subnet (`SameSubnetDelay`, `SameSubnetThreshold`).
    pub same_subnet: HeartbeatPath,
    /// Different subnets (`CrossSubnetDelay`, `CrossSubnetThreshold`).
    pub cross_subnet: HeartbeatPath,
    /// Different sites (`CrossSiteDelay`, `CrossSiteThreshold`, 2016 and later).
    pub cross_site: HeartbeatPath,
}

/// How patient the cluster is with nodes that it loses; absent: the generation's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resiliency {
    /// `ResiliencyLevel`: 1 or 2.
    pub level: Option<u32>,
    /// `ResiliencyDefaultPeriod`, in whole seconds.
    pub period: Option<Duration>,
    /// `QuarantineThreshold`.
    pub quarantine_after: Option<u32>,
    /// `QuarantineDuration`, in whole seconds.
    pub quarantine_for: Option<Duration>,
}

/// Interval and tolerance of heartbeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeartbeatPath {
    /// Time between two heartbeats.
    pub every: Option<Duration>,
    /// So many missed in a row end the route.
    pub missed: Option<u32>,
}

/// How long a regroup takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Regroup {
    /// What was said is said again (`ClusSvcRegroupTickInMilliseconds`).
    pub tick: Option<Duration>,
    /// Nodes wait to have heard each other (`ClusSvcRegroupOpeningTimeout`).
    pub opening: Option<Duration>,
    /// They wait for each next step (`ClusSvcRegroupStageTimeout`).
    pub stage: Option<Duration>,
    /// A service that has decided to end is gone after this.
    pub halt: Option<Duration>,
}

/// When the reservation of a disk is looked at and challenged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskArbitration {
    /// The owner looks at its reservation (`DiskArbInterval`).
    pub every: Option<Duration>,
    /// A challenger leaves the owner so long to defend itself.
    pub challenge: Option<Duration>,
}

/// A group: what moves together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name of the group.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// Comes online with the cluster (`PersistentState`).
    pub start: bool,
    /// Order of starting and of placing.
    pub priority: Priority,
    /// Who may and who should own it.
    pub owners: Owners,
    /// Groups that share a word here avoid each other's nodes (`AntiAffinityClassNames`).
    pub anti_affinity: Vec<String>,
    /// Groups that have to be online first, with a pause after that.
    pub after: Vec<(String, Duration)>,
    /// Whether it starts when the cluster forms (`ColdStartSetting`).
    pub cold_start: ColdStart,
    /// An administrator cannot move it (`LockedFromMoving`).
    pub locked: bool,
    /// How often it may fail over.
    pub failover: FailoverPolicy,
    /// Whether it goes home; absent: never.
    pub failback: Failback,
    /// Its resources, in file order.
    pub resources: Vec<Resource>,
}

impl Group {
    /// The resource of this name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }
}

/// Whether a group starts when the cluster forms (`ColdStartSetting`: 0, 1, 2; 2016 and later).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColdStart {
    /// 0
    #[default]
    Always,
    /// 1
    DoNotStart,
    /// 2
    Allowed,
}

/// Group priority (`Priority`: 3000, 2000, 1000, 0; 2012 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// 3000
    High,
    /// 2000, the default.
    Medium,
    /// 1000
    Low,
    /// 0: does not come online by itself.
    NoAutoStart,
}

/// Who may and who should own a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// Preferred owners, best first; empty: none set.
    pub preferred: Vec<String>,
    /// Possible owners; `None`: every member.
    pub possible: Option<Vec<String>>,
}

/// How often a group may fail over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailoverPolicy {
    /// `FailoverThreshold`; absent: nodes minus one.
    pub limit: Option<u32>,
    /// `FailoverPeriod`; absent: six hours.
    pub within: Option<Duration>,
}

/// Whether a group goes back to its preferred owner (`AutoFailbackType` and its window).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failback {
    /// It stays where it is.
    Never,
    /// As soon as the preferred owner is up.
    Immediate,
    /// Between two full hours of the cluster's local time, which may wrap around midnight.
    Window {
        /// `FailbackWindowStart`, 0 to 23.
        from_hour: u8,
        /// `FailbackWindowEnd`, 0 to 23.
        to_hour: u8,
    },
}
