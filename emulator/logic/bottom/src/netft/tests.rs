//! Routes come and go with replies, never with requests alone.

use std::time::Duration;

use base::{Incarnation, Manager, NetworkId, NodeId, NodeSet, Now, Outbox, Rng, Timestamp};

use super::{Heartbeat, Input, Netft, Network, Output, Peer};
use crate::{Context, Facts};

const LAN: NetworkId = NetworkId(0);
const PRIVATE: NetworkId = NetworkId(1);

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

struct Bench {
    netft: Netft,
    now: Timestamp,
}

impl Bench {
    /// Node 1 watching node 2 over two networks, one beat a second, five may be missed.
    fn new() -> Self {
        let mut bench = Self {
            netft: Netft::default(),
            now: Timestamp::ZERO,
        };
        let nodes = NodeSet::one(node(1)).with(node(2));
        let network = |network, metric| Network {
            network,
            metric,
            nodes,
        };
        bench.handle(Input::Configure {
            incarnation: Incarnation(1),
            peers: vec![Peer {
                node: node(2),
                delay: Duration::from_secs(1),
                threshold: 5,
            }],
            networks: vec![network(LAN, 20), network(PRIVATE, 10)],
        });
        bench.admit(1);
        bench
    }

    fn call(&mut self, input: Option<Input>) -> Vec<Output> {
        let (facts, mut rng, mut out) = (Facts::default(), Rng::new(1, 1), Outbox::default());
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            me: node(1),
            facts: &facts,
            rng: &mut rng,
        };
        match input {
            Some(input) => self.netft.handle(&mut cx, input, &mut out),
            None => self.netft.expire(&mut cx, &mut out),
        }
        self.netft.check(&cx);
        out.drain().collect()
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        self.call(Some(input))
    }

    fn reply(&mut self, network: NetworkId, life: u64) -> Vec<Output> {
        self.reply_after(network, life, 0)
    }

    /// A reply of a peer that has declared the route down so many times.
    fn reply_after(&mut self, network: NetworkId, life: u64, losses: u32) -> Vec<Output> {
        let asked = self.now;
        self.reply_to(network, life, asked, losses)
    }

    /// A reply to the request that was sent then.
    fn reply_to(
        &mut self,
        network: NetworkId,
        life: u64,
        asked: Timestamp,
        losses: u32,
    ) -> Vec<Output> {
        let heartbeat = Heartbeat {
            incarnation: Incarnation(life),
            asked,
            reply: true,
            losses,
        };
        self.handle(Input::Heartbeat {
            network,
            from: node(2),
            heartbeat,
        })
    }

    fn admit(&mut self, life: u64) -> Vec<Output> {
        self.handle(Input::Admit {
            peer: node(2),
            life: Incarnation(life),
        })
    }

    fn beats(&mut self, count: u64) -> Vec<Output> {
        let mut said = Vec::new();
        for _ in 0..count {
            self.now = self.netft.deadline().expect("a beat is armed");
            said.extend(self.call(None));
        }
        said
    }
}

fn lost(outputs: &[Output]) -> usize {
    outputs
        .iter()
        .filter(|output| matches!(output, Output::PeerLost { .. }))
        .count()
}

#[test]
fn a_reply_raises_the_route_and_finds_the_peer_once() {
    let mut bench = Bench::new();
    bench.beats(1);
    let first = bench.reply(LAN, 1);
    assert!(first.contains(&Output::RouteUp {
        network: LAN,
        peer: node(2)
    }));
    assert!(first.contains(&Output::PeerFound { peer: node(2) }));
    let second = bench.reply(PRIVATE, 1);
    assert!(second.contains(&Output::RouteUp {
        network: PRIVATE,
        peer: node(2)
    }));
    assert!(!second.contains(&Output::PeerFound { peer: node(2) }));
    assert_eq!(
        bench.netft.best_route(node(2)),
        Some(PRIVATE),
        "the lowest metric wins"
    );
}

#[test]
fn a_request_alone_raises_nothing_but_is_answered() {
    let mut bench = Bench::new();
    let heartbeat = Heartbeat {
        incarnation: Incarnation(3),
        asked: Timestamp(9),
        reply: false,
        losses: 0,
    };
    bench.admit(3);
    let said = bench.handle(Input::Heartbeat {
        network: LAN,
        from: node(2),
        heartbeat,
    });
    let answer = Heartbeat {
        incarnation: Incarnation(1),
        asked: Timestamp(9),
        reply: true,
        losses: 0,
    };
    assert_eq!(
        said,
        [
            Output::Send {
                network: LAN,
                to: NodeSet::one(node(2)),
                heartbeat: answer
            },
            Output::PeerSeen {
                peer: node(2),
                at: bench.now,
            }
        ]
    );
}

