//! Starting, moving, losing and going home.

use base::{Generation, GroupState, Notice, ResourceState, StateChangeCause};

use super::world::{Build, Work, World, node, nodes, seconds};
use crate::api::{AdminCommand, AdminReply};
use crate::rcm::model::{Failback, Priority};
use crate::rcm::{NameSettings, ResourceId, ResourceParameters};

fn build() -> Build {
    Build::new(Generation::V2022)
}

#[test]
fn providers_come_online_first_and_dependents_go_offline_first() {
    let mut build = build();
    let group = build.group();
    let disk = build.disk(group, 1);
    let ip = build.ip(group);
    let app = build.app(group, &format!("[{disk}] and [{ip}]"));
    let share = build.app(group, &format!("[{app}]"));
    let mut world = World::formed(2, build);
    assert_eq!(world.group_state(group), GroupState::Online);
    let online = world.order(ResourceState::Online);
    let place = |id: ResourceId| online.iter().position(|known| *known == id);
    assert!(place(app) > place(disk) && place(app) > place(ip));
    assert!(place(share) > place(app));
    world.admin(1, AdminCommand::OfflineGroup { group });
    let offline = world.order(ResourceState::Offline);
    let place = |id: ResourceId| offline.iter().position(|known| *known == id);
    assert!(place(share) < place(app));
    assert!(place(app) < place(disk) && place(app) < place(ip));
    assert_eq!(world.group_state(group), GroupState::Offline);
}

#[test]
fn a_network_name_is_brought_online_with_the_addresses_that_are_up() {
    let mut build = build();
    let group = build.group();
    let (one, two) = (build.ip(group), build.ip(group));
    let parameters = ResourceParameters::NetworkName {
        name: "FS1".into(),
        addresses: vec![],
        settings: NameSettings::default(),
    };
    build.add(group, parameters, &format!("([{one}] or [{two}])"));
    let mut world = World::new(Generation::V2022, 1, build);
    world.script(two, |script| script.online = Work::Stalls);
    world.install(&[1], true);
    world.run(seconds(1));
    let name = ResourceParameters::NetworkName {
        name: "FS1".into(),
        addresses: vec!["10.0.0.9".into()],
        settings: NameSettings::default(),
    };
    assert!(world.specs.contains(&name), "{:?}", world.specs);
}

#[test]
fn a_dependent_stays_online_while_one_provider_of_an_or_list_is() {
    let mut build = build();
    let group = build.group();
    let (one, two) = (build.app(group, ""), build.app(group, ""));
    let name = build.app(group, &format!("([{one}] or [{two}])"));
    let mut world = World::formed(1, build);
    world.admin(1, AdminCommand::OfflineResource { resource: one });
    assert_eq!(world.state(one), ResourceState::Offline);
    assert_eq!(world.state(name), ResourceState::Online);
    world.admin(1, AdminCommand::OfflineResource { resource: two });
    assert_eq!(world.state(name), ResourceState::Offline);
}

#[test]
fn groups_start_by_priority_and_no_auto_start_is_left_alone() {
    let mut build = build();
    let low = build.group();
    let high = build.group();
    let manual = build.group();
    build.settings(low).priority = Priority::Low;
    build.settings(high).priority = Priority::High;
    build.settings(manual).priority = Priority::NoAutoStart;
    let (low, high) = (build.app(low, ""), build.app(high, ""));
    build.app(manual, "");
    let world = World::formed(1, build);
    assert_eq!(world.order(ResourceState::OnlinePending), vec![high, low]);
    assert_eq!(world.group_state(manual), GroupState::Offline);
    assert_eq!(world.owner(manual), Some(1));
}

#[test]
fn a_group_that_is_not_persistent_is_owned_and_stays_offline() {
    let mut build = build();
    let group = build.group();
    build.settings(group).persistent_state = false;
    build.app(group, "");
    let kept = build.app(group, "");
    build.resource(kept).persistent_state = Some(true);
    let world = World::formed(1, build);
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.group_state(group), GroupState::PartialOnline);
    assert_eq!(world.state(kept), ResourceState::Online);
}

#[test]
fn at_start_each_group_goes_to_its_first_preferred_owner() {
    let mut build = build();
    let (preferring, indifferent) = (build.group(), build.group());
    build.settings(preferring).preferred_owners = vec![node(3), node(2)];
    build.app(preferring, "");
    build.app(indifferent, "");
    let world = World::formed(3, build);
    assert_eq!(world.owner(preferring), Some(3));
    assert_eq!(world.owner(indifferent), Some(1), "the node that formed");
}

