//! Messaging: reliable unicast in order within a view (seed 001, Messaging: Unicast Component, Raw
//! Multicast; reference section 6.2).
//!
//! Duty: deliver each message once, in its sender's order, to every member it is meant for, as long
//! as both stay in the view. A multicast is a unicast to each. Messages of one view are delivered
//! in that view only: segments name it, and a segment of another view is neither delivered nor
//! acknowledged, so the sender repeats it until the receiver has installed the view too. A peer
//! that acknowledges nothing for long, or cannot keep up, is reported to membership.
//!
//! Reads the view. Nothing travels and no deadline is set while nothing is said. Deliberately not
//! done here: GEM's repair (a view's end takes no message along; gum's state transfer does what
//! repair would), causal multicast (gum moves its lock inside a message that follows its updates),
//! routing by object (the sender asks `object`), signing (security).

mod conversation;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{Manager, NodeId, NodeSet, Outbox, Timers, Timestamp, ViewId};

pub use messages::{Input, Output, Segment};

use crate::Context;
use conversation::Conversation;

/// How long an acknowledgement waits for a message that can carry it.
const ACKNOWLEDGE_DELAY: Duration = Duration::from_millis(20);

const RETRANSMIT: usize = 0;
const ACKNOWLEDGE: usize = 1;

/// The manager's state. `P` is what it carries.
#[derive(Debug)]
pub struct Messaging<P> {
    /// With every other member of the view that was talked with.
    conversations: BTreeMap<NodeId, Conversation<P>>,
    timers: Timers<2>,
}

impl<P> Default for Messaging<P> {
    fn default() -> Self {
        Self {
            conversations: BTreeMap::new(),
            timers: Timers::default(),
        }
    }
}

impl<P> Messaging<P> {
    fn conversation(&mut self, view: ViewId, peer: NodeId) -> &mut Conversation<P> {
        self.conversations
            .entry(peer)
            .or_insert_with(|| Conversation::new(view))
    }

    fn send(&mut self, cx: &Context<'_>, to: NodeSet, payload: P, out: &mut Outbox<Output<P>>) {
        let Some(view) = cx.facts.view.as_deref() else {
            return;
        };
        let (now, payload) = (cx.now.mono, Arc::new(payload));
        for peer in to.intersection(view.members).iter() {
            let payload = Arc::clone(&payload);
            if peer == cx.facts.me {
                out.push(Output::Deliver {
                    from: peer,
                    payload,
                });
                continue;
            }
            let conversation = self.conversation(view.id, peer);
            let segment = conversation.send(now, payload);
            if conversation.give_up(now) {
                out.push(Output::Unresponsive { peer });
            }
            transmit(peer, segment, out);
        }
        self.arm_retransmit();
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        segment: Segment<P>,
        out: &mut Outbox<Output<P>>,
    ) {
        let (view, acknowledged) = match &segment {
            Segment::Data {
                view, acknowledged, ..
            }
            | Segment::Acknowledge { view, acknowledged } => (*view, *acknowledged),
        };
        let current = cx.facts.view.as_deref().filter(|current| {
            current.id == view && current.members.contains(from) && from != cx.facts.me
        });
        if current.is_none() {
            return;
        }
        let conversation = self.conversation(view, from);
        let released = conversation.acknowledged(cx.now.mono, acknowledged);
        transmit(from, released, out);
        if let Segment::Data {
            sequence, payload, ..
        } = segment
        {
            let conversation = self.conversation(view, from);
            for payload in conversation.receive(sequence, payload) {
                out.push(Output::Deliver { from, payload });
            }
            if conversation.owes_much() {
                let segment = conversation.acknowledge();
                transmit(from, Some(segment), out);
            } else if conversation.owes() && !self.timers.is_set(ACKNOWLEDGE) {
                self.timers
                    .set(ACKNOWLEDGE, cx.now.mono + ACKNOWLEDGE_DELAY);
            }
        }
        self.arm_retransmit();
    }

    /// Sets the deadline to when the first of the unacknowledged is due, if there is any.
    fn arm_retransmit(&mut self) {
        let conversations = self.conversations.values();
        match conversations.filter_map(Conversation::retransmit_at).min() {
            Some(at) => self.timers.set(RETRANSMIT, at),
            None => self.timers.clear(RETRANSMIT),
        }
    }

    fn retransmit(&mut self, now: Timestamp, out: &mut Outbox<Output<P>>) {
        for (peer, conversation) in &mut self.conversations {
            if conversation.give_up(now) {
                out.push(Output::Unresponsive { peer: *peer });
            }
            if conversation.retransmit_at().is_some_and(|at| at <= now) {
                transmit(*peer, conversation.retransmit(now), out);
            }
        }
        self.arm_retransmit();
    }

    fn acknowledge(&mut self, out: &mut Outbox<Output<P>>) {
        for (peer, conversation) in &mut self.conversations {
            if conversation.owes() {
                transmit(*peer, Some(conversation.acknowledge()), out);
            }
        }
    }
}

fn transmit<P>(
    to: NodeId,
    segments: impl IntoIterator<Item = Segment<P>>,
    out: &mut Outbox<Output<P>>,
) {
    for segment in segments {
        out.push(Output::Transmit { to, segment });
    }
}

impl<P> Manager for Messaging<P> {
    type Context<'a> = Context<'a>;
    type Input = Input<P>;
    type Output = Output<P>;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input<P>, out: &mut Outbox<Output<P>>) {
        match input {
            Input::Send { to, payload } => self.send(cx, to, payload, out),
            Input::Segment { from, segment } => self.receive(cx, from, segment, out),
            Input::ViewInstalled => *self = Self::default(),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output<P>>) {
        while let Some(timer) = self.timers.pop_due(cx.now.mono) {
            if timer == RETRANSMIT {
                self.retransmit(cx.now.mono, out);
            } else {
                self.acknowledge(out);
            }
        }
    }

    fn check(&self, cx: &Context<'_>) {
        for (peer, conversation) in &self.conversations {
            assert_ne!(*peer, cx.facts.me, "a conversation with itself");
            conversation.check();
            assert!(
                conversation.retransmit_at().is_none() || self.timers.is_set(RETRANSMIT),
                "unacknowledged messages nobody will send again"
            );
            assert!(
                !conversation.owes() || self.timers.is_set(ACKNOWLEDGE),
                "an acknowledgement nobody will send"
            );
        }
    }
}
