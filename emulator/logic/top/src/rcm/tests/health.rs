//! LooksAlive, IsAlive, pending and deadlock timeouts, hosts and interfaces.

use base::{DiskId, Generation, HostId, NetworkId, Notice, ResourceId, ResourceState};

use super::world::{Build, Work, World, millis, node, seconds};
use crate::rcm::Input;

fn one_app() -> (World, ResourceId) {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    (World::formed(1, build), app)
}

fn online_at(world: &World, id: ResourceId) -> base::Timestamp {
    world.reached(id, ResourceState::Online)[0]
}

#[test]
fn looks_alive_is_asked_every_five_seconds_and_is_alive_every_sixty() {
    let (mut world, app) = one_app();
    world.run(seconds(180));
    let start = online_at(&world, app);
    let offsets = |entry: &str| -> Vec<u64> {
        let asked = world.calls_of(app, entry).into_iter();
        asked.map(|at| at.since(start).as_secs()).collect()
    };
    let every_five: Vec<u64> = (1..=36).map(|n| n * 5).collect();
    assert_eq!(offsets("LooksAlive"), every_five);
    assert_eq!(offsets("IsAlive"), vec![60, 120, 180]);
}

#[test]
fn an_idle_group_proposes_and_publishes_nothing() {
    let (mut world, _) = one_app();
    let (proposals, notices) = (world.proposals.len(), world.log.len());
    world.run(seconds(600));
    assert_eq!(world.proposals.len(), proposals);
    assert_eq!(world.log.len(), notices);
}

#[test]
fn a_false_looks_alive_asks_is_alive_at_once_and_does_nothing_else() {
    let (mut world, app) = one_app();
    world.script(app, |script| script.looks_alive = false);
    world.run(seconds(5));
    let looks = world.calls_of(app, "LooksAlive")[0];
    let is = world.calls_of(app, "IsAlive");
    assert_eq!(
        is,
        vec![looks + millis(1)],
        "as soon as LooksAlive has answered"
    );
    assert_eq!(world.state(app), ResourceState::Online);
    let told = |n: &Notice| matches!(n, Notice::LooksAliveFailed { .. });
    assert_eq!(world.count(told), 1);
    // IsAlive said yes: its own interval starts anew from there.
    world.script(app, |script| script.looks_alive = true);
    world.run(seconds(61));
    assert_eq!(
        world.calls_of(app, "IsAlive"),
        vec![is[0], is[0] + seconds(60)]
    );
}

#[test]
fn a_false_is_alive_fails_and_terminates_the_resource() {
    let (mut world, app) = one_app();
    world.script(app, |script| script.is_alive = false);
    world.run(seconds(61));
    let asked = world.calls_of(app, "IsAlive")[0];
    let failed = world.reached(app, ResourceState::Failed)[0];
    assert_eq!(failed, asked + millis(1));
    assert_eq!(world.calls_of(app, "Terminate")[0], failed);
    let told = |n: &Notice| matches!(n, Notice::IsAliveFailed { .. });
    assert_eq!(world.count(told), 1);
}

#[test]
fn a_failure_that_looks_alive_sees_is_found_within_five_seconds() {
    let (mut world, app) = one_app();
    let broken = world.now;
    world.script(app, |script| {
        (script.looks_alive, script.is_alive) = (false, false);
    });
    world.run(seconds(10));
    let failed = world.reached(app, ResourceState::Failed)[0];
    assert!(failed.since(broken) <= seconds(5));
}

#[test]
fn leaving_online_ends_polling() {
    let (mut world, app) = one_app();
    let resource = app;
    world.admin(1, crate::api::AdminCommand::OfflineResource { resource });
    let asked = world.calls_of(app, "LooksAlive").len();
    world.run(seconds(120));
    assert_eq!(world.calls_of(app, "LooksAlive").len(), asked);
}

