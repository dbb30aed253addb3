//! Planted faults: real nodes in a world that cheats in one place each, and the checker that must
//! find it. The made-up histories beside the checkers show each rule alone; these show that a rule
//! broken for real comes to light.
//!
//! One build holds all faults; each run picks one. No lab file can: they live in this test alone.
//! `cargo xtask sabotage` runs them and counts.

mod cheat;
mod excuses;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use base::{DiskId, GroupId, NetworkId, NodeId, NodeSet, ResourceId, Timestamp};
use cheat::Cheated;
use file::model::{Lab, ResourceKind};
use libtest_mimic::{Arguments, Failed, Trial};
use plan::Plan;
use sim::checkers::Jury;
use sim::hosts::Behaviour;
use sim::net::Rule;
use sim::shape::{Shape, WitnessShape};
use sim::{Fault, MachineFault, Options, World};
use top::api::AdminCommand;

const GROUP: GroupId = GroupId(1);
/// The disk of the first group of [`shape`]: the core group has three resources, and the group's
/// address and name come before it.
const DISK_RESOURCE: ResourceId = ResourceId(5);
/// Its address.
const ADDRESS_RESOURCE: ResourceId = ResourceId(3);

/// A planted fault.
struct Plant {
    /// What is wrong.
    name: &'static str,
    /// The checkers that must find it, all of them.
    checkers: &'static [&'static str],
    /// Plays a history that brings it to light; who has found something.
    play: fn() -> Vec<&'static str>,
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "a host runs on after terminate",
        checkers: &["single-owner"],
        play: host_runs_on,
    },
    Plant {
        name: "a service without quorum does not end",
        checkers: &["single-owner", "address-unique", "name-owned-once"],
        play: never_halts,
    },
    Plant {
        name: "a service without quorum claims to have one",
        checkers: &["one-primary", "stale-life"],
        play: claims_quorum,
    },
    Plant {
        name: "a host runs on after terminate, on one of two sides",
        checkers: &["single-owner"],
        play: excuses::host_runs_on_a_forced_side,
    },
    Plant {
        name: "a host runs on after terminate, beside a frozen node",
        checkers: &["single-owner"],
        play: excuses::host_runs_on_beside_a_frozen_node,
    },
    Plant {
        name: "a service without quorum claims to have one, on one of two sides",
        checkers: &["one-primary", "stale-life"],
        play: excuses::claims_quorum_on_one_of_two_sides,
    },
    Plant {
        name: "a service without quorum claims to have one, after a node was lost",
        checkers: &["one-primary"],
        play: excuses::claims_quorum_after_a_loss,
    },
    Plant {
        name: "a service without quorum claims to have one, while the witness is taken away",
        checkers: &["one-primary"],
        play: excuses::claims_quorum_while_the_witness_is_stolen,
    },
    Plant {
        name: "a holder does not see a preemption, on one of two sides",
        checkers: &["reservation"],
        play: excuses::old_reservation_on_one_of_two_sides,
    },
    Plant {
        name: "a holder does not see a preemption",
        checkers: &["reservation"],
        play: old_reservation,
    },
    Plant {
        name: "a node beside the coordinator writes the file system",
        checkers: &["shared-volume"],
        play: writes_file_system,
    },
    Plant {
        name: "all views have one name",
        checkers: &["view-agreement", "epochs"],
        play: one_view_id,
    },
    Plant {
        name: "a disk forgets what it acknowledged",
        checkers: &["durability"],
        play: forgetful_disk,
    },
    Plant {
        name: "a node does not hear that its disk refuses",
        checkers: &["local-commit"],
        play: disk_failure_hidden,
    },
    Plant {
        name: "resources go offline without a step between",
        checkers: &["states"],
        play: moved::<{ cheat::SKIPS_STATES }>,
    },
    Plant {
        name: "a vote too many is counted",
        checkers: &["votes"],
        play: formed_only::<{ cheat::COUNTS_TOO_MANY }>,
    },
    Plant {
        name: "a survivor delivered less than another",
        checkers: &["virtual-synchrony"],
        play: delivers_less,
    },
    Plant {
        name: "an effect is delivered before its cause",
        checkers: &["causal-order"],
        play: effect_first,
    },
    Plant {
        name: "a member has other owners after the same update",
        checkers: &["update-order"],
        play: moved::<{ cheat::OTHER_OWNERS }>,
    },
    Plant {
        name: "a member has another database under the same tag",
        checkers: &["replica-tags"],
        play: formed_only::<{ cheat::OTHER_CONTENT }>,
    },
    Plant {
        name: "the witness is tried when two votes are missing",
        checkers: &["witness-rule"],
        play: tries_too_early,
    },
    Plant {
        name: "a dependent is online before its provider",
        checkers: &["dependency-order"],
        play: formed_only::<{ cheat::STARTS_TOO_EARLY }>,
    },
    Plant {
        name: "the end of a host fails what another one runs",
        checkers: &["isolation"],
        play: fails_others,
    },
    Plant {
        name: "a pause is acknowledged and not carried out",
        checkers: &["reply-truth"],
        play: empty_promise,
    },
    Plant {
        name: "a datagram is sent thirty thousand times",
        checkers: &["bounds"],
        play: talks_too_much,
    },
];

