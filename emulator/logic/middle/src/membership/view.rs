//! The view: which nodes agreed to be together, and what each brought along.

use std::collections::BTreeMap;

use base::{Incarnation, NodeId, NodeSet, PaxosTag, ViewId};

/// Names one global update: its place in the order, the node that sends it and the view in which
/// it was first sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateKey {
    /// Place in the one order of all updates since the database was made.
    pub number: u64,
    /// Epoch of the view in which it was first sent.
    pub epoch: u64,
    /// The lock owner that sent it.
    pub sender: NodeId,
}

/// What a member told of itself when it agreed to a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberReport {
    /// Which life of the node this is.
    pub incarnation: Incarnation,
    /// It was an active member of a quorate view in this life; its replica is the truth.
    pub active: bool,
    /// Tag of its committed replica.
    pub tag: PaxosTag,
    /// Number of the last update it applied (volatile ones count as well), 0 before the first.
    pub applied: u64,
    /// An update that it has agreed to and not seen committed.
    pub prepared: Option<UpdateKey>,
    /// It holds the reservation of the witness disk or the lock on the witness share.
    pub holds_witness: bool,
}

/// One membership view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its unique name.
    pub id: ViewId,
    /// Who is in it.
    pub members: NodeSet,
    /// What each member brought along.
    pub reports: BTreeMap<NodeId, MemberReport>,
}

impl View {
    /// Members that were active before this view.
    #[must_use]
    pub fn active(&self) -> NodeSet {
        self.reports
            .iter()
            .filter(|(_, report)| report.active)
            .map(|(node, _)| *node)
            .collect()
    }

    /// The member that holds the witness, if any.
    #[must_use]
    pub fn witness_holder(&self) -> Option<NodeId> {
        self.reports
            .iter()
            .find(|(_, report)| report.holds_witness)
            .map(|(node, _)| *node)
    }

    /// The node that speaks for the view: the lowest active member, or the lowest member while
    /// nobody is active.
    #[must_use]
    pub fn leader(&self) -> NodeId {
        self.active()
            .first()
            .or(self.members.first())
            .unwrap_or(self.id.coordinator)
    }
}
