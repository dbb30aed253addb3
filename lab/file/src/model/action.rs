//! What an administrator does.

use super::{Selector, Witness};

/// With which option the cluster service of a node is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOption {
    /// None.
    Plain,
    /// Forms a cluster without enough votes if there is none to join.
    ForceQuorum,
    /// Never forms a cluster, only joins one.
    PreventQuorum,
    /// Ends the quarantine of the node and joins.
    ClearQuarantine,
}

/// What has a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyOwner {
    /// The cluster.
    Cluster,
    /// A group.
    Group(String),
    /// A resource, by group and name.
    Resource(String, String),
    /// Nodes.
    Nodes(Selector),
    /// Networks.
    Networks(Selector),
    /// A resource type, by the product's name.
    Type(String),
}

/// What an administrator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Moves a group; no target: the best possible node.
    MoveGroup {
        /// The group.
        group: String,
        /// The target.
        to: Option<Selector>,
        /// The move is queued when the target cannot take it now.
        queue: bool,
    },
    /// Brings a group online.
    OnlineGroup(String),
    /// Takes a group offline.
    OfflineGroup(String),
    /// Brings a resource online.
    OnlineResource {
        /// Its group.
        group: String,
        /// Its name.
        resource: String,
    },
    /// Takes a resource offline.
    OfflineResource {
        /// Its group.
        group: String,
        /// Its name.
        resource: String,
    },
    /// Declares a resource failed (`FailClusterResource`); the normal policy runs.
    FailResource {
        /// Its group.
        group: String,
        /// Its name.
        resource: String,
    },
    /// Nodes take no groups from now on; what they own stays.
    Pause(Selector),
    /// As pause, and their groups move away.
    Drain(Selector),
    /// Ends pause and drain.
    Resume(Selector),
    /// Starts the cluster service of nodes.
    Start {
        /// The nodes; in 2003 with `force-quorum` also the ones that the majority is counted among.
        nodes: Selector,
        /// How.
        option: StartOption,
    },
    /// Stops the cluster service of nodes.
    Stop(Selector),
    /// Takes nodes out of the cluster's configuration.
    Evict(Selector),
    /// Takes nodes that were evicted into the cluster again.
    Add(Selector),
    /// Changes the quorum model.
    Quorum {
        /// The new witness.
        witness: Witness,
        /// The disk counts alone.
        disk_only: bool,
    },
    /// Undoes every fault still in force.
    Heal,
    /// Sets a property by its documented name.
    SetProperty {
        /// What has it.
        of: PropertyOwner,
        /// Its name.
        property: String,
        /// Its value as the file has it.
        value: String,
    },
    /// Turns maintenance mode of a disk on or off.
    Maintenance {
        /// Its group.
        group: String,
        /// Its name.
        resource: String,
        /// On or off.
        on: bool,
    },
    /// Writes a value into the registry of nodes, as a resource's program would.
    WriteRegistry {
        /// The nodes.
        nodes: Selector,
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A program on nodes writes a text to a page of a cluster shared volume.
    WriteVolume {
        /// The nodes.
        nodes: Selector,
        /// The group of its disk.
        group: String,
        /// The disk.
        resource: String,
        /// The page.
        page: u32,
        /// The text.
        value: String,
    },
    /// A program on nodes reads a page of a cluster shared volume and has to find a text.
    ReadVolume {
        /// The nodes.
        nodes: Selector,
        /// The group of its disk.
        group: String,
        /// The disk.
        resource: String,
        /// The page.
        page: u32,
        /// The text.
        value: String,
    },
}
