//! Cold start, start order, enforced anti-affinity, maintenance, drains, counters that travel.

use std::time::Duration;

use base::{DiskId, Generation, GroupId, NodeId, Notice, ResourceId, ResourceState};
use middle::database::Value;

use super::world::{Build, World, node, seconds};
use crate::api::{AdminCommand, AdminReply, Object, code};
use crate::rcm::model::{ColdStart, GroupDependency};

fn build() -> Build {
    Build::new(Generation::V2022)
}

fn fail(world: &mut World, at: u8, resource: ResourceId) {
    world.admin(at, AdminCommand::FailResource { resource });
    world.run(seconds(2));
}

fn value(world: &mut World, object: Object, name: &str) -> AdminReply {
    let name = name.to_owned();
    world.admin(1, AdminCommand::GetProperty { object, name })
}

fn number(number: u32) -> AdminReply {
    AdminReply::Value {
        value: Value::Dword(number),
    }
}

fn refusal(reply: &AdminReply) -> Option<u32> {
    match reply {
        AdminReply::Refused { code, .. } => Some(*code),
        _ => None,
    }
}

#[test]
fn a_group_not_to_be_started_cold_waits_for_its_administrator_and_is_then_allowed() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.settings(group).cold_start = ColdStart::DoNotStart;
    let mut world = World::formed(2, build);
    world.run(seconds(60));
    assert_eq!(world.state(app), ResourceState::Offline);
    let object = Object::Group { group };
    assert_eq!(
        value(&mut world, object.clone(), "StatusInformation"),
        number(0x10)
    );
    world.admin(2, AdminCommand::OnlineGroup { group });
    world.run(seconds(2));
    assert_eq!(world.state(app), ResourceState::Online);
    assert_eq!(value(&mut world, object, "ColdStartSetting"), number(2));
}

#[test]
fn an_allowed_group_starts_on_failover_and_no_more_after_the_next_cold_start() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.settings(group).cold_start = ColdStart::Allowed;
    let mut world = World::formed(2, build);
    let object = Object::Group { group };
    assert_eq!(world.state(app), ResourceState::Offline);
    assert_eq!(value(&mut world, object, "ColdStartSetting"), number(1));
    world.admin(1, AdminCommand::OnlineGroup { group });
    world.run(seconds(2));
    world.lose(1);
    world.run(seconds(60));
    assert_eq!(world.owner(group), Some(2));
    assert_eq!(world.state(app), ResourceState::Online);
}

fn one_after_the_other(delay: Duration) -> (World, ResourceId, ResourceId) {
    let mut build = build();
    let (first, second) = (build.group(), build.group());
    let (provider, dependent) = (build.app(first, ""), build.app(second, ""));
    build.settings(first).persistent_state = false;
    let group = first;
    build.settings(second).after = vec![GroupDependency { group, delay }];
    (World::formed(2, build), provider, dependent)
}

#[test]
fn a_group_starts_so_long_after_the_one_that_comes_first() {
    let (mut world, provider, dependent) = one_after_the_other(seconds(20));
    world.run(seconds(100));
    assert_eq!(world.state(dependent), ResourceState::Offline);
    let group = GroupId(1);
    world.admin(1, AdminCommand::OnlineGroup { group });
    world.run(seconds(30));
    let online = world.reached(provider, ResourceState::Online)[0];
    let begun = world.reached(dependent, ResourceState::OnlinePending)[0];
    let gap = begun.since(online);
    assert!(gap >= seconds(20) && gap < seconds(21), "{gap:?}");
}

#[test]
fn a_group_that_waited_for_the_dependency_timeout_starts_anyway() {
    let (mut world, _, dependent) = one_after_the_other(Duration::ZERO);
    world.run(seconds(590));
    assert_eq!(world.state(dependent), ResourceState::Offline);
    world.run(seconds(20));
    assert_eq!(world.state(dependent), ResourceState::Online);
}

