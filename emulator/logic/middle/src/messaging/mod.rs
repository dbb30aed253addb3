//! Messaging: reliable unicast within a view (seed 001, Messaging, Unicast Component).
//!
//! Duty: deliver what a manager sends to members of the view once, in order, however the network
//! loses, repeats and reorders. A conversation belongs to one view and dies with it, so nothing of
//! an old view is ever delivered in a new one. Deliberately not done here: good-enough multicast
//! with repair, causal multicast, request-reply as services of their own (not yet; gum builds the
//! little it needs on unicast).

mod conversation;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::{Manager, NodeId, NodeSet, Outbox, Timestamp, ViewId};

use conversation::Conversation;
pub use messages::{Input, Output, Segment};

use crate::Context;

/// Time after which unacknowledged messages are sent again.
const RESEND: Duration = Duration::from_millis(250);
/// Time without any acknowledgement after which a member counts as unresponsive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The manager's state.
#[derive(Debug)]
pub struct Messaging<P> {
    view: Option<ViewId>,
    conversations: BTreeMap<NodeId, Conversation<P>>,
}

impl<P> Default for Messaging<P> {
    fn default() -> Self {
        Self {
            view: None,
            conversations: BTreeMap::new(),
        }
    }
}

impl<P> Messaging<P> {
    fn restart(&mut self, cx: &Context<'_>) {
        let view = cx.facts.view.as_ref();
        self.view = view.map(|view| view.id);
        let peers = view.map_or(NodeSet::EMPTY, |view| view.members.without(cx.facts.me));
        self.conversations = peers
            .iter()
            .map(|node| (node, Conversation::default()))
            .collect();
    }

    fn send(&mut self, cx: &Context<'_>, to: NodeSet, payload: P, out: &mut Outbox<Output<P>>) {
        let Some(view) = self.view else { return };
        let payload = Arc::new(payload);
        if to.contains(cx.facts.me) {
            out.push(Output::Deliver {
                from: cx.facts.me,
                payload: Arc::clone(&payload),
            });
        }
        for (node, conversation) in &mut self.conversations {
            if to.contains(*node) {
                conversation.queue(cx.now.mono, Arc::clone(&payload));
                conversation.transmit(view, *node, out);
            }
        }
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
        let Some(conversation) = self.conversations.get_mut(&from) else {
            return;
        };
        if self.view != Some(view) {
            return;
        }
        conversation.acknowledge(cx.now.mono, acknowledged);
        if let Segment::Data {
            sequence, payload, ..
        } = segment
        {
            let mut ready = VecDeque::new();
            conversation.accept(sequence, payload, &mut ready);
            let acknowledged = conversation.received();
            let segment = Segment::Acknowledge { view, acknowledged };
            out.push(Output::Transmit { to: from, segment });
            out.extend(
                ready
                    .into_iter()
                    .map(|payload| Output::Deliver { from, payload }),
            );
        }
        conversation.transmit(view, from, out);
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
            Input::ViewInstalled => self.restart(cx),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.conversations
            .values()
            .filter_map(Conversation::resend_at)
            .min()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output<P>>) {
        let Some(view) = self.view else { return };
        for (node, conversation) in &mut self.conversations {
            if conversation.resend_at().is_some_and(|at| at <= cx.now.mono) {
                conversation.resend(cx.now.mono, view, *node, out);
                if conversation.is_silent_for(cx.now.mono, PATIENCE) {
                    conversation.forgive(cx.now.mono);
                    out.push(Output::Unresponsive { peer: *node });
                }
            }
        }
    }

    fn check(&self, _cx: &Context<'_>) {
        self.conversations.values().for_each(Conversation::check);
    }
}
