//! The witness between quorum and the core group.

use base::{GroupId, ResourceState};

use super::world::{World, node, seconds};
use crate::rcm::Input;

const CORE: GroupId = GroupId(0);

/// A failed witness resource at node 1, and the witness held by nobody.
fn without_hold(count: u8) -> (World, base::ResourceId) {
    let (mut world, witness) = World::with_witness(count);
    assert_eq!(world.owner(CORE), Some(1));
    world.arbitration_fails = true;
    world.disk_lost(1, 1);
    world.run(seconds(60));
    assert_eq!(world.state(witness), ResourceState::Failed);
    assert_eq!(world.holder(1), None);
    world.arbitration_fails = false;
    (world, witness)
}

#[test]
fn quorum_gets_the_witness_for_the_asking_even_where_the_core_group_is_not() {
    let (mut world, _) = without_hold(2);
    world.close();
    let asked = u8::from(world.owner(CORE) == Some(1)) + 1;
    world.tell(node(asked), Input::WitnessNeeded);
    world.run(seconds(1));
    assert_eq!(world.holder(1), Some(asked));
}

#[test]
fn the_core_group_moves_to_the_node_that_got_the_witness_for_quorum() {
    let (mut world, witness) = without_hold(2);
    let asked = u8::from(world.owner(CORE) == Some(1)) + 1;
    world.close();
    world.tell(node(asked), Input::WitnessNeeded);
    world.run(seconds(1));
    world.install(&[1, 2], false);
    world.run(seconds(2));
    assert_eq!(world.owner(CORE), Some(asked));
    assert_eq!(world.state(witness), ResourceState::Online);
}

#[test]
fn a_witness_that_comes_too_late_for_its_view_is_given_back() {
    let (mut world, witness) = without_hold(2);
    let owner = world.owner(CORE).expect("owned");
    let asked = u8::from(owner == 1) + 1;
    world.close();
    world.tell(node(asked), Input::WitnessNeeded);
    world.install(&[1, 2], false);
    world.run(seconds(1));
    assert_eq!(world.holder(1), None);
    world.run(seconds(1_000));
    assert_eq!(world.owner(CORE), Some(owner));
    assert_eq!(
        world.state(witness),
        ResourceState::Online,
        "retried after 15 min"
    );
}

#[test]
fn a_failed_witness_is_tried_again_every_fifteen_minutes() {
    let (mut world, witness) = without_hold(1);
    world.arbitration_fails = true;
    let before = world.reached(witness, ResourceState::OnlinePending).len();
    world.run(seconds(4 * 930));
    let tries = world.reached(witness, ResourceState::OnlinePending);
    assert_eq!(tries.len() - before, 4);
    let gap = tries[before + 1].since(tries[before]);
    assert!((900..920).contains(&gap.as_secs()), "{gap:?}");
}

#[test]
fn moving_the_core_group_hands_the_witness_over() {
    let (mut world, witness) = World::with_witness(2);
    let to = Some(node(2));
    let group = CORE;
    world.admin(1, crate::api::AdminCommand::MoveGroup { group, to });
    world.run(seconds(1));
    assert_eq!(world.holder(1), Some(2));
    assert_eq!(world.state(witness), ResourceState::Online);
}
