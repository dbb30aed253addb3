//! Administrators' requests for shared volumes, networks and interfaces, and the list of all
//! objects.

use base::{DiskId, Generation, NetworkId};
use bottom::csvfs::{PageIo, Phase};
use middle::database::Value;

use super::world::{Build, World, node, seconds};
use crate::api::{AdminCommand, AdminReply, Object, code};

fn get(world: &mut World, object: Object, name: &str) -> AdminReply {
    let name = name.to_owned();
    world.admin(1, AdminCommand::GetProperty { object, name })
}

fn set(world: &mut World, object: Object, name: &str, value: Value) -> AdminReply {
    let name = name.to_owned();
    world.admin(
        1,
        AdminCommand::SetProperty {
            object,
            name,
            value,
        },
    )
}

fn refusal(reply: &AdminReply) -> Option<u32> {
    match reply {
        AdminReply::Refused { code, .. } => Some(*code),
        _ => None,
    }
}

fn lan() -> Object {
    let network = NetworkId(0);
    Object::Network { network }
}

#[test]
fn every_member_is_told_who_coordinates_a_volume() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.settings(group).preferred_owners = vec![node(2)];
    build.shared_disk(group, 5);
    let world = World::formed(3, build);
    for number in 1..=3 {
        let told = world.roles.iter().rev();
        let role = told
            .filter(|(at, _)| *at == node(number))
            .find_map(|(_, roles)| roles.get(&DiskId(5)))
            .expect("it was told");
        assert_eq!(role.owner, Some(node(2)));
        assert_eq!(role.phase, Phase::Online);
        assert_eq!(role.members.len(), 3);
    }
}

#[test]
fn what_is_no_shared_volume_is_not_read() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    let volume = build.shared_disk(group, 5);
    let mut world = World::formed(1, build);
    let read = |resource| AdminCommand::VolumeIo {
        resource,
        at: node(1),
        io: PageIo::Read { page: 0 },
    };
    let refused = world.admin(1, read(app));
    assert_eq!(refusal(&refused), Some(code::INVALID_REQUEST));
    assert_eq!(world.admin(1, read(volume)), AdminReply::Done);
    let io = PageIo::Write {
        page: 0,
        data: vec![0; 5_000],
    };
    let too_much = AdminCommand::VolumeIo {
        resource: volume,
        at: node(1),
        io,
    };
    let refused = world.admin(1, too_much);
    assert_eq!(refusal(&refused), Some(code::INVALID_PARAMETER));
}

#[test]
fn maintenance_mode_of_a_volume_is_known_everywhere_and_ends_with_it() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let resource = build.shared_disk(group, 5);
    let mut world = World::formed(2, build);
    let (on, at) = (true, None);
    world.admin(1, AdminCommand::SetMaintenanceMode { resource, on, at });
    let in_maintenance = |world: &World, number| {
        let mut told = world.roles.iter().rev();
        let found = told.find(|(at, _)| *at == node(number));
        found.is_some_and(|(_, roles)| roles[&DiskId(5)].maintenance)
    };
    assert!(in_maintenance(&world, 1) && in_maintenance(&world, 2));
    let to = Some(node(2));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    world.run(seconds(5));
    assert!(!in_maintenance(&world, 1) && !in_maintenance(&world, 2));
}

#[test]
fn a_role_and_a_metric_of_a_network_are_set_and_read() {
    let mut world = World::formed(2, Build::new(Generation::V2022));
    let unknown = Object::Network {
        network: NetworkId(9),
    };
    let refused = get(&mut world, unknown, "Role");
    assert_eq!(refusal(&refused), Some(code::NETWORK_NOT_FOUND));
    let refused = set(&mut world, lan(), "Role", Value::Dword(2));
    assert_eq!(refusal(&refused), Some(code::INVALID_PARAMETER));
    let last = set(&mut world, lan(), "Role", Value::Dword(0));
    assert_eq!(
        refusal(&last),
        Some(code::INVALID_PARAMETER),
        "the last one"
    );
    let metric = |number| Value::Dword(number);
    assert_eq!(
        set(&mut world, lan(), "Metric", metric(7)),
        AdminReply::Done
    );
    let value = |world: &mut World, name| match get(world, lan(), name) {
        AdminReply::Value { value } => value,
        other => panic!("a value, not {other:?}"),
    };
    assert_eq!(value(&mut world, "Metric"), metric(7));
    assert_eq!(
        value(&mut world, "AutoMetric"),
        metric(0),
        "no longer automatic"
    );
    set(&mut world, lan(), "AutoMetric", metric(1));
    assert_eq!(value(&mut world, "Metric"), metric(70_000));
    set(&mut world, lan(), "Role", metric(1));
    assert_eq!(value(&mut world, "Metric"), metric(30_000));
}

#[test]
fn the_state_of_networks_and_interfaces_can_be_asked() {
    let mut world = World::formed(2, Build::new(Generation::V2022));
    let up = AdminReply::Value {
        value: Value::Text("Up".to_owned()),
    };
    assert_eq!(get(&mut world, lan(), "State"), up);
    let interface = |number| Object::Interface {
        node: node(number),
        network: NetworkId(0),
    };
    assert_eq!(get(&mut world, interface(2), "State"), up);
    let address = get(&mut world, interface(2), "Address");
    let expected = Value::Text("10.0.0.2".to_owned());
    assert_eq!(address, AdminReply::Value { value: expected });
    let refused = get(&mut world, interface(9), "State");
    assert_eq!(refusal(&refused), Some(code::NETINTERFACE_NOT_FOUND));
    let refused = set(&mut world, lan(), "State", Value::Text("Down".to_owned()));
    assert_eq!(refusal(&refused), Some(code::INVALID_PARAMETER));
}

#[test]
fn a_network_gets_another_name_but_no_empty_one() {
    let mut world = World::formed(1, Build::new(Generation::V2022));
    let text = |name: &str| Value::Text(name.to_owned());
    assert_eq!(
        set(&mut world, lan(), "Name", text("core")),
        AdminReply::Done
    );
    let refused = set(&mut world, lan(), "Name", text(""));
    assert_eq!(refusal(&refused), Some(code::INVALID_PARAMETER));
}

#[test]
fn the_security_level_is_set_from_2012_on() {
    for (generation, expected) in [
        (Generation::V2008R2, Some(code::INVALID_PARAMETER)),
        (Generation::V2012, None),
    ] {
        let mut world = World::new(generation, 1, Build::new(generation));
        world.install(&[1], true);
        world.run(seconds(2));
        let reply = set(
            &mut world,
            Object::Cluster,
            "SecurityLevel",
            Value::Dword(2),
        );
        assert_eq!(refusal(&reply), expected, "{generation}");
    }
}

#[test]
fn the_list_of_objects_has_every_kind() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    build.app(group, "");
    let mut world = World::formed(2, build);
    let AdminReply::Objects { entries } = world.admin(1, AdminCommand::ListObjects) else {
        panic!("a list is the answer");
    };
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    for name in ["n1", "lan", "n2/lan", "g1", "g1/r1", "Generic Script"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let app = entries.iter().find(|entry| entry.name == "g1/r1");
    let app = app.expect("it is there");
    assert_eq!((app.owner, app.state.as_str()), (Some(node(1)), "Online"));
}
