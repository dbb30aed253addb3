//! The world: everything around the nodes, driven by one queue.
//!
//! The loop takes the earliest entry, gives it to whom it is for, takes the effects out and puts
//! their consequences into the queue. Time jumps from entry to entry. A step that changes what a
//! checker or a person could see is followed by the observers; datagrams of heartbeats are not.

mod build;
mod faults;
mod hosting;
mod machines;
mod observe;
mod perform;
mod seat;
mod step;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{HostId, IoId, NetworkId, NodeId, NodeSet, RequestId, Rng, Timestamp};
use bottom::share::ShareRequest;
use bottom::txlog::FileName;
use node::{Effect, Event, Frame, Node, Picture};
use plan::Plan;
use top::api::{AdminCommand, AdminReply};
use top::rcm::HostCommand;

use crate::checkers::Jury;
use crate::hosts::{Later, Outside, Scripts};
use crate::log::{Log, WorldEvent};
use crate::net::{Arrival, Networks};
use crate::queue::Queue;
use crate::service::Service;
use crate::share::Share;
use crate::storage::Storage;
use crate::tap::Tap;
use crate::trace::Trace;

pub use build::{Options, routers, volume_of};
pub use faults::{Fault, MachineFault};
pub use seat::Life;
pub use step::Stop;

use seat::Seat;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A datagram arrives.
    Frames {
        network: NetworkId,
        from: NodeId,
        to: NodeSet,
        frame: Frame,
    },
    /// A datagram arrives as bytes.
    Bytes {
        network: NetworkId,
        to: NodeId,
        bytes: Box<[u8]>,
    },
    /// The wake-up of a node.
    Wake { node: NodeId, generation: u32 },
    /// Something for one life of a node.
    Node {
        node: NodeId,
        life: u32,
        what: Box<ForNode>,
    },
    /// A SCSI command arrives at its array; without one, a reset of the unit.
    Scsi {
        node: NodeId,
        life: u32,
        io: IoId,
        disk: base::DiskId,
        command: Option<Box<scsi::Command>>,
    },
    /// A request arrives at the witness share's server.
    Share {
        node: NodeId,
        life: u32,
        io: IoId,
        request: ShareRequest,
    },
    /// The service control manager, or whoever gave the order, starts the cluster service.
    Start { node: NodeId, order: u32 },
    /// A machine that was asked to shut down has had enough time.
    ForceOff { node: NodeId, order: u32 },
    /// A cluster service that hangs has hung for as long as it may.
    HungTooLong { node: NodeId, life: u32 },
}

/// Something for one life of a node.
#[derive(Debug)]
pub(crate) enum ForNode {
    /// An event as it is.
    Event(Event),
    /// The link of an adapter may have changed; what counts is how it is when the node hears it.
    Link { network: NetworkId },
    /// An operation on the node's own disk completes.
    Disk { io: IoId, file: FileName },
    /// A command reaches a resource host.
    Host { host: HostId, command: HostCommand },
    /// A resource host goes on with something.
    Later { host: HostId, later: Later },
}

/// An administrator's request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When it was made.
    pub at: Timestamp,
    /// Where.
    pub node: NodeId,
    /// What.
    pub command: AdminCommand,
    /// The answer, if one has come.
    pub reply: Option<AdminReply>,
}

