//! What administrators ask for, and the answers they get.
//!
//! Properties go by the names that administrators know; `property` has their table.

pub mod private;
pub mod property;

use base::{GroupId, NetworkId, NodeId, ResourceId};
use bottom::csvfs::PageIo;
use middle::database::Value;
use middle::settings::{NodeSettings, Witness};

/// One request of an administrator. Any member takes it; it reaches the owner by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCommand {
    /// Move a group to `to`, or to the best possible node (reference section 3.1).
    MoveGroup { group: GroupId, to: Option<NodeId> },
    /// As `MoveGroup`, but a target that cannot take the group now gets it once it can (2012 and
    /// later; move flag 4, reference section 3.1).
    QueueMove { group: GroupId, to: Option<NodeId> },
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
    /// CLUSCTL_RESOURCE_SET_MAINTENANCE_MODE of a disk: what its health checks answer is ignored.
    /// `at` names the node that has to own it, as the product's call can.
    SetMaintenanceMode {
        resource: ResourceId,
        on: bool,
        at: Option<NodeId>,
    },
    /// A program on node `at` reads or writes a page of the shared file of a cluster shared volume.
    /// Answered by `Data` or `Done`.
    VolumeIo {
        resource: ResourceId,
        at: NodeId,
        io: PageIo,
    },
    /// A control code of a resource. Answered by `Data`.
    ControlResource {
        resource: ResourceId,
        code: u32,
        input: Vec<u8>,
    },
    /// A control code of a resource type, by its product string. Answered by `Data`.
    ControlType {
        label: String,
        code: u32,
        input: Vec<u8>,
    },
    /// A property. Answered by `Value`.
    GetProperty { object: Object, name: String },
    /// All objects that the node knows. Answered by `Objects`.
    ListObjects,
    /// All properties of an object. Answered by `Properties`.
    ListProperties { object: Object },
    /// Set a property; all members have it when the answer comes.
    SetProperty {
        object: Object,
        name: String,
        value: Value,
    },
    /// Take a node out of the configuration; if it is a member, its service ends
    /// (Remove-ClusterNode).
    EvictNode { node: NodeId },
    /// Take a node into the configuration (Add-ClusterNode).
    AddNode {
        node: NodeId,
        settings: NodeSettings,
    },
    /// Change the quorum model: another witness, or whether the disk counts alone
    /// (Set-ClusterQuorum).
    SetQuorum { witness: Witness, disk_only: bool },
}

impl AdminCommand {
    /// Whether it only asks for properties.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Self::GetProperty { .. } | Self::ListProperties { .. })
    }
}

/// What has properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// The cluster.
    Cluster,
    /// A group.
    Group { group: GroupId },
    /// A resource.
    Resource { resource: ResourceId },
    /// A resource type, by its product string.
    Type { label: String },
    /// A node.
    Node { node: NodeId },
    /// A network.
    Network { network: NetworkId },
    /// The interface of a node on a network.
    Interface { node: NodeId, network: NetworkId },
}

/// An object as the object manager knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// Its name.
    pub name: String,
    /// The node that acts for it, where one does.
    pub owner: Option<NodeId>,
    /// Its state in words.
    pub state: String,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminReply {
    /// Carried out, or under way where it takes time.
    Done,
    /// What a control code answered.
    Data { bytes: Vec<u8> },
    /// The value of a property.
    Value { value: Value },
    /// Properties by name.
    Properties { values: Vec<(String, Value)> },
    /// Objects, kind by kind.
    Objects { entries: Vec<Entry> },
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
    8 = SetMaintenanceMode { resource, on, at },
    9 = ControlResource { resource, code, input },
    10 = ControlType { label, code, input },
    11 = GetProperty { object, name },
    12 = ListProperties { object },
    13 = SetProperty { object, name, value },
    20 = EvictNode { node },
    21 = AddNode { node, settings },
    22 = SetQuorum { witness, disk_only },
    30 = VolumeIo { resource, at, io },
    31 = QueueMove { group, to },
    32 = ListObjects,
});
wire::codec!(enum Object {
    0 = Cluster,
    1 = Group { group },
    2 = Resource { resource },
    3 = Type { label },
    4 = Node { node },
    5 = Network { network },
    6 = Interface { node, network },
});
wire::codec!(struct Entry { object, name, owner, state });
wire::codec!(enum AdminReply {
    0 = Done,
    1 = Refused { code, reason, definite },
    2 = Data { bytes },
    3 = Value { value },
    4 = Properties { values },
    5 = Objects { entries },
});

