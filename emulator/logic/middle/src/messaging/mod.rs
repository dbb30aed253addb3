//! Messaging: all that members of a view say to each other (seed 001, Messaging; reference section
//! 6.2).
//!
//! Duty: offer reliable unicast, raw multicast (a unicast to each), good-enough multicast with its
//! repair, causal multicast, and multicast request-reply. Messages of one view are delivered in
//! that view only: segments name it, and a segment of another view is neither delivered nor
//! acknowledged, so the sender repeats it until the receiver has installed the view too. A peer
//! that acknowledges nothing for long, or cannot keep up, is reported to membership. Before a view
//! ends, all who go along receive the same multicasts, and membership hears when that is done.
//!
//! Reads the view. Nothing travels and no deadline is set while nothing is said. Deliberately not
//! done here: finding the owner of an object (`object`; the router asks it), signing (security).

mod causal;
mod gem;
mod messages;
mod receive;
mod repair;
mod request_reply;
mod send;
#[cfg(test)]
mod tests;
mod unicast;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{Manager, NodeId, NodeSet, Outbox, Timers, Timestamp, ViewId};

pub use messages::{
    Input, Multicast, Output, Packet, RepairReport, Round, Segment, Service, Stamp,
};

use crate::Context;
use causal::Causal;
use gem::{Draft, Gem};
use repair::Repair;
use request_reply::Rounds;
use unicast::Conversation;

/// How long an acknowledgement waits for a message that can carry it.
const ACKNOWLEDGE_DELAY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy)]
enum Timer {
    /// Send what is unacknowledged again.
    Retransmit,
    /// Acknowledge what nothing has carried.
    Acknowledge,
    /// A round has waited long enough for its first way.
    Round,
    /// Say again where this node stands in the repair.
    Repair,
}

/// The manager's state. `P` is what it carries.
#[derive(Debug)]
pub struct Messaging<P> {
    /// The view that all of this belongs to.
    view: Option<ViewId>,
    /// With every other member of the view that was talked with.
    conversations: BTreeMap<NodeId, Conversation<P>>,
    gem: Gem<P>,
    causal: Causal<P>,
    rounds: Rounds<P>,
    /// Members that were reported to membership.
    accused: NodeSet,
    /// The repair that ends the view.
    repair: Option<Repair>,
    /// What each node last told of a repair, this node's or one that it has not heard of yet.
    reports: BTreeMap<NodeId, (ViewId, RepairReport)>,
    timers: Timers<4>,
}