#[test]
fn at_start_a_group_waits_for_its_preferred_owner_and_not_for_ever() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(3)];
    build.app(group, "");
    let mut world = World::new(Generation::V2022, 3, build);
    world.install(&[1, 2], true);
    world.run(seconds(100));
    assert_eq!(world.owner(group), None);
    world.run(seconds(21));
    assert_eq!(world.owner(group), Some(1));
}

#[test]
fn a_preferred_owner_that_joins_during_the_wait_gets_its_group() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(3)];
    build.app(group, "");
    let mut world = World::new(Generation::V2022, 3, build);
    world.install(&[1, 2], true);
    world.run(seconds(10));
    world.install(&[1, 2, 3], false);
    world.run(seconds(1));
    assert_eq!(world.owner(group), Some(3));
}

#[test]
fn a_node_that_comes_back_as_owner_starts_its_groups_again() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::formed(2, build);
    assert_eq!(world.owner(group), Some(1));
    world.kill(1);
    world.boot(1);
    world.install(&[1, 2], false);
    world.run(seconds(1));
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.state(app), ResourceState::Online);
}

#[test]
fn a_move_takes_the_group_offline_here_before_it_comes_online_there() {
    let mut build = build();
    let group = build.group();
    let disk = build.disk(group, 1);
    let app = build.app(group, &format!("[{disk}]"));
    let mut world = World::formed(2, build);
    let to = Some(node(2));
    assert_eq!(
        world.admin(1, AdminCommand::MoveGroup { group, to }),
        AdminReply::Done
    );
    world.run(seconds(1));
    assert_eq!(world.owner(group), Some(2));
    assert_eq!(world.group_state(group), GroupState::Online);
    let offline = world.reached(disk, ResourceState::Offline);
    assert!(offline[0] < world.reached(disk, ResourceState::OnlinePending)[1]);
    assert!(world.reached(app, ResourceState::Offline)[0] <= offline[0]);
    assert!(world.running_on(1).is_empty());
    assert_eq!(
        world.moves(group).last(),
        Some(&(2, StateChangeCause::Move))
    );
}

#[test]
fn a_resource_that_does_not_go_offline_in_time_is_terminated_and_the_move_goes_on() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::formed(2, build);
    world.script(app, |script| script.offline = Work::Stalls);
    let to = Some(node(2));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.run(seconds(178));
    assert_eq!(world.owner(group), Some(1));
    world.run(seconds(2));
    assert_eq!(world.calls_of(app, "Terminate").len(), 1);
    assert_eq!(world.owner(group), Some(2));
}

#[test]
fn nothing_is_decided_while_a_view_is_being_agreed_on() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::formed(2, build);
    let to = Some(node(2));
    world.script(app, |script| script.offline = Work::Pending(seconds(5)));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.close();
    let before = world.proposals.len();
    world.run(seconds(30));
    assert_eq!(world.proposals.len(), before);
    assert_eq!(world.owner(group), Some(1));
    world.install(&[1, 2], false);
    world.run(seconds(1));
    assert_eq!(
        world.owner(group),
        Some(2),
        "the move goes on in the new view"
    );
}

#[test]
fn a_move_whose_target_is_lost_goes_to_another_node_or_back() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::formed(2, build);
    world.script(app, |script| script.offline = Work::Pending(seconds(5)));
    let to = Some(node(2));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.lose(2);
    world.run(seconds(1));
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.state(app), ResourceState::Online);
    assert_eq!(
        world.count(|n| matches!(n, Notice::NoOwnerAvailable { .. })),
        1
    );
}

#[test]
fn a_node_that_learns_that_another_owns_its_group_terminates_it_at_once() {
    let mut build = build();
    let group = build.group();
    let one = build.app(group, "");
    build.app(group, &format!("[{one}]"));
    let mut world = World::formed(2, build);
    // The change of owner went past this node: it was in no view.
    world.checks = false;
    world
        .objects
        .groups
        .entry(group)
        .and_modify(|row| row.owner = node(2));
    world.install(&[1, 2], false);
    world.run(seconds(1));
    assert!(world.calls_of(one, "Offline").is_empty());
    assert_eq!(world.calls_of(one, "Terminate").len(), 1);
    assert!(world.running_on(1).is_empty());
    assert_eq!(world.state(one), ResourceState::Online);
}

