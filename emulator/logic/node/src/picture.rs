//! A node's state as plain data, for checkers, queries and the debugger.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{
    DiskId, GroupId, Incarnation, InterfaceState, NetworkId, NetworkState, NodeId, NodeSet,
    NodeStanding, NodeState, PaxosTag, QuorumState, ResourceId, ResourceState, ViewId,
};
use bottom::csvfs::VolumeFact;
use middle::database::Hive;
use middle::quorum::Tally;
use top::eventlog::EventRecord;

/// A group as this node's committed table shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupPicture {
    /// Its owner in the table.
    pub owner: NodeId,
}

/// What a node is and knows, at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The node.
    pub node: NodeId,
    /// Its life.
    pub incarnation: Incarnation,
    /// Up, paused or joining; a node that does not run has no picture.
    pub state: NodeState,
    /// Nodes that are isolated or quarantined, as all members have it; this node itself, if it was
    /// not let in because of that.
    pub standings: BTreeMap<NodeId, NodeStanding>,
    /// The view it is in.
    pub view: Option<(ViewId, NodeSet)>,
    /// Whether that view has quorum.
    pub quorum: QuorumState,
    /// The last count of votes.
    pub tally: Option<Tally>,
    /// The view is open: updates flow.
    pub ready: bool,
    /// Who may send updates.
    pub lock_owner: Option<NodeId>,
    /// Tag of the committed replica.
    pub tag: PaxosTag,
    /// Number of the last applied update.
    pub applied: u64,
    /// The committed hive, shared.
    pub hive: Arc<Hive>,
    /// Owners by the committed table.
    pub groups: BTreeMap<GroupId, GroupPicture>,
    /// What this node's own resource control manager runs.
    pub running: BTreeMap<ResourceId, ResourceState>,
    /// Its event log, other members' events included; oldest first.
    pub events: Arc<Vec<EventRecord>>,
    /// Disks whose reservation this node believes to hold.
    pub disks: Vec<DiskId>,
    /// This node believes to hold the witness: its disk's reservation or the lock on its share.
    pub witness_held: bool,
    /// Networks that are not up, as all members have them.
    pub networks: BTreeMap<NetworkId, NetworkState>,
    /// Interfaces that are not up, as all members have them.
    pub interfaces: BTreeMap<(NodeId, NetworkId), InterfaceState>,
    /// How this node reaches each cluster shared volume.
    pub volumes: BTreeMap<DiskId, VolumeFact>,
    /// It has the copy on the witness disk loaded: the hive `0.Cluster` (reference section 7).
    pub witness_hive: bool,
}