#[test]
fn a_resources_own_interval_beats_its_types() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).looks_alive_interval = Some(seconds(1));
    let mut world = World::formed(1, build);
    let start = online_at(&world, app);
    world.run(seconds(10));
    assert_eq!(world.calls_of(app, "LooksAlive")[0], start + seconds(1));
}

#[test]
fn polls_are_told_only_when_asked_for() {
    let (mut world, _) = one_app();
    let polls = |n: &Notice| {
        matches!(
            n,
            Notice::LooksAliveAsked { .. } | Notice::IsAliveAsked { .. }
        )
    };
    world.run(seconds(60));
    assert_eq!(world.count(polls), 0);
    world.trace_polls();
    world.run(seconds(60));
    assert_eq!(world.count(polls), 13);
}

#[test]
fn the_first_open_makes_the_instance_and_later_onlines_use_it() {
    let (mut world, app) = one_app();
    let resource = app;
    world.admin(1, crate::api::AdminCommand::OfflineResource { resource });
    world.admin(1, crate::api::AdminCommand::OnlineResource { resource });
    assert_eq!(world.state(app), ResourceState::Online);
    assert_eq!(world.calls_of(app, "Open").len(), 1);
    assert_eq!(world.calls_of(app, "Online").len(), 2);
}

#[test]
fn a_slow_online_stays_pending_until_its_worker_reports() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::new(Generation::V2022, 1, build);
    world.script(app, |script| script.online = Work::Pending(seconds(30)));
    world.install(&[1], true);
    world.run(seconds(29));
    assert_eq!(world.state(app), ResourceState::OnlinePending);
    world.run(seconds(2));
    assert_eq!(world.state(app), ResourceState::Online);
}

#[test]
fn silence_for_the_pending_timeout_fails_and_terminates_the_resource() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::new(Generation::V2022, 1, build);
    world.script(app, |script| script.online = Work::Stalls);
    world.install(&[1], true);
    world.run(seconds(182));
    let pending = world.reached(app, ResourceState::OnlinePending)[0];
    let failed = world.reached(app, ResourceState::Failed)[0];
    assert_eq!(failed.since(pending), seconds(180));
    assert_eq!(world.calls_of(app, "Terminate")[0], failed);
}

#[test]
fn a_status_report_extends_the_pending_timeout() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    let mut world = World::new(Generation::V2022, 1, build);
    world.script(app, |script| script.online = Work::Stalls);
    world.install(&[1], true);
    world.run(seconds(170));
    let report = crate::rcm::HostReport::Status {
        resource: app,
        result: None,
    };
    let host = HostId(0);
    world.tell(node(1), Input::Host { host, report });
    world.run(seconds(170));
    assert_eq!(world.state(app), ResourceState::OnlinePending);
    world.run(seconds(11));
    assert_eq!(world.reached(app, ResourceState::Failed).len(), 1);
}

#[test]
fn a_call_that_never_returns_kills_its_host_and_only_that() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let (bad, neighbour) = (build.app(group, ""), build.app(group, ""));
    let apart = build.app(group, "");
    build.resource(apart).separate_monitor = true;
    let mut world = World::formed(1, build);
    world.script(bad, |script| script.is_alive_hangs = true);
    world.run(seconds(60));
    world.script(bad, |script| script.is_alive_hangs = false);
    let asked = world.calls_of(bad, "IsAlive")[0];
    world.run(seconds(310));
    let timed_out = world.times(|n| matches!(n, Notice::EntryPointTimedOut { .. }));
    assert_eq!(timed_out, vec![asked + seconds(300)]);
    assert_eq!(world.count(|n| matches!(n, Notice::HostExited { .. })), 1);
    for id in [bad, neighbour, apart] {
        assert_eq!(world.state(id), ResourceState::Online);
    }
    assert_eq!(world.reached(neighbour, ResourceState::Failed).len(), 1);
    assert!(world.reached(apart, ResourceState::Failed).is_empty());
    let host_of = |id: ResourceId| {
        let last = world
            .calls
            .iter()
            .rev()
            .find(|(_, _, _, known, _)| *known == id);
        last.map(|(_, _, host, _, _)| *host)
    };
    assert_eq!(host_of(neighbour), Some(HostId(0)));
    assert_eq!(host_of(bad), Some(HostId(bad.0 + 1)), "a host of its own");
}

