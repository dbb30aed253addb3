//! The resolved lab: ranges expanded, variables filled in, inheritance merged, addresses assigned.
//!
//! Everything here has passed the static rules, so a reader may rely on it: every name refers to
//! something that exists, every address lies in its subnet, dependencies have no cycle.
//! What the file leaves out and the generation's table of defaults answers stays an `Option`.

mod action;
mod claim;
mod cluster;
mod directory;
mod machines;
mod random;
mod report;
mod resource;
mod scenario;
mod selector;
mod storage;
mod workload;

pub use action::{Action, PropertyOwner, StartOption};
pub use claim::{
    Bounds, Claim, ClusterState, Expectation, GroupClaim, NodeChange, NodeClaim, Timing,
    VolumeWord, WitnessState,
};
pub use cluster::{
    Cluster, ColdStart, DiskArbitration, Failback, FailoverPolicy, Group, Heartbeat, HeartbeatPath,
    Owners, Priority, Quorum, Regroup, Resiliency, Witness,
};
pub use directory::{AccountFault, Directory, DirectoryFault, DnsFault, NetbiosMode};
pub use machines::{Adapter, Network, NetworkRole, Node, Router, Site, Subnet};
pub use random::{RandomFault, RandomFaults};
pub use report::{
    Backend, BackendKind, Clock, Expose, Invariant, Invariants, Report, ReportFormat, Seed,
};
pub use resource::{
    Checkpoints, DependencyItem, OnFailure, PollPolicy, Resource, ResourceKind, ResourcePolicy,
    ResourceType, RestartPolicy,
};
pub use scenario::{
    Fault, FaultKind, Impairment, LunFault, NodeFault, Partition, PathEnds, Probability,
    ResourceFault, Step, StepKind, UpDown,
};
pub use selector::{NicSelector, Selector};
pub use storage::{
    Array, BlockSize, Endpoint, EndpointHost, EndpointKind, Lun, LunRef, Portal, ReservationSupport,
};
pub use workload::{Workload, WorkloadKind};

/// One lab: what exists, what goes wrong in it, what must then be true.
#[derive(Debug, Clone, PartialEq)]
pub struct Lab {
    /// Schema version of the file; 1 today.
    pub version: u32,
    /// Name of the lab.
    pub name: String,
    /// What the lab is for, in one line.
    pub about: About,
    /// Where and how the lab wants to run.
    pub backend: Backend,
    /// Fault domains, in file order.
    pub sites: Vec<Site>,
    /// Network segments, in file order.
    pub networks: Vec<Network>,
    /// What joins network segments, in file order.
    pub routers: Vec<Router>,
    /// Machines, ranges expanded, in file order.
    pub nodes: Vec<Node>,
    /// Arrays and their logical units, in file order.
    pub storage: Vec<Array>,
    /// Shares and other services outside the cluster, in file order.
    pub endpoints: Vec<Endpoint>,
    /// What network names register with, if the file says so.
    pub directory: Option<Directory>,
    /// The cluster.
    pub cluster: Cluster,
    /// Rules that must hold all the time.
    pub invariants: Invariants,
    /// Clients that look at something all the time, in file order.
    pub workloads: Vec<Workload>,
    /// What happens, in order; empty when the file has no scenario.
    pub scenario: Vec<Step>,
    /// What to write at the end.
    pub report: Report,
}

/// The training index entry of a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// One line: what the lab shows.
    pub title: Option<String>,
    /// `beginner`, `intermediate` or `advanced`.
    pub level: Option<Level>,
    /// What a person learns from it.
    pub objectives: Vec<String>,
}

/// How much a reader should know already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// No clustering experience needed.
    Beginner,
    /// Has run a cluster.
    Intermediate,
    /// Knows quorum arithmetic and multi-site clusters.
    Advanced,
}

impl Lab {
    /// A name as the resources of the cluster say it: without the domain of the lab.
    #[must_use]
    pub fn dns_label<'a>(&self, name: &'a str) -> &'a str {
        let directory = self.directory.as_ref();
        directory.map_or(name, |directory| directory.label(name))
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The network of this name.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// The array of this name.
    #[must_use]
    pub fn array(&self, name: &str) -> Option<&Array> {
        self.storage.iter().find(|array| array.name == name)
    }

    /// The logical unit that a reference names.
    #[must_use]
    pub fn lun(&self, reference: &LunRef) -> Option<&Lun> {
        let array = self.array(&reference.array)?;
        array.luns.iter().find(|lun| lun.name == reference.lun)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.cluster.groups.iter().find(|group| group.name == name)
    }

    /// The endpoint of this name.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}