fn main() -> ExitCode {
    let caught = PLANTS.iter().map(|plant| {
        let name = format!("{}: {}", plant.checkers.join(", "), plant.name);
        Trial::test(name, || judge(plant))
    });
    let others = [
        Trial::test("every checker has its planted fault", covered),
        Trial::test("without a planted fault nothing is found", clean),
    ];
    let trials = caught.chain(others).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn judge(plant: &Plant) -> Result<(), Failed> {
    let found = (plant.play)();
    match plant.checkers.iter().find(|it| !found.contains(it)) {
        Some(missed) => Err(format!("{missed} did not find it; found by {found:?}").into()),
        None => Ok(()),
    }
}

fn covered() -> Result<(), Failed> {
    let planted: BTreeSet<&str> = PLANTS.iter().flat_map(|it| it.checkers).copied().collect();
    let jury = Jury::standard();
    let rules = jury.rules().map(|(name, _)| name);
    let bare: Vec<&str> = rules.filter(|it| !planted.contains(it)).collect();
    if bare.is_empty() {
        return Ok(());
    }
    Err(format!("no planted fault for {bare:?}").into())
}

/// Everything that the others do, to nodes that are not cheated.
fn clean() -> Result<(), Failed> {
    let mut world = formed::<{ cheat::NONE }>(3);
    moves(&mut world);
    let owner = owner(&world);
    isolate(&mut world, owner);
    runs(&mut world, 120);
    let fault = world.next_fault();
    world.make(fault, Fault::Preempt(node(1), DiskId(1)));
    world.make(fault, Fault::Machine(node(2), MachineFault::DiskFails));
    runs(&mut world, 120);
    let found = found(&world);
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("{found:?} found something").into())
}

fn host_runs_on() -> Vec<&'static str> {
    let mut world = formed_of::<{ cheat::HOSTS_GO_ON }>(&program_only(unfenced()));
    moves(&mut world);
    found(&world)
}

/// The lab with nothing but a program in its group: without an address, because duplicate address
/// detection would keep the second one away.
fn program_only(shape: Shape) -> Lab {
    let mut lab = shape.lab();
    let resources = &mut lab.cluster.groups[0].resources;
    resources.retain(|it| it.name == "app");
    resources[0].depends.clear();
    lab
}

fn never_halts() -> Vec<&'static str> {
    let mut world = formed_of::<{ cheat::NEVER_HALTS }>(&unfenced().lab());
    let owner = owner(&world);
    isolate(&mut world, owner);
    runs(&mut world, 600);
    found(&world)
}

fn claims_quorum() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::CLAIMS_QUORUM }>(3);
    isolate(&mut world, node(3));
    runs(&mut world, 900);
    found(&world)
}

fn old_reservation() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::OLD_RESERVATION }>(3);
    runs(&mut world, 30);
    let other = world.plan().all().without(owner(&world)).first().unwrap();
    let fault = world.next_fault();
    world.make(fault, Fault::Preempt(other, DiskId(1)));
    runs(&mut world, 120);
    found(&world)
}

fn writes_file_system() -> Vec<&'static str> {
    let mut lab = shape(3).lab();
    for resource in &mut lab.cluster.groups[0].resources {
        if let ResourceKind::PhysicalDisk { lun } = &resource.kind {
            let lun = lun.clone();
            resource.kind = ResourceKind::ClusterSharedVolume { lun };
        }
    }
    let world = formed_of::<{ cheat::WRITES_FILE_SYSTEM }>(&lab);
    found(&world)
}

fn one_view_id() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::ONE_VIEW_ID }>(3);
    isolate(&mut world, node(3));
    runs(&mut world, 60);
    found(&world)
}

fn forgetful_disk() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::FORGETFUL_DISK }>(3);
    let group = GROUP;
    world.ask(owner(&world), AdminCommand::OfflineGroup { group });
    runs(&mut world, 30);
    let all: Vec<NodeId> = world.plan().all().iter().collect();
    all.iter().for_each(|node| world.power_off(*node));
    // The witness disk has a copy, and that one remembers.
    let fault = world.next_fault();
    world.make(fault, Fault::WitnessUnreachable(world.plan().all()));
    all.iter().for_each(|node| world.power_on(*node));
    runs(&mut world, 300);
    found(&world)
}

