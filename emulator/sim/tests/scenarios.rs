//! Named scenarios: what a seed of the swarm once failed with, without its other faults.

use std::time::Duration;

use base::{DiskId, NetworkId, NodeId, NodeSet, Notice, ResourceState, Timestamp};
use middle::settings::Witness;
use plan::Plan;
use sim::net::Rule;
use sim::shape::{Shape, WitnessShape};
use sim::{Fault, Options, World};

const SAN: usize = 0;

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

/// A cluster whose groups are online.
fn formed(shape: &Shape) -> World {
    let mut world = World::new(Plan::new(&shape.lab()).unwrap(), Options::new(1));
    let limit = Timestamp::ZERO + Duration::from_secs(120);
    assert!(world.run_until(limit, all_online));
    world
}

fn all_online(world: &World) -> bool {
    let online = |resource: &base::ResourceId| {
        let shown = world.live().iter().filter_map(|node| world.picture(node));
        let mut states = shown.filter_map(|picture| picture.running.get(resource));
        states.any(|state| *state == ResourceState::Online)
    };
    world.plan().model.resources.keys().all(online)
}

fn runs(world: &mut World, seconds: u64) {
    let until = world.now() + Duration::from_secs(seconds);
    world.run_to(until);
}

fn make(world: &mut World, fault: Fault) {
    let id = world.next_fault();
    world.make(id, fault);
}

/// Nothing gets through between these nodes and the others.
fn cut_off(world: &mut World, inside: NodeSet) {
    let outside = world.plan().all().difference(inside);
    for (from, to) in [(inside, outside), (outside, inside)] {
        let (from, to) = (from.into(), to.into());
        let network = NetworkId(0);
        make(world, Fault::Network(Rule::Cut { from, to, network }));
    }
}

fn witness(world: &World) -> DiskId {
    match world.plan().settings.witness {
        Witness::Disk(disk) => disk,
        other => panic!("{other:?} is no disk"),
    }
}

fn assert_sound(world: &World) {
    let broken = world.jury().violations();
    assert!(broken.is_empty(), "{broken:?}");
}

/// Seeds 1075 and 1503 of November 2026: the generation of the reservation begins anew with the
/// power of the array and came to the number that the owner knew, so the owner overlooked the
/// registration of a challenger, which took the witness from a cluster that was well.
#[test]
fn an_array_that_loses_power_does_not_hide_a_challenger_from_the_owner() {
    let mut world = formed(&Shape {
        nodes: 2,
        witness: WitnessShape::Disk,
        ..Shape::default()
    });
    let disk = witness(&world);
    let owner = world.storage().holder(disk).unwrap();
    let other = world.plan().all().without(owner).first().unwrap();
    make(&mut world, Fault::ArrayPower(SAN));
    runs(&mut world, 10);
    cut_off(&mut world, NodeSet::one(other));
    let limit = world.now() + Duration::from_secs(60);
    let challenged = world.run_until(limit, |world| {
        let notices = world.log().notices(0);
        let mut of_other = notices.filter(|(_, node, _)| *node == other);
        of_other.any(|(_, _, notice)| *notice == Notice::DiskChallenged { disk })
    });
    assert!(challenged);
    make(&mut world, Fault::ArrayPower(SAN));
    runs(&mut world, 60);
    assert_eq!(world.storage().holder(disk), Some(owner));
    assert!(world.picture(owner).is_some_and(|it| it.ready));
    assert!(!world.picture(other).is_some_and(|it| it.ready));
    assert_sound(&world);
}

/// Seeds 255 and 1080 of November 2026: a node that was frozen before its view opened, while
/// everybody else had agreed to it, opens the view alone when it goes on. It has quorum in its own
/// eyes for a moment; what the others committed meanwhile is there all the same.
#[test]
fn a_node_that_wakes_up_in_a_view_that_is_long_gone_takes_nothing_back() {
    let mut world = formed(&Shape {
        nodes: 5,
        witness: WitnessShape::None,
        unfenced_groups: 1,
        ..Shape::default()
    });
    let newcomer = node(5);
    world.power_off(newcomer);
    runs(&mut world, 60);
    world.power_on(newcomer);
    let limit = world.now() + Duration::from_secs(120);
    let before = world.picture(node(1)).and_then(|it| it.view);
    let installed = world.run_until(limit, |world| {
        let shown = world.picture(node(1));
        shown.is_some_and(|it| it.view != before && !it.ready)
    });
    assert!(installed);
    world.freeze(node(1));
    runs(&mut world, 60);
    let tag = world.picture(node(2)).unwrap().tag;
    world.thaw(node(1));
    runs(&mut world, 300);
    assert!(world.picture(node(1)).unwrap().tag >= tag);
    assert!(all_online(&world));
    assert_sound(&world);
}
