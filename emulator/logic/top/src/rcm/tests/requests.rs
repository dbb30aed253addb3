//! Administrators' commands: routing, refusals with the product's numbers, and lasting effect.

use base::{Generation, GroupId, GroupState, NodeId, ResourceId, ResourceState};
use middle::gum::Failure;

use super::world::{Build, Work, World, node, nodes, seconds};
use crate::api::{AdminCommand, AdminReply, code};
use crate::rcm::Input;

fn fixture() -> (World, GroupId, ResourceId, ResourceId) {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let lower = build.app(group, "");
    let upper = build.app(group, &format!("[{lower}]"));
    (World::formed(3, build), group, lower, upper)
}

fn code_of(reply: &AdminReply) -> Option<(u32, bool)> {
    match reply {
        AdminReply::Refused { code, definite, .. } => Some((*code, *definite)),
        _ => None,
    }
}

#[test]
fn any_member_takes_a_command_and_the_owner_carries_it_out() {
    let (mut world, group, ..) = fixture();
    assert_eq!(world.owner(group), Some(1));
    let to = Some(node(3));
    assert_eq!(
        world.admin(2, AdminCommand::MoveGroup { group, to }),
        AdminReply::Done
    );
    assert_eq!(world.owner(group), Some(3));
}

#[test]
fn a_move_without_a_target_goes_to_the_best_possible_node() {
    let (mut world, group, ..) = fixture();
    world.admin(1, AdminCommand::MoveGroup { group, to: None });
    assert!(matches!(world.owner(group), Some(2 | 3)));
}

#[test]
fn an_administrators_offline_lasts_over_a_failover() {
    let (mut world, group, lower, _) = fixture();
    world.admin(1, AdminCommand::OfflineGroup { group });
    assert_eq!(world.group_state(group), GroupState::Offline);
    assert_eq!(world.hive().dword("Groups\\1", "PersistentState"), Some(0));
    world.lose(1);
    world.run(seconds(60));
    assert_ne!(world.owner(group), Some(1));
    assert_eq!(world.state(lower), ResourceState::Offline);
    let owner = world.owner(group).expect("placed");
    world.admin(owner, AdminCommand::OnlineGroup { group });
    assert_eq!(world.group_state(group), GroupState::Online);
    assert_eq!(world.hive().dword("Groups\\1", "PersistentState"), Some(1));
}

#[test]
fn a_resource_taken_offline_takes_its_dependents_along_and_online_brings_its_providers() {
    let (mut world, _, lower, upper) = fixture();
    let reply = world.admin(1, AdminCommand::OfflineResource { resource: lower });
    assert_eq!(reply, AdminReply::Done);
    assert_eq!(world.state(upper), ResourceState::Offline);
    let key = format!("Resources\\{lower}");
    assert_eq!(world.hive().dword(&key, "PersistentState"), Some(0));
    world.admin(1, AdminCommand::OnlineResource { resource: upper });
    assert_eq!(world.state(lower), ResourceState::Online);
    assert_eq!(world.state(upper), ResourceState::Online);
    assert_eq!(world.hive().dword(&key, "PersistentState"), None, "removed");
}

#[test]
fn refusals_carry_the_products_numbers_and_have_no_effect() {
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).possible_owners = Some(nodes(&[1, 2, 3]));
    let mut world = World::formed(4, build);
    world.admin(
        1,
        AdminCommand::PauseNode {
            node: node(2),
            drain: false,
        },
    );
    world.lose(3);
    world.run(seconds(1));
    let to = |number| AdminCommand::MoveGroup {
        group,
        to: Some(node(number)),
    };
    let nobody = |resource| AdminCommand::OnlineResource { resource };
    let cases = [
        (nobody(ResourceId(9)), code::RESOURCE_NOT_FOUND),
        (
            AdminCommand::OnlineGroup { group: GroupId(9) },
            code::GROUP_NOT_FOUND,
        ),
        (to(2), code::NODE_PAUSED),
        (to(3), code::NODE_DOWN),
        (to(4), code::NODE_CANNOT_HOST),
        (to(9), code::NODE_NOT_FOUND),
        (
            AdminCommand::MoveGroup { group, to: None },
            code::NODE_CANNOT_HOST,
        ),
        (AdminCommand::ResumeNode { node: node(3) }, code::NODE_DOWN),
    ];
    let before = world.proposals.len();
    for (command, expected) in cases {
        let reply = world.admin(1, command.clone());
        assert_eq!(code_of(&reply), Some((expected, true)), "{command:?}");
    }
    assert_eq!(world.proposals.len(), before);
    assert_eq!(world.state(app), ResourceState::Online);
}

