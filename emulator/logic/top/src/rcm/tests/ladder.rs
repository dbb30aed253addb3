//! Restart, failover, giving up and the retry after that.

use base::{Generation, GroupId, GroupState, Notice, ResourceId, ResourceState, StateChangeCause};

use super::world::{Build, Work, World, millis, node, seconds};
use crate::api::AdminCommand;
use crate::rcm::model::RestartAction;

fn build() -> Build {
    Build::new(Generation::V2022)
}

fn is_exhausted(notice: &Notice) -> bool {
    matches!(notice, Notice::RestartsExhausted { .. })
}

fn is_at_its_limit(notice: &Notice) -> bool {
    matches!(notice, Notice::FailoversExhausted { .. })
}

fn fail(world: &mut World, resource: ResourceId) {
    let at = world.live_nodes()[0];
    world.admin(at, AdminCommand::FailResource { resource });
    world.run(seconds(2));
}

fn fixture(count: u8) -> (World, GroupId, ResourceId) {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    (World::formed(count, build), group, app)
}

#[test]
fn the_first_failure_restarts_here_after_the_delay_and_the_second_fails_over() {
    let (mut world, group, app) = fixture(3);
    fail(&mut world, app);
    assert_eq!(world.owner(group), Some(1));
    let failed = world.reached(app, ResourceState::Failed)[0];
    let again = world.reached(app, ResourceState::OnlinePending)[1];
    assert_eq!(again.since(failed), millis(500));
    let scheduled = |n: &Notice| matches!(n, Notice::RestartScheduled { attempt: 1, .. });
    assert_eq!(world.count(scheduled), 1);
    fail(&mut world, app);
    assert_eq!(world.count(is_exhausted), 1);
    assert_eq!(world.owner(group), Some(2), "the next node by number");
    assert_eq!(
        world.moves(group).last(),
        Some(&(2, StateChangeCause::Failover))
    );
    assert_eq!(world.state(app), ResourceState::Online);
}

#[test]
fn failures_in_different_windows_never_add_up() {
    let (mut world, group, app) = fixture(2);
    for _ in 0..4 {
        fail(&mut world, app);
        world.run(seconds(901));
    }
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.count(is_exhausted), 0);
}

#[test]
fn dependents_of_a_failed_resource_go_offline_and_come_back_with_it() {
    let mut build = build();
    let group = build.group();
    let base = build.app(group, "");
    let top = build.app(group, &format!("[{base}]"));
    let aside = build.app(group, "");
    let mut world = World::formed(1, build);
    fail(&mut world, base);
    assert_eq!(world.calls_of(top, "Offline").len(), 1, "gracefully");
    assert!(world.reached(top, ResourceState::Failed).is_empty());
    assert_eq!(world.group_state(group), GroupState::Online);
    assert!(world.reached(aside, ResourceState::Offline).is_empty());
    let restarted = world.reached(base, ResourceState::OnlinePending)[1];
    assert!(world.reached(top, ResourceState::Offline)[0] <= restarted);
}

#[test]
fn a_failed_provider_waits_for_its_dependents_to_be_down_before_it_restarts() {
    let mut build = build();
    let group = build.group();
    let base = build.app(group, "");
    let top = build.app(group, &format!("[{base}]"));
    let mut world = World::formed(1, build);
    world.script(top, |script| script.offline = Work::Pending(seconds(20)));
    let resource = base;
    world.admin(1, AdminCommand::FailResource { resource });
    world.run(seconds(60));
    let down = world.reached(top, ResourceState::Offline)[0];
    assert_eq!(world.reached(base, ResourceState::OnlinePending)[1], down);
    assert_eq!(world.group_state(group), GroupState::Online);
}

#[test]
fn a_group_that_fails_everywhere_stops_at_nodes_less_one_failovers() {
    let (mut world, group, app) = fixture(3);
    world.script(app, |script| script.is_alive = false);
    world.run(seconds(1_800));
    let failovers: Vec<_> = world
        .moves(group)
        .into_iter()
        .filter(|(_, cause)| *cause == StateChangeCause::Failover)
        .collect();
    assert_eq!(failovers.len(), 2);
    assert_eq!(world.count(is_at_its_limit), 1);
    assert_eq!(world.group_state(group), GroupState::Failed);
    assert_eq!(world.owner(group), Some(3));
}

#[test]
fn after_the_retry_period_one_more_online_is_tried_and_only_one() {
    let (mut world, _, app) = fixture(1);
    world.script(app, |script| script.is_alive = false);
    world.run(seconds(200));
    assert_eq!(world.state(app), ResourceState::Failed);
    let failed = *world
        .reached(app, ResourceState::Failed)
        .last()
        .expect("failed");
    let tries = world.reached(app, ResourceState::OnlinePending).len();
    world.script(app, |script| script.online = Work::Fails);
    world.run(seconds(3_700));
    let pending = world.reached(app, ResourceState::OnlinePending);
    assert_eq!(pending.len(), tries + 1);
    assert_eq!(pending[tries].since(failed), seconds(3_600));
    world.run(seconds(8_000));
    assert_eq!(
        world.reached(app, ResourceState::OnlinePending).len(),
        tries + 1
    );
    assert_eq!(world.state(app), ResourceState::Failed);
}

