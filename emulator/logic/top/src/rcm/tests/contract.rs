//! The contract of resource programs: event handles, control codes, deadlock detection, properties.

use base::{Generation, HostId, Notice, ResourceId, ResourceState};
use middle::database::Value;

use super::world::{Answer, Build, Work, World, node, seconds};
use crate::api::{AdminCommand, AdminReply, Object, code};
use crate::rcm::{EntryResult, HostReport, Input};
use crate::restype::{CheckpointKey, CheckpointKind};

/// One program that Online gives an event handle for.
fn watched(verify: bool) -> (World, ResourceId) {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    build.model.cluster.verify_signalled_failures = verify;
    let mut world = World::new(Generation::V2022, 2, build);
    world.script(app, |script| script.online = Work::Watched);
    world.install(&[1, 2], true);
    world.run(seconds(2));
    (world, app)
}

fn signal(world: &mut World, resource: ResourceId) {
    let report = HostReport::Signalled { resource };
    let host = HostId(0);
    world.tell(node(1), Input::Host { host, report });
    world.run(seconds(1));
}

#[test]
fn a_resource_with_an_event_handle_is_never_asked_looks_alive() {
    let (mut world, app) = watched(true);
    world.run(seconds(200));
    assert!(world.calls_of(app, "LooksAlive").is_empty());
    assert_eq!(world.calls_of(app, "IsAlive").len(), 3);
}

#[test]
fn a_signalled_handle_is_verified_by_is_alive() {
    let (mut world, app) = watched(true);
    signal(&mut world, app);
    assert_eq!(world.state(app), ResourceState::Online, "IsAlive said yes");
    assert_eq!(world.calls_of(app, "IsAlive").len(), 1);
    world.script(app, |script| script.is_alive = false);
    signal(&mut world, app);
    assert_eq!(world.reached(app, ResourceState::Failed).len(), 1);
}

#[test]
fn without_verification_a_signalled_handle_fails_the_resource_at_once() {
    let (mut world, app) = watched(false);
    signal(&mut world, app);
    assert!(world.calls_of(app, "IsAlive").is_empty());
    assert_eq!(world.reached(app, ResourceState::Failed).len(), 1);
    assert_eq!(world.calls_of(app, "Terminate").len(), 1);
}

fn program() -> (World, ResourceId) {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    (World::formed(2, build), app)
}

fn control(resource: ResourceId, code: u32) -> AdminCommand {
    AdminCommand::ControlResource {
        resource,
        code,
        input: vec![7],
    }
}

#[test]
fn a_control_code_is_answered_by_the_program_that_knows_it() {
    let (mut world, app) = program();
    world.script(app, |script| script.control = Some(Answer::Controlled(42)));
    let reply = world.admin(2, control(app, 0x0100_0029));
    assert_eq!(reply, AdminReply::Data { bytes: vec![42] });
    assert_eq!(world.calls_of(app, "ResourceControl").len(), 1);
}

#[test]
fn a_control_code_that_the_program_declines_is_handled_by_the_cluster_service() {
    let (mut world, app) = program();
    let name: Vec<u8> = "r1\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let reply = world.admin(2, control(app, 0x0100_0029));
    assert_eq!(reply, AdminReply::Data { bytes: name });
    let label = "Generic Application".to_owned();
    let of_type = AdminCommand::ControlType {
        label,
        code: 0x0200_000D,
        input: vec![],
    };
    let reply = world.admin(1, of_type);
    assert_eq!(reply, AdminReply::Data { bytes: vec![0; 8] });
    assert_eq!(world.calls_of(app, "ResourceTypeControl").len(), 1);
}

#[test]
fn the_arbitration_timeout_of_a_type_is_sixty_seconds_unless_its_program_says_otherwise() {
    let (mut world, app) = program();
    let of_type = || AdminCommand::ControlType {
        label: "Generic Application".to_owned(),
        code: 0x0200_0015,
        input: vec![],
    };
    let sixty = 60_u32.to_le_bytes().to_vec();
    assert_eq!(world.admin(1, of_type()), AdminReply::Data { bytes: sixty });
    world.script(app, |script| script.control = Some(Answer::Controlled(7)));
    assert_eq!(
        world.admin(1, of_type()),
        AdminReply::Data { bytes: vec![7] }
    );
}

#[test]
fn a_control_code_that_nobody_knows_is_refused_with_invalid_function() {
    let (mut world, app) = program();
    let reply = world.admin(2, control(app, 0x0100_FFFD));
    let refused = matches!(reply, AdminReply::Refused { code: 1, .. });
    assert!(refused, "{reply:?}");
}

#[test]
fn a_control_code_that_never_returns_costs_the_host_and_is_answered() {
    let (mut world, app) = program();
    world.script(app, |script| {
        script.control = Some(Answer::Returned(EntryResult::Pending));
        script.is_alive_hangs = true;
    });
    // The hang of IsAlive takes the host away while the code waits for its turn.
    world.run(seconds(61));
    let request = base::RequestId(9_000);
    let command = control(app, 0x0100_0029);
    world.tell(node(1), Input::Command { request, command });
    world.run(seconds(310));
    let answer = world.replies.iter().find(|(_, id, _)| *id == request);
    let code = match answer {
        Some((_, _, AdminReply::Refused { code, .. })) => Some(*code),
        _ => None,
    };
    assert_eq!(code, Some(code::RESOURCE_CALL_TIMED_OUT));
}

