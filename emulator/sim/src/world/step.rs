//! The loop, and the short way of a datagram through it.

use std::time::Duration;

use base::{NetworkId, NodeId, NodeSet, Timestamp};
use bottom::txlog::DiskOutcome;
use node::{Event, Frame};

use super::seat::FRAMES_HELD_MAX;
use super::{ForNode, Happening, World};
use crate::checkers::Change;
use crate::service::Service;

/// How often the checkers look although nothing has changed.
const REVIEW_EVERY: Duration = Duration::from_secs(10);

/// Why the loop came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something changed that could be seen.
    Changed,
    /// The time is over; nothing happens before it any more.
    Time,
}

impl<S: Service> World<S> {
    /// Runs until something changes that could be seen, at most to `limit`.
    pub fn run_to_change(&mut self, limit: Timestamp) -> Stop {
        let before = self.changes;
        while let Some((at, what)) = self.queue.pop_until(limit) {
            self.now = at;
            self.happen(what);
            if at >= self.review_at {
                self.review_at = at + REVIEW_EVERY;
                self.changed(&Change::Time);
            }
            if !self.touched.is_empty() || self.outside.has_changes() {
                self.observe();
            }
            if self.changes != before {
                return Stop::Changed;
            }
        }
        self.now = self.now.max(limit);
        Stop::Time
    }

    /// Runs to `limit`.
    pub fn run_to(&mut self, limit: Timestamp) {
        while self.run_to_change(limit) == Stop::Changed {}
    }

    /// Runs until `done` holds, looking after every change; whether it did before `limit`.
    pub fn run_until(&mut self, limit: Timestamp, mut done: impl FnMut(&Self) -> bool) -> bool {
        loop {
            if done(self) {
                return true;
            }
            if self.run_to_change(limit) == Stop::Time {
                return done(self);
            }
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Frames {
                network,
                from,
                to,
                frame,
            } => self.deliver(network, from, to, frame),
            Happening::Bytes { network, to, bytes } => self.deliver_bytes(network, to, bytes),
            Happening::Wake { node, generation } => self.wake(node, generation),
            Happening::Node { node, life, what } => self.happen_at(node, life, what),
            Happening::Scsi {
                node,
                life,
                io,
                disk,
                command,
            } => self.scsi_arrives(node, life, io, disk, command.as_deref()),
            Happening::Share {
                node,
                life,
                io,
                request,
            } => self.share_arrives(node, life, io, request),
            Happening::Start { node, order } => self.start_ordered(node, order),
            Happening::ForceOff { node, order } => self.force_off(node, order),
            Happening::HungTooLong { node, life } => self.hung_too_long(node, life),
        }
    }

    fn deliver(&mut self, network: NetworkId, from: NodeId, to: NodeSet, frame: Frame) {
        self.deliveries += u64::from(to.len());
        let is_segment = matches!(frame, Frame::Segment(_));
        for node in to.iter() {
            let Some(seat) = self.seats.get_mut(node.index()) else {
                continue;
            };
            if seat.frozen {
                if seat.frames_held < FRAMES_HELD_MAX {
                    seat.frames_held += 1;
                    let frame = frame.clone();
                    seat.held.push(Happening::Frames {
                        network,
                        from,
                        to: NodeSet::one(node),
                        frame,
                    });
                }
                continue;
            }
            let Some(service) = &mut seat.service else {
                continue;
            };
            let event = Event::Frame {
                network,
                from,
                frame: frame.clone(),
            };
            service.handle(seat.clock.read(self.now), event);
            if is_segment {
                self.touched.insert(node);
            }
            self.settle(node);
        }
    }

    fn wake(&mut self, node: NodeId, generation: u32) {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if generation != seat.wake_generation {
            return;
        }
        seat.wake_at = Timestamp::NEVER;
        if seat.frozen {
            return;
        }
        let Some(service) = &mut seat.service else {
            return;
        };
        let mine = seat.clock.read(now);
        if service.deadline().is_some_and(|due| due <= mine.mono) {
            service.advance(mine);
            self.settle(node);
        } else {
            self.arm(node);
        }
    }

    /// Something for one life of a node; a frozen machine keeps it for later.
    fn happen_at(&mut self, node: NodeId, life: u32, what: Box<ForNode>) {
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if seat.life != life {
            return;
        }
        if seat.frozen {
            seat.held.push(Happening::Node { node, life, what });
            return;
        }
        // Health checks and disk arbitration go on all the time and say when they find something.
        let routine = matches!(
            *what,
            ForNode::Event(Event::Scsi { .. }) | ForNode::Host { .. } | ForNode::Later { .. }
        );
        if !routine {
            self.touched.insert(node);
        }
        match *what {
            ForNode::Event(event) => self.give(node, event),
            ForNode::Link { network } => self.tell_link(node, network),
            ForNode::Disk { io, file } => {
                if let Some(outcome) = seat.disk.complete(file, io) {
                    if outcome == DiskOutcome::Failed {
                        self.changed(&Change::LocalDiskFailed { node });
                    }
                    self.give(node, Event::Disk { io, outcome });
                }
            }
            ForNode::Host { host, command } => self.host_command(node, host, command),
            ForNode::Later { host, later } => self.host_later(node, host, later),
        }
    }

    /// Gives an event to a node and carries out what it wants.
    pub(super) fn give(&mut self, node: NodeId, event: Event) {
        let now = self.now;
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        let Some(service) = &mut seat.service else {
            return;
        };
        service.handle(seat.clock.read(now), event);
        self.settle(node);
    }

    /// Takes the effects of a node out, carries them out, and arms its wake-up.
    pub(super) fn settle(&mut self, node: NodeId) {
        let seat = &mut self.seats[node.index()];
        let Some(service) = &mut seat.service else {
            return;
        };
        let life = seat.life;
        let mut effects = std::mem::take(&mut self.effects);
        service.drain(&mut effects);
        for effect in effects.drain(..) {
            if self.seats[node.index()].life == life {
                self.perform(node, effect);
            }
        }
        self.effects = effects;
        self.arm(node);
    }

    /// Makes sure that the one live wake-up comes no later than the node's deadline. A wake-up
    /// that comes early finds nothing due and arms itself again, which is cheaper than replacing
    /// it whenever the deadline moves away.
    pub(super) fn arm(&mut self, node: NodeId) {
        let seat = &mut self.seats[node.index()];
        let Some(due) = seat.service.as_ref().and_then(|service| service.deadline()) else {
            return;
        };
        let at = seat.clock.world_time(due).max(self.now);
        if at < seat.wake_at {
            seat.wake_at = at;
            seat.wake_generation = seat.wake_generation.wrapping_add(1);
            let generation = seat.wake_generation;
            self.queue.push(at, Happening::Wake { node, generation });
        }
    }

    /// Puts something for the current life of a node into the queue.
    pub(super) fn send_to_node(&mut self, node: NodeId, after: Duration, what: ForNode) {
        let Some(seat) = self.seats.get(node.index()) else {
            return;
        };
        let life = seat.life;
        let what = Box::new(what);
        self.queue
            .push(self.now + after, Happening::Node { node, life, what });
    }
}
