//! What can be seen of a cluster from outside, as plain data.
//!
//! Names are those of the lab file. What a node claims and what it really does are kept apart:
//! [`GroupSeen::owner`] is the cluster's table, [`ResourceSeen::running_on`] is the truth.

use base::{
    GroupState, NodeId, NodeState, Notice, PaxosTag, QuorumModel, ResourceId, ResourceState,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Time since the lab was formed.
    pub at: Duration,
    /// Every node of the lab that is a member of the configured cluster.
    pub nodes: BTreeMap<String, NodeSeen>,
    /// Every group, without the core group.
    pub groups: BTreeMap<String, GroupSeen>,
    /// The witness, when one is configured.
    pub witness: Option<WitnessSeen>,
    /// Holder of the reservation of each clustered disk, by `array/lun`; absent: nobody.
    pub holders: BTreeMap<String, Option<String>>,
    /// Everything that nodes have said since the lab was formed, oldest first.
    pub events: Vec<Event>,
    /// Frames between nodes since the lab was formed, heartbeats left out, in the order in which
    /// they were sent; nothing where the subject cannot look into them.
    pub frames: Option<Vec<Frame>>,
}

/// A frame that one node sent to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When, since the lab was formed.
    pub at: Duration,
    /// By whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// By which service of messaging: `unicast`, `multicast`, `causal`, `request`, `reply`,
    /// `acknowledge`, `repair` or `forward`; or `membership`, `host`, `security`.
    pub service: &'static str,
    /// What it says, as `manager word`.
    pub word: String,
    /// Its number among the sender's.
    pub sequence: Option<u64>,
    /// Epoch of the view that it belongs to.
    pub view: Option<u64>,
    /// Id of the round that it belongs to.
    pub request: Option<u64>,
    /// How many multicasts its time stamp names.
    pub after: Option<u64>,
    /// Its protection on the way.
    pub protection: Option<Protection>,
    /// The sender's node name can be read in it.
    pub is_named: bool,
    /// A certificate can be found in it.
    pub has_certificate: bool,
}

/// How a frame is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Open,
    /// Signed.
    Signed,
    /// Encrypted.
    Encrypted,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSeen {
    /// Its number in the configuration.
    pub id: NodeId,
    /// Whether anything runs on it.
    pub service: Service,
    /// Its state as the cluster shows it: by its own word while it runs, else [`NodeState::Down`].
    pub state: NodeState,
    /// Members of the view that this node has installed; empty without one.
    pub view: BTreeSet<String>,
    /// The votes as this node counts them; nothing while it has no view.
    pub votes: Option<Votes>,
    /// Tag of its replica of the cluster database; nothing while it does not run.
    pub tag: Option<PaxosTag>,
    /// Its event log while it runs: who noticed what, by the product's numbers.
    pub log: Vec<(String, u16)>,
    /// It has the hive of the copy on the witness disk loaded, `0.Cluster`.
    pub has_witness_hive: bool,
    /// Its registry, as text, by key.
    pub registry: BTreeMap<String, String>,
}

/// Whether a node's cluster service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The machine is off, or the service is stopped.
    Stopped,
    /// It runs.
    Running,
    /// The machine is frozen and will go on where it was.
    Frozen,
}

/// A count of votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Votes {
    /// How they are counted.
    pub model: QuorumModel,
    /// Votes present, the witness included when it votes for this view.
    pub have: u32,
    /// Votes that quorum needs.
    pub needed: u32,
    /// All votes there are.
    pub total: u32,
    /// Whether the view has quorum.
    pub held: bool,
}

/// The witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessSeen {
    /// Its state.
    pub state: WitnessState,
    /// The node that owns it.
    pub owner: Option<String>,
    /// Tag of the copy of the cluster database on it; nothing when it keeps none.
    pub tag: Option<PaxosTag>,
}

/// State of the witness resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessState {
    /// Usable.
    Online,
    /// Not in use.
    Offline,
    /// Did not work when it was last needed.
    Failed,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSeen {
    /// The owner in the cluster's table, as the largest quorate view has it.
    pub owner: Option<String>,
    /// Its derived state.
    pub state: GroupState,
    /// Its resources by name.
    pub resources: BTreeMap<String, ResourceSeen>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSeen {
    /// Its number in the configuration, as notices name it.
    pub id: ResourceId,
    /// Its state as the cluster shows it.
    pub state: ResourceState,
    /// The live nodes that really run it at this moment.
    pub running_on: BTreeSet<String>,
}

/// Something that a node said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, since the lab was formed.
    pub at: Duration,
    /// Which node.
    pub node: String,
    /// What.
    pub notice: Notice,
}

impl Observation {
    /// Whether some running node says that it belongs to a view with quorum.
    #[must_use]
    pub fn quorate(&self) -> bool {
        self.nodes.values().any(NodeSeen::holds_quorum)
    }

    /// Whether every one of these nodes is an active member of a view with quorum.
    #[must_use]
    pub fn all_up<'a>(&self, nodes: impl IntoIterator<Item = &'a str>) -> bool {
        nodes.into_iter().all(|node| self.up(node))
    }

    /// Whether the group is online, all of its resources running on exactly its owner.
    #[must_use]
    pub fn online(&self, group: &str) -> bool {
        let Some(group) = self.groups.get(group) else {
            return false;
        };
        let Some(owner) = &group.owner else {
            return false;
        };
        let alone = |resource: &ResourceSeen| resource.running_on.iter().eq([owner]);
        group.state == GroupState::Online && group.resources.values().all(alone)
    }

    /// The owner of a group in the cluster's table.
    #[must_use]
    pub fn owner(&self, group: &str) -> Option<&str> {
        self.groups.get(group)?.owner.as_deref()
    }

    /// Derived state of a group; offline when there is none.
    #[must_use]
    pub fn group_state(&self, group: &str) -> GroupState {
        self.groups
            .get(group)
            .map_or(GroupState::Offline, |group| group.state)
    }

    /// Whether this one node is an active member of a view with quorum.
    #[must_use]
    pub fn up(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(NodeSeen::holds_quorum)
    }

    /// Tag of a node's replica of the cluster database.
    #[must_use]
    pub fn tag(&self, node: &str) -> Option<PaxosTag> {
        self.nodes.get(node)?.tag
    }

    /// How many live nodes really run a resource, by `group/resource`.
    #[must_use]
    pub fn running(&self, path: &str) -> usize {
        self.resource(path)
            .map_or(0, |resource| resource.running_on.len())
    }

    /// A resource by `group/resource`.
    #[must_use]
    pub fn resource(&self, path: &str) -> Option<&ResourceSeen> {
        let (group, resource) = path.split_once('/')?;
        self.groups.get(group)?.resources.get(resource)
    }

    /// State of a resource by `group/resource`; offline when there is none.
    #[must_use]
    pub fn state(&self, path: &str) -> ResourceState {
        self.resource(path)
            .map_or(ResourceState::Offline, |resource| resource.state)
    }

    /// Events from this place in the list on.
    pub fn since(&self, mark: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().skip(mark)
    }
}

impl NodeSeen {
    /// Whether the node is an active member (paused counts) of a view that has quorum.
    #[must_use]
    pub fn holds_quorum(&self) -> bool {
        self.service == Service::Running
            && matches!(self.state, NodeState::Up | NodeState::Paused)
            && self.votes.is_some_and(|votes| votes.held)
    }
}
