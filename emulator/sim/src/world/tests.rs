//! The world driven by a small service that only sends heartbeats, so that what is tested here is
//! the world.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{
    HaltReason, Incarnation, NodeId, NodeSet, NodeState, Notice, Now, PaxosTag, QuorumState,
    Timestamp,
};
use bottom::netft::Heartbeat;
use bottom::txlog::{DiskOutcome, DiskRequest};
use node::NodeConfig;

use super::*;
use crate::net::Rule;
use crate::shape::Shape;

/// Beats once a second, answers, reads its disk at start, and stops when it is asked to.
#[derive(Debug)]
struct Beater {
    config: NodeConfig,
    incarnation: Incarnation,
    due: Timestamp,
    heard: NodeSet,
    read: Vec<u8>,
    effects: Vec<Effect>,
}

const EVERY: Duration = Duration::from_secs(1);

impl Beater {
    fn beat(&mut self, to: NodeSet, reply: bool) {
        self.effects.push(Effect::Send {
            network: NetworkId(0),
            to,
            frame: Frame::Heartbeat(Heartbeat {
                incarnation: self.incarnation,
                asked: Timestamp::ZERO,
                reply,
                losses: 0,
            }),
        });
    }
}

impl Service for Beater {
    fn boot(config: NodeConfig, incarnation: Incarnation, _: [u8; 32], now: Now) -> Self {
        let notice = Effect::Notice(Notice::ServiceStarted { incarnation });
        let request = DiskRequest::Read {
            file: FileName::Hive,
        };
        let read = Effect::Disk {
            io: IoId(1),
            request,
        };
        Self {
            config,
            incarnation,
            due: now.mono + EVERY,
            heard: NodeSet::EMPTY,
            read: Vec::new(),
            effects: vec![notice, read],
        }
    }

    fn handle(&mut self, _: Now, event: Event) {
        match event {
            Event::Frame {
                from,
                frame: Frame::Heartbeat(heartbeat),
                ..
            } => {
                if !self.heard.contains(from) {
                    self.heard.insert(from);
                    self.effects
                        .push(Effect::Notice(Notice::PeerFound { peer: from }));
                }
                if !heartbeat.reply {
                    self.beat(NodeSet::one(from), true);
                }
            }
            Event::Disk {
                outcome: DiskOutcome::Read(bytes),
                ..
            } => self.read = bytes,
            Event::Interface { network, up } => self
                .effects
                .push(Effect::Notice(Notice::InterfaceChanged { network, up })),
            Event::Stop => self.effects.push(Effect::Halt(HaltReason::Stopped)),
            _ => {}
        }
    }

