//! Causal order: time stamps decide when a multicast may be delivered (seed 001, Messaging: Causal
//! Multicast).
//!
//! Duty: let a multicast through only after the earlier ones of its sender, and a causal one only
//! after everything that its sender had delivered. What has to wait is held, in its sender's
//! order. Deliberately not done here: getting hold of what is missing (`gem`, `repair`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::NodeId;
use base::limits::MESSAGES_BACKLOG_MAX;

use super::messages::{Multicast, Stamp};

/// What was delivered in one view, and what waits.
#[derive(Debug)]
pub(super) struct Causal<P> {
    delivered: BTreeMap<NodeId, u64>,
    held: BTreeMap<NodeId, VecDeque<Arc<Multicast<P>>>>,
}

impl<P> Default for Causal<P> {
    fn default() -> Self {
        Self {
            delivered: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }
}

impl<P> Causal<P> {
    /// How many multicasts of each member were delivered.
    pub(super) fn delivered(&self) -> &BTreeMap<NodeId, u64> {
        &self.delivered
    }

    /// The time stamp of a multicast that `me` sends now.
    pub(super) fn stamp(&self, me: NodeId) -> Stamp {
        let others = self.delivered.iter().filter(|(node, _)| **node != me);
        Stamp(others.map(|(node, count)| (*node, *count)).collect())
    }

    /// Whether another multicast of `origin` can be taken in.
    pub(super) fn has_room(&self, origin: NodeId) -> bool {
        let held = self.held.get(&origin).map_or(0, VecDeque::len);
        held < MESSAGES_BACKLOG_MAX
    }

    /// Takes the next multicast of `origin` in.
    pub(super) fn offer(&mut self, origin: NodeId, multicast: Arc<Multicast<P>>) {
        self.held.entry(origin).or_default().push_back(multicast);
    }

    /// Takes out a multicast that may be delivered now; call until there is none.
    pub(super) fn next(&mut self) -> Option<(NodeId, Arc<Multicast<P>>)> {
        let delivered = &self.delivered;
        let due = |queue: &VecDeque<Arc<Multicast<P>>>| {
            let first = queue.front();
            first.is_some_and(|it| it.after.as_ref().is_none_or(|at| has_passed(delivered, at)))
        };
        let (origin, queue) = self.held.iter_mut().find(|(_, queue)| due(queue))?;
        let (origin, multicast) = (*origin, queue.pop_front()?);
        *self.delivered.entry(origin).or_default() += 1;
        Some((origin, multicast))
    }

    /// A member whose multicast too many others wait for.
    pub(super) fn culprit(&self) -> Option<NodeId> {
        let full = |queue: &&VecDeque<_>| queue.len() >= MESSAGES_BACKLOG_MAX;
        let first = self.held.values().find(full)?.front()?;
        let mut wanted = first.after.iter().flat_map(|stamp| &stamp.0);
        let missing = |(node, count): &(&NodeId, &u64)| self.of(**node) < **count;
        wanted.find(missing).map(|(node, _)| *node)
    }

    fn of(&self, node: NodeId) -> u64 {
        self.delivered.get(&node).copied().unwrap_or_default()
    }
}

/// Whether everything that the stamp names was delivered.
fn has_passed(delivered: &BTreeMap<NodeId, u64>, stamp: &Stamp) -> bool {
    let mut wanted = stamp.0.iter();
    wanted.all(|(node, count)| delivered.get(node).copied().unwrap_or_default() >= *count)
}
