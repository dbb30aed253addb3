//! Reliable unicast: each message once and in order.

use std::time::Duration;

use base::{Rng, Timestamp};
use proptest::prelude::*;

use super::super::{ACKNOWLEDGE_DELAY, Input, Segment};
use super::{Manager, Member, Message, exchange, node, seconds};

#[test]
fn a_message_to_oneself_is_delivered_at_once_and_in_place() {
    let mut a = Member::new(1, 1);
    a.send(Timestamp::ZERO, &[1, 2], 7);
    assert_eq!(a.delivered, [(node(1), 7)]);
    assert_eq!(a.wire.len(), 1);
}

#[test]
fn nodes_outside_the_view_are_left_out() {
    let mut a = Member::new(1, 1);
    a.send(Timestamp::ZERO, &[9], 7);
    assert!(a.wire.is_empty());
    assert_eq!(a.messaging.deadline(), None);
}

#[test]
fn once_all_is_acknowledged_there_is_no_deadline_and_no_traffic() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send(Timestamp::ZERO, &[2], 7);
    exchange(&mut a, &mut b, Timestamp::ZERO);
    b.expire(seconds(1));
    exchange(&mut a, &mut b, seconds(1));
    assert_eq!(a.messaging.deadline(), None);
    assert_eq!(b.messaging.deadline(), None);
}

#[test]
fn an_answer_carries_the_acknowledgement() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send(Timestamp::ZERO, &[2], 7);
    exchange(&mut a, &mut b, Timestamp::ZERO);
    b.send(Timestamp::ZERO, &[1], 8);
    exchange(&mut a, &mut b, Timestamp::ZERO);
    assert_eq!(
        a.messaging.deadline(),
        Some(Timestamp::ZERO + ACKNOWLEDGE_DELAY)
    );
    assert_eq!(a.delivered, [(node(2), 8)]);
}

#[test]
fn a_lost_message_is_sent_again() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send(Timestamp::ZERO, &[2], 7);
    a.wire.clear();
    let due = a.messaging.deadline().unwrap();
    assert_eq!(due.as_millis(), 250);
    a.expire(due);
    exchange(&mut a, &mut b, due);
    assert_eq!(b.delivered, [(node(1), 7)]);
}

#[test]
fn what_is_meant_for_a_newer_view_waits_for_the_receiver_to_install_it() {
    let (mut a, mut b) = (Member::new(1, 2), Member::new(2, 1));
    a.send(Timestamp::ZERO, &[2], 7);
    exchange(&mut a, &mut b, Timestamp::ZERO);
    assert_eq!(b.delivered, []);
    b.install(2);
    a.expire(seconds(1));
    exchange(&mut a, &mut b, seconds(1));
    assert_eq!(b.delivered, [(node(1), 7)]);
}

#[test]
fn what_belongs_to_an_older_view_dies() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send(Timestamp::ZERO, &[2], 7);
    b.install(2);
    exchange(&mut a, &mut b, Timestamp::ZERO);
    a.install(2);
    a.expire(seconds(9));
    exchange(&mut a, &mut b, seconds(9));
    assert_eq!(b.delivered, []);
}

#[test]
fn a_peer_that_acknowledges_nothing_for_thirty_seconds_is_reported_once() {
    let mut a = Member::new(1, 1);
    a.send(Timestamp::ZERO, &[2], 7);
    for second in 1..100 {
        a.expire(seconds(second));
        let expected = usize::from(second >= 30);
        assert_eq!(a.unresponsive.len(), expected, "after {second} s");
    }
    assert_eq!(a.messaging.deadline(), None, "nothing more is sent to it");
}

#[test]
fn fifty_messages_are_under_way_and_the_rest_waits() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    for payload in 0..120 {
        a.send(Timestamp::ZERO, &[2], payload);
    }
    assert_eq!(a.wire.len(), 50);
    exchange(&mut a, &mut b, Timestamp::ZERO);
    b.expire(seconds(1));
    exchange(&mut a, &mut b, seconds(1));
    let expected: Vec<_> = (0..120).map(|payload| (node(1), payload)).collect();
    assert_eq!(b.delivered, expected);
}

#[test]
fn a_peer_that_cannot_keep_up_is_reported() {
    let mut a = Member::new(1, 1);
    for payload in 0..20_000 {
        a.send(Timestamp::ZERO, &[2], payload);
    }
    assert_eq!(a.unresponsive, [node(2)]);
}

#[test]
fn a_segment_that_acknowledges_what_was_never_sent_changes_nothing() {
    let mut a = Member::new(1, 1);
    a.send(Timestamp::ZERO, &[2], 7);
    let view = a.facts.view.as_ref().unwrap().id;
    let acknowledged = u64::MAX;
    let segment = Segment::Acknowledge { view, acknowledged };
    let from = node(2);
    a.tell(Timestamp::ZERO, Input::Segment { from, segment });
    assert!(a.messaging.deadline().is_some());
}

/// Sends `count` messages each way over a bad link; `tamper` sees every segment in passing.
fn bad_link(
    seed: u64,
    count: Message,
    tamper: impl Fn(&mut Segment<Message>),
) -> [Vec<Message>; 2] {
    let mut rng = Rng::new(seed, 0);
    let mut members = [Member::new(1, 1), Member::new(2, 1)];
    let mut now = Timestamp::ZERO;
    let mut link: Vec<(usize, Segment<Message>)> = Vec::new();
    let mut sent = [0; 2];
    for round in 0..4_000 {
        now = now + Duration::from_millis(rng.below(30));
        for side in 0..2 {
            if sent[side] < count && (round > 1_000 || rng.chance(300_000)) {
                members[side].send(now, &[2 - u8::try_from(side).unwrap()], sent[side]);
                sent[side] += 1;
            }
            members[side].expire(now);
            link.extend(
                members[side]
                    .wire
                    .drain(..)
                    .map(|(_, segment)| (1 - side, segment)),
            );
        }
        while !link.is_empty() && rng.chance(600_000) {
            let at = usize::try_from(rng.below(link.len() as u64)).unwrap();
            let (to, mut segment) = link[at].clone();
            if !rng.chance(100_000) {
                link.swap_remove(at);
            }
            if rng.chance(800_000) {
                tamper(&mut segment);
                let from = members[1 - to].facts.me;
                members[to].tell(now, Input::Segment { from, segment });
            }
        }
    }
    members.map(|member| {
        member
            .delivered
            .iter()
            .map(|(_, payload)| *payload)
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn each_message_arrives_once_and_in_order_over_a_bad_link(seed: u64) {
        let all: Vec<_> = (0..100).collect();
        prop_assert_eq!(bad_link(seed, 100, |_| ()), [all.clone(), all]);
    }
}

#[test]
fn the_order_property_notices_swapped_numbers() {
    let swap = |segment: &mut Segment<Message>| {
        if let Segment::Data { sequence, .. } = segment {
            *sequence ^= u64::from(*sequence >= 8 && *sequence < 10);
        }
    };
    let all: Vec<_> = (0..100).collect();
    assert_ne!(bad_link(1, 100, swap), [all.clone(), all]);
}