    fn advance(&mut self, now: Now) {
        if now.mono >= self.due {
            self.due = now.mono + EVERY;
            self.beat(NodeSet(u64::MAX), false);
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        Some(self.due)
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        effects.append(&mut self.effects);
    }

    fn picture(&self) -> Picture {
        Picture {
            events: std::sync::Arc::default(),
            node: self.config.me,
            incarnation: self.incarnation,
            state: NodeState::Up,
            standings: BTreeMap::new(),
            view: None,
            quorum: QuorumState::Absent,
            ready: false,
            lock_owner: None,
            tag: PaxosTag::default(),
            applied: self.heard.len().into(),
            hive: Arc::default(),
            groups: BTreeMap::new(),
            running: BTreeMap::new(),
            disks: Vec::new(),
            tally: None,
            witness_held: false,
            networks: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            volumes: BTreeMap::new(),
            witness_hive: false,
        }
    }
}

fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

fn world(seed: u64) -> World<Beater> {
    let plan = Plan::new(&Shape::default().lab()).unwrap();
    World::new(plan, Options::new(seed))
}

fn seconds(count: u64) -> Timestamp {
    Timestamp::ZERO + Duration::from_secs(count)
}

fn said(world: &World<Beater>, from: usize, notice: &Notice) -> usize {
    world
        .log()
        .notices(from)
        .filter(|(_, _, it)| *it == notice)
        .count()
}

#[test]
fn equal_seeds_leave_equal_traces_and_others_do_not() {
    let run = |seed| {
        let mut world = world(seed);
        let fault = world.next_fault();
        world.run_to(seconds(5));
        world.make(fault, Fault::Machine(node(2), MachineFault::PowerOff));
        world.run_to(seconds(9));
        world.heal(fault);
        world.run_to(seconds(60));
        world.trace().hash()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn everybody_hears_everybody_and_reads_what_setup_installed() {
    let mut world = world(1);
    world.run_to(seconds(5));
    for seat in &world.seats {
        let service = seat.service.as_ref().unwrap();
        assert_eq!(service.heard.len(), 2, "{}", seat.id);
        assert!(!service.read.is_empty());
    }
    assert_eq!(world.live().len(), 3);
}

#[test]
fn a_quiet_world_costs_its_heartbeats_and_nothing_else() {
    let mut world = world(1);
    world.run_to(seconds(10));
    let (changes, deliveries) = (world.changes(), world.deliveries());
    world.run_to(seconds(110));
    assert_eq!(world.changes(), changes);
    // Three nodes ask two others once a second and are answered.
    assert_eq!(world.deliveries() - deliveries, 100 * 12);
}

#[test]
fn a_machine_without_power_is_silent_and_boots_into_a_new_life() {
    let mut world = world(1);
    world.run_to(seconds(5));
    world.power_off(node(1));
    assert_eq!(world.life(node(1)), Life::Off);
    assert_eq!(world.picture(node(1)), None);
    world.power_on(node(1));
    assert_eq!(world.life(node(1)), Life::Stopped);
    world.run_to(seconds(60));
    let incarnation = world.picture(node(1)).unwrap().incarnation;
    assert_eq!(incarnation, Incarnation(2));
}

#[test]
fn a_dead_process_is_started_again_after_its_time_and_a_stopped_one_is_not() {
    let mut world = world(1);
    world.run_to(seconds(5));
    world.kill_service(node(1));
    world.stop_service(node(2));
    world.run_to(seconds(64));
    assert_eq!(world.life(node(1)), Life::Stopped);
    world.run_to(seconds(66));
    assert_eq!(world.life(node(1)), Life::Running);
    world.run_to(seconds(600));
    assert_eq!(world.life(node(2)), Life::Stopped);
    world.start_service(node(2));
    world.run_to(seconds(601));
    assert_eq!(world.life(node(2)), Life::Running);
}

#[test]
fn a_service_that_is_started_while_it_stops_starts_when_it_has_stopped() {
    let mut world = world(1);
    world.run_to(seconds(5));
    world.stop_service(node(1));
    world.start_service(node(1));
    world.run_to(seconds(6));
    let incarnation = world.picture(node(1)).map(|picture| picture.incarnation);
    assert_eq!(incarnation, Some(Incarnation(2)));
}

#[test]
fn a_frozen_machine_goes_on_with_what_came_in_meanwhile() {
    let mut world = world(1);
    world.run_to(seconds(5));
    world.freeze(node(1));
    world.set_link(node(1), false);
    world.run_to(seconds(20));
    let before = world.log().entries().len();
    let down = Notice::InterfaceChanged {
        network: NetworkId(0),
        up: false,
    };
    assert_eq!(said(&world, 0, &down), 0);
    world.thaw(node(1));
    world.run_to(seconds(21));
    assert_eq!(said(&world, before, &down), 1);
}

#[test]
fn a_reboot_stops_the_service_in_order_and_starts_it_in_a_new_life() {
    let mut world = world(1);
    world.run_to(seconds(5));
    world.reboot(node(3));
    world.run_to(seconds(6));
    let ended = |entry: &crate::log::Entry| {
        entry.what
            == crate::log::What::World(WorldEvent::ServiceEnded(node(3), HaltReason::Stopped))
    };
    assert!(world.log().entries().iter().any(ended));
    world.run_to(seconds(40));
    assert_eq!(world.picture(node(3)).unwrap().incarnation, Incarnation(2));
}

#[test]
fn clocks_that_drift_still_wake_their_nodes() {
    let plan = Plan::new(&Shape::default().lab()).unwrap();
    let options = Options {
        drift_ppm_max: 200,
        shuffle_ties: true,
        ..Options::new(7)
    };
    let mut world = World::<Beater>::new(plan, options);
    world.run_to(seconds(1_000));
    let expected = 3 * 2 * 2 * 1_000;
    assert!(
        world.deliveries().abs_diff(expected) < 20,
        "{}",
        world.deliveries()
    );
}

impl World<Beater> {
    fn set_link(&mut self, node: NodeId, up: bool) {
        assert!(!up);
        let fault = self.next_fault();
        let rule = Rule::NicDown(node.into(), NetworkId(0));
        self.make(fault, Fault::Network(rule));
    }
}

use crate::log::WorldEvent;
