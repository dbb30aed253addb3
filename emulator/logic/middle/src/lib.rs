//! The middle tier: cluster operations. Membership, quorum, ordered updates and the cluster
//! database.

pub mod database;
pub mod gum;
pub mod host;
pub mod membership;
pub mod messaging;
pub mod object;
pub mod quorum;
pub mod resilience;
pub mod settings;
#[cfg(test)]
mod test_context;
pub mod topology;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Incarnation, NodeId, Now, PaxosTag, QuorumState, Rng, StartMode, Timestamp};

/// What the middle tier knows and everybody above may read. Written by the router alone.
#[derive(Clone, Debug)]
pub struct Facts {
    /// This node.
    pub me: NodeId,
    /// This life of the node.
    pub incarnation: Incarnation,
    /// How an administrator started this life.
    pub start: StartMode,
    /// membership: the current view, none before the first.
    pub view: Option<Arc<membership::View>>,
    /// This node has been in an open view in this life: without quorum it must end.
    pub active: bool,
    /// quorum: whether the current view has it.
    pub quorum: QuorumState,
    /// gum: the view is quorate and synchronised, so updates flow and this node is a member.
    pub ready: bool,
    /// gum: who may send updates now.
    pub lock_owner: Option<NodeId>,
    /// database: the committed hive.
    pub hive: Arc<database::Hive>,
    /// database: the committed replica's tag.
    pub tag: PaxosTag,
    /// database: number of the last applied update.
    pub applied: u64,
    /// database: an update agreed to and not seen committed.
    pub prepared: Option<database::Update>,
    /// database: the view that the replica was last brought to.
    pub synchronised: membership::Synchronised,
    /// The cluster-wide settings that the hive holds, in typed form.
    pub settings: Arc<settings::Settings>,
    /// object: owners and states of all cluster objects.
    pub objects: Arc<object::ObjectTable>,
    /// netft: when anything of a peer that is lost last arrived, by node index.
    pub last_seen: [Timestamp; base::limits::NODES_MAX],
    /// resilience: nodes outside the view that keep their virtual machines, and until when.
    pub isolated: BTreeMap<NodeId, Timestamp>,
    /// membership: when the current view was installed here.
    pub view_at: Timestamp,
}

impl Facts {
    /// The tag that this node's replica has once what it has agreed to is committed: what a witness
    /// share has to remember, lest a node without that goes on alone.
    #[must_use]
    pub fn promised_tag(&self) -> PaxosTag {
        database::promised_tag(self.tag, self.prepared.as_ref())
    }
}

/// What a manager of this tier sees during one call.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time of the call.
    pub now: Now,
    /// Facts of the tier below.
    pub bottom: &'a bottom::Facts,
    /// Facts of this tier.
    pub facts: &'a Facts,
    /// This node's randomness.
    pub rng: &'a mut Rng,
}