#[test]
fn each_resource_that_was_given_up_is_retried_at_its_own_time() {
    let mut build = build();
    let group = build.group();
    let (first, second) = (build.app(group, ""), build.app(group, ""));
    let mut world = World::formed(1, build);
    world.script(first, |script| script.online = Work::Fails);
    fail(&mut world, first);
    world.run(seconds(600));
    let given_up = *world
        .reached(first, ResourceState::Failed)
        .last()
        .expect("failed");
    let tries = world.reached(first, ResourceState::OnlinePending).len();
    world.script(second, |script| script.online = Work::Fails);
    fail(&mut world, second);
    world.run(seconds(3_600));
    let pending = world.reached(first, ResourceState::OnlinePending);
    assert_eq!(pending.len(), tries + 1);
    assert_eq!(pending[tries].since(given_up), seconds(3_600));
}

#[test]
fn a_retry_that_succeeds_starts_the_ladder_anew() {
    let (mut world, _, app) = fixture(1);
    world.script(app, |script| script.is_alive = false);
    world.run(seconds(200));
    world.script(app, |script| script.is_alive = true);
    world.run(seconds(3_700));
    assert_eq!(world.state(app), ResourceState::Online);
    fail(&mut world, app);
    assert_eq!(
        world.state(app),
        ResourceState::Online,
        "restarted once more"
    );
}

#[test]
fn dont_restart_leaves_the_resource_failed_for_ever() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).restart_action = RestartAction::DontRestart;
    let mut world = World::formed(2, build);
    fail(&mut world, app);
    world.run(seconds(10_000));
    assert_eq!(world.state(app), ResourceState::Failed);
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.count(is_exhausted), 0);
}

#[test]
fn restart_no_notify_restarts_and_never_fails_the_group_over() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).restart_action = RestartAction::RestartNoNotify;
    let mut world = World::formed(2, build);
    fail(&mut world, app);
    fail(&mut world, app);
    assert_eq!(world.count(is_exhausted), 1);
    assert_eq!(world.owner(group), Some(1));
    assert_eq!(world.state(app), ResourceState::Failed);
}

#[test]
fn a_failover_takes_the_healthy_rest_of_the_group_along() {
    let mut build = build();
    let group = build.group();
    let bad = build.app(group, "");
    build.resource(bad).restart_threshold = 0;
    let good = build.app(group, "");
    let mut world = World::formed(2, build);
    fail(&mut world, bad);
    assert_eq!(world.owner(group), Some(2));
    assert_eq!(world.calls_of(good, "Offline").len(), 1);
    assert_eq!(world.group_state(group), GroupState::Online);
}

#[test]
fn preferred_owners_are_gone_down_from_the_current_one() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(2), node(4), node(1)];
    let app = build.app(group, "");
    build.resource(app).restart_threshold = 0;
    let mut world = World::formed(4, build);
    let mut path = vec![world.owner(group)];
    for _ in 0..3 {
        fail(&mut world, app);
        path.push(world.owner(group));
    }
    assert_eq!(path, vec![Some(2), Some(4), Some(1), Some(3)]);
}

#[test]
fn a_lost_node_does_not_count_against_the_failover_limit() {
    let mut build = build();
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(1), node(2), node(3)];
    build.settings(group).failover_threshold = Some(1);
    let app = build.app(group, "");
    build.resource(app).restart_threshold = 0;
    let mut world = World::formed(3, build);
    world.lose(1);
    world.run(seconds(40));
    assert_eq!(world.owner(group), Some(2));
    fail(&mut world, app);
    assert_eq!(world.owner(group), Some(3), "the first that counts");
    fail(&mut world, app);
    assert_eq!(world.owner(group), Some(3));
    assert_eq!(world.count(is_at_its_limit), 1);
}

#[test]
fn the_failover_window_is_over_after_its_period() {
    let mut build = build();
    let group = build.group();
    build.settings(group).failover_threshold = Some(1);
    let app = build.app(group, "");
    build.resource(app).restart_threshold = 0;
    let mut world = World::formed(2, build);
    fail(&mut world, app);
    assert_eq!(world.owner(group), Some(2));
    world.run(seconds(6 * 3_600 + 1));
    fail(&mut world, app);
    assert_eq!(world.owner(group), Some(1));
}

#[test]
fn a_failover_that_falls_into_a_regroup_is_decided_when_the_view_opens() {
    let mut build = build();
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).restart_threshold = 0;
    let mut world = World::formed(2, build);
    world.close();
    world.crash_host(1, 0);
    world.run(seconds(5));
    assert_eq!(world.owner(group), Some(1));
    world.install(&[1, 2], false);
    world.run(seconds(1));
    assert_eq!(world.owner(group), Some(2));
}

#[test]
fn in_2003_three_restarts_come_before_the_failover() {
    let mut build = Build::new(Generation::V2003);
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::new(Generation::V2003, 2, build);
    world.install(&[1, 2], true);
    world.run(seconds(1));
    for _ in 0..3 {
        fail(&mut world, app);
        assert_eq!(world.owner(group), Some(1));
    }
    fail(&mut world, app);
    assert_eq!(world.owner(group), Some(2));
}
