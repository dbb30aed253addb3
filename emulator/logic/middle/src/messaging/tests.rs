//! Once, in order, within the view, over a network that loses, repeats and reorders.

use std::sync::Arc;

use base::limits::NODES_MAX;
use base::{
    Generation, Incarnation, Manager, NodeId, NodeSet, Now, Outbox, PaxosTag, QuorumState, Rng,
    Timestamp, ViewId,
};

use super::{Input, Messaging, Output, Segment};
use crate::membership::View;
use crate::settings::Settings;
use crate::{Context, Facts};

struct End {
    messaging: Messaging<u32>,
    facts: Facts,
    delivered: Vec<u32>,
    unresponsive: bool,
}

struct Line {
    ends: [End; 2],
    letters: Vec<(usize, Segment<u32>)>,
    now: Timestamp,
    rng: Rng,
}

fn node(index: usize) -> NodeId {
    NodeId::new(u8::try_from(index + 1).expect("few nodes")).expect("a valid node")
}

fn view(epoch: u64) -> Arc<View> {
    let id = ViewId {
        epoch,
        coordinator: node(0),
        incarnation: Incarnation(1),
    };
    Arc::new(View {
        id,
        members: NodeSet::one(node(0)).with(node(1)),
        reports: [].into(),
    })
}

impl Line {
    fn new(seed: u64) -> Self {
        let end = |index| End {
            messaging: Messaging::default(),
            facts: Facts {
                me: node(index),
                incarnation: Incarnation(1),
                view: None,
                quorum: QuorumState::Held,
                ready: true,
                lock_owner: None,
                hive: Arc::default(),
                tag: PaxosTag::default(),
                applied: 0,
                prepared: None,
                settings: Arc::new(Settings::blank(Generation::V2022)),
                objects: Arc::default(),
                last_heard: [Timestamp::ZERO; NODES_MAX],
            },
            delivered: Vec::new(),
            unresponsive: false,
        };
        let (ends, rng) = ([end(0), end(1)], Rng::new(seed, 0));
        Self {
            ends,
            letters: Vec::new(),
            now: Timestamp::ZERO,
            rng,
        }
    }

    fn install(&mut self, end: usize, epoch: u64) {
        self.ends[end].facts.view = Some(view(epoch));
        self.call(end, Some(Input::ViewInstalled));
    }

    fn call(&mut self, index: usize, input: Option<Input<u32>>) {
        let mut out = Outbox::default();
        let end = &mut self.ends[index];
        let bottom = bottom::Facts::default();
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            bottom: &bottom,
            facts: &end.facts,
            rng: &mut self.rng,
        };
        match input {
            Some(input) => end.messaging.handle(&mut cx, input, &mut out),
            None => end.messaging.expire(&mut cx, &mut out),
        }
        end.messaging.check(&cx);
        for output in out.drain() {
            match output {
                Output::Transmit { segment, .. } => self.letters.push((1 - index, segment)),
                Output::Deliver { payload, .. } => end.delivered.push(*payload),
                Output::Unresponsive { .. } => end.unresponsive = true,
            }
        }
    }

    fn send(&mut self, end: usize, payload: u32) {
        let to = NodeSet::one(node(1 - end));
        self.call(end, Some(Input::Send { to, payload }));
    }

    /// Delivers letters in random order, losing and repeating some, until nothing is under way.
    fn settle(&mut self, loss: u32) {
        for _ in 0..100_000 {
            if self.letters.is_empty() {
                let due = self
                    .ends
                    .iter()
                    .filter_map(|end| end.messaging.deadline())
                    .min();
                let Some(due) = due else { return };
                self.now = due;
                self.call(0, None);
                self.call(1, None);
                continue;
            }
            let pick = self.rng.below(self.letters.len() as u64);
            let (to, segment) = self
                .letters
                .swap_remove(usize::try_from(pick).expect("small"));
            if self.rng.chance(loss) {
                continue;
            }
            if self.rng.chance(loss) {
                self.letters.push((to, segment.clone()));
            }
            self.call(
                to,
                Some(Input::Segment {
                    from: node(1 - to),
                    segment,
                }),
            );
        }
        panic!("the line never settled");
    }
}

#[test]
fn everything_arrives_once_and_in_order_over_a_bad_network() {
    for seed in 0..50 {
        let mut line = Line::new(seed);
        line.install(0, 1);
        line.install(1, 1);
        for number in 0..200 {
            line.send(0, number);
            line.send(1, 1_000 + number);
        }
        line.settle(300_000);
        assert_eq!(
            line.ends[1].delivered,
            (0..200).collect::<Vec<_>>(),
            "seed {seed}"
        );
        assert_eq!(
            line.ends[0].delivered,
            (1_000..1_200).collect::<Vec<_>>(),
            "seed {seed}"
        );
    }
}

#[test]
fn a_message_waits_until_the_receiver_is_in_the_view() {
    let mut line = Line::new(1);
    line.install(0, 2);
    line.install(1, 1);
    line.send(0, 7);
    while let Some((to, segment)) = line.letters.pop() {
        line.call(
            to,
            Some(Input::Segment {
                from: node(1 - to),
                segment,
            }),
        );
    }
    assert!(line.ends[1].delivered.is_empty());
    line.install(1, 2);
    line.settle(0);
    assert_eq!(line.ends[1].delivered, [7]);
}

#[test]
fn nothing_of_an_old_view_is_delivered_in_a_new_one() {
    let mut line = Line::new(1);
    line.install(0, 1);
    line.install(1, 1);
    line.send(0, 7);
    line.install(0, 2);
    line.install(1, 2);
    line.send(0, 8);
    line.settle(0);
    assert_eq!(line.ends[1].delivered, [8]);
}

#[test]
fn a_member_that_never_acknowledges_is_reported() {
    let mut line = Line::new(1);
    line.install(0, 1);
    line.send(0, 7);
    for _ in 0..200 {
        line.letters.clear();
        line.now = line.ends[0]
            .messaging
            .deadline()
            .expect("a resend is armed");
        line.call(0, None);
    }
    assert!(line.ends[0].unresponsive);
}

#[test]
fn an_idle_conversation_arms_nothing() {
    let mut line = Line::new(1);
    line.install(0, 1);
    line.install(1, 1);
    line.send(0, 7);
    line.settle(0);
    assert_eq!(line.ends[0].messaging.deadline(), None);
    assert_eq!(line.ends[1].messaging.deadline(), None);
}
