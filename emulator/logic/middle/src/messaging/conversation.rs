//! One conversation: both directions between this node and one peer, within one view.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::limits::{MESSAGES_BACKLOG_MAX, MESSAGES_UNACKNOWLEDGED_MAX};
use base::{NodeId, Outbox, Timestamp, ViewId};

use super::{Output, RESEND, Segment};

#[derive(Debug)]
pub(super) struct Conversation<P> {
    /// Number of the last message put in flight.
    sent: u64,
    /// In flight, oldest first; the last is number `sent`.
    flight: VecDeque<Arc<P>>,
    /// How many of `flight` have been transmitted at least once.
    transmitted: usize,
    /// Waiting for room in flight.
    backlog: VecDeque<Arc<P>>,
    /// Number of the last message delivered from the peer.
    received: u64,
    /// Messages that came before an earlier one.
    early: BTreeMap<u64, Arc<P>>,
    resend_at: Option<Timestamp>,
    heard: Timestamp,
}

impl<P> Default for Conversation<P> {
    fn default() -> Self {
        Self {
            sent: 0,
            flight: VecDeque::new(),
            transmitted: 0,
            backlog: VecDeque::new(),
            received: 0,
            early: BTreeMap::new(),
            resend_at: None,
            heard: Timestamp::ZERO,
        }
    }
}

impl<P> Conversation<P> {
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn resend_at(&self) -> Option<Timestamp> {
        self.resend_at
    }

    /// Takes a message in for sending.
    pub(super) fn queue(&mut self, now: Timestamp, payload: Arc<P>) {
        if self.flight.is_empty() {
            self.heard = now;
        }
        assert!(
            self.backlog.len() < MESSAGES_BACKLOG_MAX,
            "managers outtalk a silent member"
        );
        self.backlog.push_back(payload);
        self.fill(now);
    }

    fn fill(&mut self, now: Timestamp) {
        while self.flight.len() < MESSAGES_UNACKNOWLEDGED_MAX {
            let Some(payload) = self.backlog.pop_front() else {
                break;
            };
            self.sent += 1;
            self.flight.push_back(payload);
        }
        if !self.flight.is_empty() && self.resend_at.is_none() {
            self.resend_at = Some(now + RESEND);
        }
    }

    /// Sends what is in flight and was not sent yet.
    pub(super) fn transmit(&mut self, view: ViewId, to: NodeId, out: &mut Outbox<Output<P>>) {
        self.send_from(self.transmitted, view, to, out);
    }

    fn send_from(&mut self, from: usize, view: ViewId, to: NodeId, out: &mut Outbox<Output<P>>) {
        let first = self.sent - self.flight.len() as u64 + 1;
        let acknowledged = self.received;
        for (sequence, payload) in (first..).zip(&self.flight).skip(from) {
            let payload = Arc::clone(payload);
            let segment = Segment::Data {
                view,
                sequence,
                acknowledged,
                payload,
            };
            out.push(Output::Transmit { to, segment });
        }
        self.transmitted = self.flight.len();
    }

    /// Sends everything in flight again.
    pub(super) fn resend(
        &mut self,
        now: Timestamp,
        view: ViewId,
        to: NodeId,
        out: &mut Outbox<Output<P>>,
    ) {
        self.resend_at = Some(now + RESEND);
        self.send_from(0, view, to, out);
    }

    /// The peer has everything up to `number`.
    pub(super) fn acknowledge(&mut self, now: Timestamp, number: u64) {
        self.heard = now;
        let first = self.sent - self.flight.len() as u64 + 1;
        let done = (number + 1)
            .saturating_sub(first)
            .min(self.flight.len() as u64);
        let Ok(done) = usize::try_from(done) else {
            return;
        };
        if done == 0 {
            return;
        }
        self.flight.drain(..done);
        self.transmitted = self.transmitted.saturating_sub(done);
        self.resend_at = None;
        self.fill(now);
    }

    /// A message came; `ready` gets it and every early one that it sets free.
    pub(super) fn accept(&mut self, number: u64, payload: Arc<P>, ready: &mut VecDeque<Arc<P>>) {
        let window = self.received + 1..=self.received + MESSAGES_UNACKNOWLEDGED_MAX as u64;
        if window.contains(&number) {
            self.early.insert(number, payload);
        }
        while let Some(payload) = self.early.remove(&(self.received + 1)) {
            self.received += 1;
            ready.push_back(payload);
        }
    }

    /// Whether something is in flight and the peer has said nothing for `span`.
    pub(super) fn is_silent_for(&self, now: Timestamp, span: Duration) -> bool {
        !self.flight.is_empty() && now.since(self.heard) >= span
    }

    /// Starts the patience anew.
    pub(super) fn forgive(&mut self, now: Timestamp) {
        self.heard = now;
    }

    pub(super) fn check(&self) {
        assert!(self.flight.len() <= MESSAGES_UNACKNOWLEDGED_MAX);
        assert!(self.early.len() <= MESSAGES_UNACKNOWLEDGED_MAX);
        assert!(
            self.flight.is_empty() || self.resend_at.is_some(),
            "nobody would send it again"
        );
        assert!(self.flight.len() == MESSAGES_UNACKNOWLEDGED_MAX || self.backlog.is_empty());
    }
}
