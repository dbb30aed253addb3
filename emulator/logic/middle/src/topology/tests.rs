//! States follow from reports, reports from routes and links.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Manager;
use proptest::prelude::*;

use super::*;
use crate::Facts;
use crate::object::ObjectTable;
use crate::settings::{NetworkSettings, NodeSettings, Settings};
use crate::test_context::{blank_facts, node, nodes, view, with_context};

const LAN: NetworkId = NetworkId(0);

struct Bench {
    topology: Topology,
    facts: Facts,
    now: Timestamp,
}

fn settings(mut settings: Settings) -> Settings {
    for number in 1..=4 {
        let known = NodeSettings {
            name: format!("n{number}"),
            weight: 1,
            dynamic_weight: 1,
            site: String::new(),
            interfaces: BTreeMap::from([(LAN, format!("10.0.0.{number}"))]),
        };
        settings.nodes.insert(node(number), known);
    }
    let lan = NetworkSettings {
        name: "lan".to_owned(),
        subnet: "10.0.0.0/24".to_owned(),
        role: NetworkRole::ClusterAndClient,
        metric: 5,
        auto_metric: true,
    };
    settings.networks.insert(LAN, lan);
    settings
}

impl Bench {
    /// Node 1 of four in an open view.
    fn new() -> Self {
        let mut facts = blank_facts(node(1));
        facts.settings = Arc::new(settings((*facts.settings).clone()));
        facts.view = Some(Arc::new(view(1, nodes(&[1, 2, 3, 4]))));
        facts.ready = true;
        facts.active = true;
        let mut bench = Self {
            topology: Topology::new(&[LAN]),
            facts,
            now: Timestamp::ZERO,
        };
        for peer in 2..=4 {
            bench.route(peer, true);
        }
        bench.expire();
        bench
    }

    fn call(&mut self, input: Option<Input>) -> Vec<Output> {
        let (topology, mut out) = (&mut self.topology, Outbox::default());
        with_context(&self.facts, self.now, |cx| {
            match input {
                Some(input) => topology.handle(cx, input, &mut out),
                None => topology.expire(cx, &mut out),
            }
            topology.check(cx);
        });
        out.drain().collect()
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        self.call(Some(input))
    }

    fn route(&mut self, peer: u8, up: bool) -> Vec<Output> {
        let (network, peer) = (LAN, node(peer));
        self.tell(Input::Route { network, peer, up })
    }

    /// Lets the next deadline come.
    fn expire(&mut self) -> Vec<Output> {
        self.now = self.topology.deadline().unwrap_or(self.now);
        self.call(None)
    }

    /// Carries a proposal out.
    fn commit(&mut self, said: &[Output]) -> Vec<Output> {
        let mut objects = (*self.facts.objects).clone();
        for output in said {
            let Output::Propose { changes } = output else {
                continue;
            };
            for change in changes {
                if let Change::State(change) = change {
                    objects.apply(change);
                }
            }
        }
        self.facts.objects = Arc::new(objects);
        let told = self.tell(Input::ObjectsChanged);
        self.tell(Input::Done);
        told
    }
}

fn proposes(said: &[Output]) -> bool {
    said.iter().any(|it| matches!(it, Output::Propose { .. }))
}

#[test]
fn netft_hears_whom_to_watch_over_the_networks_that_the_cluster_uses() {
    let mut bench = Bench::new();
    let said = bench.tell(Input::SettingsChanged);
    let [Output::Configure { peers, networks }] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert_eq!((peers.len(), networks.len()), (4, 1));
    assert_eq!((networks[0].metric, networks[0].nodes.len()), (5, 4));
}

#[test]
fn where_nothing_is_wrong_nothing_is_proposed() {
    let mut bench = Bench::new();
    assert_eq!(bench.expire(), []);
    bench.route(2, false);
    bench.route(2, true);
    assert_eq!(bench.expire(), [], "it came back in time");
}