impl<P> Default for Messaging<P> {
    fn default() -> Self {
        Self {
            view: None,
            conversations: BTreeMap::new(),
            gem: Gem::default(),
            causal: Causal::default(),
            rounds: Rounds::default(),
            accused: NodeSet::EMPTY,
            repair: None,
            reports: BTreeMap::new(),
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

    /// Reports a peer to membership, once per view.
    fn accuse(&mut self, peer: NodeId, out: &mut Outbox<Output<P>>) {
        if !self.accused.contains(peer) {
            self.accused.insert(peer);
            out.push(Output::Unresponsive { peer });
        }
    }

    fn send(
        &mut self,
        cx: &Context<'_>,
        service: Service,
        to: NodeSet,
        payload: P,
        out: &mut Outbox<Output<P>>,
    ) {
        let Some(view) = cx.facts.view.as_deref() else {
            return;
        };
        let to = to.intersection(view.members);
        if self.repair.is_some() || to.is_empty() {
            return;
        }
        let payload = Arc::new(payload);
        match service {
            Service::Unicast => self.unicast(cx, view, to, &payload, out),
            Service::GoodEnough => self.multicast(cx, view, draft(to, payload), out),
            Service::Causal => {
                let after = Some(self.causal.stamp(cx.facts.me));
                let draft = draft(to, payload);
                self.multicast(cx, view, Draft { after, ..draft }, out);
            }
            Service::Request(request) => self.ask(cx, view, request, to, payload, out),
            Service::Reply(request) => self.reply(cx, view, request, to, payload, out),
        }
        self.arm();
    }

    /// Sets the deadlines to when the first of the unacknowledged and of the rounds are due.
    fn arm(&mut self) {
        let conversations = self.conversations.values();
        let retransmit = conversations.filter_map(Conversation::retransmit_at).min();
        let due = [
            (Timer::Retransmit, retransmit),
            (Timer::Round, self.rounds.repair_at()),
        ];
        for (timer, at) in due {
            match at {
                Some(at) => self.timers.set(timer as usize, at),
                None => self.timers.clear(timer as usize),
            }
        }
    }

    fn retransmit(&mut self, now: Timestamp, out: &mut Outbox<Output<P>>) {
        let mut broken = NodeSet::EMPTY;
        for (peer, conversation) in &mut self.conversations {
            if conversation.give_up(now) {
                broken.insert(*peer);
            }
            if conversation.retransmit_at().is_some_and(|at| at <= now) {
                transmit(*peer, conversation.retransmit(now), out);
            }
        }
        broken.iter().for_each(|peer| self.accuse(peer, out));
    }

    fn acknowledge(&mut self, out: &mut Outbox<Output<P>>) {
        for (peer, conversation) in &mut self.conversations {
            if conversation.owes() {
                transmit(*peer, [conversation.acknowledge()], out);
            }
        }
    }

    fn installed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output<P>>) {
        let next = cx.facts.view.as_ref().map(|view| view.id);
        if let (Some(view), Some(next)) = (self.view, next) {
            let delivered = self.causal.delivered().clone();
            out.push(Output::Closed {
                view,
                next,
                delivered,
            });
        }
        *self = Self {
            view: next,
            reports: std::mem::take(&mut self.reports),
            ..Self::default()
        };
    }
}

fn draft<P>(to: NodeSet, payload: Arc<P>) -> Draft<P> {
    Draft {
        to,
        after: None,
        round: None,
        payload,
    }
}

fn transmit<P>(
    to: NodeId,
    segments: impl IntoIterator<Item = Segment<P>>,
    out: &mut Outbox<Output<P>>,
) {
    for segment in segments {
        out.push(Output::Transmit {
            to,
            segment,
            every_route: false,
        });
    }
}

impl<P> Manager for Messaging<P> {
    type Context<'a> = Context<'a>;
    type Input = Input<P>;
    type Output = Output<P>;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input<P>, out: &mut Outbox<Output<P>>) {
        match input {
            Input::Send {
                service,
                to,
                payload,
            } => self.send(cx, service, to, payload, out),
            Input::Segment { from, segment } => self.receive(cx, from, segment, out),
            Input::Repair { next, members } => self.begin_repair(cx, next, members, out),
            Input::ViewInstalled => self.installed(cx, out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output<P>>) {
        const RETRANSMIT: usize = Timer::Retransmit as usize;
        const ACKNOWLEDGE: usize = Timer::Acknowledge as usize;
        const ROUND: usize = Timer::Round as usize;
        while let Some(timer) = self.timers.pop_due(cx.now.mono) {
            match timer {
                RETRANSMIT => self.retransmit(cx.now.mono, out),
                ACKNOWLEDGE => self.acknowledge(out),
                ROUND => self.repair_rounds(cx, cx.now.mono, out),
                _ => self.tick_repair(cx, out),
            }
            self.arm();
        }
    }

    fn check(&self, cx: &Context<'_>) {
        self.gem.check(cx.facts.me);
        let is_set = |timer: Timer| self.timers.is_set(timer as usize);
        for (peer, conversation) in &self.conversations {
            assert_ne!(*peer, cx.facts.me, "a conversation with itself");
            conversation.check();
            assert!(
                conversation.retransmit_at().is_none() || is_set(Timer::Retransmit),
                "unacknowledged messages nobody will send again"
            );
            assert!(
                !conversation.owes() || is_set(Timer::Acknowledge),
                "an acknowledgement nobody will send"
            );
        }
        let waits = self.repair.as_ref().is_some_and(|repair| !repair.done);
        assert!(
            !waits || is_set(Timer::Repair),
            "a repair that stands still"
        );
    }
}