#[test]
fn a_group_whose_provider_goes_away_later_stays_online() {
    let (mut world, _, dependent) = one_after_the_other(Duration::ZERO);
    let group = GroupId(1);
    world.admin(1, AdminCommand::OnlineGroup { group });
    world.run(seconds(5));
    world.admin(1, AdminCommand::OfflineGroup { group });
    world.run(seconds(60));
    assert_eq!(world.state(dependent), ResourceState::Online);
}

/// Two groups that avoid each other, one program each.
fn foes(count: u8, enforced: bool) -> (World, [GroupId; 2], [ResourceId; 2]) {
    let mut build = build();
    let groups = [build.group(), build.group()];
    let apps = groups.map(|group| build.app(group, ""));
    for group in groups {
        build.settings(group).anti_affinity = vec!["foes".into()];
    }
    build.model.cluster.enforced_anti_affinity = enforced;
    (World::formed(count, build), groups, apps)
}

#[test]
fn soft_anti_affinity_gives_way_when_no_other_node_is_left() {
    let (mut world, groups, apps) = foes(2, false);
    assert_ne!(world.owner(groups[0]), world.owner(groups[1]));
    world.lose(2);
    world.run(seconds(60));
    for app in apps {
        assert_eq!(world.state(app), ResourceState::Online);
    }
}

#[test]
fn enforced_anti_affinity_keeps_a_group_offline_until_a_node_is_free() {
    let (mut world, groups, apps) = foes(2, true);
    let lost = world.owner(groups[1]).expect("an owner");
    assert_eq!(lost, 2);
    world.lose(2);
    world.run(seconds(60));
    assert_eq!(world.state(apps[0]), ResourceState::Online);
    assert_eq!(world.state(apps[1]), ResourceState::Offline);
    let told = |n: &Notice| matches!(n, Notice::AntiAffinityConflict { .. });
    assert_eq!(world.count(told), 1);
    let object = Object::Group { group: groups[1] };
    let status = value(&mut world, object, "StatusInformation");
    assert_eq!(status, number(0x40));
    world.boot(2);
    world.install(&[1, 2], false);
    world.run(seconds(10));
    assert_eq!(world.owner(groups[1]), Some(2));
    assert_eq!(world.state(apps[1]), ResourceState::Online);
    assert_eq!(world.state(apps[0]), ResourceState::Online);
}

#[test]
fn enforced_anti_affinity_never_moves_a_failing_group_to_its_foe() {
    let (mut world, groups, apps) = foes(2, true);
    fail(&mut world, 1, apps[0]);
    fail(&mut world, 1, apps[0]);
    assert_eq!(world.owner(groups[0]), Some(1));
    assert_eq!(world.state(apps[0]), ResourceState::Failed);
}

#[test]
fn a_held_back_group_starts_when_its_foe_leaves() {
    let (mut world, _, apps) = foes(2, true);
    world.lose(2);
    world.run(seconds(60));
    let group = GroupId(1);
    world.admin(1, AdminCommand::OfflineGroup { group });
    world.run(seconds(2));
    assert_eq!(world.state(apps[0]), ResourceState::Offline);
    assert_eq!(world.state(apps[1]), ResourceState::Online);
}

#[test]
fn failovers_are_remembered_by_a_node_that_joined_after_them() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.settings(group).failover_threshold = Some(1);
    build.resource(app).restart_threshold = 0;
    let mut world = World::formed(3, build);
    fail(&mut world, 1, app);
    assert_eq!(world.owner(group), Some(2));
    world.kill(3);
    world.boot(3);
    world.install(&[1, 2, 3], false);
    let to = Some(node(3));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.run(seconds(2));
    assert_eq!(world.owner(group), Some(3));
    fail(&mut world, 1, app);
    assert_eq!(world.owner(group), Some(3), "its one failover is used up");
    let limit = |n: &Notice| matches!(n, Notice::FailoversExhausted { .. });
    assert_eq!(world.count(limit), 1);
}

