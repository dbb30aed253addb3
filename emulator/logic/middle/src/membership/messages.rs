//! What membership hears, says and puts on the wire.

use std::sync::Arc;

use base::{Incarnation, NodeId, NodeSet, Notice, ViewId};

use crate::membership::{MemberReport, View};

/// A membership datagram. All are repeated each tick until they have had their effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Opening: what the sender can reach in this regroup, and what it is.
    Gossip {
        /// The regroup's number; the highest wins.
        epoch: u64,
        /// The sender's life.
        incarnation: Incarnation,
        /// Nodes that the sender has a route to, itself included.
        reachable: NodeSet,
        /// Nodes whose gossip of this epoch the sender has.
        heard: NodeSet,
        /// The sender is an active member of a cluster.
        active: bool,
        /// The administrator's word that the sender's replica descends from
        /// (`PaxosTag::authority`).
        authority: u64,
        /// The sender was told not to form a cluster and is in none.
        joins_only: bool,
        /// An administrator started the sender so that its quarantine ends.
        clears_quarantine: bool,
    },
    /// Closing: the coordinator proposes a view; answered by `Promise`.
    Propose { view: ViewId, members: NodeSet },
    /// The sender will install this view or a later one, and nothing of an older one.
    Promise { view: ViewId, report: MemberReport },
    /// All members have promised: install. Answered by `Installed`.
    Install { view: Arc<View> },
    /// The sender is in the view.
    Installed { view: ViewId },
    /// To a node that is not in the sender's quorate view although it believes to be a member.
    Excluded {
        view: ViewId,
        members: NodeSet,
        authority: u64,
    },
    /// To a node that may not join: it is quarantined.
    Quarantined,
}

/// What membership hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the node, once the database is open.
    Start,
    /// From netft (the reachable fact is already written).
    PeerFound { peer: NodeId },
    /// From netft (the reachable fact is already written).
    PeerLost { peer: NodeId },
    /// From the wire.
    Message { from: NodeId, message: Message },
    /// From gum or messaging: take these members out of the view; this node, if it is among them,
    /// ends with `Excluded`.
    Remove { nodes: NodeSet },
    /// From quorum: the view is one vote short and its decider has the witness arbitrated for.
    Arbitrating,
    /// From quorum: the view has quorum; by an administrator's word if `forced` says so.
    QuorumHeld { forced: Option<NodeSet> },
    /// From messaging: the multicasts of the old view are repaired, so this node may promise itself
    /// to the view that was named.
    Repaired { next: ViewId },
    /// From gum: this node is an active member now.
    Opened,
    /// From the router: the settings changed, so nodes may be configured or no longer.
    SettingsChanged,
    /// From quorum: the witness was gained or lost, for this node's next report.
    Witness { held: bool },
}

/// What membership says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To netft, over the best route to each.
    Send { to: NodeSet, message: Message },
    /// To rcm: an active node begins to look for a view with quorum; it ends unless it finds one in
    /// time.
    Undecided,
    /// To messaging: a view was proposed; end the old one. Answered by `Repaired`.
    Repair { next: ViewId, members: NodeSet },
    /// To gum and rcm: this node has promised itself to a new view; the old one is closed.
    Promised,
    /// To the facts, then to messaging, gum, quorum and rcm.
    Publish { view: Arc<View> },
    /// To the node: the surviving view excludes this active member, or has gone on without it.
    Excluded,
    /// To the node: another side of the cluster is active by a later administrator's word than
    /// this one.
    Superseded,
    /// To the node: it is no longer configured.
    Evicted,
    /// To resilience: an administrator ends the quarantine of a node that wants to join.
    ClearQuarantine { node: NodeId },
    /// To the event log.
    Notice(Notice),
}

wire::codec!(enum Message {
    0 = Gossip {
        epoch, incarnation, reachable, heard, active, authority, joins_only, clears_quarantine,
    },
    1 = Propose { view, members },
    2 = Promise { view, report },
    3 = Install { view },
    4 = Installed { view },
    5 = Excluded { view, members, authority },
    6 = Quarantined,
});