#[test]
fn a_control_code_of_a_type_that_hangs_is_told_by_its_own_event_from_2016_on() {
    for (generation, times) in [(Generation::V2012R2, 0), (Generation::V2016, 1)] {
        let mut build = Build::new(generation);
        let group = build.group();
        let app = build.app(group, "");
        let mut world = World::new(generation, 2, build);
        world.install(&[1, 2], true);
        world.run(seconds(2));
        world.script(app, |script| script.control = None);
        let label = "Generic Application".to_owned();
        let (code, input) = (0x0200_000D, vec![]);
        let request = base::RequestId(9_001);
        let command = AdminCommand::ControlType { label, code, input };
        world.tell(node(1), Input::Command { request, command });
        world.run(seconds(310));
        assert_eq!(world.count(|n| n.event_id() == Some(1230)), 1);
        let told = world.count(|n| n.event_id() == Some(1265));
        assert_eq!(told, times, "{generation}");
    }
}

#[test]
fn in_2003_nobody_watches_calls_unless_deadlock_detection_is_on() {
    for (on, exits) in [(false, 0), (true, 1)] {
        let mut build = Build::new(Generation::V2003);
        let group = build.group();
        let app = build.app(group, "");
        build.model.cluster.deadlock_detection = on;
        let mut world = World::new(Generation::V2003, 2, build);
        world.install(&[1, 2], true);
        world.run(seconds(2));
        world.script(app, |script| script.is_alive_hangs = true);
        world.run(seconds(60 + 240 + 30));
        let exited = world.count(|n| matches!(n, Notice::HostExited { .. }));
        assert_eq!(exited, exits, "detection {on}");
    }
}

#[test]
fn a_separate_monitor_is_used_from_the_next_online_on() {
    let (mut world, app) = program();
    let object = Object::Resource { resource: app };
    let set = AdminCommand::SetProperty {
        object,
        name: "SeparateMonitor".into(),
        value: Value::Dword(1),
    };
    assert_eq!(world.admin(2, set), AdminReply::Done);
    world.run(seconds(30));
    let host = |world: &World| {
        let last = world.calls.iter().rev().find(|call| call.3 == app);
        last.map(|call| call.2)
    };
    assert_eq!(host(&world), Some(HostId(0)), "still in the shared one");
    world.admin(1, AdminCommand::OfflineResource { resource: app });
    world.run(seconds(2));
    world.admin(1, AdminCommand::OnlineResource { resource: app });
    world.run(seconds(2));
    assert_eq!(host(&world), Some(HostId(app.0 + 1)));
}

#[test]
fn properties_are_set_for_all_nodes_and_refused_in_the_products_terms() {
    let (mut world, app) = program();
    let object = Object::Resource { resource: app };
    let set = |name: &str, value| AdminCommand::SetProperty {
        object: object.clone(),
        name: name.into(),
        value: Value::Dword(value),
    };
    assert_eq!(world.admin(2, set("restartthreshold", 5)), AdminReply::Done);
    let get = |name: &str| AdminCommand::GetProperty {
        object: object.clone(),
        name: name.into(),
    };
    let five = Value::Dword(5);
    let reply = world.admin(1, get("RestartThreshold"));
    assert_eq!(reply, AdminReply::Value { value: five });
    let refused = [
        (set("NoSuchThing", 1), code::NOT_FOUND),
        (set("RestartAction", 3), code::INVALID_PARAMETER),
        (set("IsAlivePollInterval", 0), code::INVALID_PARAMETER),
        (set("RetryPeriodOnFailure", 60_000), code::INVALID_PARAMETER),
    ];
    for (command, expected) in refused {
        let reply = world.admin(2, command);
        let code = match reply {
            AdminReply::Refused { code, .. } => Some(code),
            _ => None,
        };
        assert_eq!(code, Some(expected));
    }
}

#[test]
fn a_poll_interval_that_is_set_holds_from_the_next_question_on() {
    let (mut world, app) = program();
    let object = Object::Resource { resource: app };
    let set = AdminCommand::SetProperty {
        object,
        name: "LooksAlivePollInterval".into(),
        value: Value::Dword(1_000),
    };
    assert_eq!(world.admin(1, set), AdminReply::Done);
    world.run(seconds(20));
    let asked = world.calls_of(app, "LooksAlive");
    let last = asked.iter().rev().take(2).collect::<Vec<_>>();
    assert_eq!(last[0].since(*last[1]), seconds(1));
}

#[test]
fn checkpoints_are_in_place_before_every_online() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let (app, plain) = (build.app(group, ""), build.app(group, ""));
    build.resource(app).checkpoints = vec![CheckpointKey {
        kind: CheckpointKind::Registry,
        name: "HKLM/Software/Demo".into(),
    }];
    let mut world = World::formed(2, build);
    let to = Some(node(2));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.run(seconds(2));
    let asked: Vec<_> = world.restores.iter().map(|(at, _)| *at).collect();
    let online = world.calls_of(app, "Online");
    assert_eq!((asked.len(), online.len()), (2, 2));
    for (asked, online) in asked.iter().zip(&online) {
        assert!(online.since(*asked) >= super::world::millis(30));
    }
    assert!(world.restores.iter().all(|(_, id)| *id != plain));
}
