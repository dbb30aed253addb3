//! Planted faults: real nodes in a world that cheats in one place each, and the checker that must
//! find it. The made-up histories beside the checkers show each rule alone; these show that a rule
//! broken for real comes to light.

use std::time::Duration;

use base::{
    DiskId, GroupId, Incarnation, NetworkId, NodeId, NodeSet, Notice, Now, ResourceState, Timestamp,
};
use bottom::txlog::{DiskOutcome, DiskRequest};
use file::model::Lab;
use node::{Effect, Event, Node, NodeConfig, Picture};
use plan::Plan;
use scsi::pr::InAction;
use scsi::{Command, Outcome};
use sim::net::Rule;
use sim::service::Service;
use sim::shape::{Shape, WitnessShape};
use sim::{Fault, MachineFault, Options, World};
use top::api::AdminCommand;
use top::rcm::{EntryPoint, EntryResult, HostCommand, HostReport};

/// Nothing is wrong.
const NONE: u8 = 0;
/// Whatever a host is told to end runs on, and the node is told that it has ended.
const HOSTS_GO_ON: u8 = 1;
/// The end of the service is not carried out.
const NEVER_HALTS: u8 = 2;
/// Looks at a reservation show what the first look showed.
const OLD_RESERVATION: u8 = 3;
/// Every view has the same name.
const ONE_VIEW_ID: u8 = 4;
/// The own disk says that it kept what it did not.
const FORGETFUL_DISK: u8 = 5;
/// A failing disk says that all is well, to the node only.
const DISK_FAILURE_HIDDEN: u8 = 6;
/// Resources say that they went from online to offline without a step between.
const SKIPS_STATES: u8 = 7;
/// One vote more is counted than there is.
const COUNTS_TOO_MANY: u8 = 8;
/// Node 2 says that it delivered nothing in the view that ended.
const DELIVERS_LESS: u8 = 9;
/// Causal multicasts say that they depend on what comes after them.
const EFFECT_FIRST: u8 = 10;

/// A node with something wrong between it and the world.
#[derive(Debug)]
struct Cheated<const WHAT: u8> {
    node: Node,
    now: Now,
    effects: Vec<Effect>,
    /// The looks under way, and what the first one showed.
    looks: Vec<(base::IoId, DiskId)>,
    shown: Vec<(DiskId, Outcome)>,
}

impl<const WHAT: u8> Cheated<WHAT> {
    fn take(&mut self) {
        let mut effects: Vec<Effect> = self.node.effects().collect();
        while !effects.is_empty() {
            for effect in std::mem::take(&mut effects) {
                if let Some(effect) = self.cheat(effect) {
                    self.effects.push(effect);
                }
            }
            effects.extend(self.node.effects());
        }
    }

    /// What becomes of an effect; none when it is swallowed.
    fn cheat(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Host { host, command } if WHAT == HOSTS_GO_ON => {
                let report = match &command {
                    HostCommand::Call {
                        call,
                        resource,
                        entry: EntryPoint::Offline | EntryPoint::Terminate | EntryPoint::Close,
                    } => HostReport::Returned {
                        call: *call,
                        resource: *resource,
                        result: EntryResult::Success,
                    },
                    _ => return Some(Effect::Host { host, command }),
                };
                self.node.handle(self.now, Event::Host { host, report });
                None
            }
            Effect::Halt(_) if WHAT == NEVER_HALTS => None,
            Effect::Disk { io, request } if WHAT == FORGETFUL_DISK => {
                if matches!(request, DiskRequest::Read { .. }) {
                    return Some(Effect::Disk { io, request });
                }
                let outcome = DiskOutcome::Done;
                self.node.handle(self.now, Event::Disk { io, outcome });
                None
            }
            Effect::Scsi { io, disk, command } => {
                let look = Command::PersistentReserveIn(InAction::ReadReservation);
                if WHAT == OLD_RESERVATION && command == look {
                    self.looks.push((io, disk));
                }
                Some(Effect::Scsi { io, disk, command })
            }
            Effect::Notice(Notice::ViewClosed { view, next, .. })
                if WHAT == DELIVERS_LESS && self.node.picture().node == node(2) =>
            {
                let delivered = Default::default();
                let notice = Notice::ViewClosed {
                    view,
                    next,
                    delivered,
                };
                Some(Effect::Notice(notice))
            }
            Effect::Notice(notice) => Some(Effect::Notice(lie::<WHAT>(notice))),
            other => Some(other),
        }
    }

    /// A holder is shown what it saw when it became one.
    fn old_reservation(&mut self, io: base::IoId, outcome: Outcome) -> Outcome {
        let Some(place) = self.looks.iter().position(|(it, _)| *it == io) else {
            return outcome;
        };
        let (_, disk) = self.looks.swap_remove(place);
        if !self.node.picture().disks.contains(&disk) {
            return outcome;
        }
        match self.shown.iter().find(|(it, _)| *it == disk) {
            Some((_, shown)) => shown.clone(),
            None => {
                self.shown.push((disk, outcome.clone()));
                outcome
            }
        }
    }
}

