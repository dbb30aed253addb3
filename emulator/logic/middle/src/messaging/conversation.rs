//! One peer's half of messaging: numbered messages out, in order in, window and backlog.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::limits::{MESSAGES_BACKLOG_MAX, MESSAGES_UNACKNOWLEDGED_MAX};
use base::{Timestamp, ViewId};

use super::messages::Segment;

/// What is unacknowledged is sent again this often.
pub(super) const RETRANSMIT_INTERVAL: Duration = Duration::from_millis(250);
/// A peer that acknowledges nothing for so long does not work.
pub(super) const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(30);
/// Received messages that are acknowledged without waiting for something to carry it.
const UNACKNOWLEDGED_RECEIVED_MAX: u64 = 16;

/// The state towards one member of the view.
#[derive(Debug)]
pub(super) struct Conversation<P> {
    view: ViewId,
    /// Number of the last message that was sent.
    sent: u64,
    /// Sent and not acknowledged, oldest first: the last of them is number `sent`.
    unacknowledged: VecDeque<Arc<P>>,
    backlog: VecDeque<Arc<P>>,
    /// Everything up to this was received.
    received: u64,
    /// Received ahead of one that is missing.
    early: BTreeMap<u64, Arc<P>>,
    /// What the peer was last told of `received`.
    told: u64,
    /// A repeated message shows that an acknowledgement was lost.
    repeated: bool,
    /// When the unacknowledged were last sent again, or the first of them was sent.
    transmitted: Timestamp,
    /// When the peer last acknowledged something, or had nothing to acknowledge.
    progress: Timestamp,
    /// The peer was given up; nothing more is sent in this view.
    broken: bool,
}

impl<P> Conversation<P> {
    pub(super) fn new(view: ViewId) -> Self {
        Self {
            view,
            sent: 0,
            unacknowledged: VecDeque::new(),
            backlog: VecDeque::new(),
            received: 0,
            early: BTreeMap::new(),
            told: 0,
            repeated: false,
            transmitted: Timestamp::ZERO,
            progress: Timestamp::ZERO,
            broken: false,
        }
    }

    /// Takes a message on. Answers the segment to transmit, or nothing while it has to wait.
    pub(super) fn send(&mut self, now: Timestamp, payload: Arc<P>) -> Option<Segment<P>> {
        if self.broken {
            return None;
        }
        if self.unacknowledged.len() >= MESSAGES_UNACKNOWLEDGED_MAX {
            self.backlog.push_back(payload);
            return None;
        }
        Some(self.transmit(now, payload))
    }

    fn transmit(&mut self, now: Timestamp, payload: Arc<P>) -> Segment<P> {
        if self.unacknowledged.is_empty() {
            self.transmitted = now;
            self.progress = now;
        }
        self.sent += 1;
        self.unacknowledged.push_back(Arc::clone(&payload));
        self.data(self.sent, payload)
    }

    fn data(&mut self, sequence: u64, payload: Arc<P>) -> Segment<P> {
        self.told = self.received;
        self.repeated = false;
        Segment::Data {
            view: self.view,
            sequence,
            acknowledged: self.received,
            payload,
        }
    }

    /// The peer has everything up to `acknowledged`. Answers what may be sent now.
    pub(super) fn acknowledged(&mut self, now: Timestamp, acknowledged: u64) -> Vec<Segment<P>> {
        let oldest = self.sent - self.unacknowledged_count();
        if acknowledged <= oldest || acknowledged > self.sent {
            return Vec::new();
        }
        for _ in oldest..acknowledged {
            self.unacknowledged.pop_front();
        }
        self.progress = now;
        let mut segments = Vec::new();
        while self.unacknowledged.len() < MESSAGES_UNACKNOWLEDGED_MAX {
            let Some(payload) = self.backlog.pop_front() else {
                break;
            };
            segments.push(self.transmit(now, payload));
        }
        segments
    }

    fn unacknowledged_count(&self) -> u64 {
        u64::try_from(self.unacknowledged.len()).unwrap_or(u64::MAX)
    }

    /// Message `sequence` arrived. Answers what can be delivered now, in order.
    pub(super) fn receive(&mut self, sequence: u64, payload: Arc<P>) -> Vec<Arc<P>> {
        let window = u64::try_from(MESSAGES_UNACKNOWLEDGED_MAX).unwrap_or(u64::MAX);
        if sequence <= self.received {
            self.repeated = true;
            return Vec::new();
        }
        if sequence - self.received > window {
            return Vec::new();
        }
        self.early.insert(sequence, payload);
        let mut ready = Vec::new();
        while let Some(payload) = self.early.remove(&(self.received + 1)) {
            self.received += 1;
            ready.push(payload);
        }
        ready
    }

    /// Whether the peer should learn what was received.
    pub(super) fn owes(&self) -> bool {
        self.repeated || self.received > self.told
    }

    /// Whether it should learn it at once.
    pub(super) fn owes_much(&self) -> bool {
        self.repeated || self.received - self.told >= UNACKNOWLEDGED_RECEIVED_MAX
    }

    pub(super) fn acknowledge(&mut self) -> Segment<P> {
        self.told = self.received;
        self.repeated = false;
        Segment::Acknowledge {
            view: self.view,
            acknowledged: self.received,
        }
    }

    /// When the unacknowledged are sent again.
    pub(super) fn retransmit_at(&self) -> Option<Timestamp> {
        let waits = !self.broken && !self.unacknowledged.is_empty();
        waits.then(|| self.transmitted + RETRANSMIT_INTERVAL)
    }

    pub(super) fn retransmit(&mut self, now: Timestamp) -> Vec<Segment<P>> {
        self.transmitted = now;
        let oldest = self.sent - self.unacknowledged_count();
        let payloads: Vec<_> = self.unacknowledged.iter().cloned().collect();
        (oldest + 1..)
            .zip(payloads)
            .map(|(sequence, payload)| self.data(sequence, payload))
            .collect()
    }

    /// Gives the peer up if it does not work. True once.
    pub(super) fn give_up(&mut self, now: Timestamp) -> bool {
        let silent =
            !self.unacknowledged.is_empty() && now.since(self.progress) >= UNRESPONSIVE_AFTER;
        let full = self.backlog.len() >= MESSAGES_BACKLOG_MAX;
        if self.broken || !(silent || full) {
            return false;
        }
        self.broken = true;
        self.unacknowledged.clear();
        self.backlog.clear();
        true
    }

    /// Asserts the invariants.
    pub(super) fn check(&self) {
        assert!(self.unacknowledged.len() <= MESSAGES_UNACKNOWLEDGED_MAX);
        assert!(self.early.len() < MESSAGES_UNACKNOWLEDGED_MAX);
        assert!(self.backlog.len() <= MESSAGES_BACKLOG_MAX);
        assert!(self.unacknowledged_count() <= self.sent);
        assert!(self.told <= self.received);
        let full = self.unacknowledged.len() == MESSAGES_UNACKNOWLEDGED_MAX;
        assert!(
            full || self.backlog.is_empty(),
            "a message waits although the window is open"
        );
    }
}