#[test]
fn a_host_that_crashes_fails_what_it_ran_and_is_started_again() {
    let (mut world, app) = one_app();
    world.crash_host(1, 0);
    assert_eq!(world.state(app), ResourceState::Failed);
    world.run(seconds(1));
    assert_eq!(world.state(app), ResourceState::Online);
    assert!(
        world.calls_of(app, "Terminate").is_empty(),
        "it ended with its host"
    );
}

#[test]
fn a_disk_looks_alive_by_its_flag_and_is_alive_by_reading_its_root() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let disk = build.disk(group, 1);
    let mut world = World::formed(1, build);
    world.run(seconds(4));
    let checks = |world: &World| {
        let asked = world.disk_requests.iter();
        asked
            .filter(|(_, request)| *request == bottom::clusdisk::Request::Check)
            .count()
    };
    assert_eq!(checks(&world), 1, "Online uses the volume once");
    world.disk_fact(node(1), DiskId(1), false);
    world.run(seconds(5));
    assert_eq!(checks(&world), 2, "the flag went down, so the root is read");
    assert_eq!(world.state(disk), ResourceState::Online);
    world.disk_ok = false;
    world.run(seconds(5));
    assert!(!world.reached(disk, ResourceState::Failed).is_empty());
}

#[test]
fn a_disk_whose_volume_cannot_be_used_does_not_come_online() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let disk = build.disk(group, 1);
    let mut world = World::new(Generation::V2022, 1, build);
    world.disk_ok = false;
    world.install(&[1], true);
    world.run(seconds(4));
    assert!(world.reached(disk, ResourceState::Online).is_empty());
    assert!(!world.reached(disk, ResourceState::Failed).is_empty());
}

#[test]
fn a_reservation_that_is_lost_fails_the_disk_at_once() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let disk = build.disk(group, 1);
    let mut world = World::formed(1, build);
    world.disk_lost(1, 1);
    assert_eq!(world.state(disk), ResourceState::Failed);
}

fn cut_interface(generation: Generation) -> u128 {
    let mut build = Build::new(generation);
    let group = build.group();
    let ip = build.ip(group);
    let mut world = World::new(generation, 2, build);
    world.install(&[1, 2], true);
    world.run(seconds(6));
    let cut = world.now;
    let network = NetworkId(0);
    let up = false;
    world.tell(node(1), Input::Interface { network, up });
    world.run(seconds(20));
    let failed = world.reached(ip, ResourceState::Failed)[0];
    failed.since(cut).as_millis()
}

#[test]
fn an_address_fails_with_its_interface_from_2012_r2_on_and_at_the_next_poll_before() {
    assert_eq!(cut_interface(Generation::V2022), 0);
    assert_eq!(cut_interface(Generation::V2012R2), 0);
    for generation in [Generation::V2003, Generation::V2008, Generation::V2012] {
        let waited = cut_interface(generation);
        assert!((1..=5_000).contains(&waited), "{generation}: {waited} ms");
    }
}

#[test]
fn an_address_whose_interface_is_down_moves_to_another_node() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.ip(group);
    let mut world = World::formed(2, build);
    let network = NetworkId(0);
    world.tell(node(1), Input::Interface { network, up: false });
    world.run(seconds(2));
    assert_eq!(world.owner(group), Some(2));
}

#[test]
fn a_witness_whose_replica_fails_is_failed_and_the_node_goes_on() {
    let mut build = Build::new(Generation::V2022);
    let core = base::GroupId(0);
    build.disk(core, 1);
    let app = build.app(core, "");
    let mut world = World::formed(1, build);
    world.tell(node(1), Input::WitnessFailed);
    assert_eq!(world.state(app), ResourceState::Online);
}
