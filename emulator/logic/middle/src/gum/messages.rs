//! What the global update manager hears, says and puts on the wire.

use std::collections::BTreeMap;

use base::{NodeId, NodeSet, PaxosTag};

use crate::database::{Change, Snapshot, Update};
use crate::membership::Standing;
use crate::messaging::Service;

/// Names a proposal of this node until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Why a proposal was not carried out here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The view has no quorum or is not synchronised; nothing was sent. Definite.
    NotReady,
    /// Too many proposals wait; nothing was sent. Definite.
    Busy,
    /// The view changed while the update was on its way: survivors may complete it. Indefinite.
    ViewChanged,
}

/// What travels between global update managers, within one view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The sender's replica was reconciled with the witness copy after it had promised itself to
    /// this view: what it holds now. Everybody picks the source with this in hand.
    Reconciled { standing: Standing },
    /// The view's source brings this member up to date. Answered by `Synchronised`.
    Synchronise { snapshot: Snapshot },
    /// This member's replica equals the source's, durably.
    Synchronised,
    /// Every member is synchronised: what the snapshot carried as prepared is committed, updates
    /// may flow and the source owns the lock. A `Prepare` of this view implies it.
    Open { next: u64 },
    /// The sender wants the lock: its `request`-th wish in this view.
    LockWanted { request: u64 },
    /// The lock moves to the receiver: what each node has had served, who waits, and the number of
    /// the next update.
    Lock {
        served: BTreeMap<NodeId, u64>,
        waiting: Vec<NodeId>,
        next: u64,
    },
    /// Agree to this update durably. Implies that everything before it is committed.
    Prepare { update: Update },
    /// The sender has agreed durably.
    Prepared { number: u64 },
    /// Everybody has agreed: apply it.
    Commit { number: u64 },
}

impl Message {
    /// How it travels: updates as rounds of requests and replies, their outcome by good-enough
    /// multicast, the lock by causal multicast (seed 001, Global Update Manager).
    #[must_use]
    pub fn service(&self) -> Service {
        match self {
            Self::Prepare { update } => Service::Request(update.key.number),
            Self::Prepared { number } => Service::Reply(*number),
            Self::Commit { .. } => Service::GoodEnough,
            Self::Lock { .. } => Service::Causal,
            Self::Reconciled { .. }
            | Self::Synchronise { .. }
            | Self::Synchronised
            | Self::Open { .. }
            | Self::LockWanted { .. } => Service::Unicast,
        }
    }
}

/// What the global update manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From rcm, quorum, api: carry out these changes. Answered by `Done` with the same ticket.
    Propose {
        ticket: Ticket,
        changes: Vec<Change>,
    },
    /// From another member, this node included.
    Message { from: NodeId, message: Message },
    /// From membership: this node has promised itself to a new view. From here on nothing of the
    /// old view is answered or sent, because the promise named the replica's state.
    Promised,
    /// From membership: the view fact changed. Updates stop until `QuorumHeld`.
    ViewInstalled,
    /// From quorum: the view has quorum (and the local replica is reconciled with the witness):
    /// synchronise the members. `witness` is the node whose replica was reconciled with the
    /// witness copy, and its tag now; `forced` if it is an administrator's word that holds.
    QuorumHeld {
        witness: Option<(NodeId, PaxosTag)>,
        forced: bool,
    },
    /// From quorum: the quorum fact was written.
    QuorumChanged,
    /// From database: the update is durable here.
    Prepared { number: u64 },
    /// From database: the update is applied here.
    Applied { update: Update },
    /// From database: the snapshot or new epoch is durable here.
    Installed,
}

/// What the global update manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To messaging.
    Send { to: NodeSet, message: Message },
    /// To database.
    Prepare { update: Update },
    /// To database.
    Commit { number: u64 },
    /// To database.
    Install { snapshot: Snapshot },
    /// To database: this node leads the forming of the cluster; by an administrator's word if
    /// there is an epoch for that, which goes before all others.
    BeginEpoch { forced: Option<u64> },
    /// To the facts: whether updates flow and who owns the lock.
    Publish {
        ready: bool,
        lock_owner: Option<NodeId>,
    },
    /// To everybody, right after `Publish { ready: true }`: the view is open. `formed` when no
    /// member was active before.
    Opened { formed: bool },
    /// To the proposer.
    Done {
        ticket: Ticket,
        result: Result<PaxosTag, Failure>,
    },
    /// To membership: these members did not answer in time, or claim to be active with a replica
    /// that is behind; take them out. This node may be among them: it halts.
    Remove { nodes: NodeSet },
}

wire::codec!(enum Message {
    0 = Reconciled { standing },
    1 = Synchronise { snapshot },
    2 = Synchronised,
    3 = Open { next },
    4 = LockWanted { request },
    5 = Lock { served, waiting, next },
    6 = Prepare { update },
    7 = Prepared { number },
    8 = Commit { number },
});
