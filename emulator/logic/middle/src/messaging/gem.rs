//! Good-enough multicast: numbered within the view, kept until every member has it (seed 001,
//! Messaging: GEM; MessageBufferLength, reference section 6.2).
//!
//! Duty: number this node's multicasts, keep at most 50 of them that some member lacks, and keep
//! what came from others until its sender says that everybody has it. What is kept is what a
//! repair can bring to others. Deliberately not done here: the way over the wire (`unicast`), the
//! order among senders (`causal`), the repair itself (`repair`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::limits::{MESSAGES_BACKLOG_MAX, MESSAGES_UNACKNOWLEDGED_MAX};
use base::{NodeId, NodeSet};

use super::messages::{Multicast, Round, Stamp};

/// What was received of one member, this node included.
#[derive(Debug)]
struct Stream<P> {
    /// Everything up to this number was received.
    received: u64,
    /// The last of it, up to number `received`: some member may lack it.
    kept: VecDeque<Arc<Multicast<P>>>,
}

/// A multicast without its number.
#[derive(Debug)]
pub(super) struct Draft<P> {
    pub(super) to: NodeSet,
    pub(super) after: Option<Stamp>,
    pub(super) round: Option<Round>,
    pub(super) payload: Arc<P>,
}

/// Multicasts of one view.
#[derive(Debug)]
pub(super) struct Gem<P> {
    streams: BTreeMap<NodeId, Stream<P>>,
    /// How far each other member has acknowledged this node's multicasts.
    acknowledged: BTreeMap<NodeId, u64>,
    backlog: VecDeque<Draft<P>>,
}

impl<P> Default for Gem<P> {
    fn default() -> Self {
        Self {
            streams: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            backlog: VecDeque::new(),
        }
    }
}

impl<P> Default for Stream<P> {
    fn default() -> Self {
        Self {
            received: 0,
            kept: VecDeque::new(),
        }
    }
}

impl<P> Stream<P> {
    /// Takes the next one in; whether it was the next one.
    fn take(&mut self, multicast: &Arc<Multicast<P>>) -> bool {
        if multicast.sequence != self.received + 1 {
            return false;
        }
        self.received += 1;
        self.kept.push_back(Arc::clone(multicast));
        self.forget(multicast.stable);
        true
    }

    /// Everybody has what is up to `stable`.
    fn forget(&mut self, stable: u64) {
        self.kept.retain(|multicast| multicast.sequence > stable);
    }
}

impl<P> Gem<P> {
    /// How many multicasts of each member have been received.
    pub(super) fn received(&self) -> BTreeMap<NodeId, u64> {
        let streams = self.streams.iter();
        streams.map(|(node, it)| (*node, it.received)).collect()
    }

    /// Everything of this node up to this number is at every one of `others`.
    fn stable(&self, me: NodeId, others: NodeSet) -> u64 {
        let sent = self.streams.get(&me).map_or(0, |stream| stream.received);
        let known = |node| self.acknowledged.get(&node).copied().unwrap_or_default();
        others.iter().map(known).min().unwrap_or(sent)
    }

    /// Takes on a multicast of this node. It waits for `release` until it may be sent; where too
    /// much waits it is dropped, and the laggards have to go.
    pub(super) fn send(&mut self, draft: Draft<P>) {
        if self.backlog.len() < MESSAGES_BACKLOG_MAX {
            self.backlog.push_back(draft);
        }
    }

    /// Numbers what waited longest, unless 50 are on their way; call until there is nothing.
    pub(super) fn release(&mut self, me: NodeId, others: NodeSet) -> Option<Arc<Multicast<P>>> {
        if self.backlog.is_empty() {
            return None;
        }
        let stable = self.stable(me, others);
        let own = self.streams.entry(me).or_default();
        own.forget(stable);
        if own.kept.len() >= MESSAGES_UNACKNOWLEDGED_MAX {
            return None;
        }
        let draft = self.backlog.pop_front()?;
        let multicast = Arc::new(Multicast {
            sequence: own.received + 1,
            stable,
            to: draft.to,
            after: draft.after,
            round: draft.round,
            payload: draft.payload,
        });
        own.take(&multicast);
        Some(multicast)
    }

    /// Members that keep the window shut while too much waits behind it.
    pub(super) fn laggards(&self, me: NodeId, others: NodeSet) -> NodeSet {
        if self.backlog.len() < MESSAGES_BACKLOG_MAX {
            return NodeSet::EMPTY;
        }
        let stable = self.stable(me, others);
        let late = |node: &NodeId| self.acknowledged.get(node).copied().unwrap_or(0) <= stable;
        others.iter().filter(late).collect()
    }

    /// A member has this node's multicasts up to `sequence`.
    pub(super) fn acknowledged(&mut self, from: NodeId, sequence: u64) {
        let known = self.acknowledged.entry(from).or_default();
        *known = (*known).max(sequence);
    }

    /// A multicast of `origin` arrived; whether it is new and the next one.
    pub(super) fn receive(&mut self, origin: NodeId, multicast: &Arc<Multicast<P>>) -> bool {
        self.streams.entry(origin).or_default().take(multicast)
    }

    /// What is kept of `origin` after number `after`, in order.
    pub(super) fn kept(
        &self,
        origin: NodeId,
        after: u64,
    ) -> impl Iterator<Item = &Arc<Multicast<P>>> {
        let stream = self.streams.get(&origin).into_iter();
        let kept = stream.flat_map(|stream| &stream.kept);
        kept.filter(move |multicast| multicast.sequence > after)
    }

    /// The view ends: what waits is not sent any more.
    pub(super) fn close(&mut self) {
        self.backlog.clear();
    }

    /// Asserts the invariants.
    pub(super) fn check(&self, me: NodeId) {
        for (node, stream) in &self.streams {
            let newest = stream.kept.back().map(|multicast| multicast.sequence);
            assert!(
                newest.is_none_or(|newest| newest == stream.received),
                "a multicast is kept that was not received in its place"
            );
            let bounded = stream.kept.len() <= MESSAGES_UNACKNOWLEDGED_MAX;
            assert!(*node != me || bounded, "more is on its way than may be");
        }
    }
}
