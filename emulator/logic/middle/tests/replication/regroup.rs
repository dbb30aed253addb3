//! A view on its way, fed by hand: promises, installation, decision, each member at its own time.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{NodeId, NodeSet, PaxosTag, QuorumState, ViewId};
use middle::gum;
use middle::membership::{MemberReport, Synchronised, View};

use crate::attack::Plan;
use crate::cluster::Cluster;

/// Who votes for a view, and whether the witness has to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quorum {
    pub(crate) members: NodeSet,
    pub(crate) needs_witness: bool,
}

/// Whether these nodes may be a view.
pub(crate) fn quorum(plan: &Plan, members: NodeSet) -> Option<Quorum> {
    let total = u32::from(plan.nodes) + u32::from(plan.witness);
    let needed = if plan.minority_is_enough {
        1
    } else {
        total / 2 + 1
    };
    let short = needed.saturating_sub(members.len());
    let needs_witness = short == 1 && plan.witness;
    let quorate = !members.is_empty() && (short == 0 || needs_witness);
    quorate.then_some(Quorum {
        members,
        needs_witness,
    })
}

#[derive(Debug)]
pub(crate) struct Regroup {
    quorum: Quorum,
    id: ViewId,
    /// Members whose old view is about to end, and those of them that have repaired it.
    closing: NodeSet,
    repaired: NodeSet,
    promises: BTreeMap<NodeId, MemberReport>,
    view: Option<Arc<View>>,
    installed: NodeSet,
    decided: NodeSet,
    /// The witness was reconciled by this member; its word to the others.
    pub(crate) reconciled: Option<(NodeId, PaxosTag)>,
}

impl Regroup {
    pub(crate) fn new(quorum: Quorum, id: ViewId) -> Self {
        Self {
            quorum,
            id,
            closing: NodeSet::EMPTY,
            repaired: NodeSet::EMPTY,
            promises: BTreeMap::new(),
            view: None,
            installed: NodeSet::EMPTY,
            decided: NodeSet::EMPTY,
            reconciled: None,
        }
    }

    pub(crate) fn arbiter(&self) -> Option<NodeId> {
        let arbiter = self.quorum.members.first();
        arbiter.filter(|_| self.quorum.needs_witness)
    }

    /// Whether the word of `node`, in this view, is what the decision waits for.
    pub(crate) fn awaits(&self, node: NodeId, view: Option<ViewId>) -> bool {
        self.arbiter() == Some(node) && view == Some(self.id)
    }

    pub(crate) fn members(&self) -> NodeSet {
        self.quorum.members
    }

    pub(crate) fn is_over(&self) -> bool {
        self.decided == self.quorum.members
    }

    /// A member has repaired what came before this view.
    pub(crate) fn repaired(&mut self, node: NodeId, next: ViewId) {
        if next == self.id {
            self.repaired.insert(node);
        }
    }

    /// Takes the view one step further at one member. The member must be running.
    pub(crate) fn step(&mut self, cluster: &mut Cluster, node: NodeId) {
        let ready = self.repaired.contains(node) || cluster.plan.repairs_are_skipped;
        if !self.closing.contains(node) {
            self.closing.insert(node);
            if let Some(member) = cluster.members.get_mut(&node) {
                member.repair(self.id, self.quorum.members);
            }
        } else if !ready {
            // Messaging is still at it.
        } else if !self.promises.contains_key(&node) {
            self.promise(cluster, node);
        } else if self.promises.keys().copied().collect::<NodeSet>() == self.quorum.members {
            self.go_on(cluster, node);
        }
    }

    fn promise(&mut self, cluster: &mut Cluster, node: NodeId) {
        let blank = cluster.plan.reports_are_blank;
        let Some(member) = cluster.members.get_mut(&node) else {
            return;
        };
        let facts = &member.facts;
        let mut report = MemberReport {
            incarnation: facts.incarnation,
            active: member.active,
            tag: facts.tag,
            applied: facts.applied,
            prepared: facts.prepared.as_ref().map(|update| update.key),
            synchronised: facts.synchronised,
            holds_witness: cluster.witness.holder == Some(node),
            forced: None,
            silent: BTreeMap::new(),
        };
        if blank {
            (report.tag, report.applied, report.prepared) = (PaxosTag::default(), 0, None);
            report.synchronised = Synchronised::default();
        }
        self.promises.insert(node, report);
        member.tell_gum(gum::Input::Promised);
    }

    fn go_on(&mut self, cluster: &mut Cluster, node: NodeId) {
        let view = self.view.get_or_insert_with(|| {
            Arc::new(View {
                id: self.id,
                members: self.quorum.members,
                reports: self.promises.clone(),
            })
        });
        if !self.installed.contains(node) {
            let view = Arc::clone(view);
            self.installed.insert(node);
            cluster.era_of(&view);
            if let Some(member) = cluster.members.get_mut(&node) {
                member.install(view);
            }
            if self.arbiter() == Some(node) {
                cluster.take_witness(node);
            }
        } else if !self.decided.contains(node) {
            self.decide(cluster, node);
        }
    }

    fn decide(&mut self, cluster: &mut Cluster, node: NodeId) {
        if self.quorum.needs_witness && self.reconciled.is_none() {
            return;
        }
        self.decided.insert(node);
        if let Some(member) = cluster.members.get_mut(&node) {
            member.facts.quorum = QuorumState::Held;
            let witness = self.reconciled;
            member.needs_witness = self.quorum.needs_witness;
            member.tell_gum(gum::Input::QuorumHeld {
                witness,
                forced: false,
            });
        }
    }
}
