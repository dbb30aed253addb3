//! Faults that come to light although something is excused at the moment: frozen nodes, nodes that
//! were just lost, a witness that was taken away, two sides of which one rests on an
//! administrator's word.

use base::{DiskId, NodeSet, StartMode};
use sim::shape::{Shape, WitnessShape};
use sim::{Fault, World};
use top::api::AdminCommand;

use super::cheat::{self, Cheated};
use super::{
    GROUP, cut_off, formed, formed_of, found, isolate, node, owner, program_only, runs, unfenced,
};

pub(super) fn host_runs_on_a_forced_side() -> Vec<&'static str> {
    let shape = Shape {
        nodes: 5,
        witness: WitnessShape::None,
        ..unfenced()
    };
    let mut world = formed_of::<{ cheat::HOSTS_GO_ON }>(&program_only(shape));
    two_sides(&mut world);
    let group = GROUP;
    for number in [4, 5] {
        let to = Some(node(number));
        world.ask(node(4), AdminCommand::MoveGroup { group, to });
        runs(&mut world, 30);
    }
    found(&world)
}

pub(super) fn host_runs_on_beside_a_frozen_node() -> Vec<&'static str> {
    let mut world = formed_of::<{ cheat::HOSTS_GO_ON }>(&program_only(unfenced()));
    let owner = owner(&world);
    let others = world.plan().all().without(owner);
    let frozen = others.iter().last().unwrap();
    world.freeze(frozen);
    runs(&mut world, 60);
    let to = others.without(frozen).first();
    world.ask(owner, AdminCommand::MoveGroup { group: GROUP, to });
    runs(&mut world, 30);
    found(&world)
}

pub(super) fn claims_quorum_on_one_of_two_sides() -> Vec<&'static str> {
    let shape = Shape {
        nodes: 5,
        witness: WitnessShape::None,
        ..unfenced()
    };
    let mut world = formed_of::<{ cheat::CLAIMS_QUORUM }>(&shape.lab());
    two_sides(&mut world);
    let early = found(&world);
    assert!(!early.contains(&"one-primary") && !early.contains(&"stale-life"));
    isolate(&mut world, node(3));
    runs(&mut world, 900);
    found(&world)
}

pub(super) fn claims_quorum_after_a_loss() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::CLAIMS_QUORUM }>(5);
    world.power_off(node(5));
    runs(&mut world, 30);
    isolate(&mut world, node(3));
    runs(&mut world, 60);
    found(&world)
}

pub(super) fn claims_quorum_while_the_witness_is_stolen() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::CLAIMS_QUORUM }>(3);
    let fault = world.next_fault();
    world.make(fault, Fault::Preempt(node(3), DiskId(0)));
    isolate(&mut world, node(3));
    runs(&mut world, 60);
    found(&world)
}

pub(super) fn old_reservation_on_one_of_two_sides() -> Vec<&'static str> {
    let shape = Shape {
        nodes: 5,
        witness: WitnessShape::None,
        ..Shape::default()
    };
    let mut world = formed_of::<{ cheat::OLD_RESERVATION }>(&shape.lab());
    two_sides(&mut world);
    let holder = world.storage().holder(DiskId(0)).unwrap();
    let majority = [1, 2, 3].map(node);
    let other = majority.into_iter().find(|it| *it != holder).unwrap();
    let fault = world.next_fault();
    world.make(fault, Fault::Preempt(other, DiskId(0)));
    runs(&mut world, 60);
    found(&world)
}

/// Five nodes become two sides that both go on: the first three by their votes, the fourth and the
/// fifth by an administrator's word.
fn two_sides<const WHAT: u8>(world: &mut World<Cheated<WHAT>>) {
    let minority: NodeSet = [4, 5].map(node).into_iter().collect();
    cut_off(world, minority);
    runs(world, 60);
    world.stop_service(node(4));
    runs(world, 10);
    let nodes = minority;
    world.start_service_with(node(4), StartMode::ForceQuorum { nodes });
    runs(world, 120);
    let forced = world.picture(node(4)).unwrap();
    assert!(forced.ready && forced.tag.authority() > 0);
    assert!(world.picture(node(1)).unwrap().ready);
}
