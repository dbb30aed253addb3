//! What a cluster costs, counted in the world: messages of a regroup, updates that are carried out.
//!
//! Counts are deterministic, so tests hold them to a bound; what they cost in processor time is the
//! benchmarks' to measure.

use std::time::Duration;

use base::{GroupId, NodeId, Timestamp};
use plan::{Plan, PlanError};
use top::api::AdminCommand;

use crate::shape::{Shape, WitnessShape};
use crate::world::{Options, World};

/// Virtual time in which a cluster forms and settles before anything is counted.
const SETTLING: Duration = Duration::from_secs(60);

/// A cluster without a witness that has formed.
///
/// # Errors
/// The shape cannot be built.
pub fn settled(nodes: u8, groups: u8, record_frames: bool) -> Result<World, PlanError> {
    let shape = Shape {
        nodes,
        witness: WitnessShape::None,
        fenced_groups: groups,
        ..Shape::default()
    };
    let options = Options {
        keep: false,
        record_frames,
        ..Options::new(1)
    };
    let mut world = World::new(Plan::new(&shape.lab())?, options);
    world.run_to(Timestamp::ZERO + SETTLING);
    Ok(world)
}

/// How many datagrams of membership one regroup takes: the one that takes out a node that lost its
/// power.
///
/// # Errors
/// The shape cannot be built.
pub fn regroup_messages(nodes: u8) -> Result<usize, PlanError> {
    let mut world = settled(nodes, 0, true)?;
    let before = world.frames().len();
    if let Some(last) = NodeId::new(nodes) {
        world.power_off(last);
    }
    let until = world.now() + SETTLING;
    world.run_to(until);
    let frames = world.frames().iter().skip(before);
    Ok(frames.filter(|it| it.service == "membership").count())
}

/// Has a group moved to and fro as fast as the cluster answers, for `span` of virtual time; how
/// many updates were carried out.
pub fn updates(world: &mut World, span: Duration) -> u64 {
    let applied = |world: &World| {
        let first = world.live().first();
        let picture = first.and_then(|node| world.picture(node));
        picture.map_or(0, |picture| picture.applied)
    };
    let (before, end) = (applied(world), world.now() + span);
    let group = GroupId(1);
    while world.now() < end {
        if let Some(node) = world.live().first() {
            world.ask(node, AdminCommand::MoveGroup { group, to: None });
        }
        let next = world.now() + Duration::from_secs(2);
        world.run_to(next.min(end));
    }
    applied(world) - before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regroup_takes_no_more_messages_than_the_square_of_the_nodes() {
        let counts: Vec<(u64, u64)> = [4, 8, 16, 32]
            .into_iter()
            .map(|nodes| {
                let messages = regroup_messages(nodes).expect("a cluster");
                // One of them is gone, and says nothing.
                (
                    u64::from(nodes) - 1,
                    u64::try_from(messages).expect("a number"),
                )
            })
            .collect();
        for pair in counts.windows(2) {
            let ((few, before), (many, after)) = (pair[0], pair[1]);
            assert!(before > 0, "nothing was counted of {few} nodes");
            // after / before <= (many / few)^2, with a tenth for what depends on timing.
            assert!(
                after * few * few * 10 <= before * many * many * 11,
                "{before} messages of {few} nodes and {after} of {many}"
            );
        }
    }

    #[test]
    fn updates_are_carried_out_while_a_group_is_moved_to_and_fro() {
        let mut world = settled(3, 1, false).expect("a cluster");
        assert!(updates(&mut world, Duration::from_secs(60)) > 30);
    }
}