#[test]
fn in_maintenance_what_the_checks_of_a_disk_say_is_ignored() {
    let mut build = build();
    let group = build.group();
    let disk = build.disk(group, 3);
    let mut world = World::formed(2, build);
    let on = |on| AdminCommand::SetMaintenanceMode {
        resource: disk,
        on,
        at: None,
    };
    assert_eq!(world.admin(2, on(true)), AdminReply::Done);
    world.disk_ok = false;
    world.disk_fact(node(1), DiskId(3), false);
    world.run(seconds(200));
    assert_eq!(world.state(disk), ResourceState::Online);
    assert_eq!(world.admin(2, on(false)), AdminReply::Done);
    world.run(seconds(10));
    assert!(!world.reached(disk, ResourceState::Failed).is_empty());
}

#[test]
fn maintenance_is_refused_for_witnesses_programs_strangers_and_offline_disks() {
    let (mut world, witness) = World::with_witness(2);
    let command = |resource, at| AdminCommand::SetMaintenanceMode {
        resource,
        on: true,
        at,
    };
    let reply = world.admin(1, command(witness, None));
    assert_eq!(refusal(&reply), Some(code::INVALID_REQUEST));
    let mut build = build();
    let group = build.group();
    let (disk, app) = (build.disk(group, 3), build.app(group, ""));
    let mut world = World::formed(2, build);
    let cases = [
        (app, None, code::INVALID_REQUEST),
        (disk, Some(node(2)), code::NOT_RESOURCE_OWNER),
    ];
    for (resource, at, expected) in cases {
        let reply = world.admin(1, command(resource, at));
        assert_eq!(refusal(&reply), Some(expected));
    }
    world.admin(1, AdminCommand::OfflineGroup { group });
    let reply = world.admin(1, command(disk, None));
    assert_eq!(refusal(&reply), Some(code::INVALID_STATE));
}

fn drain(node: NodeId) -> AdminCommand {
    AdminCommand::PauseNode { node, drain: true }
}

#[test]
fn a_drain_is_completed_when_the_last_group_has_gone() {
    let mut build = build();
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(2, build);
    world.admin(1, drain(node(1)));
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(2));
    let object = Object::Node { node: node(1) };
    let status = |world: &mut World, name| value(world, object.clone(), name);
    assert_eq!(status(&mut world, "NodeDrainStatus"), number(2));
    assert_eq!(status(&mut world, "StatusInformation"), number(8));
    world.admin(1, AdminCommand::ResumeNode { node: node(1) });
    assert_eq!(status(&mut world, "NodeDrainStatus"), number(0));
}

#[test]
fn a_drain_fails_when_a_group_has_nowhere_to_go() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).possible_owners = Some([node(1)].into_iter().collect());
    let mut world = World::formed(2, build);
    world.admin(1, drain(node(1)));
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.state(app), ResourceState::Online);
    let object = Object::Node { node: node(1) };
    assert_eq!(value(&mut world, object, "NodeDrainStatus"), number(3));
    let failed = |n: &Notice| matches!(n, Notice::DrainEnded { completed: false });
    assert_eq!(world.count(failed), 1);
    let told: Vec<u16> = world
        .log
        .iter()
        .filter_map(|(_, _, n)| n.event_id())
        .collect();
    assert!(told.contains(&1137) && told.contains(&1677));
}

#[test]
fn the_default_owner_is_the_node_that_a_group_was_last_moved_to() {
    let mut build = build();
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(3, build);
    let object = Object::Group { group };
    let owner = |world: &mut World| value(world, object.clone(), "DefaultOwner");
    assert_eq!(owner(&mut world), number(1));
    let to = Some(node(3));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.run(seconds(2));
    assert_eq!(owner(&mut world), number(3));
}

#[test]
fn a_group_that_is_locked_from_moving_stays() {
    let mut build = build();
    let group = build.group();
    build.app(group, "");
    build.settings(group).locked = true;
    let mut world = World::formed(2, build);
    let to = None;
    let reply = world.admin(1, AdminCommand::MoveGroup { group, to });
    assert_eq!(refusal(&reply), Some(code::LOCKED));
    assert_eq!(world.owner(group), Some(1));
}
