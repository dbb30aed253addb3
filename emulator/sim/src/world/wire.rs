//! Datagrams as bytes: the same way as frames, but through each node's codec and security.

use base::{NetworkId, NodeId, NodeSet};
use node::{Event, Frame};

use super::seat::FRAMES_HELD_MAX;
use super::{Happening, World};
use crate::service::Service;

impl<S: Service> World<S> {
    /// Sends a frame where frames travel as bytes or are recorded.
    pub(super) fn send_watched(
        &mut self,
        network: NetworkId,
        from: NodeId,
        to: NodeSet,
        frame: &Frame,
    ) {
        if !self.by_bytes {
            self.record(network, from, to, frame, None);
            return self.send(network, from, to, frame);
        }
        for receiver in to.iter() {
            let service = self.seats[from.index()].service.as_mut();
            let Some(bytes) = service.and_then(|it| it.seal(receiver, frame)) else {
                continue;
            };
            self.record(network, from, NodeSet::one(receiver), frame, Some(&bytes));
            self.send_bytes(network, from, receiver, &bytes);
        }
    }

    fn record(
        &mut self,
        network: NetworkId,
        from: NodeId,
        to: NodeSet,
        frame: &Frame,
        bytes: Option<&[u8]>,
    ) {
        if let Some(tap) = &mut self.tap {
            let name = self.plan.settings.node_name(from);
            for to in to.iter() {
                tap.see(self.now, network, (from, to), frame, bytes, &name);
            }
        }
    }

    fn send_bytes(&mut self, network: NetworkId, from: NodeId, to: NodeId, bytes: &[u8]) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        let receivers = NodeSet::one(to);
        self.networks.route(network, from, receivers, &mut arrivals);
        for arrival in arrivals.drain(..) {
            let arrives = Happening::Bytes {
                network,
                to,
                bytes: bytes.into(),
            };
            let at = self.now + arrival.after;
            self.queue.push_lane(usize::from(network.0), at, arrives);
        }
        self.arrivals = arrivals;
    }

    pub(super) fn deliver_bytes(&mut self, network: NetworkId, to: NodeId, bytes: Box<[u8]>) {
        self.deliveries += 1;
        let Some(seat) = self.seats.get_mut(to.index()) else {
            return;
        };
        if seat.frozen {
            if seat.frames_held < FRAMES_HELD_MAX {
                seat.frames_held += 1;
                seat.held.push(Happening::Bytes { network, to, bytes });
            }
            return;
        }
        let Some(service) = &mut seat.service else {
            return;
        };
        if let Some(event) = service.unseal(network, &bytes) {
            let is_segment = matches!(
                &event,
                Event::Frame {
                    frame: Frame::Segment(_),
                    ..
                }
            );
            service.handle(seat.clock.read(self.now), event);
            if is_segment {
                self.touched.insert(to);
            }
        }
        self.settle(to);
    }
}
