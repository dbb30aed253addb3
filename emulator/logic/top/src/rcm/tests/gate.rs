//! The wait before a group starts that another node may still be running, and that node's side.

use base::{Generation, GroupState, QuorumState, ResourceState, StateChangeCause};

use super::world::{Build, World, node, seconds};
use crate::api::AdminCommand;
use crate::rcm::Input;

fn build() -> Build {
    Build::new(Generation::V2022)
}

#[test]
fn an_unfenced_group_of_a_lost_node_waits_until_that_node_has_certainly_stopped() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(1), node(2)];
    let app = build.app(group, "");
    let mut world = World::formed(2, build);
    world.kill(1);
    let lost_at = world.now;
    world.run(seconds(15));
    world.install(&[2], false);
    world.run(seconds(40));
    assert_eq!(
        world.moves(group),
        vec![
            (1, StateChangeCause::Unknown),
            (2, StateChangeCause::Failover)
        ]
    );
    // Detection, two heartbeats, the opening stage of a regroup, a second to decide, one to halt.
    let started = world.reached(app, ResourceState::OnlinePending)[1];
    assert_eq!(started.since(lost_at), seconds(10 + 2 + 5 + 1 + 1));
}

#[test]
fn a_disk_and_what_depends_on_it_wait_for_nothing_but_arbitration() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(1), node(2)];
    let disk = build.disk(group, 1);
    let server = build.app(group, &format!("[{disk}]"));
    let ip = build.ip(group);
    let mut world = World::formed(2, build);
    world.kill(1);
    let lost_at = world.now;
    world.close();
    world.run(seconds(2));
    world.install(&[2], false);
    let opened_at = world.now;
    world.run(seconds(20));
    assert_eq!(world.group_state(group), GroupState::Online);
    let second = |id, state| world.reached(id, state)[1];
    let disk_online = second(disk, ResourceState::Online);
    assert_eq!(disk_online.since(opened_at).as_secs(), 6, "the challenge");
    assert_eq!(second(server, ResourceState::OnlinePending), disk_online);
    let ip_pending = second(ip, ResourceState::OnlinePending);
    assert_eq!(
        ip_pending.since(lost_at),
        seconds(19),
        "nothing fences an address"
    );
}

#[test]
fn a_cluster_that_forms_without_all_nodes_waits_for_the_missing_ones_to_have_stopped() {
    let mut build = build();
    let group = build.group();
    let (disk, app) = (build.disk(group, 1), build.app(group, ""));
    let mut world = World::new(Generation::V2022, 3, build);
    world.install(&[1, 2], true);
    let formed_at = world.now;
    world.run(seconds(30));
    let first = |id| world.reached(id, ResourceState::OnlinePending)[0].since(formed_at);
    assert_eq!(first(disk).as_secs(), 0);
    // It was started a second before it formed.
    assert_eq!(first(app), seconds(18));
}

#[test]
fn a_group_that_moves_on_before_it_has_started_still_waits() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(1), node(2), node(3)];
    let app = build.app(group, "");
    let mut world = World::formed(3, build);
    world.kill(1);
    let lost_at = world.now;
    world.close();
    world.run(seconds(2));
    world.install(&[2, 3], false);
    world.run(seconds(1));
    let to = Some(node(3));
    world.admin(2, AdminCommand::MoveGroup { group, to });
    world.run(seconds(40));
    assert_eq!(world.owner(group), Some(3));
    let started = world.reached(app, ResourceState::OnlinePending)[1];
    assert_eq!(started.since(lost_at), seconds(19));
}

#[test]
fn a_node_that_finds_no_quorum_in_time_ends_what_its_hosts_run_until_it_has_it() {
    let mut build = build();
    let group = build.group();
    let (disk, app) = (build.disk(group, 1), build.app(group, ""));
    let mut world = World::formed(1, build);
    world.tell(node(1), Input::Undecided);
    world.close();
    world.run(seconds(5));
    assert_eq!(world.state(app), ResourceState::Online);
    world.run(seconds(2));
    assert_eq!(world.state(app), ResourceState::Offline);
    assert_eq!(
        world.state(disk),
        ResourceState::Online,
        "the target says whose it is"
    );
    world.install(&[1], false);
    world.run(seconds(1));
    assert_eq!(world.group_state(group), GroupState::Online);
}

#[test]
fn a_witness_that_is_lost_for_longer_than_a_handover_ends_what_hosts_run() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::formed(1, build);
    let quorum = |state| Input::Quorum { state };
    world.tell(node(1), quorum(QuorumState::Arbitrating));
    world.tell(node(1), quorum(QuorumState::Held));
    world.run(seconds(3));
    assert_eq!(
        world.state(app),
        ResourceState::Online,
        "it only changed hands"
    );
    world.tell(node(1), quorum(QuorumState::Arbitrating));
    world.run(seconds(2));
    assert_eq!(world.state(app), ResourceState::Offline);
    world.tell(node(1), quorum(QuorumState::Held));
    world.run(seconds(1));
    assert_eq!(world.state(app), ResourceState::Online);
}
