//! A stage for made-up histories: shows a checker what a broken world would show it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{
    Incarnation, NodeId, NodeSet, NodeState, Notice, PaxosTag, QuorumState, RequestId, ResourceId,
    Rng, Timestamp, ViewId,
};
use middle::database::Hive;
use node::Picture;
use plan::Plan;
use top::api::{AdminCommand, AdminReply};
use top::rcm::{NameSettings, ResourceParameters};

use super::{Change, Checker, Ended, Scene};
use crate::hosts::{Clocks, Outside};
use crate::net::{Networks, Segment};
use crate::shape::Shape;
use crate::world::Asked;

pub(super) fn node(number: u8) -> NodeId {
    NodeId::new(number).unwrap()
}

pub(super) fn set(numbers: &[u8]) -> NodeSet {
    numbers.iter().map(|number| node(*number)).collect()
}

pub(super) fn tag(epoch: u64, sequence: u64) -> PaxosTag {
    PaxosTag {
        next_epoch: epoch,
        last_epoch: epoch,
        sequence,
    }
}

fn view(epoch: u64) -> ViewId {
    ViewId {
        epoch,
        coordinator: node(1),
        incarnation: Incarnation(1),
    }
}

pub(super) fn installed(epoch: u64, members: &[u8]) -> Notice {
    Notice::ViewInstalled {
        view: view(epoch),
        members: set(members),
    }
}

pub(super) fn counted(have: u32, needed: u32, total: u32, held: bool) -> Notice {
    Notice::QuorumCounted {
        have,
        needed,
        total,
        held,
    }
}

/// An active member of a quorate view.
pub(super) fn active(by: u8, epoch: u64, members: &[u8]) -> Picture {
    Picture {
        events: std::sync::Arc::default(),
        node: node(by),
        incarnation: Incarnation(1),
        state: NodeState::Up,
        standings: BTreeMap::new(),
        view: Some((view(epoch), set(members))),
        quorum: QuorumState::Held,
        ready: true,
        lock_owner: None,
        tag: PaxosTag::default(),
        applied: 0,
        hive: Arc::new(Hive::default()),
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

/// The resource of this name in the first group of the stage's plan.
pub(super) fn resource(name: &str) -> ResourceId {
    plan().names.resource("g1", name).unwrap()
}

fn plan() -> Plan {
    Plan::new(&Shape::default().lab()).unwrap()
}

/// Shows one checker a history.
#[derive(Debug)]
pub(super) struct Stage<C> {
    checker: C,
    verdict: Result<(), String>,
    plan: Plan,
    now: Timestamp,
    pictures: Vec<Option<Picture>>,
    outside: Outside,
    networks: Networks,
    asked: BTreeMap<RequestId, Asked>,
    frozen: NodeSet,
    pub(super) queued: usize,
}

impl<C: Checker> Stage<C> {
    pub(super) fn new(checker: C) -> Self {
        let segment = Segment {
            attached: NodeSet::EMPTY.into(),
            delay: Duration::ZERO,
        };
        Self {
            checker,
            verdict: Ok(()),
            plan: plan(),
            now: Timestamp::ZERO,
            pictures: vec![None, None, None],
            outside: Outside::default(),
            networks: Networks::new(vec![segment], Rng::new(1, 0)),
            asked: BTreeMap::new(),
            frozen: NodeSet::EMPTY,
            queued: 0,
        }
    }

    pub(super) fn verdict(&self) -> Result<(), &String> {
        self.verdict.as_ref().copied()
    }

    pub(super) fn sees(&mut self, change: &Change<'_>) {
        let scene = Scene {
            now: self.now,
            plan: &self.plan,
            pictures: &self.pictures,
            outside: &self.outside,
            asked: &self.asked,
            running: set(&[1, 2, 3]),
            frozen: self.frozen,
            queued: self.queued,
        };
        let seen = self.checker.see(&scene, change);
        if self.verdict.is_ok() {
            self.verdict = seen;
        }
    }

    pub(super) fn passes(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    pub(super) fn says(&mut self, by: u8, notice: Notice) {
        self.sees(&Change::Notice {
            node: node(by),
            notice: &notice,
        });
    }

    pub(super) fn shows(&mut self, picture: Picture) {
        self.sees(&Change::Picture(&picture));
        let place = picture.node.index();
        self.pictures[place] = Some(picture);
    }

    /// The node shows this already.
    pub(super) fn has(&mut self, picture: Picture) {
        let place = picture.node.index();
        self.pictures[place] = Some(picture);
    }

    pub(super) fn starts(&mut self, which: u8, incarnation: u64) {
        self.sees(&Change::Started {
            node: node(which),
            incarnation: Incarnation(incarnation),
        });
    }

    pub(super) fn ends(&mut self, which: u8) {
        self.pictures[node(which).index()] = None;
        self.sees(&Change::Ended {
            node: node(which),
            why: Ended::Killed,
        });
    }

    pub(super) fn freezes(&mut self, which: u8) {
        self.frozen.insert(node(which));
        self.sees(&Change::Frozen { node: node(which) });
    }

    pub(super) fn thaws(&mut self, which: u8) {
        self.frozen.remove(node(which));
        self.sees(&Change::Thawed { node: node(which) });
    }

    pub(super) fn runs(&mut self, on: u8, number: u16, runs: bool) {
        let program = ResourceParameters::GenericApplication {
            command_line: String::new(),
            current_directory: String::new(),
        };
        if runs {
            self.takes(on, number, &program);
        } else {
            self.outside.release(node(on), ResourceId(number), &program);
            self.show_runs();
        }
    }

    pub(super) fn takes_address(&mut self, on: u8, number: u16, address: &str) {
        let parameters = ResourceParameters::IpAddress {
            network: base::NetworkId(9),
            address: address.to_owned(),
        };
        // Without a link nobody detects the duplicate, which is what the checker is for.
        self.outside
            .force(node(on), ResourceId(number), &parameters);
        self.show_runs();
    }

    pub(super) fn takes_name(&mut self, on: u8, number: u16, name: &str) {
        let parameters = ResourceParameters::NetworkName {
            name: name.to_owned(),
            addresses: Vec::new(),
            settings: NameSettings::default(),
        };
        self.takes(on, number, &parameters);
    }

    pub(super) fn asks(&mut self, on: u8, command: AdminCommand, reply: AdminReply) {
        let request = RequestId(self.asked.len() as u64 + 1);
        let asked = Asked {
            at: self.now,
            node: node(on),
            command,
            reply: None,
        };
        self.asked.insert(request, asked);
        self.sees(&Change::Replied {
            node: node(on),
            request,
            reply: &reply,
        });
    }

    fn takes(&mut self, on: u8, number: u16, parameters: &ResourceParameters) {
        let (networks, awake) = (&self.networks, NodeSet::EMPTY);
        let outside = &mut self.outside;
        let (id, clocks) = (ResourceId(number), Clocks::right(Timestamp::ZERO));
        let taken = outside.acquire(node(on), id, parameters, networks, awake, clocks);
        assert_eq!(taken, Ok(()));
        self.show_runs();
    }

    fn show_runs(&mut self) {
        for run in self.outside.take_changes() {
            self.sees(&Change::Runs(run));
        }
    }
}
