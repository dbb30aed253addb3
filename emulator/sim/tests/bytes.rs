//! A cluster whose frames travel as bytes, signed or encrypted, behaves as one whose frames are
//! values, and what is tampered with on the way does no harm.

use std::time::Duration;

use base::{NetworkId, NodeId, NodeSet, Notice, Now, Timestamp};
use middle::database::Value;
use node::{Effect, Event, Frame, Node, NodeConfig, Picture};
use plan::Plan;
use sim::net::Rule;
use sim::service::Service;
use sim::shape::{Shape, WitnessShape};
use sim::tap::Protection;
use sim::{AdminCommand, Fault, MachineFault, Options, World};

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

fn plan() -> Plan {
    let shape = Shape {
        networks: 2,
        witness: WitnessShape::Disk,
        unfenced_groups: 1,
        ..Shape::default()
    };
    Plan::new(&shape.lab()).expect("the outline can be planned")
}

fn run_for<S: Service>(world: &mut World<S>, seconds: u64) {
    let until = world.now() + Duration::from_secs(seconds);
    world.run_to(until);
}

/// A move, a lost node and a cut network, each with time to settle.
fn history(by_bytes: bool) -> World {
    let options = Options {
        by_bytes,
        ..Options::new(3)
    };
    let mut world: World = World::new(plan(), options);
    run_for(&mut world, 40);
    let group = base::GroupId(1);
    world.ask(node(1), AdminCommand::MoveGroup { group, to: None });
    run_for(&mut world, 40);
    let fault = world.next_fault();
    world.make(fault, Fault::Machine(node(2), MachineFault::PowerOff));
    run_for(&mut world, 60);
    let fault = world.next_fault();
    let rule = Rule::NetworkDown(NetworkId(1));
    world.make(fault, Fault::Network(rule));
    run_for(&mut world, 60);
    world
}

#[test]
fn frames_as_bytes_lead_to_the_same_trace_as_frames_as_values() {
    let (values, bytes) = (history(false), history(true));
    assert_eq!(values.jury().violations(), []);
    let lines = |world: &World| world.trace().lines().to_vec();
    assert_eq!(lines(&values), lines(&bytes));
    let notices = |world: &World| {
        let notices = world.log().notices(0);
        notices
            .map(|(at, node, it)| (at, node, it.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(notices(&values), notices(&bytes));
}

fn recorded(level: u32) -> World {
    let mut plan = plan();
    plan.hive.set("", "SecurityLevel", Value::Dword(level));
    let options = Options {
        record_frames: true,
        ..Options::new(1)
    };
    let mut world: World = World::new(plan, options);
    run_for(&mut world, 40);
    assert_eq!(world.live().len(), 3);
    assert!(
        world
            .frames()
            .iter()
            .any(|frame| frame.service == "request")
    );
    world
}

#[test]
fn security_level_decides_how_every_word_between_members_travels() {
    for (level, protection) in [
        (0, Protection::Open),
        (1, Protection::Signed),
        (2, Protection::Encrypted),
    ] {
        let world = recorded(level);
        let making = |service| matches!(service, "host" | "security");
        let frames = world.frames().iter();
        let words: Vec<_> = frames.filter(|it| !making(it.service)).collect();
        assert!(words.iter().all(|it| it.protection == Some(protection)));
        let named = words.iter().filter(|it| it.is_named).count();
        // A short name may be found in encrypted bytes by chance.
        let expected = if level < 2 {
            words.len()..=words.len()
        } else {
            0..=words.len() / 2
        };
        assert!(
            expected.contains(&named),
            "{named} of {} name their sender",
            words.len()
        );
    }
}

/// A node that a bad network stands before: it changes a byte in some of what arrives, and repeats
/// some.
#[derive(Debug)]
struct Tampered {
    node: Node,
    arrived: u64,
    before: Option<Vec<u8>>,
}

impl Service for Tampered {
    const HAS_BYTES: bool = true;

    fn boot(
        config: NodeConfig,
        incarnation: base::Incarnation,
        entropy: [u8; 32],
        now: Now,
    ) -> Self {
        Self {
            node: Node::boot(config, incarnation, entropy, now),
            arrived: 0,
            before: None,
        }
    }

    fn handle(&mut self, now: Now, event: Event) {
        self.node.handle(now, event);
    }

    fn advance(&mut self, now: Now) {
        self.node.advance(now);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.node.deadline()
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.node.swap_effects(effects);
    }

    fn picture(&self) -> Picture {
        self.node.picture()
    }

    fn seal(&mut self, to: NodeId, frame: &Frame) -> Option<Vec<u8>> {
        self.node.seal(to, frame)
    }

    fn unseal(&mut self, network: NetworkId, bytes: &[u8]) -> Option<Event> {
        self.arrived += 1;
        if self.arrived.is_multiple_of(7) {
            let mut changed = bytes.to_vec();
            let at = usize::try_from(self.arrived).unwrap_or(0) % changed.len();
            changed[at] ^= 0x40;
            return self.node.unseal(network, &changed);
        }
        if self.arrived.is_multiple_of(5)
            && let Some(before) = self.before.take()
        {
            let again = self.node.unseal(network, &before);
            let is_heartbeat =
                matches!(&again, Some(Event::Frame { frame, .. }) if frame.is_open());
            assert!(
                again.is_none() || is_heartbeat,
                "a repetition was taken for new"
            );
        }
        self.before = Some(bytes.to_vec());
        self.node.unseal(network, bytes)
    }
}

#[test]
fn a_network_that_tampers_and_repeats_costs_time_and_nothing_else() {
    let mut world: World<Tampered> = World::new(plan(), Options::new(1));
    run_for(&mut world, 60);
    let group = base::GroupId(1);
    let to = node(2);
    let command = AdminCommand::MoveGroup {
        group,
        to: Some(to),
    };
    world.ask(node(1), command);
    run_for(&mut world, 60);
    assert_eq!(world.jury().violations(), []);
    let all: NodeSet = world.plan().all();
    for node in all.iter() {
        let picture = world.picture(node).expect("it runs");
        assert_eq!(picture.view.map(|(_, members)| members), Some(all));
        assert_eq!(picture.groups[&group].owner, to);
    }
    let counted =
        |notice: &Notice| matches!(notice, Notice::FramesRefused { total } if *total >= 64);
    let told = world.log().notices(0);
    let told = told.filter(|(_, _, notice)| counted(notice));
    assert!(told.count() >= 3, "every node counts what it dropped");
}
