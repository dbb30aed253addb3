//! Sound connections go to security and then to netft; all others are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Manager, Outbox};

use super::*;
use crate::Facts;
use crate::settings::{NodeSettings, Settings};
use crate::test_context::{blank_facts, node, with_context};

const LAN: NetworkId = NetworkId(0);

struct Bench {
    host: Host,
    facts: Facts,
    now: Timestamp,
}

impl Bench {
    fn new(me: u8) -> Self {
        let mut facts = blank_facts(node(me));
        let mut settings: Settings = (*facts.settings).clone();
        settings.cluster_name = "CLU1".to_owned();
        for number in 1..=3 {
            let known = NodeSettings {
                name: format!("n{number}"),
                weight: 1,
                dynamic_weight: 1,
                site: String::new(),
                interfaces: BTreeMap::new(),
            };
            settings.nodes.insert(node(number), known);
        }
        facts.settings = Arc::new(settings);
        Self {
            host: Host::default(),
            facts,
            now: Timestamp::ZERO,
        }
    }

    fn call(&mut self, input: Option<Input>) -> Vec<Output> {
        let (host, mut out) = (&mut self.host, Outbox::default());
        with_context(&self.facts, self.now, |cx| {
            match input {
                Some(input) => host.handle(cx, input, &mut out),
                None => host.expire(cx, &mut out),
            }
            host.check(cx);
        });
        out.drain().collect()
    }

    fn stranger(&mut self, peer: u8, life: u64) -> Vec<Output> {
        self.call(Some(Input::Stranger {
            network: LAN,
            peer: node(peer),
            life: Incarnation(life),
        }))
    }

    fn hear(&mut self, from: u8, message: Message) -> Vec<Output> {
        self.call(Some(Input::Message {
            network: LAN,
            from: node(from),
            message,
        }))
    }
}

fn ends(life: u64) -> Ends {
    Ends {
        connector: (node(1), Incarnation(life)),
        acceptor: (node(2), Incarnation(1)),
    }
}

fn connect(life: u64, attempt: u64) -> Message {
    Message::Connect {
        version: VERSION,
        cluster: "CLU1".to_owned(),
        name: "n1".to_owned(),
        ends: ends(life),
        attempt,
    }
}

fn secures(said: &[Output]) -> bool {
    said.iter().any(|it| matches!(it, Output::Secure { .. }))
}

#[test]
fn the_lower_node_connects_to_a_life_that_turns_up() {
    let said = Bench::new(1).stranger(2, 1);
    assert!(secures(&said));
    let message = connect(1, 1);
    let (network, to) = (LAN, node(2));
    assert!(said.contains(&Output::Send {
        network,
        to,
        message
    }));
    assert_eq!(Bench::new(3).stranger(2, 1), [], "the higher one waits");
}

#[test]
fn a_wish_is_repeated_once_a_second_and_not_with_every_heartbeat() {
    let mut bench = Bench::new(1);
    bench.stranger(2, 1);
    assert_eq!(bench.stranger(2, 1), []);
    bench.now = bench.now + Duration::from_secs(1);
    assert!(secures(&bench.stranger(2, 1)));
    assert!(secures(&bench.stranger(2, 2)), "another life at once");
}

#[test]
fn a_sound_connection_goes_to_security_and_once_secured_to_netft() {
    let mut bench = Bench::new(2);
    assert!(secures(&bench.hear(1, connect(1, 1))));
    let (peer, life) = (node(1), Incarnation(1));
    let said = bench.call(Some(Input::Secured { peer, life }));
    assert!(said.contains(&Output::Admit { peer, life }));
    assert_eq!(bench.host.deadline(), None);
}

#[test]
fn a_copy_of_a_wish_that_comes_late_is_passed_over() {
    let mut bench = Bench::new(2);
    bench.hear(1, connect(1, 1));
    assert_eq!(bench.hear(1, connect(1, 1)), []);
    assert!(secures(&bench.hear(1, connect(1, 2))));
    let (peer, life) = (node(1), Incarnation(5));
    bench.call(Some(Input::Secured { peer, life }));
    assert_eq!(
        bench.hear(1, connect(4, 1)),
        [],
        "a life before the proven one"
    );
}

#[test]
fn another_version_cluster_or_name_is_refused_with_the_reason() {
    let changed = |change: &dyn Fn(&mut u32, &mut String, &mut String)| {
        let mut message = connect(1, 1);
        if let Message::Connect {
            version,
            cluster,
            name,
            ..
        } = &mut message
        {
            change(version, cluster, name);
        }
        let said = Bench::new(2).hear(1, message);
        assert!(!secures(&said));
        said.iter().find_map(|it| match it {
            Output::Send {
                message: Message::Refused { reason, .. },
                ..
            } => Some(*reason),
            _ => None,
        })
    };
    use ConnectionRefusal::{ClusterName, NodeName, Version};
    assert_eq!(changed(&|version, _, _| *version += 1), Some(Version));
    assert_eq!(
        changed(&|_, cluster, _| cluster.push('X')),
        Some(ClusterName)
    );
    assert_eq!(changed(&|_, _, name| name.push('X')), Some(NodeName));
}

#[test]
fn a_node_that_is_refused_says_so_and_once_that_it_cannot_join() {
    let mut bench = Bench::new(1);
    let wish = bench.stranger(2, 1);
    let ends = wish.iter().find_map(|it| match it {
        Output::Secure { ends } => Some(*ends),
        _ => None,
    });
    let ends = ends.expect("the lower one connects");
    let reason = ConnectionRefusal::NodeName;
    let said = bench.hear(2, Message::Refused { ends, reason });
    let refused = Notice::ConnectionRefused {
        peer: node(2),
        reason,
    };
    assert_eq!(refused.event_id(), Some(1571));
    assert!(said.contains(&Output::Notice(refused)));
    let event = ServiceEvent::JoinFailed;
    assert_eq!(event.id(), 1070);
    let failed = Output::Notice(Notice::OfService { event });
    assert!(said.contains(&failed));
    let again = bench.hear(2, Message::Refused { ends, reason });
    assert!(!again.contains(&failed));
}

#[test]
fn a_node_that_is_not_configured_is_not_connected() {
    assert_eq!(Bench::new(1).stranger(9, 1), []);
    let mut message = connect(1, 1);
    if let Message::Connect { ends, .. } = &mut message {
        ends.connector.0 = node(1);
    }
    assert!(
        !secures(&Bench::new(3).hear(1, message)),
        "it was meant for node 2"
    );
}

#[test]
fn what_is_not_secured_in_time_is_dropped_and_told() {
    let mut bench = Bench::new(2);
    bench.hear(1, connect(1, 1));
    bench.now = bench.host.deadline().expect("a time-out");
    let said = bench.call(None);
    assert!(said.contains(&Output::Abandon { peer: node(1) }));
    let late = Notice::HandshakeTimedOut { peer: node(1) };
    assert_eq!(late.event_id(), Some(1282));
    assert!(said.contains(&Output::Notice(late)));
    assert_eq!(bench.host.deadline(), None);
}
