//! Good-enough and causal multicast: the same messages at everybody who goes along, cause before
//! effect.

use base::Timestamp;
use proptest::prelude::*;

use super::super::{Input, Segment, Service};
use super::group::{Group, Planted};
use super::{Member, exchange, node, nodes};

const NOW: Timestamp = Timestamp::ZERO;

#[test]
fn multicasts_carry_the_view_and_a_number() {
    let mut a = Member::new(1, 9);
    a.send_by(Service::GoodEnough, NOW, &[1, 2, 3], 7);
    a.send_by(Service::GoodEnough, NOW, &[2], 8);
    let numbers = a.wire.iter().filter_map(|(to, segment)| {
        let Segment::Data { view, packet, .. } = segment else {
            return None;
        };
        let super::super::Packet::Multicast(multicast) = packet else {
            return None;
        };
        Some((to.number(), view.epoch, multicast.sequence))
    });
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(numbers, [(2, 9, 1), (3, 9, 1), (2, 9, 2), (3, 9, 2)]);
    assert_eq!(
        a.delivered,
        [(node(1), 7)],
        "the second one is for node 2 only"
    );
}

#[test]
fn fifty_multicasts_are_under_way_until_every_member_has_them() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    for payload in 0..120 {
        a.send_by(Service::GoodEnough, NOW, &[1, 2], payload);
    }
    assert_eq!(a.delivered.len(), 50);
    exchange(&mut a, &mut b, NOW);
    assert_eq!(a.delivered.len(), 50, "node 3 has none of them");
}

#[test]
fn a_causal_multicast_waits_for_its_cause() {
    let [mut a, mut b, mut c] = [1, 2, 3].map(|me| Member::new(me, 1));
    a.send_by(Service::GoodEnough, NOW, &[1, 2, 3], 7);
    let late = a
        .wire
        .pop_back()
        .map(|(_, segment)| segment)
        .expect("for node 3");
    exchange(&mut a, &mut b, NOW);
    b.send_by(Service::Causal, NOW, &[3], 8);
    let effects: Vec<_> = b.wire.drain(..).collect();
    for (_, segment) in effects.into_iter().filter(|(to, _)| *to == node(3)) {
        let from = node(2);
        c.tell(NOW, Input::Segment { from, segment });
    }
    assert_eq!(c.delivered, []);
    let from = node(1);
    c.tell(
        NOW,
        Input::Segment {
            from,
            segment: late,
        },
    );
    assert_eq!(c.delivered, [(node(1), 7), (node(2), 8)]);
}

#[test]
fn a_survivor_brings_another_what_only_it_had_of_a_lost_sender() {
    let [mut a, mut b, mut c] = [1, 2, 3].map(|me| Member::new(me, 1));
    for member in [&mut a, &mut b, &mut c] {
        member.install(1);
    }
    a.send_by(Service::GoodEnough, NOW, &[1, 2, 3], 7);
    a.wire.retain(|(to, _)| *to == node(2));
    exchange(&mut a, &mut b, NOW);
    assert_eq!((b.delivered.len(), c.delivered.len()), (1, 0));
    let next = super::view(2, nodes(&[2, 3])).id;
    let members = nodes(&[2, 3]);
    b.tell(NOW, Input::Repair { next, members });
    c.tell(NOW, Input::Repair { next, members });
    assert_eq!((b.repaired, c.repaired), (None, None));
    exchange(&mut b, &mut c, NOW);
    assert_eq!(c.delivered, [(node(1), 7)]);
    assert_eq!((b.repaired, c.repaired), (Some(next), Some(next)));
}

#[test]
fn a_view_that_ends_takes_no_more_messages() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    let next = super::view(2, nodes(&[1, 2])).id;
    let members = nodes(&[1, 2]);
    b.tell(NOW, Input::Repair { next, members });
    a.send_by(Service::GoodEnough, NOW, &[2], 7);
    a.send(NOW, &[2], 8);
    exchange(&mut a, &mut b, NOW);
    assert_eq!(b.delivered, []);
    b.send_by(Service::GoodEnough, NOW, &[2], 9);
    assert_eq!(b.delivered, [], "not even to oneself");
}

#[test]
fn a_node_without_a_view_waits_for_nobody() {
    let mut a = Member::new(1, 1);
    a.facts.view = None;
    let next = super::view(2, nodes(&[1, 2])).id;
    let members = nodes(&[1, 2]);
    a.tell(NOW, Input::Repair { next, members });
    assert_eq!(a.repaired, Some(next));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whoever_goes_along_has_delivered_the_same_in_causal_order(seed: u64) {
        prop_assert_eq!(Group::new(seed, Planted::Nothing).run(), Ok(()));
    }
}

fn is_noticed(planted: Planted) -> bool {
    (0..300).any(|seed| {
        let history = || Group::new(seed, planted).run();
        std::panic::catch_unwind(history).map_or(true, |outcome| outcome.is_err())
    })
}

#[test]
fn the_group_notices_forwarded_messages_that_are_lost_and_not_missed() {
    assert!(is_noticed(Planted::RepairsAreBelieved));
}

#[test]
fn the_group_notices_time_stamps_that_say_nothing() {
    assert!(is_noticed(Planted::StampsAreBlank));
}

#[test]
fn the_group_notices_multicasts_with_swapped_numbers() {
    assert!(is_noticed(Planted::NumbersAreSwapped));
}