/// The world.
#[derive(Debug)]
pub struct World<S: Service = Node> {
    plan: Plan,
    now: Timestamp,
    queue: Queue<Happening>,
    seats: Vec<Seat<S>>,
    networks: Networks,
    storage: Storage,
    /// The file on each cluster shared volume that nodes write in place, and the length of a block
    /// of its disk; all else on the disk is its file system.
    shared_files: BTreeMap<base::DiskId, (volume::SharedFile, u32)>,
    share: Option<Share>,
    outside: Outside,
    scripts: Scripts,
    hosts_rng: Rng,
    faults_made: u64,
    machine_faults: Vec<(crate::FaultId, MachineFault, NodeId)>,
    /// Faults of disks and shares that end when their resource is started again.
    repaired_by_restart: Vec<(crate::FaultId, base::ResourceId)>,
    asked: BTreeMap<RequestId, Asked>,
    /// Who holds each disk and the witness share, as last seen.
    holders: BTreeMap<base::DiskId, Option<NodeId>>,
    share_holder: Option<NodeId>,
    /// What each running node last showed.
    pictures: Vec<Option<Picture>>,
    /// Nodes whose picture has to be taken.
    touched: NodeSet,
    /// Counts everything that could be seen.
    changes: u64,
    deliveries: u64,
    trace_polls: bool,
    /// Whether datagrams travel as bytes.
    by_bytes: bool,
    /// Frames as they were sent, if they are recorded.
    tap: Option<Tap>,
    jury: Jury,
    /// When the checkers look even if nothing has changed.
    review_at: Timestamp,
    trace: Trace,
    log: Log,
    effects: Vec<Effect>,
    arrivals: Vec<Arrival>,
}

impl<S: Service> World<S> {
    /// The plan that the world was built from.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Virtual time since the world began.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What runs on a member's machine.
    #[must_use]
    pub fn life(&self, node: NodeId) -> Life {
        self.seats.get(node.index()).map_or(Life::Off, Seat::life)
    }

    /// Members whose cluster service runs on a machine that is not frozen.
    #[must_use]
    pub fn live(&self) -> NodeSet {
        self.seats
            .iter()
            .filter(|seat| seat.life() == Life::Running)
            .map(|seat| seat.id)
            .collect()
    }

    /// What a node last showed; nothing while its service does not run.
    #[must_use]
    pub fn picture(&self, node: NodeId) -> Option<&Picture> {
        self.pictures.get(node.index())?.as_ref()
    }

    /// The networks.
    #[must_use]
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// The shared disks.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The witness share, if the lab has one.
    #[must_use]
    pub fn share(&self) -> Option<&Share> {
        self.share.as_ref()
    }

    /// What resources have put into the world.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Whether what a resource stands for is broken where it runs on a node.
    #[must_use]
    pub fn is_broken(&self, node: NodeId, resource: base::ResourceId) -> bool {
        self.seats
            .get(node.index())
            .is_some_and(|seat| seat.hosts.is_broken(resource, &self.scripts))
    }

    /// The content of a file on a node's own disk.
    #[must_use]
    pub fn file(&self, node: NodeId, name: FileName) -> Vec<u8> {
        self.seats
            .get(node.index())
            .map(|seat| seat.disk.content(name))
            .unwrap_or_default()
    }

    /// Everything that nodes and the world have said.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The trace so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Frames as they were sent; empty unless they are recorded.
    #[must_use]
    pub fn frames(&self) -> &[crate::tap::FrameSeen] {
        self.tap.as_ref().map_or(&[], |tap| tap.frames())
    }

    /// What the checkers have found.
    #[must_use]
    pub fn jury(&self) -> &Jury {
        &self.jury
    }

    /// Lets only those checkers judge that `keep` says yes to.
    pub fn keep_checkers(&mut self, keep: impl Fn(&str) -> bool) {
        self.jury.keep(keep);
    }

    /// Grows with everything that could be seen from outside.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How many datagrams have arrived.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// An administrator asks a node. Without a live service there, no answer ever comes.
    pub fn ask(&mut self, node: NodeId, command: AdminCommand) -> RequestId {
        let request = RequestId(self.asked.len() as u64 + 1);
        self.world_event(WorldEvent::Asked(node, command.clone()));
        let asked = Asked {
            at: self.now,
            node,
            command: command.clone(),
            reply: None,
        };
        self.asked.insert(request, asked);
        let event = Event::Admin { request, command };
        self.send_to_node(node, ADMIN_DELAY, ForNode::Event(event));
        request
    }

    /// An administrator's request and what became of it.
    #[must_use]
    pub fn asked(&self, request: RequestId) -> Option<&Asked> {
        self.asked.get(&request)
    }
}

const ADMIN_DELAY: Duration = Duration::from_millis(1);
