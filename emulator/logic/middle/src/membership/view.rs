//! The view: which nodes agreed to be together, and what each brought along.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Incarnation, NodeId, NodeSet, PaxosTag, ViewId};

/// Names one global update: its place in the order, the node that sends it and the view in which
/// it was first sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateKey {
    /// Place in the one order of all updates since the database was made.
    pub number: u64,
    /// Number of the synchronisation in whose view it was last sent (see [`Synchronised`]).
    pub epoch: u64,
    /// The lock owner that sent it.
    pub sender: NodeId,
}

/// What a member told of itself when it agreed to a view.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The view that its replica was last brought to.
    pub synchronised: Synchronised,
    /// It holds the reservation of the witness disk or the lock on the witness share.
    pub holds_witness: bool,
    /// An administrator's word stands for the votes that this member lacks: it was started to form
    /// a cluster by force, or it is active in one that has not got enough votes since. The nodes
    /// that 2003 counts the majority among.
    pub forced: Option<NodeSet>,
    /// How long nothing has come from each node that it cannot reach; since its own start, if it
    /// never heard that node.
    pub silent: BTreeMap<NodeId, Duration>,
}

/// Which view a replica was last brought to. Kept durably: members of a view that opened have it,
/// so whoever was left out can be told from it.
///
/// View epochs start anew when nodes do; this number does not. A view's source takes one above
/// every number that its members and the witness bring, and a later quorate view shares one of
/// these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Synchronised {
    /// Number of the synchronisation; 0 before the first.
    pub epoch: u64,
    /// The view's members.
    pub members: NodeSet,
}

impl Synchronised {
    /// Whether this view came after `own` and did without `node`.
    #[must_use]
    pub fn is_beyond(self, node: NodeId, own: Self) -> bool {
        self.epoch > own.epoch && !self.members.contains(node)
    }
}

/// How far a replica is. Ordered: the greatest of a view's holds every update that may have been
/// acknowledged.
///
/// Of two updates that were agreed to in the same place, the one sent in the later epoch counts:
/// its sender knew of the other if that could have been committed (as the highest ballot of Paxos).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// Tag of the committed replica.
    pub tag: PaxosTag,
    /// Number of the last applied update.
    pub applied: u64,
    /// An update that was agreed to and not seen committed.
    pub prepared: Option<UpdateKey>,
    /// The view that it was last brought to.
    pub synchronised: Synchronised,
}

impl Standing {
    /// Whether this replica shows that others went on without `node`, which is active and has
    /// `own`: it was brought to a later view that the node is not in (one that the node is in has
    /// not opened without it), or holds an update that the node has neither applied nor agreed to.
    #[must_use]
    pub fn is_without(&self, node: NodeId, own: &Self) -> bool {
        let agreed = own.prepared.map(|key| key.number);
        let newer = self.tag > own.tag && self.tag.sequence > own.tag.sequence;
        let foreign = self.tag.last_epoch > own.tag.next_epoch;
        let missed = foreign || newer && agreed != Some(self.applied);
        missed || self.synchronised.is_beyond(node, own.synchronised)
    }
}

impl MemberReport {
    /// How far the member's replica is.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            tag: self.tag,
            applied: self.applied,
            prepared: self.prepared,
            synchronised: self.synchronised,
        }
    }
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

    /// How long before the view was installed the last datagram of a node outside it may have
    /// reached a member: until then that node may have believed to be together with that member.
    #[must_use]
    pub fn silence(&self, outsider: NodeId) -> Duration {
        let heard = |report: &MemberReport| report.silent.get(&outsider).copied();
        let shortest = self.reports.values().map(heard).min().flatten();
        shortest.unwrap_or_default()
    }

    /// The member whose replica the others are brought to: active before not, then one that is to
    /// form the cluster by an administrator's word, newest standing, lowest number. `fresh`
    /// replaces what one member reported.
    #[must_use]
    pub fn source(&self, fresh: Option<(NodeId, Standing)>) -> NodeId {
        let rank = |(node, report): &(&NodeId, &MemberReport)| {
            let standing = fresh
                .filter(|(other, _)| other == *node)
                .map_or(report.standing(), |(_, standing)| standing);
            let forced = !report.active && report.forced.is_some();
            (report.active, forced, standing, std::cmp::Reverse(**node))
        };
        let best = self.reports.iter().max_by_key(rank);
        best.map_or(self.id.coordinator, |(node, _)| *node)
    }

    /// Members that claim to be active although others have gone on without them: a node that was
    /// frozen, for example, and never learnt of the views since. Their volatile tables are worth
    /// nothing.
    #[must_use]
    pub fn ghosts(&self, fresh: Option<(NodeId, Standing)>) -> NodeSet {
        let fresh = fresh.map(|(_, standing)| standing);
        let reported = self.reports.values().map(MemberReport::standing);
        let brought: Vec<Standing> = reported.chain(fresh).collect();
        let is_ghost = |node: NodeId, report: &MemberReport| {
            let left = |other: &Standing| other.is_without(node, &report.standing());
            report.active && brought.iter().any(left)
        };
        let reports = self.reports.iter();
        reports
            .filter(|(node, report)| is_ghost(**node, report))
            .map(|(node, _)| *node)
            .collect()
    }

    /// The nodes whose administrator's word lets the view go on without enough votes, by its
    /// members; none without such a word. A node that was told to form by force and has found a
    /// cluster simply joins it.
    #[must_use]
    pub fn forced(&self) -> Option<NodeSet> {
        let forming = self.active().is_empty();
        let speaks = |report: &&MemberReport| report.active != forming;
        let words = self.reports.values().filter(speaks);
        let words = words.filter_map(|report| report.forced);
        words.reduce(NodeSet::union)
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

wire::codec!(struct UpdateKey { number, epoch, sender });
wire::codec!(struct Synchronised { epoch, members });
wire::codec!(struct Standing { tag, applied, prepared, synchronised });
wire::codec!(struct MemberReport {
    incarnation, active, tag, applied, prepared, synchronised, holds_witness, forced, silent,
});
wire::codec!(struct View { id, members, reports });
