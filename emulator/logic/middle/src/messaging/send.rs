//! The services: how each kind of message goes out.

use std::sync::Arc;

use base::{NodeId, NodeSet, Outbox, Timestamp};

use super::gem::Draft;
use super::messages::{Output, Packet, Segment};
use super::{Messaging, draft, transmit};
use crate::Context;
use crate::membership::View;

impl<P> Messaging<P> {
    /// Reliable unicast to one, raw multicast to several.
    pub(super) fn unicast(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        to: NodeSet,
        payload: &Arc<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        for peer in to.iter() {
            let payload = Arc::clone(payload);
            if peer == cx.facts.me {
                let from = peer;
                out.push(Output::Deliver { from, payload });
            } else {
                self.post(cx, view, peer, Packet::Message(payload), out);
            }
        }
    }

    /// Puts a packet into the conversation with another member.
    pub(super) fn post(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        peer: NodeId,
        packet: Packet<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        let now = cx.now.mono;
        let conversation = self.conversation(view.id, peer);
        let segment = conversation.send(now, packet);
        if conversation.give_up(now) {
            self.accuse(peer, out);
        }
        transmit(peer, segment, out);
    }

    pub(super) fn multicast(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        draft: Draft<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        self.gem.send(draft);
        self.release_multicasts(cx, view, out);
        let others = view.members.without(cx.facts.me);
        for peer in self.gem.laggards(cx.facts.me, others).iter() {
            self.accuse(peer, out);
        }
    }

    pub(super) fn release_multicasts(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        out: &mut Outbox<Output<P>>,
    ) {
        let me = cx.facts.me;
        let others = view.members.without(me);
        while let Some(multicast) = self.gem.release(me, others) {
            for peer in others.iter() {
                let packet = Packet::Multicast(Arc::clone(&multicast));
                self.post(cx, view, peer, packet, out);
            }
            self.causal.offer(me, multicast);
            self.deliver_multicasts(cx, out);
        }
    }

    /// Delivers the multicasts whose time has come.
    pub(super) fn deliver_multicasts(&mut self, cx: &Context<'_>, out: &mut Outbox<Output<P>>) {
        while let Some((from, multicast)) = self.causal.next() {
            if let (Some(after), Some(view)) = (multicast.after.clone(), &cx.facts.view) {
                out.push(Output::Causal {
                    view: view.id,
                    from,
                    sequence: multicast.sequence,
                    after,
                });
            }
            let first = |round| self.rounds.hear(from, round);
            if multicast.to.contains(cx.facts.me) && multicast.round.is_none_or(first) {
                let payload = Arc::clone(&multicast.payload);
                out.push(Output::Deliver { from, payload });
            }
        }
        if let Some(peer) = self.causal.culprit() {
            self.accuse(peer, out);
        }
    }

    pub(super) fn ask(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        request: u64,
        to: NodeSet,
        payload: Arc<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        let me = cx.facts.me;
        let asked = Arc::clone(&payload);
        let round = self.rounds.ask(cx.now.mono, request, to, asked);
        for peer in to.without(me).iter() {
            let segment = Segment::Request {
                view: view.id,
                round,
                payload: Arc::clone(&payload),
            };
            transmit(peer, [segment], out);
        }
        if to.contains(me) && self.rounds.hear(me, round) {
            out.push(Output::Deliver { from: me, payload });
        }
    }

    pub(super) fn reply(
        &mut self,
        cx: &Context<'_>,
        view: &View,
        request: u64,
        to: NodeSet,
        payload: Arc<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        let me = cx.facts.me;
        for asker in to.iter() {
            let payload = Arc::clone(&payload);
            if asker != me {
                let packet = Packet::Reply { request, payload };
                self.post(cx, view, asker, packet, out);
            } else if self.rounds.replied(me, request) {
                out.push(Output::Deliver { from: me, payload });
            }
        }
    }

    /// Asks again by good-enough multicast where a round has waited long enough.
    pub(super) fn repair_rounds(
        &mut self,
        cx: &Context<'_>,
        due: Timestamp,
        out: &mut Outbox<Output<P>>,
    ) {
        let Some(view) = cx.facts.view.as_deref() else {
            return;
        };
        while let Some((round, to, payload)) = self.rounds.repair(due) {
            let round = Some(round);
            let draft = draft(to, payload);
            self.multicast(cx, view, Draft { round, ..draft }, out);
        }
    }
}