/// The product's error numbers that requests are refused with (reference section 9).
pub mod code {
    /// ERROR_NOT_READY: the volume is not online.
    pub const NOT_READY: u32 = 21;
    /// ERROR_INVALID_PARAMETER
    pub const INVALID_PARAMETER: u32 = 87;
    /// The node has too many requests under way (ERROR_BUSY).
    pub const BUSY: u32 = 170;
    /// ERROR_NOT_FOUND: no such property, or none in this generation.
    pub const NOT_FOUND: u32 = 1168;
    /// ERROR_RESOURCE_NOT_FOUND
    pub const RESOURCE_NOT_FOUND: u32 = 5007;
    /// ERROR_GROUP_NOT_AVAILABLE: nobody owns it now.
    pub const GROUP_NOT_AVAILABLE: u32 = 5012;
    /// ERROR_GROUP_NOT_FOUND
    pub const GROUP_NOT_FOUND: u32 = 5013;
    /// ERROR_HOST_NODE_NOT_RESOURCE_OWNER
    pub const NOT_RESOURCE_OWNER: u32 = 5015;
    /// ERROR_HOST_NODE_NOT_GROUP_OWNER
    pub const NOT_GROUP_OWNER: u32 = 5016;
    /// ERROR_INVALID_STATE
    pub const INVALID_STATE: u32 = 5023;
    /// ERROR_RESOURCE_FAILED
    pub const RESOURCE_FAILED: u32 = 5038;
    /// ERROR_CLUSTER_NODE_NOT_FOUND
    pub const NODE_NOT_FOUND: u32 = 5042;
    /// ERROR_CLUSTER_NODE_ALREADY_MEMBER
    pub const NODE_ALREADY_MEMBER: u32 = 5065;
    /// ERROR_CLUSTER_NETWORK_NOT_FOUND
    pub const NETWORK_NOT_FOUND: u32 = 5045;
    /// ERROR_CLUSTER_NETINTERFACE_NOT_FOUND
    pub const NETINTERFACE_NOT_FOUND: u32 = 5047;
    /// ERROR_CLUSTER_INVALID_REQUEST: not for the quorum resource, or not for this type.
    pub const INVALID_REQUEST: u32 = 5048;
    /// ERROR_CLUSTER_NODE_DOWN
    pub const NODE_DOWN: u32 = 5050;
    /// ERROR_CLUSTER_NODE_PAUSED
    pub const NODE_PAUSED: u32 = 5070;
    /// ERROR_NODE_CANNOT_HOST_RESOURCE
    pub const NODE_CANNOT_HOST: u32 = 5071;
    /// ERROR_CLUSTER_GROUP_MOVING
    pub const GROUP_MOVING: u32 = 5908;
    /// ERROR_RESOURCE_CALL_TIMED_OUT
    pub const RESOURCE_CALL_TIMED_OUT: u32 = 5910;
    /// ERROR_CLUSTER_NO_QUORUM
    pub const NO_QUORUM: u32 = 5925;
    /// ERROR_CLUSTER_RESOURCE_LOCKED_STATUS: the group is locked from moving.
    pub const LOCKED: u32 = 5960;

    /// ERROR_CLUSTER_RESOURCE_IN_MAINTENANCE_MODE (reference section 9 has the number).
    pub const MAINTENANCE_MODE: u32 = 5970;
    /// ERROR_CLUSTER_RESOURCE_NOT_MONITORED
    pub const RESOURCE_NOT_MONITORED: u32 = 5981;
    /// ERROR_CLUSTER_NODE_ISOLATED
    pub const NODE_ISOLATED: u32 = 5984;
    /// ERROR_CLUSTER_NODE_QUARANTINED
    pub const NODE_QUARANTINED: u32 = 5985;

    /// The product's name of an error number, for people.
    #[must_use]
    pub fn name(code: u32) -> Option<&'static str> {
        Some(match code {
            1 => "ERROR_INVALID_FUNCTION",
            NOT_READY => "ERROR_NOT_READY",
            MAINTENANCE_MODE => "ERROR_RESOURCE_IN_MAINTENANCE_MODE",
            INVALID_PARAMETER => "ERROR_INVALID_PARAMETER",
            BUSY => "ERROR_BUSY",
            NOT_FOUND => "ERROR_NOT_FOUND",
            RESOURCE_NOT_FOUND => "ERROR_RESOURCE_NOT_FOUND",
            GROUP_NOT_AVAILABLE => "ERROR_GROUP_NOT_AVAILABLE",
            GROUP_NOT_FOUND => "ERROR_GROUP_NOT_FOUND",
            NOT_RESOURCE_OWNER => "ERROR_HOST_NODE_NOT_RESOURCE_OWNER",
            NOT_GROUP_OWNER => "ERROR_HOST_NODE_NOT_GROUP_OWNER",
            INVALID_STATE => "ERROR_INVALID_STATE",
            RESOURCE_FAILED => "ERROR_RESOURCE_FAILED",
            NODE_NOT_FOUND => "ERROR_CLUSTER_NODE_NOT_FOUND",
            NODE_ALREADY_MEMBER => "ERROR_CLUSTER_NODE_ALREADY_MEMBER",
            NETWORK_NOT_FOUND => "ERROR_CLUSTER_NETWORK_NOT_FOUND",
            NETINTERFACE_NOT_FOUND => "ERROR_CLUSTER_NETINTERFACE_NOT_FOUND",
            INVALID_REQUEST => "ERROR_CLUSTER_INVALID_REQUEST",
            NODE_DOWN => "ERROR_CLUSTER_NODE_DOWN",
            RESOURCE_NOT_MONITORED => "ERROR_CLUSTER_RESOURCE_NOT_MONITORED",
            NODE_ISOLATED => "ERROR_CLUSTER_NODE_ISOLATED",
            NODE_QUARANTINED => "ERROR_CLUSTER_NODE_QUARANTINED",
            NODE_PAUSED => "ERROR_CLUSTER_NODE_PAUSED",
            NODE_CANNOT_HOST => "ERROR_NODE_CANNOT_HOST_RESOURCE",
            GROUP_MOVING => "ERROR_CLUSTER_GROUP_MOVING",
            RESOURCE_CALL_TIMED_OUT => "ERROR_RESOURCE_CALL_TIMED_OUT",
            NO_QUORUM => "ERROR_CLUSTER_NO_QUORUM",
            LOCKED => "ERROR_CLUSTER_RESOURCE_LOCKED_STATUS",
            _ => return None,
        })
    }
}
