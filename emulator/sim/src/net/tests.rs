use super::*;

const LAN: NetworkId = NetworkId(0);
const HB: NetworkId = NetworkId(1);
const FAULT: FaultId = FaultId(1);

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

fn set(numbers: &[u8]) -> NodeSet {
    numbers.iter().map(|number| node(*number)).collect()
}

fn networks() -> Networks {
    let segment = || Segment {
        attached: set(&[1, 2, 3]).into(),
        delay: Duration::from_micros(200),
    };
    Networks::new(vec![segment(), segment()], Rng::new(1, 0))
}

fn receivers(networks: &mut Networks, on: NetworkId, from: u8) -> NodeSet {
    let mut arrivals = Vec::new();
    networks.route(on, node(from), NodeSet(u64::MAX), &mut arrivals);
    arrivals
        .iter()
        .fold(NodeSet::EMPTY, |all, arrival| all.union(arrival.to))
}

fn cut(from: &[u8], to: &[u8], network: NetworkId) -> Rule {
    Rule::Cut {
        from: set(from).into(),
        to: set(to).into(),
        network,
    }
}

#[test]
fn a_multicast_without_faults_is_one_arrival_at_all_others() {
    let mut arrivals = Vec::new();
    networks().route(LAN, node(1), set(&[1, 2, 3, 9]), &mut arrivals);
    let after = Duration::from_micros(200);
    let to = set(&[2, 3]);
    let network = NetworkId(0);
    assert_eq!(arrivals, [Arrival { network, to, after }]);
}

#[test]
fn a_one_way_cut_stops_one_direction_on_one_network_until_it_heals() {
    let mut networks = networks();
    networks.add(FAULT, cut(&[1], &[2], LAN));
    assert_eq!(receivers(&mut networks, LAN, 1), set(&[3]));
    assert_eq!(receivers(&mut networks, LAN, 2), set(&[1, 3]));
    assert_eq!(receivers(&mut networks, HB, 1), set(&[2, 3]));
    networks.heal(FAULT);
    assert_eq!(receivers(&mut networks, LAN, 1), set(&[2, 3]));
}

#[test]
fn a_node_is_a_peer_while_one_network_carries_both_directions() {
    let mut networks = networks();
    networks.add(FAULT, cut(&[1], &[2], LAN));
    assert_eq!(networks.peers(node(1)), set(&[2, 3]));
    networks.add(FAULT, cut(&[2], &[1], HB));
    assert_eq!(networks.peers(node(1)), set(&[3]));
}

#[test]
fn a_dead_segment_takes_every_link_and_a_dead_adapter_its_own() {
    let mut networks = networks();
    networks.add(FAULT, Rule::NicDown(Station(0), LAN));
    assert!(!networks.is_linked(Station(0), LAN));
    assert!(networks.is_linked(Station(1), LAN));
    assert!(receivers(&mut networks, LAN, 1).is_empty());
    networks.add(FAULT, Rule::NetworkDown(HB));
    assert!(!networks.is_linked(Station(1), HB));
    assert!(receivers(&mut networks, HB, 2).is_empty());
}

#[test]
fn loss_and_duplicates_come_about_as_often_as_asked() {
    let mut networks = networks();
    let impairment = Impairment {
        loss: 100_000,
        duplicate: 50_000,
        jitter: Duration::from_millis(1),
        ..Impairment::default()
    };
    let all: Stations = set(&[1, 2, 3]).into();
    networks.add(
        FAULT,
        Rule::Impair {
            from: all,
            to: all,
            network: LAN,
            impairment,
        },
    );
    let mut arrivals = Vec::new();
    for _ in 0..10_000 {
        networks.route(LAN, node(1), set(&[2]), &mut arrivals);
    }
    // 10,000 × 0.9 × 1.05 = 9,450
    assert!(
        (9_200..9_700).contains(&arrivals.len()),
        "{}",
        arrivals.len()
    );
    assert!(
        arrivals
            .iter()
            .any(|it| it.after > Duration::from_micros(1_100))
    );
}

#[test]
fn a_burst_loses_datagrams_in_a_row() {
    let burst = Burst {
        begins: 10_000,
        ends: 100_000,
        loss: 1_000_000,
    };
    let impairment = Impairment {
        burst: Some(burst),
        ..Impairment::default()
    };
    let (mut bad_time, mut rng) = (false, Rng::new(3, 0));
    let lost: Vec<bool> = (0..10_000)
        .map(|_| impairment.draw(&mut bad_time, &mut rng).copies == 0)
        .collect();
    let longest = lost.split(|lost| !lost).map(<[bool]>::len).max();
    assert!(longest > Some(10), "{longest:?}");
}

/// Two segments of one node each, a third that nobody joins, and a router between the first two.
fn routed() -> Networks {
    let segment = |node: u8| Segment {
        attached: set(&[node]).into(),
        delay: Duration::from_micros(200),
    };
    let router = Router {
        joins: vec![NetworkId(0), NetworkId(1)],
        link: Impairment {
            delay: Duration::from_millis(9),
            ..Impairment::default()
        },
    };
    let segments = vec![segment(1), segment(2), segment(3)];
    Networks::routed(segments, vec![router], Rng::new(1, 0))
}

#[test]
fn a_router_carries_datagrams_to_the_receivers_own_segment_and_takes_its_time() {
    let mut networks = routed();
    let mut arrivals = Vec::new();
    networks.route(NetworkId(0), node(1), set(&[2, 3]), &mut arrivals);
    let expected = Arrival {
        network: NetworkId(1),
        to: set(&[2]),
        after: Duration::from_micros(9_400),
    };
    assert_eq!(arrivals, [expected]);
    assert!(networks.exchange(Station(0), Station(1)));
    assert!(!networks.exchange(Station(0), Station(2)));
    assert!(networks.gets_to(Station(0), NetworkId(1)));
    assert!(!networks.gets_to(Station(2), NetworkId(1)));
}

#[test]
fn a_fault_at_either_end_stops_what_a_router_carries() {
    for rule in [
        cut(&[1], &[2], NetworkId(0)),
        cut(&[1], &[2], NetworkId(1)),
        Rule::NetworkDown(NetworkId(0)),
        Rule::NicDown(Station(1), NetworkId(1)),
    ] {
        let mut networks = routed();
        networks.add(FaultId(1), rule);
        assert!(
            !networks.reaches(NetworkId(0), Station(0), Station(1)),
            "{rule:?}"
        );
        assert!(!networks.exchange(Station(1), Station(0)), "{rule:?}");
        networks.heal(FaultId(1));
        assert!(networks.exchange(Station(1), Station(0)), "{rule:?}");
    }
}

#[test]
fn a_switch_brings_frames_to_machines_that_are_no_members_as_well() {
    let client = Station(70);
    let attached = Stations::from(set(&[1, 2])).union(Stations::one(client));
    let delay = Duration::from_micros(200);
    let segment = Segment { attached, delay };
    let mut networks = Networks::new(vec![segment], Rng::new(1, 0));
    let me = Station::from(node(1));
    let n2 = (Station::from(node(2)), delay);
    assert_eq!(networks.attached(LAN), attached);
    assert_eq!(
        networks.switch(LAN, me, Stations::ALL),
        [n2, (client, delay)]
    );
    networks.add(FAULT, Rule::NicDown(client, LAN));
    assert_eq!(networks.switch(LAN, me, Stations::ALL), [n2]);
    assert_eq!(networks.switch(LAN, client, Stations::ALL), []);
    networks.add(FAULT, cut(&[1], &[2], LAN));
    assert_eq!(networks.switch(LAN, me, Stations::ALL), []);
}
