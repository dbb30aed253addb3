//! Whatever happens, states follow the table, dependencies hold, and in the end all is online.

use std::collections::BTreeMap;

use base::ResourceState::{Offline, Online, OnlinePending};
use base::{Generation, GroupId, ResourceId};
use proptest::prelude::*;

use super::checker::Checker;
use super::world::{Build, Work, World, millis, node, seconds};
use crate::api::AdminCommand;
use crate::rcm::Input;

const RESOURCES: u16 = 6;

/// One thing that happens, and how long after the one before.
#[derive(Clone, Debug)]
enum Act {
    Move(u8),
    Offline(u16),
    Online(u16),
    Fail(u16),
    Crash,
    Regroup,
    Lose(u8),
    Return(u8),
    Slow(u16, Slowness),
    Sick(u16),
}

#[derive(Clone, Copy, Debug)]
enum Slowness {
    Pending,
    Hanging,
    Failing,
}

fn act() -> impl Strategy<Value = Act> {
    let id = 1..=RESOURCES;
    let slowness = prop_oneof![
        Just(Slowness::Pending),
        Just(Slowness::Hanging),
        Just(Slowness::Failing)
    ];
    prop_oneof![
        (1_u8..=3).prop_map(Act::Move),
        id.clone().prop_map(Act::Offline),
        id.clone().prop_map(Act::Online),
        id.clone().prop_map(Act::Fail),
        Just(Act::Crash),
        Just(Act::Regroup),
        (1_u8..=3).prop_map(Act::Lose),
        (1_u8..=3).prop_map(Act::Return),
        (id.clone(), slowness).prop_map(|(id, slowness)| Act::Slow(id, slowness)),
        id.prop_map(Act::Sick),
    ]
}

/// A group whose resources lean on lower numbers, some of them on one of two.
fn leaning(build: &mut Build, group: GroupId, tree: &[(u16, u16, bool)]) {
    for (i, (a, b, or)) in (0_u16..RESOURCES).zip(tree) {
        let (a, b) = (a % (i + 1), b % (i + 1));
        let text = match (a, b, or) {
            (0, 0, _) => String::new(),
            (0, one, _) | (one, 0, _) => format!("[{one}]"),
            (a, b, true) => format!("([{a}] or [{b}])"),
            (a, b, false) => format!("[{a}] and [{b}]"),
        };
        build.app(group, &text);
    }
}

fn perform(world: &mut World, group: GroupId, act: &Act) {
    let at = world.live_nodes()[0];
    let owner = world
        .owner(group)
        .filter(|owner| world.live_nodes().contains(owner));
    let ask = |world: &mut World, command| {
        let request = base::RequestId(0);
        world.tell(node(at), Input::Command { request, command });
    };
    match act.clone() {
        Act::Move(to) => {
            let to = Some(node(to));
            ask(world, AdminCommand::MoveGroup { group, to });
        }
        Act::Offline(id) => {
            let resource = ResourceId(id);
            ask(world, AdminCommand::OfflineResource { resource });
        }
        Act::Online(id) => {
            let resource = ResourceId(id);
            ask(world, AdminCommand::OnlineResource { resource });
        }
        Act::Fail(id) => {
            let resource = ResourceId(id);
            ask(world, AdminCommand::FailResource { resource });
        }
        Act::Crash => {
            if let Some(owner) = owner {
                world.crash_host(owner, 0);
            }
        }
        Act::Regroup => {
            world.close();
            world.run(millis(700));
            let all = world.live_nodes();
            world.install(&all, false);
        }
        Act::Lose(number) => {
            if world.live_nodes().len() > 1 && world.live_nodes().contains(&number) {
                world.lose(number);
            }
        }
        Act::Return(number) => {
            if !world.live_nodes().contains(&number) {
                world.boot(number);
                let all = world.live_nodes();
                world.install(&all, false);
            }
        }
        Act::Slow(id, slowness) => {
            let work = match slowness {
                Slowness::Pending => Work::Pending(seconds(7)),
                Slowness::Hanging => Work::Hangs,
                Slowness::Failing => Work::Fails,
            };
            world.script(ResourceId(id), |script| {
                (script.online, script.offline) = (work, work);
            });
        }
        Act::Sick(id) => world.script(ResourceId(id), |script| {
            (script.looks_alive, script.is_alive) = (false, false);
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn states_follow_the_rules_and_a_healed_cluster_gets_everything_online(
        tree in prop::collection::vec((0_u16..6, 0_u16..6, any::<bool>()), usize::from(RESOURCES)),
        acts in prop::collection::vec((act(), 0_u64..9_000), 0..25),
    ) {
        let mut build = Build::new(Generation::V2022);
        let group = build.group();
        leaning(&mut build, group, &tree);
        let mut world = World::formed(3, build);
        for (act, pause) in &acts {
            // The world's checker panics on the first broken rule.
            perform(&mut world, group, act);
            world.run(millis(*pause));
        }
        world.scripts.clear();
        for number in 1..=3 {
            perform(&mut world, group, &Act::Return(number));
        }
        // Deadlocks, pending timeouts and the retry period all end within this.
        world.run(seconds(3_600 + 1_200));
        let at = world.live_nodes()[0];
        world.admin(at, AdminCommand::OnlineGroup { group });
        world.run(seconds(60));
        for id in (1..=RESOURCES).map(ResourceId) {
            prop_assert_eq!(world.state(id), Online, "resource {} after {:?}", id, acts);
        }
        prop_assert!(world.is_settled());
    }
}

/// Planted faults: the checker that the property relies on must see each of them.
#[test]
fn the_checker_sees_planted_faults() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let lower = build.app(group, "");
    let upper = build.app(group, &format!("[{lower}]"));
    let model = build.model;
    let (one, two) = (node(1), node(2));
    let mut early = Checker::default();
    let start = (Offline, OnlinePending);
    assert!(
        early.see(&model, one, upper, start, true).is_err(),
        "before its provider"
    );
    let mut jump = Checker::default();
    assert!(
        jump.see(&model, one, lower, (Offline, Online), true)
            .is_err(),
        "no such edge"
    );
    let mut twice = Checker::default();
    assert!(twice.see(&model, one, lower, start, true).is_ok());
    assert!(
        twice.see(&model, two, lower, start, true).is_err(),
        "two owners"
    );
    let mut under = Checker::default();
    let path: BTreeMap<u8, _> = BTreeMap::from([(0, start), (1, (OnlinePending, Online))]);
    for id in [lower, upper] {
        for edge in path.values() {
            assert!(under.see(&model, one, id, *edge, true).is_ok());
        }
    }
    let stop = (Online, base::ResourceState::OfflinePending);
    assert!(
        under.see(&model, one, lower, stop, true).is_err(),
        "under its dependent"
    );
}
