//! What each service promises, over links that lose, repeat and reorder.

mod group;
mod multicast;
mod rounds;
mod unicast;

use std::collections::VecDeque;

use super::*;
use crate::Facts;
use crate::test_context::{blank_facts, node, nodes, view, with_context};

type Message = u32;

fn facts(me: u8, epoch: u64) -> Facts {
    let view = view(epoch, nodes(&[1, 2, 3]));
    Facts {
        view: Some(Arc::new(view)),
        ..blank_facts(node(me))
    }
}

/// One node's messaging with what it put on the wire and delivered.
struct Member {
    messaging: Messaging<Message>,
    facts: Facts,
    wire: VecDeque<(NodeId, Segment<Message>)>,
    delivered: Vec<(NodeId, Message)>,
    unresponsive: Vec<NodeId>,
    repaired: Option<ViewId>,
    /// What was delivered of whom in the view that ended last.
    closed: Option<(ViewId, BTreeMap<NodeId, u64>)>,
}

impl Member {
    fn new(me: u8, epoch: u64) -> Self {
        Self {
            messaging: Messaging::default(),
            facts: facts(me, epoch),
            wire: VecDeque::new(),
            delivered: Vec::new(),
            unresponsive: Vec::new(),
            repaired: None,
            closed: None,
        }
    }

    fn call(
        &mut self,
        now: Timestamp,
        call: impl FnOnce(&mut Messaging<Message>, &mut Context<'_>, &mut Outbox<Output<Message>>),
    ) {
        let mut out = Outbox::default();
        let messaging = &mut self.messaging;
        with_context(&self.facts, now, |cx| {
            call(messaging, cx, &mut out);
            messaging.check(cx);
        });
        for output in out.drain() {
            match output {
                Output::Transmit { to, segment, .. } => self.wire.push_back((to, segment)),
                Output::Deliver { from, payload } => self.delivered.push((from, *payload)),
                Output::Causal { .. } => {}
                Output::Unresponsive { peer } => self.unresponsive.push(peer),
                Output::Repaired { next } => self.repaired = Some(next),
                Output::Closed {
                    view, delivered, ..
                } => self.closed = Some((view, delivered)),
            }
        }
    }

    fn tell(&mut self, now: Timestamp, input: Input<Message>) {
        self.call(now, |messaging, cx, out| messaging.handle(cx, input, out));
    }

    fn send(&mut self, now: Timestamp, to: &[u8], payload: Message) {
        self.send_by(Service::Unicast, now, to, payload);
    }

    fn send_by(&mut self, service: Service, now: Timestamp, to: &[u8], payload: Message) {
        let to = nodes(to);
        self.tell(
            now,
            Input::Send {
                service,
                to,
                payload,
            },
        );
    }

    fn expire(&mut self, now: Timestamp) {
        self.call(now, Messaging::expire);
    }

    fn install(&mut self, epoch: u64) {
        self.facts = facts(self.facts.me.number(), epoch);
        self.tell(Timestamp::ZERO, Input::ViewInstalled);
    }
}

fn seconds(seconds: u64) -> Timestamp {
    Timestamp::ZERO + Duration::from_secs(seconds)
}

/// Hands over everything on the wire between two members until nothing is left.
fn exchange(a: &mut Member, b: &mut Member, now: Timestamp) {
    loop {
        let (from, to, segment) = if let Some((_, segment)) = a.wire.pop_front() {
            (a.facts.me, &mut *b, segment)
        } else if let Some((_, segment)) = b.wire.pop_front() {
            (b.facts.me, &mut *a, segment)
        } else {
            return;
        };
        to.tell(now, Input::Segment { from, segment });
    }
}