#[test]
fn a_route_that_the_peer_calls_down_is_down_here_too_and_comes_back() {
    let mut bench = Bench::new();
    bench.beats(1);
    bench.reply(LAN, 1);
    assert_eq!(lost(&bench.reply_after(LAN, 1, 1)), 1);
    let again = bench.reply_after(LAN, 1, 1);
    assert!(again.contains(&Output::PeerFound { peer: node(2) }));
    // What was sent before and arrives late tells nothing new.
    assert_eq!(lost(&bench.reply(LAN, 1)), 0);
}

#[test]
fn five_missed_replies_lower_the_route_and_the_last_route_loses_the_peer() {
    let mut bench = Bench::new();
    bench.beats(1);
    bench.reply(LAN, 1);
    let quiet = bench.beats(5);
    assert_eq!(lost(&quiet), 0, "the fifth request has not been missed yet");
    let said = bench.beats(1);
    assert_eq!(lost(&said), 1);
    assert_eq!(bench.now, Timestamp::ZERO + Duration::from_secs(6));
    assert_eq!(lost(&bench.beats(9)), 0, "a lost peer is lost once");
}

#[test]
fn a_peer_with_one_network_left_is_not_lost() {
    let mut bench = Bench::new();
    bench.beats(1);
    bench.reply(LAN, 1);
    bench.reply(PRIVATE, 1);
    let mut said = Vec::new();
    for _ in 0..9 {
        said.extend(bench.beats(1));
        bench.reply(PRIVATE, 1);
    }
    assert!(
        said.iter()
            .any(|o| matches!(o, Output::RouteDown { network: LAN, .. }))
    );
    assert_eq!(lost(&said), 0);
}

#[test]
fn another_life_of_a_peer_is_first_lost_and_then_found() {
    let mut bench = Bench::new();
    bench.beats(1);
    bench.reply(LAN, 1);
    let said = bench.reply(LAN, 2);
    assert_eq!(lost(&said), 1);
    let stranger = Output::Stranger {
        network: LAN,
        peer: node(2),
        life: Incarnation(2),
    };
    assert!(said.contains(&stranger), "host has to connect to it first");
    assert_eq!(
        bench.admit(2).len(),
        2,
        "it is asked at once on both networks"
    );
    assert!(
        bench
            .reply(LAN, 2)
            .contains(&Output::PeerFound { peer: node(2) })
    );
}

#[test]
fn an_interface_that_goes_down_takes_its_routes_along_at_once() {
    let mut bench = Bench::new();
    bench.beats(1);
    bench.reply(LAN, 1);
    assert_eq!(
        lost(&bench.handle(Input::Interface {
            network: LAN,
            up: false
        })),
        1
    );
}

#[test]
fn a_reply_that_comes_late_counts_for_the_moment_of_its_request() {
    let mut bench = Bench::new();
    bench.beats(1);
    let asked = bench.now;
    bench.reply(LAN, 1);
    bench.beats(3);
    // As long under way as three beats: as if it had come then, so that three more may be missed.
    bench.reply_to(LAN, 1, asked, 0);
    assert_eq!(lost(&bench.beats(2)), 0);
    assert_eq!(lost(&bench.beats(1)), 1);
}

#[test]
fn replies_that_come_after_the_route_was_lost_for_want_of_them_do_not_raise_it() {
    let mut bench = Bench::new();
    bench.beats(1);
    let asked = bench.now;
    bench.beats(5);
    let raised = |said: &[Output]| said.iter().any(|it| matches!(it, Output::RouteUp { .. }));
    assert!(!raised(&bench.reply_to(LAN, 1, asked, 0)));
    let asked = bench.now + Duration::from_secs(1);
    assert!(
        !raised(&bench.reply_to(LAN, 1, asked, 0)),
        "of another life"
    );
}

#[test]
fn a_lost_peer_that_still_asks_is_said_to_be_seen() {
    let mut bench = Bench::new();
    bench.beats(1);
    bench.reply(LAN, 1);
    bench.beats(9);
    let heartbeat = Heartbeat {
        incarnation: Incarnation(1),
        asked: Timestamp(9),
        reply: false,
        losses: 0,
    };
    let said = bench.handle(Input::Heartbeat {
        network: LAN,
        from: node(2),
        heartbeat,
    });
    let (peer, at) = (node(2), bench.now);
    assert!(said.contains(&Output::PeerSeen { peer, at }));
}
