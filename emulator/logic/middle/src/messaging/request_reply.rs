//! Multicast request-reply: rounds by request id (seed 001, Messaging: MRR).
//!
//! Duty: remember who still owes a reply to which request of this node, and which requests of
//! others were heard, so that a request that comes twice counts once. The first way of a request
//! is one datagram to each; whoever does not answer in time is asked again by good-enough
//! multicast. Deliberately not done here: giving up (the asker knows how long it can wait).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::limits::MESSAGES_UNACKNOWLEDGED_MAX;
use base::{NodeId, NodeSet, Timestamp};

use super::messages::Round;

/// A round that is not answered by all after so long is repaired.
const REPAIR_AFTER: Duration = Duration::from_millis(250);

/// A request of this node.
#[derive(Debug)]
struct Open<P> {
    payload: Arc<P>,
    to: NodeSet,
    awaited: NodeSet,
    /// When it is asked again by multicast; never twice.
    repair_at: Option<Timestamp>,
}

/// Requests of another node.
#[derive(Debug, Default)]
struct Heard {
    oldest: u64,
    requests: BTreeSet<u64>,
}

/// Rounds of one view.
#[derive(Debug)]
pub(super) struct Rounds<P> {
    open: BTreeMap<u64, Open<P>>,
    heard: BTreeMap<NodeId, Heard>,
}

impl<P> Default for Rounds<P> {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }
}

impl<P> Rounds<P> {
    /// Opens a round.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        request: u64,
        to: NodeSet,
        payload: Arc<P>,
    ) -> Round {
        let newest = self.open.last_key_value().map(|(request, _)| *request);
        assert!(newest < Some(request), "the request ids of an asker ascend");
        assert!(
            self.open.len() < MESSAGES_UNACKNOWLEDGED_MAX,
            "too many rounds at once"
        );
        let open = Open {
            payload,
            to,
            awaited: to,
            repair_at: Some(now + REPAIR_AFTER),
        };
        self.open.insert(request, open);
        self.round(request)
    }

    fn round(&self, request: u64) -> Round {
        let oldest = self.open.first_key_value().map(|(oldest, _)| *oldest);
        Round {
            request,
            oldest: oldest.unwrap_or(request),
        }
    }

    /// A reply arrived; whether it was awaited.
    pub(super) fn replied(&mut self, from: NodeId, request: u64) -> bool {
        let Some(open) = self.open.get_mut(&request) else {
            return false;
        };
        let awaited = open.awaited.contains(from);
        open.awaited.remove(from);
        if open.awaited.is_empty() {
            self.open.remove(&request);
        }
        awaited
    }

    /// A request of `asker` arrived; whether it came for the first time.
    pub(super) fn hear(&mut self, asker: NodeId, round: Round) -> bool {
        let heard = self.heard.entry(asker).or_default();
        heard.oldest = heard.oldest.max(round.oldest);
        let oldest = heard.oldest;
        heard.requests.retain(|request| *request >= oldest);
        // Whoever keeps more rounds open than it may is not answered.
        round.request >= oldest
            && heard.requests.len() < MESSAGES_UNACKNOWLEDGED_MAX
            && heard.requests.insert(round.request)
    }

    /// Takes out a round that is due to be repaired: whom it is for and what it asks.
    pub(super) fn repair(&mut self, now: Timestamp) -> Option<(Round, NodeSet, Arc<P>)> {
        let due = |open: &Open<P>| open.repair_at.is_some_and(|at| at <= now);
        let (request, open) = self.open.iter_mut().find(|(_, open)| due(open))?;
        open.repair_at = None;
        let (request, to, payload) = (*request, open.to, Arc::clone(&open.payload));
        Some((self.round(request), to, payload))
    }

    /// When a round is due to be repaired.
    pub(super) fn repair_at(&self) -> Option<Timestamp> {
        self.open.values().filter_map(|open| open.repair_at).min()
    }
}
