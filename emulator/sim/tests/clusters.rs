//! Whole clusters of real nodes in the world.

use std::time::Duration;

use base::{NodeId, ResourceState, Timestamp};
use plan::Plan;
use sim::shape::{Shape, WitnessShape};
use sim::{Options, World};

fn seconds(count: u64) -> Timestamp {
    Timestamp::ZERO + Duration::from_secs(count)
}

fn world(shape: &Shape, seed: u64) -> World {
    World::new(Plan::new(&shape.lab()).unwrap(), Options::new(seed))
}

/// Every group is online on exactly one node, by the nodes' own states.
fn all_online(world: &World) -> bool {
    let resources = world.plan().model.resources.keys();
    let online = |resource: &base::ResourceId| {
        let states = world.live().iter().filter_map(|node| world.picture(node));
        let states = states.filter_map(|picture| picture.running.get(resource));
        states
            .filter(|state| **state == ResourceState::Online)
            .count()
            == 1
    };
    resources.into_iter().all(online)
}

fn show(world: &World) {
    for line in world.trace().lines() {
        eprintln!("{}", line.0);
    }
    for violation in world.jury().violations() {
        eprintln!("{violation:?}");
    }
}

#[test]
fn a_cluster_of_every_model_forms_and_brings_its_groups_online() {
    for witness in [
        WitnessShape::None,
        WitnessShape::Disk,
        WitnessShape::Share,
        WitnessShape::DiskOnly,
    ] {
        for nodes in [2, 3] {
            let shape = Shape {
                nodes,
                witness,
                unfenced_groups: 1,
                ..Shape::default()
            };
            let mut world = world(&shape, 1);
            let formed = world.run_until(seconds(120), all_online);
            if !formed || !world.jury().violations().is_empty() {
                show(&world);
                panic!("{witness:?} with {nodes} nodes");
            }
        }
    }
}

#[test]
fn the_group_of_a_node_that_loses_power_fails_over() {
    let mut world = world(&Shape::default(), 1);
    assert!(world.run_until(seconds(120), all_online));
    let group = base::GroupId(1);
    let first = NodeId::new(1).unwrap();
    let owner = world.picture(first).unwrap().groups[&group].owner;
    world.power_off(owner);
    let before = world.now();
    let limit = before + Duration::from_secs(120);
    let moved = world.run_until(limit, all_online);
    if !moved || !world.jury().violations().is_empty() {
        show(&world);
        panic!("no failover");
    }
    // Detection alone takes ten seconds.
    assert!(world.now().since(before) >= Duration::from_secs(10));
}
