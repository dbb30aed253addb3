//! Who makes room for whom, and moves that wait.

use base::{Generation, GroupId, Notice, ResourceId, ResourceState, StateChangeCause};

use super::world::{Build, Work, World, node, nodes, seconds};
use crate::api::{AdminCommand, AdminReply, Object, code};
use crate::rcm::model::Priority;
use middle::database::Value;

/// ERROR_NO_SYSTEM_RESOURCES
const NO_ROOM: u32 = 1_450;

/// A group of a low priority that runs on node 1 and one of a high priority that does not start
/// yet, both with one program.
fn low_and_high(build: &mut Build) -> [(GroupId, ResourceId); 2] {
    [Priority::Low, Priority::High].map(|priority| {
        let group = build.group();
        let settings = build.settings(group);
        settings.priority = priority;
        settings.preferred_owners = vec![node(1)];
        settings.persistent_state = priority == Priority::Low;
        (group, build.app(group, ""))
    })
}

fn start(world: &mut World, group: GroupId) {
    let reply = world.admin(1, AdminCommand::OnlineGroup { group });
    assert_eq!(reply, AdminReply::Done);
}

fn status(world: &mut World, group: GroupId) -> Value {
    let object = Object::Group { group };
    let name = "StatusInformation".to_owned();
    match world.admin(1, AdminCommand::GetProperty { object, name }) {
        AdminReply::Value { value } => value,
        other => panic!("a value, not {other:?}"),
    }
}

#[test]
fn a_group_of_a_lower_priority_makes_room_and_goes_elsewhere() {
    let mut build = Build::new(Generation::V2022);
    let [(low, low_app), (high, high_app)] = low_and_high(&mut build);
    let mut world = World::formed(2, build);
    assert_eq!(world.owner(low), Some(1));
    world.lacks_room(high_app, 1, low_app);
    start(&mut world, high);
    world.run(seconds(5));
    assert_eq!(world.state(high_app), ResourceState::Online);
    assert_eq!(world.owner(high), Some(1));
    assert_eq!(world.owner(low), Some(2));
    assert_eq!(world.state(low_app), ResourceState::Online);
    let told = Notice::GroupPreempted {
        group: low,
        by: high,
    };
    assert_eq!(world.count(|notice| *notice == told), 1);
    assert_eq!(told.event_id(), Some(1251));
    let failed = |notice: &Notice| matches!(notice, Notice::RestartScheduled { .. });
    assert_eq!(world.count(failed), 0, "it is no failure of the resource");
}

#[test]
fn without_another_node_it_waits_until_the_other_group_is_gone() {
    let mut build = Build::new(Generation::V2022);
    let [(low, low_app), (high, high_app)] = low_and_high(&mut build);
    for id in [low_app, high_app] {
        build.resource(id).possible_owners = Some(nodes(&[1]));
    }
    let mut world = World::formed(2, build);
    world.lacks_room(high_app, 1, low_app);
    start(&mut world, high);
    world.run(seconds(5));
    assert_eq!(world.state(high_app), ResourceState::Online);
    assert_eq!(world.state(low_app), ResourceState::Offline);
    assert_eq!(status(&mut world, low), Value::Dword(2), "preempted");
    world.admin(1, AdminCommand::OfflineGroup { group: high });
    world.run(seconds(5));
    assert_eq!(world.state(low_app), ResourceState::Online);
    assert_eq!(status(&mut world, low), Value::Dword(0));
}

#[test]
fn a_group_of_the_highest_priority_and_one_of_the_same_make_no_room() {
    for (of_low, of_high) in [
        (Priority::High, Priority::High),
        (Priority::Medium, Priority::Medium),
        (Priority::High, Priority::Medium),
    ] {
        let mut build = Build::new(Generation::V2022);
        let [(low, low_app), (high, high_app)] = low_and_high(&mut build);
        build.settings(low).priority = of_low;
        build.settings(high).priority = of_high;
        let mut world = World::formed(1, build);
        world.lacks_room(high_app, 1, low_app);
        start(&mut world, high);
        world.run(seconds(5));
        assert_eq!(world.state(low_app), ResourceState::Online);
        assert_eq!(world.state(high_app), ResourceState::Offline);
        assert_eq!(
            status(&mut world, high),
            Value::Dword(8),
            "lacking resources"
        );
    }
}

#[test]
fn a_group_that_nobody_makes_room_for_goes_where_there_is_some() {
    let mut build = Build::new(Generation::V2022);
    let [(low, low_app), (high, high_app)] = low_and_high(&mut build);
    build.settings(low).priority = Priority::High;
    let mut world = World::formed(2, build);
    world.lacks_room(high_app, 1, low_app);
    start(&mut world, high);
    world.run(seconds(15));
    assert_eq!(world.owner(high), Some(2));
    assert_eq!(world.state(high_app), ResourceState::Online);
    let failed = |notice: &Notice| matches!(notice, Notice::RestartScheduled { .. });
    assert_eq!(world.count(failed), 0, "it is no failure of the resource");
}