fn lie<const WHAT: u8>(notice: Notice) -> Notice {
    match notice {
        Notice::ViewInstalled { mut view, members } if WHAT == ONE_VIEW_ID => {
            view.epoch = 1;
            view.incarnation = Incarnation(1);
            view.coordinator = NodeId::new(1).unwrap_or(view.coordinator);
            Notice::ViewInstalled { view, members }
        }
        Notice::ResourceState {
            resource,
            to: ResourceState::OfflinePending,
            cause,
            ..
        } if WHAT == SKIPS_STATES => Notice::ResourceState {
            resource,
            from: ResourceState::Online,
            to: ResourceState::Offline,
            cause,
        },
        Notice::CausallyDelivered {
            view,
            from,
            sequence,
            mut after,
        } if WHAT == EFFECT_FIRST => {
            after.values_mut().for_each(|count| *count += 1_000);
            Notice::CausallyDelivered {
                view,
                from,
                sequence,
                after,
            }
        }
        Notice::QuorumCounted {
            have,
            needed,
            total,
            held,
        } if WHAT == COUNTS_TOO_MANY => Notice::QuorumCounted {
            have: have + total,
            needed,
            total,
            held,
        },
        other => other,
    }
}

impl<const WHAT: u8> Service for Cheated<WHAT> {
    fn boot(config: NodeConfig, incarnation: Incarnation, entropy: [u8; 32], now: Now) -> Self {
        Self {
            node: Node::boot(config, incarnation, entropy, now),
            now,
            effects: Vec::new(),
            looks: Vec::new(),
            shown: Vec::new(),
        }
    }

    fn handle(&mut self, now: Now, event: Event) {
        self.now = now;
        let event = match event {
            Event::Scsi { io, outcome } => Event::Scsi {
                io,
                outcome: self.old_reservation(io, outcome),
            },
            Event::Disk {
                io,
                outcome: DiskOutcome::Failed,
            } if WHAT == DISK_FAILURE_HIDDEN => Event::Disk {
                io,
                outcome: DiskOutcome::Done,
            },
            other => other,
        };
        self.node.handle(now, event);
    }

    fn advance(&mut self, now: Now) {
        self.now = now;
        self.node.advance(now);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.node.deadline()
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.take();
        effects.append(&mut self.effects);
    }

    fn picture(&self) -> Picture {
        self.node.picture()
    }
}

const GROUP: GroupId = GroupId(1);

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

/// A cluster that has formed and brought everything online.
fn formed<const WHAT: u8>(nodes: u8) -> World<Cheated<WHAT>> {
    let shape = Shape {
        nodes,
        witness: WitnessShape::Disk,
        ..Shape::default()
    };
    formed_of(&shape.lab())
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
    world
        .jury()
        .violations()
        .iter()
        .map(|it| it.checker)
        .collect()
}

/// Cuts a node off from all others, in both directions.
fn isolate<const WHAT: u8>(world: &mut World<Cheated<WHAT>>, which: NodeId) {
    let (one, all) = (NodeSet::one(which), world.plan().all());
    let fault = world.next_fault();
    for (from, to) in [(one, all.without(which)), (all.without(which), one)] {
        let (from, to) = (from.into(), to.into());
        let network = NetworkId(0);
        world.make(fault, Fault::Network(Rule::Cut { from, to, network }));
    }
}

