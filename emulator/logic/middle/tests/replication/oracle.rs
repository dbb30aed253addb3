//! Sees everything that members publish, apply and acknowledge, and says what cannot be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{GroupId, NodeId, NodeSet, PaxosTag, ViewId};
use middle::database::{Change, Hive, Update};
use middle::gum::{Failure, Ticket};
use middle::object::ObjectTable;

/// A broken promise, in words.
pub(crate) type Violation = String;

/// One proposal of a test: its number names what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Proposal {
    pub(crate) id: u16,
    /// It changes the hive.
    pub(crate) persistent: bool,
    /// It changes the volatile tables.
    pub(crate) volatile: bool,
}

/// An update in its place. What is volatile alone lives as long as somebody who applied it: with
/// all of them its memory ends, and its place may be taken anew.
#[derive(Debug)]
struct Applied {
    update: Update,
    by: NodeSet,
}

/// A word that was given.
#[derive(Debug)]
struct Acknowledged {
    era: u64,
    /// Members of the view, as long as they live: each has the update in memory.
    held_by: NodeSet,
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// Content by last epoch and sequence: equal tags, equal content.
    contents: BTreeMap<(u64, u64), Arc<Hive>>,
    /// What was applied in each place of each era: one total order.
    order: BTreeMap<(u64, u64), Applied>,
    /// Where each node's replica was last, over all its lives.
    places: BTreeMap<NodeId, (u64, u64)>,
    /// Multicasts delivered in a view by whoever went from it to the next one together.
    closed: BTreeMap<(ViewId, ViewId), BTreeMap<NodeId, u64>>,
    proposals: BTreeMap<Ticket, Proposal>,
    acknowledged: BTreeMap<Ticket, Acknowledged>,
    /// Refused as having no effect.
    refused: BTreeSet<Ticket>,
}

impl Oracle {
    pub(crate) fn proposed(&mut self, ticket: Ticket, proposal: Proposal) {
        self.proposals.insert(ticket, proposal);
    }

    pub(crate) fn published(
        &mut self,
        node: NodeId,
        tag: PaxosTag,
        hive: &Arc<Hive>,
    ) -> Result<(), Violation> {
        // The next epoch may: an active member takes back one that a forming had only begun.
        let place = (tag.last_epoch, tag.sequence);
        let before = self.places.insert(node, place).unwrap_or_default();
        if before > place {
            return Err(format!("{node:?} went back from {before:?} to {tag}"));
        }
        let known = self
            .contents
            .entry(place)
            .or_insert_with(|| Arc::clone(hive));
        if !Arc::ptr_eq(known, hive) && known != hive {
            return Err(format!("{node:?} has other content than others at {tag}"));
        }
        Ok(())
    }

    pub(crate) fn applied(
        &mut self,
        node: NodeId,
        era: u64,
        update: &Update,
    ) -> Result<(), Violation> {
        let place = (era, update.key.number);
        let known = self.order.entry(place).or_insert_with(|| Applied {
            update: update.clone(),
            by: NodeSet::EMPTY,
        });
        known.by.insert(node);
        if known.update.changes != update.changes {
            let known = &known.update;
            return Err(format!(
                "{node:?} applied {update:?} where others applied {known:?}"
            ));
        }
        Ok(())
    }

    /// Virtual synchrony: nodes that go on together have delivered the same.
    pub(crate) fn closed(
        &mut self,
        node: NodeId,
        view: ViewId,
        next: ViewId,
        delivered: BTreeMap<NodeId, u64>,
    ) -> Result<(), Violation> {
        let known = self.closed.entry((view, next));
        let known = known.or_insert_with(|| delivered.clone());
        if *known != delivered {
            return Err(format!(
                "{node:?} delivered {delivered:?} in {view:?} where others delivered {known:?}"
            ));
        }
        Ok(())
    }

    /// The node's memory is gone.
    pub(crate) fn crashed(&mut self, node: NodeId) {
        self.order.retain(|_, applied| {
            applied.by.remove(node);
            !applied.by.is_empty() || applied.update.is_persistent()
        });
        for acknowledged in self.acknowledged.values_mut() {
            acknowledged.held_by.remove(node);
        }
    }

    pub(crate) fn done(
        &mut self,
        ticket: Ticket,
        era: u64,
        held_by: NodeSet,
        result: Result<PaxosTag, Failure>,
    ) {
        match result {
            Ok(_) => {
                let acknowledged = Acknowledged { era, held_by };
                self.acknowledged.insert(ticket, acknowledged);
            }
            Err(Failure::NotReady | Failure::Busy) => {
                self.refused.insert(ticket);
            }
            Err(Failure::ViewChanged) => {}
        }
    }

    pub(crate) fn locks(&self, owners: &[(ViewId, NodeId)]) -> Result<(), Violation> {
        let mut seen = BTreeMap::new();
        for (view, node) in owners {
            if let Some(other) = seen.insert(*view, *node) {
                return Err(format!(
                    "{node:?} and {other:?} own the lock of view {view:?}"
                ));
            }
        }
        Ok(())
    }

    /// Whether what a settled member holds keeps every word that was given.
    pub(crate) fn settled(
        &self,
        era: u64,
        hive: &Hive,
        objects: &ObjectTable,
    ) -> Result<(), Violation> {
        for (ticket, acknowledged) in &self.acknowledged {
            let remembered = acknowledged.era == era && !acknowledged.held_by.is_empty();
            let proposal = self.proposals[ticket];
            if proposal.persistent && !has_value(hive, proposal.id) {
                return Err(format!("acknowledged and lost: {proposal:?}"));
            }
            if proposal.volatile && remembered && !has_row(objects, proposal.id) {
                return Err(format!("acknowledged and lost from memory: {proposal:?}"));
            }
        }
        for ticket in &self.refused {
            let proposal = self.proposals[ticket];
            if has_value(hive, proposal.id) || has_row(objects, proposal.id) {
                return Err(format!("refused as without effect, and done: {proposal:?}"));
            }
        }
        Ok(())
    }

    /// How much was acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    pub(crate) fn is_acknowledged(&self, ticket: Ticket) -> bool {
        self.acknowledged.contains_key(&ticket)
    }
}

fn has_value(hive: &Hive, id: u16) -> bool {
    hive.value("Updates", &id.to_string()).is_some()
}

fn has_row(objects: &ObjectTable, id: u16) -> bool {
    objects.groups.contains_key(&GroupId(id))
}

impl Proposal {
    /// Its changes when `owner` proposes it.
    pub(crate) fn changes(self, owner: NodeId) -> Vec<Change> {
        use base::StateChangeCause;
        use middle::database::{HiveChange, Value};
        use middle::object::StateChange;
        let hive = HiveChange::Set {
            key: "Updates".into(),
            name: self.id.to_string(),
            value: Value::Dword(owner.number().into()),
        };
        let state = StateChange::GroupOwner {
            group: GroupId(self.id),
            owner,
            cause: StateChangeCause::Move,
        };
        let hive = self.persistent.then_some(Change::Hive(hive));
        let state = self.volatile.then_some(Change::State(state));
        hive.into_iter().chain(state).collect()
    }
}