#[test]
fn only_possible_owners_that_are_not_paused_get_orphans() {
    let mut build = build();
    let (narrow, wide) = (build.group(), build.group());
    let app = build.app(narrow, "");
    build.resource(app).possible_owners = Some(nodes(&[1, 4]));
    build.app(wide, "");
    let mut world = World::formed(4, build);
    let pause = AdminCommand::PauseNode {
        node: node(2),
        drain: false,
    };
    world.admin(2, pause);
    world.lose(1);
    world.run(seconds(40));
    assert_eq!(world.owner(narrow), Some(4));
    assert!(
        matches!(world.owner(wide), Some(3 | 4)),
        "{:?}",
        world.owner(wide)
    );
}

#[test]
fn an_orphan_that_nobody_may_own_is_said_so_and_placed_when_somebody_may() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).possible_owners = Some(nodes(&[1]));
    let mut world = World::formed(2, build);
    world.lose(1);
    world.run(seconds(60));
    assert_eq!(
        world.count(|n| matches!(n, Notice::NoOwnerAvailable { .. })),
        1
    );
    world.boot(1);
    world.install(&[1, 2], false);
    world.run(seconds(1));
    assert_eq!(world.state(app), ResourceState::Online);
}

#[test]
fn groups_that_avoid_each_other_go_to_different_nodes_while_that_is_possible() {
    let mut build = build();
    let (one, two) = (build.group(), build.group());
    for group in [one, two] {
        build.settings(group).anti_affinity = vec!["file-servers".into()];
        build.app(group, "");
    }
    let mut world = World::formed(2, build);
    assert_ne!(world.owner(one), world.owner(two));
    world.lose(2);
    world.run(seconds(40));
    assert_eq!((world.owner(one), world.owner(two)), (Some(1), Some(1)));
}

#[test]
fn the_core_group_ignores_preferred_owners_and_goes_to_the_leader() {
    let mut build = build();
    let core = base::GroupId(0);
    build.settings(core).preferred_owners = vec![node(3)];
    build.ip(core);
    let mut world = World::formed(3, build);
    assert_eq!(world.owner(core), Some(1));
    world.lose(1);
    world.run(seconds(1));
    assert_eq!(world.owner(core), Some(2));
}

fn home_world(failback: Failback) -> (World, base::GroupId) {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(2), node(1)];
    build.settings(group).failback = failback;
    build.disk(group, 1);
    let mut world = World::formed(2, build);
    assert_eq!(world.owner(group), Some(2));
    world.lose(2);
    world.run(seconds(10));
    assert_eq!(world.owner(group), Some(1));
    world.boot(2);
    world.install(&[1, 2], false);
    world.run(seconds(10));
    (world, group)
}

#[test]
fn failback_happens_when_the_preferred_owner_joins_if_it_is_allowed() {
    let (world, group) = home_world(Failback::Never);
    assert_eq!(world.owner(group), Some(1));
    let (world, group) = home_world(Failback::Immediate);
    assert_eq!(world.owner(group), Some(2));
    assert_eq!(world.group_state(group), GroupState::Online);
}

#[test]
fn failback_waits_for_its_window() {
    let window = Failback::Window {
        from_hour: 2,
        to_hour: 4,
    };
    let (mut world, group) = home_world(window);
    assert_eq!(world.owner(group), Some(1));
    world.run(seconds(2 * 3_600 - 60) - world.now.since(base::Timestamp::ZERO));
    assert_eq!(world.owner(group), Some(1));
    world.run(seconds(61));
    assert_eq!(world.owner(group), Some(2));
}

#[test]
fn an_administrators_move_away_is_respected_until_a_preferred_owner_joins_anew() {
    let (mut world, group) = home_world(Failback::Immediate);
    let to = Some(node(1));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.run(seconds(3_600));
    assert_eq!(world.owner(group), Some(1));
}

#[test]
fn a_stopping_node_moves_its_groups_away_and_then_says_that_it_has_stopped() {
    let mut build = build();
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(2, build);
    world.tell(node(1), crate::rcm::Input::Stop);
    assert!(!world.has_stopped(1));
    world.run(seconds(1));
    assert!(world.has_stopped(1));
    assert_eq!(world.owner(group), Some(2));
    assert_eq!(world.group_state(group), GroupState::Online);
}

#[test]
fn the_last_node_takes_its_groups_offline_when_it_stops() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::formed(1, build);
    world.tell(node(1), crate::rcm::Input::Stop);
    world.run(seconds(1));
    assert!(world.has_stopped(1));
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.reached(app, ResourceState::Offline).len(), 1);
}
