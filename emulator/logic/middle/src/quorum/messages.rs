//! What the quorum manager hears, says and tells the other members.

use base::{HaltReason, NodeId, NodeSet, Notice, PaxosTag, QuorumState};

use crate::database::Change;
use crate::quorum::Tally;
use crate::settings::Witness;

/// What travels between quorum managers, within one view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// From the decider to everybody: the member that holds the witness, or else the decider, is
    /// to get it for this view.
    Arbitrate { arbiter: NodeId, tally: Tally },
    /// The arbiter of the view has the witness; its replica is reconciled with the witness copy,
    /// whose settings may change the votes.
    WitnessWon { tag: PaxosTag },
    /// The arbiter could not get the witness.
    WitnessLost,
    /// The sender holds the witness since now, or no longer.
    WitnessHolder { held: bool },
    /// The decider has counted. `fresh` is the member whose replica was reconciled with the
    /// witness copy, and its tag now. `forced` if it is an administrator's word that holds: the
    /// nodes that 2003 counts the majority among.
    Decision {
        tally: Tally,
        held: bool,
        fresh: Option<(NodeId, PaxosTag)>,
        forced: Option<NodeSet>,
    },
}

/// What the quorum manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From membership: the view fact changed.
    ViewInstalled,
    /// From another member of the view.
    Message { from: NodeId, message: Message },
    /// From rcm (disk) or share: the witness is held by this node; for a disk, database reads its
    /// replica next.
    WitnessHeld,
    /// From rcm or share: the arbitration this node was asked for is lost.
    WitnessLost { unreachable: bool },
    /// From clusdisk or share: the witness was given back on request, for another member or because
    /// its resource went offline.
    WitnessReleased,
    /// From database: the witness replica was read, this node's replica is at least as new.
    WitnessReconciled { tag: PaxosTag },
    /// From clusdisk: the reservation of a witness disk that was held is gone.
    ReservationLost,
    /// From share or database: a witness that was held is gone or cannot be written.
    WitnessFailed,
    /// From gum: the view is open; weights may be adjusted by an update (dynamic quorum).
    Opened,
    /// From the router: the hive changed, so votes and model may have.
    SettingsChanged,
    /// From database: an update was applied, and all facts show it.
    Applied,
    /// From rcm: this node stops in order and runs nothing any more. Answered by `Left`, once its
    /// vote is with the others where votes are dynamic.
    Leave,
    /// From gum: what `HandOver` asked for is over.
    HandedOver,
}

/// What the quorum manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the facts.
    Publish {
        state: QuorumState,
        tally: Option<Tally>,
    },
    /// To membership: the view's decision waits for the witness.
    Arbitrating,
    /// To rcm: exactly one vote is missing and this node is the arbiter: get the witness.
    WitnessNeeded,
    /// To membership: whether this node holds the witness, for its next report.
    WitnessHeld { held: bool },
    /// To rcm: the witness was won but the copy on it shows that this view has no quorum: give it
    /// back.
    WitnessUnneeded,
    /// To the event log.
    Notice(Notice),
    /// To messaging.
    Send { to: NodeSet, message: Message },
    /// To gum and membership: the view has quorum; by an administrator's word if `forced` says so.
    QuorumHeld {
        witness: Option<(NodeId, PaxosTag)>,
        forced: Option<NodeSet>,
    },
    /// To the node: an active member is in a view without quorum.
    Halt { reason: HaltReason },
    /// To gum: adjust the dynamic weights.
    Propose { changes: Vec<Change> },
    /// To gum: give this node's vote to the others. Answered by `HandedOver`.
    HandOver { changes: Vec<Change> },
    /// To the node: the cluster needs nothing more of this node; it may end.
    Left,
    /// To database and whoever held it: `old` is no longer the witness.
    WitnessReplaced { old: Witness },
}

wire::codec!(enum Message {
    0 = Arbitrate { arbiter, tally },
    1 = WitnessWon { tag },
    2 = WitnessLost,
    3 = Decision { tally, held, fresh, forced },
    4 = WitnessHolder { held },
});