#[test]
fn a_resource_that_is_not_online_cannot_be_failed() {
    let (mut world, group, lower, _) = fixture();
    let fail = AdminCommand::FailResource { resource: lower };
    world.admin(1, AdminCommand::OfflineGroup { group });
    let reply = world.admin(1, fail.clone());
    assert_eq!(code_of(&reply), Some((code::INVALID_STATE, true)));
    let mut build = Build::new(Generation::V2022);
    let group = build.group();
    let app = build.app(group, "");
    build.resource(app).restart_action = crate::rcm::model::RestartAction::DontRestart;
    let mut world = World::formed(1, build);
    let fail = AdminCommand::FailResource { resource: app };
    assert_eq!(world.admin(1, fail.clone()), AdminReply::Done);
    assert_eq!(
        code_of(&world.admin(1, fail)),
        Some((code::RESOURCE_FAILED, true))
    );
}

#[test]
fn a_moving_group_takes_no_further_commands() {
    let (mut world, group, lower, _) = fixture();
    world.script(lower, |script| script.offline = Work::Pending(seconds(30)));
    let to = Some(node(2));
    world.admin(1, AdminCommand::MoveGroup { group, to });
    let reply = world.admin(3, AdminCommand::MoveGroup { group, to });
    assert_eq!(code_of(&reply), Some((code::GROUP_MOVING, true)));
    let reply = world.admin(1, AdminCommand::OfflineResource { resource: lower });
    assert_eq!(code_of(&reply), Some((code::GROUP_MOVING, true)));
}

#[test]
fn without_an_open_view_commands_are_refused_for_certain() {
    let (mut world, group, ..) = fixture();
    world.close();
    let reply = world.admin(1, AdminCommand::OfflineGroup { group });
    assert_eq!(code_of(&reply), Some((code::NO_QUORUM, true)));
}

#[test]
fn a_proposal_that_a_view_change_cut_off_is_answered_as_uncertain() {
    let (mut world, group, lower, _) = fixture();
    world.gum_fails = Some(Failure::ViewChanged);
    let reply = world.admin(1, AdminCommand::OfflineGroup { group });
    assert_eq!(code_of(&reply), Some((code::NO_QUORUM, false)));
    assert_eq!(world.state(lower), ResourceState::Online);
    world.gum_fails = Some(Failure::NotReady);
    world.install(&[1, 2, 3], false);
    let reply = world.admin(1, AdminCommand::OfflineGroup { group });
    assert_eq!(code_of(&reply), Some((code::NO_QUORUM, true)));
    assert_eq!(world.state(lower), ResourceState::Online);
}

#[test]
fn a_busy_update_manager_is_asked_again() {
    let (mut world, group, lower, _) = fixture();
    world.gum_fails = Some(Failure::Busy);
    let request = base::RequestId(1);
    let command = AdminCommand::OfflineGroup { group };
    world.tell(node(1), Input::Command { request, command });
    world.run(seconds(3));
    assert!(world.replies.is_empty());
    world.gum_fails = None;
    world.run(seconds(1));
    assert_eq!(world.replies, vec![(node(1), request, AdminReply::Done)]);
    assert_eq!(world.state(lower), ResourceState::Offline);
}

#[test]
fn a_command_whose_owner_is_lost_on_the_way_is_answered_as_uncertain() {
    let (mut world, group, ..) = fixture();
    let request = base::RequestId(5);
    let command = AdminCommand::OfflineGroup { group };
    world.tell(node(2), Input::Command { request, command });
    world.lose(1);
    assert_eq!(world.replies.len(), 1);
    let (at, id, reply) = &world.replies[0];
    assert_eq!((*at, *id), (node(2), request));
    assert_eq!(code_of(reply), Some((code::NODE_DOWN, false)));
}

fn paused(world: &World) -> Vec<NodeId> {
    world.objects.paused.iter().collect()
}

#[test]
fn a_drained_node_gives_its_groups_away_and_gets_none_until_it_resumes() {
    let (mut world, group, ..) = fixture();
    let pause = AdminCommand::PauseNode {
        node: node(1),
        drain: true,
    };
    assert_eq!(world.admin(2, pause), AdminReply::Done);
    assert_eq!(paused(&world), vec![node(1)]);
    let owner = world.owner(group).expect("owned");
    assert_ne!(owner, 1);
    world.lose(owner);
    world.run(seconds(60));
    assert!(!matches!(world.owner(group), Some(1)));
    let resume = AdminCommand::ResumeNode { node: node(1) };
    assert_eq!(world.admin(1, resume), AdminReply::Done);
    assert!(paused(&world).is_empty());
}

#[test]
fn settled_states_are_proposed_once_and_pending_ones_never() {
    let (world, ..) = fixture();
    let mut seen = Vec::new();
    for change in world.proposals.iter().flatten() {
        if let middle::database::Change::State(middle::object::StateChange::Resource {
            resource,
            state,
            ..
        }) = change
        {
            assert!(!state.is_pending());
            assert!(
                !seen.contains(&(*resource, *state)),
                "{resource} {state} twice"
            );
            seen.push((*resource, *state));
        }
    }
    assert_eq!(seen.len(), 2, "both resources are online");
}