#[test]
fn an_interface_without_a_link_fails_here_at_once_and_for_all_soon() {
    let mut bench = Bench::new();
    let (network, up) = (LAN, false);
    let said = bench.tell(Input::Interface { network, up });
    let event = ServiceEvent::ConnectivityLost;
    let lost = Output::Notice(Notice::OfService { event });
    assert_eq!(said, [Output::Interface { network, up }, lost]);
    let said = bench.expire();
    assert!(proposes(&said));
    let told = bench.commit(&said);
    let failed = Notice::InterfaceState {
        node: node(1),
        network: LAN,
        state: InterfaceState::Failed,
    };
    assert_eq!(failed.event_id(), Some(1127));
    assert_eq!(
        told,
        [Output::Notice(failed)],
        "the network itself still works"
    );
    bench.tell(Input::Interface { network, up: true });
    assert!(
        proposes(&bench.expire()),
        "that it works again is told as well"
    );
}

#[test]
fn two_nodes_that_do_not_reach_each_other_partition_their_network() {
    let mut bench = Bench::new();
    bench.route(2, false);
    let said = bench.expire();
    let told = bench.commit(&said);
    let partitioned = Notice::NetworkState {
        network: LAN,
        state: NetworkState::Partitioned,
    };
    assert_eq!(partitioned.event_id(), Some(1129));
    assert_eq!(told, [Output::Notice(partitioned)]);
}

#[test]
fn a_report_waits_until_the_one_before_has_ended() {
    let mut bench = Bench::new();
    bench.route(2, false);
    assert!(proposes(&bench.expire()));
    bench.route(3, false);
    assert_eq!(bench.topology.deadline(), None);
    bench.tell(Input::Done);
    assert!(proposes(&bench.expire()));
}

#[test]
fn outside_an_open_view_nothing_is_proposed() {
    let mut bench = Bench::new();
    bench.facts.ready = false;
    bench.route(2, false);
    assert_eq!(bench.expire(), []);
    bench.facts.ready = true;
    bench.tell(Input::Opened);
    assert!(proposes(&bench.expire()), "it is made up for");
}

/// Second, naive version: the states as the reference words them.
fn naive(linked: u8, missed: &[(u8, u8)]) -> NetworkState {
    let on: Vec<u8> = (1..=4).filter(|it| linked & (1 << it) != 0).collect();
    let apart = |a: u8, b: u8| missed.contains(&(a, b)) || missed.contains(&(b, a));
    let pairs = || on.iter().flat_map(|a| on.iter().map(move |b| (*a, *b)));
    let somebody_talks = on.len() == 1 || pairs().any(|(a, b)| a != b && !apart(a, b));
    let everybody_talks = !pairs().any(|(a, b)| a != b && apart(a, b));
    match (on.is_empty() || !somebody_talks, everybody_talks) {
        (true, _) => NetworkState::Down,
        (false, true) => NetworkState::Up,
        (false, false) => NetworkState::Partitioned,
    }
}

proptest! {
    #[test]
    fn the_state_of_a_network_is_as_the_reference_words_it(
        linked in 0..16_u8,
        missed in prop::collection::vec((1..=4_u8, 1..=4_u8), 0..8),
    ) {
        let linked = linked << 1;
        let missed: Vec<_> = missed.into_iter().filter(|(a, b)| a != b).collect();
        let mut objects = ObjectTable::default();
        for number in 1..=4 {
            let of = missed.iter().filter(|(from, _)| *from == number);
            let row = InterfaceRow {
                linked: linked & (1 << number) != 0,
                unreached: of.map(|(_, to)| node(*to)).collect(),
            };
            objects.apply(&StateChange::Interface { node: node(number), network: LAN, row });
        }
        let segment = Segment {
            network: LAN,
            members: nodes(&[1, 2, 3, 4]),
            objects: &objects,
        };
        prop_assert_eq!(segment.network(), naive(linked, &missed));
    }
}