#[test]
fn where_there_is_no_room_anywhere_a_group_waits_until_something_has_ended() {
    let mut build = Build::new(Generation::V2022);
    let [(low, low_app), (high, high_app)] = low_and_high(&mut build);
    build.settings(low).priority = Priority::High;
    build.resource(high_app).possible_owners = Some(nodes(&[1]));
    let mut world = World::formed(2, build);
    world.lacks_room(high_app, 1, low_app);
    start(&mut world, high);
    world.run(seconds(600));
    assert_eq!(world.state(high_app), ResourceState::Offline);
    assert_eq!(
        status(&mut world, high),
        Value::Dword(8),
        "lacking resources"
    );
    world.admin(1, AdminCommand::OfflineGroup { group: low });
    world.run(seconds(5));
    assert_eq!(world.state(high_app), ResourceState::Online);
    assert_eq!(status(&mut world, high), Value::Dword(0));
}

#[test]
fn before_2012_nobody_makes_room() {
    let mut build = Build::new(Generation::V2008R2);
    let [(_, low_app), (high, high_app)] = low_and_high(&mut build);
    let mut world = World::new(Generation::V2008R2, 1, build);
    world.install(&[1], true);
    world.run(seconds(2));
    world.lacks_room(high_app, 1, low_app);
    start(&mut world, high);
    world.run(seconds(5));
    assert_eq!(world.state(low_app), ResourceState::Online);
    assert_ne!(world.state(high_app), ResourceState::Online);
}

#[test]
fn another_failure_than_want_of_room_preempts_nobody() {
    let mut build = Build::new(Generation::V2022);
    let [(_, low_app), (high, high_app)] = low_and_high(&mut build);
    let mut world = World::formed(1, build);
    world.script(high_app, |script| script.online = Work::Fails);
    start(&mut world, high);
    world.run(seconds(5));
    assert_eq!(world.state(low_app), ResourceState::Online);
}

#[test]
fn a_queued_move_waits_until_its_target_is_resumed() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(2, build);
    let (node_2, drain) = (node(2), false);
    world.admin(
        1,
        AdminCommand::PauseNode {
            node: node_2,
            drain,
        },
    );
    let to = Some(node_2);
    let refused = world.admin(1, AdminCommand::MoveGroup { group, to });
    assert!(
        matches!(refused, AdminReply::Refused { code, .. } if code == code::NODE_PAUSED),
        "{refused:?}"
    );
    let queued = world.admin(1, AdminCommand::QueueMove { group, to });
    assert_eq!(queued, AdminReply::Done);
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(status(&mut world, group), Value::Dword(4));
    world.admin(1, AdminCommand::ResumeNode { node: node_2 });
    world.run(seconds(5));
    assert_eq!(
        world.moves(group).last(),
        Some(&(2, StateChangeCause::Move))
    );
}

#[test]
fn a_queued_move_waits_for_a_node_that_is_down() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(3, build);
    world.lose(3);
    world.run(seconds(2));
    let to = Some(node(3));
    assert_eq!(
        world.admin(1, AdminCommand::QueueMove { group, to }),
        AdminReply::Done
    );
    world.boot(3);
    world.install(&[1, 2, 3], false);
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(3));
}

#[test]
fn a_queued_move_outlives_the_node_that_owned_the_group() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.app(group, "");
    build.settings(group).preferred_owners = vec![node(1), node(2)];
    let mut world = World::formed(3, build);
    let (node_3, drain) = (node(3), false);
    let pause = AdminCommand::PauseNode {
        node: node_3,
        drain,
    };
    world.admin(1, pause);
    let to = Some(node_3);
    world.admin(1, AdminCommand::QueueMove { group, to });
    world.run(seconds(2));
    world.lose(1);
    world.run(seconds(30));
    assert_eq!(world.owner(group), Some(2), "node 3 is still paused");
    world.admin(2, AdminCommand::ResumeNode { node: node_3 });
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(3));
    let failed = Notice::QueuedMoveFailed { group };
    assert_eq!(world.count(|notice| *notice == failed), 0);
}

#[test]
fn a_queued_move_that_can_be_done_now_is_done_now() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(2, build);
    let to = Some(node(2));
    world.admin(1, AdminCommand::QueueMove { group, to });
    world.run(seconds(2));
    assert_eq!(world.owner(group), Some(2));
}

#[test]
fn what_time_does_not_mend_is_refused_although_it_could_wait() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).possible_owners = Some(nodes(&[1]));
    let mut world = World::formed(2, build);
    for (to, expected) in [(2, code::NODE_CANNOT_HOST), (9, code::NODE_NOT_FOUND)] {
        let to = Some(node(to));
        let refused = world.admin(1, AdminCommand::QueueMove { group, to });
        assert!(
            matches!(refused, AdminReply::Refused { code, .. } if code == expected),
            "{refused:?}"
        );
    }
}

#[test]
fn a_queued_move_of_a_group_that_fails_over_meanwhile_did_not_complete() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).restart_threshold = 0;
    let mut world = World::formed(3, build);
    let (target, drain) = (node(3), false);
    world.admin(
        1,
        AdminCommand::PauseNode {
            node: target,
            drain,
        },
    );
    let to = Some(target);
    world.admin(1, AdminCommand::QueueMove { group, to });
    world.admin(1, AdminCommand::FailResource { resource: app });
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(2));
    let failed = Notice::QueuedMoveFailed { group };
    assert_eq!(failed.event_id(), Some(1155));
    assert_eq!(world.count(|notice| *notice == failed), 1);
}

#[test]
fn the_error_numbers_are_those_that_say_no_room() {
    assert!(super::super::preempt::says_no_room(NO_ROOM));
    assert!(!super::super::preempt::says_no_room(5_038));
}
