//! The tables follow the updates.

use base::{GroupId, NodeId, ResourceId, ResourceState, StateChangeCause};

use super::*;
use crate::membership::UpdateKey;
use crate::test_context::{blank_facts, node, with_context};

fn tell(manager: &mut ObjectManager, input: Input) -> Vec<Output> {
    let mut out = Outbox::default();
    with_context(&blank_facts(node(1)), Timestamp::ZERO, |cx| {
        manager.handle(cx, input, &mut out);
        manager.check(cx);
    });
    out.drain().collect()
}

fn applied(changes: Vec<Change>) -> Input {
    let key = UpdateKey {
        number: 1,
        epoch: 1,
        sender: node(1),
    };
    let changes = Arc::new(changes);
    Input::Applied {
        update: Update { key, changes },
    }
}

fn owner(group: u16, owner: NodeId) -> Change {
    Change::State(StateChange::GroupOwner {
        group: GroupId(group),
        owner,
        cause: StateChangeCause::Failover,
    })
}

fn online(resource: u16, group: u16) -> Change {
    Change::State(StateChange::Resource {
        resource: ResourceId(resource),
        group: GroupId(group),
        state: ResourceState::Online,
    })
}

#[test]
fn a_group_that_moves_takes_its_resources_offline_and_no_others() {
    let mut manager = ObjectManager::default();
    let changes = vec![owner(1, node(1)), online(7, 1), online(8, 2)];
    tell(&mut manager, applied(changes));
    let said = tell(&mut manager, applied(vec![owner(1, node(2))]));
    let [Output::Publish(table)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(table.owner(GroupId(1)), Some(node(2)));
    assert_eq!(
        table.resources[&ResourceId(7)].state,
        ResourceState::Offline
    );
    assert_eq!(table.resources[&ResourceId(8)].state, ResourceState::Online);
}

#[test]
fn a_node_is_paused_until_it_is_resumed() {
    let pause = |paused| {
        let node = node(3);
        applied(vec![Change::State(StateChange::NodePaused {
            node,
            paused,
        })])
    };
    let mut manager = ObjectManager::default();
    tell(&mut manager, pause(true));
    assert!(manager.table.paused.contains(node(3)));
    tell(&mut manager, pause(false));
    assert!(manager.table.paused.is_empty());
}

#[test]
fn an_update_of_the_hive_alone_publishes_no_table() {
    let change = crate::database::HiveChange::DeleteKey { key: "x".into() };
    let said = tell(
        &mut ObjectManager::default(),
        applied(vec![Change::Hive(change)]),
    );
    assert_eq!(said, []);
}

#[test]
fn a_replaced_table_forgets_what_was() {
    let mut manager = ObjectManager::default();
    tell(&mut manager, applied(vec![owner(1, node(1))]));
    let objects = Arc::new(ObjectTable::default());
    let said = tell(&mut manager, Input::Replace { objects });
    assert_eq!(said, [Output::Publish(Arc::default())]);
}