fn disk_failure_hidden() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::DISK_FAILURE_HIDDEN }>(3);
    let fault = world.next_fault();
    let owner = owner(&world);
    world.make(fault, Fault::Machine(owner, MachineFault::DiskFails));
    world.ask(owner, AdminCommand::OfflineGroup { group: GROUP });
    runs(&mut world, 60);
    found(&world)
}

fn effect_first() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::EFFECT_FIRST }>(3);
    // Each node has something to say in turn, so that the lock, which travels by causal multicast,
    // goes round.
    for number in [1, 2, 3, 1, 2, 3] {
        let to = Some(node(number));
        world.ask(node(number), AdminCommand::MoveGroup { group: GROUP, to });
        runs(&mut world, 20);
    }
    found(&world)
}

fn delivers_less() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::DELIVERS_LESS }>(3);
    isolate(&mut world, node(3));
    runs(&mut world, 60);
    found(&world)
}

fn tries_too_early() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::TRIES_TOO_EARLY }>(2);
    isolate(&mut world, node(2));
    runs(&mut world, 60);
    found(&world)
}

fn fails_others() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::FAILS_OTHERS }>(3);
    let fault = world.next_fault();
    world.make(
        fault,
        Fault::Resource(ADDRESS_RESOURCE, Behaviour::Crashing),
    );
    // The host ends when the address comes online on the other node.
    moves(&mut world);
    found(&world)
}

fn empty_promise() -> Vec<&'static str> {
    let mut world = formed::<{ cheat::EMPTY_PROMISE }>(3);
    let (node, drain) = (node(2), false);
    world.ask(node, AdminCommand::PauseNode { node, drain });
    runs(&mut world, 120);
    found(&world)
}

fn talks_too_much() -> Vec<&'static str> {
    let shape = shape(3);
    let world = World::<Cheated<{ cheat::TALKS_TOO_MUCH }>>::new(
        Plan::new(&shape.lab()).unwrap(),
        Options::new(1),
    );
    let mut world = world;
    world.run_to(Timestamp::ZERO + Duration::from_secs(2));
    found(&world)
}

fn moved<const WHAT: u8>() -> Vec<&'static str> {
    let mut world = formed::<WHAT>(3);
    moves(&mut world);
    moves(&mut world);
    found(&world)
}

fn formed_only<const WHAT: u8>() -> Vec<&'static str> {
    found(&formed::<WHAT>(3))
}

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

fn shape(nodes: u8) -> Shape {
    Shape {
        nodes,
        witness: WitnessShape::Disk,
        ..Shape::default()
    }
}

/// Three nodes and a group that no disk fences.
fn unfenced() -> Shape {
    Shape {
        fenced_groups: 0,
        unfenced_groups: 1,
        ..shape(3)
    }
}

/// A cluster that has formed and brought everything online.
fn formed<const WHAT: u8>(nodes: u8) -> World<Cheated<WHAT>> {
    formed_of(&shape(nodes).lab())
}

fn formed_of<const WHAT: u8>(lab: &Lab) -> World<Cheated<WHAT>> {
    let mut world = World::new(Plan::new(lab).unwrap(), Options::new(1));
    world.run_to(Timestamp::ZERO + Duration::from_secs(30));
    world
}

fn owner<const WHAT: u8>(world: &World<Cheated<WHAT>>) -> NodeId {
    let pictures = world.plan().all();
    let mut pictures = pictures.iter().filter_map(|it| world.picture(it));
    pictures.find_map(|it| it.groups.get(&GROUP)).unwrap().owner
}

fn runs<const WHAT: u8>(world: &mut World<Cheated<WHAT>>, seconds: u64) {
    let until = world.now() + Duration::from_secs(seconds);
    world.run_to(until);
}

fn moves<const WHAT: u8>(world: &mut World<Cheated<WHAT>>) {
    let owner = owner(world);
    let to = world.plan().all().without(owner).first();
    world.ask(owner, AdminCommand::MoveGroup { group: GROUP, to });
    runs(world, 30);
}

fn found<const WHAT: u8>(world: &World<Cheated<WHAT>>) -> Vec<&'static str> {
    let violations = world.jury().violations().iter();
    violations.map(|it| it.checker).collect()
}

/// Cuts a node off from all others, in both directions.
fn isolate<const WHAT: u8>(world: &mut World<Cheated<WHAT>>, which: NodeId) {
    cut_off(world, NodeSet::one(which));
}

fn cut_off<const WHAT: u8>(world: &mut World<Cheated<WHAT>>, inside: NodeSet) {
    let outside = world.plan().all().difference(inside);
    let fault = world.next_fault();
    for (from, to) in [(inside, outside), (outside, inside)] {
        let (from, to) = (from.into(), to.into());
        let network = NetworkId(0);
        world.make(fault, Fault::Network(Rule::Cut { from, to, network }));
    }
}
