//! Topology manager and network driver: networks, routes, and what follows when one fails.

use super::{EVENTUALLY, SAMPLE, enters, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use base::{Generation, InterfaceState, NetworkState, Notice, ResourceState};
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        every_pair_of_nodes_has_a_route_over_every_network(),
        a_failed_interface_is_known_to_all_members(),
        a_network_that_is_down_is_known_to_all_members(),
        an_address_fails_with_its_adapter(),
        an_address_fails_at_once_with_its_interface(),
        a_network_between_two_halves_is_partitioned(),
    ]
}

/// A filter for the moment when an interface has this state to somebody.
fn interface_is(state: InterfaceState) -> impl FnMut(&Notice) -> bool {
    move |notice| matches!(notice, Notice::InterfaceState { state: it, .. } if *it == state)
}

/// A filter for the moment when a network has this state to somebody.
fn network_is(state: NetworkState) -> impl FnMut(&Notice) -> bool {
    move |notice| matches!(notice, Notice::NetworkState { state: it, .. } if *it == state)
}

fn every_pair_of_nodes_has_a_route_over_every_network() -> Case {
    Case {
        id: "topology/every-pair-of-nodes-has-a-route-over-every-network".into(),
        title: "Routes come up between all nodes over every network that the cluster uses".into(),
        clauses: &["TM-1", "TM-2", "BOT-3"],
        source: &[("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network())?;
            trial.run(secs(5));
            let up = trial.events(0, |it| matches!(it, Notice::RouteUp { .. }));
            let routes: BTreeSet<_> = up
                .into_iter()
                .filter_map(|event| match event.notice {
                    Notice::RouteUp { network, peer } => Some((event.node, network, peer)),
                    _ => None,
                })
                .collect();
            trial.equal("the number of routes", routes.len(), 3 * 2 * 2)
        }),
    }
}

fn a_failed_interface_is_known_to_all_members() -> Case {
    Case {
        id: "topology/a-failed-interface-is-known-to-all-members".into(),
        title: "An adapter without a link is a failed interface to every member, and nobody is \
                removed while another network works"
            .into(),
        clauses: &["TM-1", "TM-5", "OM-6", "BOT-5"],
        source: &[("1.3", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network())?;
            let mark = trial.mark();
            trial.fault("{ nic: n1/heart, do: down, for: 60s }")?;
            trial.run(secs(30));
            let failed = trial.events(mark, interface_is(InterfaceState::Failed));
            let nodes: BTreeSet<_> = failed.iter().map(|event| &event.node).collect();
            trial.equal("the number of members that know it", nodes.len(), 3)?;
            let ids = failed
                .iter()
                .all(|event| event.notice.event_id() == Some(1127));
            trial.check("it is event 1127", ids)?;
            let removed = trial.events(mark, |it| matches!(it, Notice::NodeRemoved { .. }));
            trial.equal("the number of removals", removed.len(), 0)?;
            trial.run(secs(60));
            let up = trial.events(mark, interface_is(InterfaceState::Up));
            trial.equal("members that know that it works again", up.len(), 3)
        }),
    }
}

fn a_network_that_is_down_is_known_to_all_members() -> Case {
    Case {
        id: "topology/a-network-that-is-down-is-known-to-all-members".into(),
        title: "A dead network is down to every member, and up again once it works".into(),
        clauses: &["TM-1", "TM-5", "TM-7"],
        source: &[("1.3", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network())?;
            let mark = trial.mark();
            trial.fault("{ network: heart, do: down, for: 60s }")?;
            trial.run(secs(120));
            let down = trial.events(mark, network_is(NetworkState::Down));
            trial.equal("members that know that it is down", down.len(), 3)?;
            let ids = down
                .iter()
                .all(|event| event.notice.event_id() == Some(1130));
            trial.check("it is event 1130", ids)?;
            let up = trial.events(mark, network_is(NetworkState::Up));
            trial.equal("members that know that it works again", up.len(), 3)
        }),
    }
}

fn an_address_fails_with_its_adapter() -> Case {
    Case {
        id: "topology/an-address-fails-with-its-adapter".into(),
        title:
            "A group whose address lives on a failed adapter moves to a node whose adapter works"
                .into(),
        clauses: &["ADDR-1", "NAME-2", "TM-5"],
        source: &[("2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).second_network().file_group())?;
            let owner = trial.owner("fs")?;
            trial.fault(format!("{{ nic: {owner}/lan, do: down, for: 10m }}"))?;
            trial.within(
                EVENTUALLY,
                "the group is online on the other node",
                |seen| seen.online("fs") && seen.owner("fs") != Some(owner.as_str()),
            )?;
            let up = trial.seen().up(&owner);
            trial.check("the first node is still a member", up)
        }),
    }
}

fn an_address_fails_at_once_with_its_interface() -> Case {
    Case {
        id: "topology/an-address-fails-at-once-with-its-interface".into(),
        title: "An address fails within moments of the end of its interface, without LooksAlive"
            .into(),
        clauses: &["ADDR-1", "NAME-2", "TM-5"],
        source: &[("13", Mark::Stated)],
        generations: &[Generation::V2012R2, Generation::V2016, Generation::V2022],
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).second_network().file_group())?;
            let (owner, id) = (trial.owner("fs")?, trial.id("fs/ip")?);
            let mark = trial.mark();
            trial.fault(format!("{{ nic: {owner}/lan, do: down, for: 10m }}"))?;
            trial.run(secs(60));
            let ended = interface_is(InterfaceState::Failed);
            let ended = trial.first(mark, "the end of the interface", ended)?;
            let failed = enters(id, ResourceState::Failed);
            let failed = trial.first(mark, "the failure of the address", failed)?;
            let moment = (Duration::ZERO, Duration::from_millis(200));
            trial.between("the failure", failed.saturating_sub(ended), moment)
        }),
    }
}

fn a_network_between_two_halves_is_partitioned() -> Case {
    Case {
        id: "topology/a-network-between-two-halves-is-partitioned".into(),
        title:
            "A network on which only some pairs reach each other is partitioned, and no node is \
                lost while another network works"
                .into(),
        clauses: &["TM-5", "MM-6"],
        source: &[("1.3", Mark::Stated), ("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).second_network())?;
            let mark = trial.mark();
            trial.fault(
                "{ partition: { between: [[n1, n2], [n3, n4]], networks: [heart] }, for: 60s }",
            )?;
            trial.run(secs(40));
            let partitioned = trial.events(mark, network_is(NetworkState::Partitioned));
            let nodes: BTreeSet<_> = partitioned.iter().map(|event| &event.node).collect();
            trial.equal("the number of members that know it", nodes.len(), 4)?;
            let ids = partitioned
                .iter()
                .all(|event| event.notice.event_id() == Some(1129));
            trial.check("it is event 1129", ids)?;
            let removed = trial.events(mark, |it| matches!(it, Notice::NodeRemoved { .. }));
            trial.equal("the number of removals", removed.len(), 0)
        }),
    }
}
