//! The tables follow the updates.

use base::{GroupId, NodeId, ResourceId, ResourceState, StateChangeCause};

use super::{Object, ObjectTable, StateChange};

fn owner(node: u8) -> StateChange {
    let owner = NodeId::new(node).expect("a valid node");
    StateChange::GroupOwner {
        group: GroupId(1),
        owner,
        cause: StateChangeCause::Move,
    }
}

fn state(state: ResourceState) -> StateChange {
    StateChange::Resource {
        resource: ResourceId(7),
        group: GroupId(1),
        state,
    }
}

#[test]
fn a_new_owner_finds_every_resource_offline() {
    let mut table = ObjectTable::default();
    table.apply(&owner(1));
    table.apply(&state(ResourceState::Online));
    table.apply(&owner(2));
    assert_eq!(
        table.groups[&GroupId(1)].owner,
        NodeId::new(2).expect("a valid node")
    );
    assert_eq!(
        table.resources[&ResourceId(7)].state,
        ResourceState::Offline
    );
}

#[test]
fn a_state_without_an_owned_group_is_dropped() {
    let mut table = ObjectTable::default();
    table.apply(&state(ResourceState::Online));
    assert!(table.resources.is_empty());
}

#[test]
fn a_resource_is_acted_for_by_the_owner_of_its_group() {
    let mut table = ObjectTable::default();
    assert_eq!(table.owner(Object::Group(GroupId(1))), None);
    table.apply(&owner(1));
    assert_eq!(table.owner(Object::Resource(ResourceId(7))), None);
    table.apply(&state(ResourceState::Online));
    table.apply(&owner(2));
    let second = NodeId::new(2);
    assert_eq!(table.owner(Object::Group(GroupId(1))), second);
    assert_eq!(table.owner(Object::Resource(ResourceId(7))), second);
}

#[test]
fn a_node_acts_for_itself_and_its_interfaces() {
    let table = ObjectTable::default();
    let node = NodeId::new(3).expect("a valid node");
    let interface = Object::Interface(node, base::NetworkId(0));
    assert_eq!(table.owner(Object::Node(node)), Some(node));
    assert_eq!(table.owner(interface), Some(node));
}
