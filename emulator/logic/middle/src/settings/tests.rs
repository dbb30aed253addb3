//! Which peers a node tries over which network, and how long it waits for them.

use super::*;

/// Two sites with a client network each and a storage network that both are on.
fn stretched(generation: Generation) -> Settings {
    let mut settings = Settings::blank(generation);
    let network = |name: &str, role| NetworkSettings {
        name: name.to_owned(),
        subnet: String::new(),
        role,
        metric: 0,
        auto_metric: true,
    };
    let roles = [
        NetworkRole::ClusterAndClient,
        NetworkRole::ClusterAndClient,
        NetworkRole::None,
    ];
    for (place, role) in (0_u8..).zip(roles) {
        settings
            .networks
            .insert(NetworkId(place), network("net", role));
    }
    for (number, site, network) in [(1, "east", 0), (2, "east", 0), (3, "west", 1)] {
        let interface = |network| (NetworkId(network), String::new());
        let known = NodeSettings {
            name: format!("n{number}"),
            weight: 1,
            dynamic_weight: 1,
            site: site.to_owned(),
            interfaces: [interface(network), interface(2)].into(),
        };
        settings.nodes.insert(node(number), known);
    }
    settings
}

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

#[test]
fn routes_to_other_subnets_are_tried_only_to_nodes_without_a_common_network() {
    let settings = stretched(Generation::V2022);
    let over = |me: u8, network: u8| settings.peers_over(node(me), NetworkId(network));
    assert_eq!(
        over(1, 0).len(),
        3,
        "its own segment and the one node beyond"
    );
    assert_eq!(over(3, 1).len(), 3);
    let mut flat = settings.clone();
    let all = flat.nodes.values_mut();
    all.for_each(|it| _ = it.interfaces.insert(NetworkId(0), String::new()));
    assert_eq!(
        flat.peers_over(node(3), NetworkId(1)),
        NodeSet::one(node(3))
    );
}

#[test]
fn heartbeats_between_sites_and_subnets_have_their_own_limits() {
    let settings = stretched(Generation::V2022);
    assert_eq!(settings.heartbeat(node(1), node(2)), settings.same_subnet);
    assert_eq!(settings.heartbeat(node(1), node(3)), settings.cross_site);
    let before_sites = stretched(Generation::V2012);
    let beat = before_sites.heartbeat(node(1), node(3));
    assert_eq!(beat, before_sites.cross_subnet);
}
