//! Multicast request-reply: every message of a round is followed by its request id.

use std::time::Duration;

use base::Timestamp;

use super::super::{Input, Packet, Round, Segment, Service};
use super::{Member, exchange, node, seconds};

const NOW: Timestamp = Timestamp::ZERO;

#[test]
fn a_request_goes_out_as_one_datagram_to_each_and_to_oneself_at_once() {
    let mut a = Member::new(1, 1);
    a.send_by(Service::Request(4), NOW, &[1, 2, 3], 7);
    let requests = a.wire.iter().filter(
        |(_, segment)| matches!(segment, Segment::Request { round, .. } if round.request == 4),
    );
    assert_eq!(requests.count(), 2);
    assert_eq!(a.delivered, [(node(1), 7)]);
}

#[test]
fn a_reply_is_delivered_to_the_asker_once() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send_by(Service::Request(4), NOW, &[2], 7);
    exchange(&mut a, &mut b, NOW);
    b.send_by(Service::Reply(4), NOW, &[1], 8);
    b.send_by(Service::Reply(4), NOW, &[1], 9);
    exchange(&mut a, &mut b, NOW);
    assert_eq!(b.delivered, [(node(1), 7)]);
    assert_eq!(
        a.delivered,
        [(node(2), 8)],
        "the second reply answers nothing"
    );
}

#[test]
fn a_lost_request_is_repaired_by_good_enough_multicast() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send_by(Service::Request(4), NOW, &[2], 7);
    a.wire.clear();
    let due = NOW + Duration::from_millis(250);
    a.expire(due);
    let by_multicast = a.wire.iter().filter(|(_, segment)| {
        let Segment::Data { packet, .. } = segment else {
            return false;
        };
        let round = match packet {
            Packet::Multicast(multicast) => multicast.round,
            _ => None,
        };
        round
            == Some(Round {
                request: 4,
                oldest: 4,
            })
    });
    assert_eq!(
        by_multicast.count(),
        2,
        "every member of the view receives it"
    );
    exchange(&mut a, &mut b, due);
    assert_eq!(b.delivered, [(node(1), 7)]);
}

#[test]
fn a_request_that_is_repaired_although_it_came_counts_once() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send_by(Service::Request(4), NOW, &[2], 7);
    exchange(&mut a, &mut b, NOW);
    a.expire(seconds(1));
    exchange(&mut a, &mut b, seconds(1));
    assert_eq!(b.delivered, [(node(1), 7)]);
}

#[test]
fn an_answered_round_is_over() {
    let (mut a, mut b) = (Member::new(1, 1), Member::new(2, 1));
    a.send_by(Service::Request(4), NOW, &[1, 2], 7);
    exchange(&mut a, &mut b, NOW);
    a.send_by(Service::Reply(4), NOW, &[1], 7);
    b.send_by(Service::Reply(4), NOW, &[1], 8);
    exchange(&mut a, &mut b, NOW);
    a.wire.clear();
    a.expire(seconds(1));
    let again = |segment: &Segment<u32>| {
        matches!(
            segment,
            Segment::Data {
                packet: Packet::Multicast(_),
                ..
            }
        )
    };
    assert!(!a.wire.iter().any(|(_, segment)| again(segment)));
}

#[test]
fn an_asker_that_keeps_too_many_rounds_open_is_not_answered() {
    let (mut a, b) = (Member::new(1, 1), Member::new(2, 1));
    let view = b.facts.view.as_ref().map(|view| view.id).expect("a view");
    for request in 1..1_000 {
        let segment = Segment::Request {
            view,
            round: Round { request, oldest: 1 },
            payload: std::sync::Arc::new(7),
        };
        let from = node(2);
        a.tell(NOW, Input::Segment { from, segment });
    }
    assert_eq!(a.delivered.len(), 50);
}
