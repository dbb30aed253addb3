//! What comes in from the wire while the view lasts.

use base::{NodeId, Outbox};

use super::messages::{Output, Packet, Segment};
use super::{ACKNOWLEDGE_DELAY, Messaging, Timer, transmit};
use crate::Context;
use crate::membership::View;

impl<P> Messaging<P> {
    /// Takes in a segment, if it belongs to this node's view or to its repair.
    pub(super) fn receive(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        segment: Segment<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        let view = match &segment {
            Segment::Repair { next, report } => {
                return self.reported(cx, from, *next, report.clone(), out);
            }
            Segment::Data { view, .. }
            | Segment::Acknowledge { view, .. }
            | Segment::Request { view, .. }
            | Segment::Forward { view, .. } => *view,
        };
        let current = cx.facts.view.as_deref().filter(|current| {
            current.id == view && current.members.contains(from) && from != cx.facts.me
        });
        let Some(current) = current else { return };
        if let Segment::Forward {
            next,
            origin,
            multicast,
            ..
        } = segment
        {
            self.forwarded(cx, next, origin, multicast, out);
        } else if self.repair.is_none() {
            self.converse(cx, current, from, segment, out);
            self.arm();
        }
    }

    /// Takes in a segment of the view while it lasts.
    fn converse(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        from: NodeId,
        segment: Segment<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        match segment {
            Segment::Request { round, payload, .. } => {
                if self.rounds.hear(from, round) {
                    out.push(Output::Deliver { from, payload });
                }
            }
            Segment::Acknowledge { acknowledged, .. } => {
                self.acknowledged(cx, view, from, acknowledged, out);
            }
            Segment::Data {
                sequence,
                acknowledged,
                packet,
                ..
            } => {
                self.acknowledged(cx, view, from, acknowledged, out);
                let conversation = self.conversation(view.id, from);
                for packet in conversation.receive(sequence, packet) {
                    self.unpack(cx, from, packet, out);
                }
                self.owe(cx, view, from, out);
            }
            Segment::Repair { .. } | Segment::Forward { .. } => {}
        }
    }

    fn acknowledged(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        from: NodeId,
        acknowledged: u64,
        out: &mut Outbox<Output<P>>,
    ) {
        let conversation = self.conversation(view.id, from);
        let progress = conversation.acknowledged(cx.now.mono, acknowledged);
        transmit(from, progress.released, out);
        if let Some(sequence) = progress.multicast {
            self.gem.acknowledged(from, sequence);
            self.release_multicasts(cx, view, out);
        }
    }

    fn unpack(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        packet: Packet<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        match packet {
            Packet::Message(payload) => out.push(Output::Deliver { from, payload }),
            Packet::Reply { request, payload } => {
                if self.rounds.replied(from, request) {
                    out.push(Output::Deliver { from, payload });
                }
            }
            Packet::Multicast(multicast) => {
                if self.causal.has_room(from) && self.gem.receive(from, &multicast) {
                    self.causal.offer(from, multicast);
                    self.deliver_multicasts(cx, out);
                }
            }
        }
    }

    /// Acknowledges at once what should not wait, and the rest soon.
    fn owe(&mut self, cx: &Context<'_>, view: &View, from: NodeId, out: &mut Outbox<Output<P>>) {
        let conversation = self.conversation(view.id, from);
        if conversation.owes_much() {
            let segment = conversation.acknowledge();
            transmit(from, [segment], out);
        } else if conversation.owes() && !self.timers.is_set(Timer::Acknowledge as usize) {
            let at = cx.now.mono + ACKNOWLEDGE_DELAY;
            self.timers.set(Timer::Acknowledge as usize, at);
        }
    }
}
