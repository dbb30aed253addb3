//! Reliable unicast: what this node says to one member of the view and hears from it, numbered,
//! in order, acknowledged and sent again (seed 001, Messaging: Unicast Component).
//!
//! Deliberately not done here: what the packets mean.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::limits::{MESSAGES_BACKLOG_MAX, MESSAGES_UNACKNOWLEDGED_MAX};
use base::{Timestamp, ViewId};

use super::messages::{Packet, Segment};

/// What is unacknowledged is sent again this often.
pub(super) const RETRANSMIT_INTERVAL: Duration = Duration::from_millis(250);
/// A peer that acknowledges nothing for so long does not work.
pub(super) const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(30);
/// Received messages that are acknowledged without waiting for something to carry it.
const UNACKNOWLEDGED_RECEIVED_MAX: u64 = 16;

/// What an acknowledgement led to.
#[derive(Debug)]
pub(super) struct Progress<P> {
    /// What may be sent now.
    pub(super) released: Vec<Segment<P>>,
    /// The last multicast that the peer has now, if the acknowledgement covered one.
    pub(super) multicast: Option<u64>,
}

/// The state towards one member of the view.
#[derive(Debug)]
pub(super) struct Conversation<P> {
    view: ViewId,
    /// Number of the last message that was sent.
    sent: u64,
    /// Sent and not acknowledged, oldest first: the last of them is number `sent`.
    unacknowledged: VecDeque<Packet<P>>,
    backlog: VecDeque<Packet<P>>,
    /// Everything up to this was received.
    received: u64,
    /// Received ahead of one that is missing.
    early: BTreeMap<u64, Packet<P>>,
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
    pub(super) fn send(&mut self, now: Timestamp, packet: Packet<P>) -> Option<Segment<P>> {
        if self.broken {
            return None;
        }
        if self.unacknowledged.len() >= MESSAGES_UNACKNOWLEDGED_MAX {
            self.backlog.push_back(packet);
            return None;
        }
        Some(self.transmit(now, packet))
    }

    fn transmit(&mut self, now: Timestamp, packet: Packet<P>) -> Segment<P> {
        if self.unacknowledged.is_empty() {
            self.transmitted = now;
            self.progress = now;
        }
        self.sent += 1;
        self.unacknowledged.push_back(packet.clone());
        self.data(self.sent, packet)
    }

    fn data(&mut self, sequence: u64, packet: Packet<P>) -> Segment<P> {
        self.told = self.received;
        self.repeated = false;
        Segment::Data {
            view: self.view,
            sequence,
            acknowledged: self.received,
            packet,
        }
    }

    /// The peer has everything up to `acknowledged`.
    pub(super) fn acknowledged(&mut self, now: Timestamp, acknowledged: u64) -> Progress<P> {
        let mut progress = Progress {
            released: Vec::new(),
            multicast: None,
        };
        let oldest = self.sent - self.unacknowledged_count();
        if acknowledged <= oldest || acknowledged > self.sent {
            return progress;
        }
        for _ in oldest..acknowledged {
            if let Some(Packet::Multicast(multicast)) = self.unacknowledged.pop_front() {
                progress.multicast = Some(multicast.sequence);
            }
        }
        self.progress = now;
        while self.unacknowledged.len() < MESSAGES_UNACKNOWLEDGED_MAX {
            let Some(packet) = self.backlog.pop_front() else {
                break;
            };
            progress.released.push(self.transmit(now, packet));
        }
        progress
    }

    fn unacknowledged_count(&self) -> u64 {
        u64::try_from(self.unacknowledged.len()).unwrap_or(u64::MAX)
    }

    /// Message `sequence` arrived. Answers what can be delivered now, in order.
    pub(super) fn receive(&mut self, sequence: u64, packet: Packet<P>) -> Vec<Packet<P>> {
        let window = u64::try_from(MESSAGES_UNACKNOWLEDGED_MAX).unwrap_or(u64::MAX);
        if sequence <= self.received {
            self.repeated = true;
            return Vec::new();
        }
        if sequence - self.received > window {
            return Vec::new();
        }
        self.early.insert(sequence, packet);
        let mut ready = Vec::new();
        while let Some(packet) = self.early.remove(&(self.received + 1)) {
            self.received += 1;
            ready.push(packet);
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
        let packets: Vec<_> = self.unacknowledged.iter().cloned().collect();
        (oldest + 1..)
            .zip(packets)
            .map(|(sequence, packet)| self.data(sequence, packet))
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