/// Everything that the other tests do, to nodes that are not cheated.
#[test]
fn without_a_planted_fault_nothing_is_found() {
    let mut world = formed::<NONE>(3);
    moves(&mut world);
    let owner = owner(&world);
    isolate(&mut world, owner);
    runs(&mut world, 120);
    let fault = world.next_fault();
    world.make(fault, Fault::Preempt(node(1), DiskId(1)));
    world.make(fault, Fault::Machine(node(2), MachineFault::DiskFails));
    runs(&mut world, 120);
    assert_eq!(found(&world), Vec::<&str>::new());
}

#[test]
fn a_host_that_runs_on_after_terminate_is_two_owners() {
    // Without an address, because duplicate address detection would keep the second one away.
    let shape = Shape {
        fenced_groups: 0,
        unfenced_groups: 1,
        ..Shape::default()
    };
    let mut lab = shape.lab();
    let resources = &mut lab.cluster.groups[0].resources;
    resources.retain(|it| it.name == "app");
    resources[0].depends.clear();
    let mut world = formed_of::<HOSTS_GO_ON>(&lab);
    moves(&mut world);
    assert!(
        found(&world).contains(&"single-owner"),
        "{:?}",
        found(&world)
    );
}

#[test]
fn a_service_that_does_not_end_without_quorum_is_a_stale_life_or_a_second_owner() {
    let mut world = formed::<NEVER_HALTS>(3);
    let owner = owner(&world);
    isolate(&mut world, owner);
    runs(&mut world, 600);
    let found = found(&world);
    assert!(
        found.contains(&"single-owner") || found.contains(&"stale-life"),
        "{found:?}"
    );
}

#[test]
fn a_node_that_does_not_see_a_preemption_still_believes_to_hold() {
    let mut world = formed::<OLD_RESERVATION>(3);
    runs(&mut world, 30);
    let other = world.plan().all().without(owner(&world)).first().unwrap();
    let fault = world.next_fault();
    world.make(fault, Fault::Preempt(other, DiskId(1)));
    runs(&mut world, 120);
    assert!(
        found(&world).contains(&"reservation"),
        "{:?}",
        found(&world)
    );
}

#[test]
fn one_name_for_two_views_is_no_agreement() {
    let mut world = formed::<ONE_VIEW_ID>(3);
    isolate(&mut world, node(3));
    runs(&mut world, 60);
    assert!(
        found(&world).contains(&"view-agreement"),
        "{:?}",
        found(&world)
    );
}

#[test]
fn a_disk_that_forgets_what_it_acknowledged_loses_committed_updates() {
    let mut world = formed::<FORGETFUL_DISK>(3);
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
    let found = found(&world);
    assert!(
        found.contains(&"durability") || found.contains(&"replica-tags"),
        "{found:?}"
    );
}

#[test]
fn a_node_that_runs_on_a_disk_that_refuses_is_found() {
    let mut world = formed::<DISK_FAILURE_HIDDEN>(3);
    let fault = world.next_fault();
    world.make(
        fault,
        Fault::Machine(owner(&world), MachineFault::DiskFails),
    );
    let group = GROUP;
    world.ask(owner(&world), AdminCommand::OfflineGroup { group });
    runs(&mut world, 60);
    assert!(
        found(&world).contains(&"local-commit"),
        "{:?}",
        found(&world)
    );
}

#[test]
fn a_state_that_is_skipped_is_found() {
    let mut world = formed::<SKIPS_STATES>(3);
    moves(&mut world);
    assert!(found(&world).contains(&"states"), "{:?}", found(&world));
}

#[test]
fn a_vote_too_many_is_found() {
    let world = formed::<COUNTS_TOO_MANY>(3);
    assert!(found(&world).contains(&"votes"), "{:?}", found(&world));
}

#[test]
fn a_survivor_that_delivered_less_than_another_is_found() {
    let mut world = formed::<DELIVERS_LESS>(3);
    isolate(&mut world, node(3));
    runs(&mut world, 60);
    let found = found(&world);
    assert!(found.contains(&"virtual-synchrony"), "{found:?}");
}

#[test]
fn an_effect_before_its_cause_is_found() {
    let mut world = formed::<EFFECT_FIRST>(3);
    // Each node has something to say in turn, so that the lock goes round.
    for number in [1, 2, 3, 1, 2, 3] {
        let to = Some(node(number));
        world.ask(node(number), AdminCommand::MoveGroup { group: GROUP, to });
        runs(&mut world, 20);
    }
    let found = found(&world);
    assert!(found.contains(&"causal-order"), "{found:?}");
}
