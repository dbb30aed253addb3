//! The node as a value: events in, effects out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use base::limits::NODES_MAX;
use base::{
    DiskId, HaltReason, Incarnation, Manager, NodeId, NodeStanding, NodeState, Notice, Now, Outbox,
    PaxosTag, QuorumState, Rng, Timestamp,
};
use bottom::clusdisk::Clusdisk;
use bottom::csvfs::Csvfs;
use bottom::netft::Netft;
use bottom::partmgr::Partmgr;
use bottom::security::Security;
use bottom::share::Share;
use bottom::txlog::Txlog;
use middle::database::Database;
use middle::gum::Gum;
use middle::host::Host;
use middle::membership::{Membership, Synchronised};
use middle::messaging::Messaging;
use middle::object::Objects;
use middle::quorum::Quorum;
use middle::resilience::Resilience;
use middle::settings::Settings;
use middle::topology::Topology;
use top::checkpoint::Checkpoints;
use top::eventlog::EventLog;
use top::rcm::Rcm;

use crate::route::Hop;
use crate::{Effect, Event, Frame, GroupPicture, NodeConfig, Payload, Picture};

/// A manager together with its reusable outbox.
#[derive(Debug)]
pub(crate) struct Slot<M: Manager> {
    pub(crate) manager: M,
    pub(crate) out: Outbox<M::Output>,
}

impl<M: Manager> Slot<M> {
    fn new(manager: M) -> Self {
        Self {
            manager,
            out: Outbox::default(),
        }
    }
}

/// One cluster node.
#[derive(Debug)]
pub struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) now: Now,
    pub(crate) rng: Rng,
    pub(crate) bottom: bottom::Facts,
    pub(crate) middle: middle::Facts,
    pub(crate) top: top::Facts,
    pub(crate) netft: Slot<Netft>,
    pub(crate) security: Slot<Security>,
    pub(crate) host: Slot<Host>,
    pub(crate) clusdisk: Slot<Clusdisk>,
    pub(crate) partmgr: Slot<Partmgr>,
    pub(crate) csvfs: Slot<Csvfs>,
    pub(crate) share: Slot<Share>,
    pub(crate) txlog: Slot<Txlog>,
    pub(crate) membership: Slot<Membership>,
    pub(crate) messaging: Slot<Messaging<Payload>>,
    pub(crate) gum: Slot<Gum>,
    pub(crate) database: Slot<Database>,
    pub(crate) object: Slot<Objects>,
    pub(crate) quorum: Slot<Quorum>,
    pub(crate) resilience: Slot<Resilience>,
    pub(crate) topology: Slot<Topology>,
    pub(crate) rcm: Slot<Rcm>,
    pub(crate) checkpoint: Slot<Checkpoints>,
    pub(crate) eventlog: Slot<EventLog>,
    pub(crate) hops: VecDeque<Hop>,
    pub(crate) effects: Vec<Effect>,
    deadline: Option<Timestamp>,
    halted: Option<HaltReason>,
}

impl Node {
    /// Starts the cluster service in a new life. `entropy` seeds everything random in it.
    #[must_use]
    pub fn boot(config: NodeConfig, incarnation: Incarnation, entropy: [u8; 32], now: Now) -> Self {
        let me = config.me;
        let mut node = Self {
            now,
            rng: Rng::from_entropy(entropy),
            bottom: bottom::Facts::default(),
            middle: blank_facts(&config, incarnation),
            top: top::Facts::default(),
            netft: Slot::new(Netft::default()),
            security: Slot::new(Security::new(entropy)),
            host: Slot::new(Host::default()),
            clusdisk: Slot::new(Clusdisk::new(me, incarnation)),
            partmgr: Slot::new(Partmgr::default()),
            csvfs: Slot::new(Csvfs::default()),
            share: Slot::new(Share::new(config.defaults.share_arbitration_delay)),
            txlog: Slot::new(Txlog::default()),
            membership: Slot::new(Membership::default()),
            messaging: Slot::new(Messaging::default()),
            gum: Slot::new(Gum::default()),
            database: Slot::new(Database::default()),
            object: Slot::new(Objects::default()),
            quorum: Slot::new(Quorum::default()),
            resilience: Slot::new(Resilience::default()),
            topology: Slot::new(Topology::new(&config.interfaces)),
            rcm: Slot::new(Rcm::new(config.defaults.clone())),
            checkpoint: Slot::new(Checkpoints::default()),
            eventlog: Slot::new(EventLog::default()),
            hops: VecDeque::new(),
            effects: Vec::new(),
            deadline: None,
            halted: None,
            config,
        };
        node.rcm.manager.set_trace_polls(node.config.trace_polls);
        node.notice(Notice::ServiceStarted { incarnation });
        node.start();
        node.settle();
        node
    }

    /// Takes in one event.
    pub fn handle(&mut self, now: Now, event: Event) {
        if self.halted.is_some() {
            return;
        }
        self.now = now;
        if let Event::Frame {
            network,
            from,
            frame: Frame::Heartbeat(heartbeat),
        } = event
        {
            // Nearly all events are heartbeats, and nearly none of them changes anything.
            self.heartbeat(network, from, heartbeat);
            if self.hops.is_empty() {
                return;
            }
        } else {
            self.take(event);
        }
        self.settle();
    }

    /// Runs everything that is due at `now`; calling it early or twice does nothing.
    pub fn advance(&mut self, now: Now) {
        if self.halted.is_some() {
            return;
        }
        self.now = now;
        if self.deadline.is_some_and(|at| at <= now.mono) {
            self.expire();
            self.settle();
        }
    }

    /// When `advance` should next be called. Ask again after every `handle` and `advance`.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Everything that the node wants done, oldest first. Drain it after every call.
    pub fn effects(&mut self) -> impl Iterator<Item = Effect> + '_ {
        self.effects.drain(..)
    }

    /// As [`Self::effects`], all at once and without moving each: `into` gets what there is and
    /// gives its room for what comes next.
    pub fn swap_effects(&mut self, into: &mut Vec<Effect>) {
        if into.is_empty() {
            std::mem::swap(into, &mut self.effects);
        } else {
            into.append(&mut self.effects);
        }
    }

    /// Why the service ended, if it has.
    #[must_use]
    pub fn halted(&self) -> Option<HaltReason> {
        self.halted
    }

    /// The node's state as plain data.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let facts = &self.middle;
        let owners = facts.objects.groups.iter();
        let topology = middle::topology::states(facts);
        Picture {
            node: facts.me,
            incarnation: facts.incarnation,
            state: self.state(),
            standings: self.standings(),
            view: facts.view.as_ref().map(|view| (view.id, view.members)),
            quorum: facts.quorum,
            tally: self.quorum.manager.tally(),
            ready: facts.ready,
            lock_owner: facts.lock_owner,
            tag: facts.tag,
            applied: facts.applied,
            hive: Arc::clone(&facts.hive),
            groups: owners
                .map(|(id, row)| (*id, GroupPicture { owner: row.owner }))
                .collect(),
            running: self.top.running.clone(),
            events: Arc::clone(&self.top.events),
            disks: self.held_disks(),
            networks: topology.networks,
            interfaces: topology.interfaces,
            volumes: self.bottom.volumes.clone(),
            witness_held: self.share.manager.is_held() || self.holds_witness_disk(),
            witness_hive: self.database.manager.has_witness_hive(),
        }
    }

    fn held_disks(&self) -> Vec<DiskId> {
        self.clusdisk.manager.held().collect()
    }

    fn holds_witness_disk(&self) -> bool {
        let witness = self.witness_disk();
        witness.is_some_and(|disk| self.clusdisk.manager.held().any(|held| held == disk))
    }

    fn state(&self) -> NodeState {
        if !self.membership.manager.is_active() {
            NodeState::Joining
        } else if self.middle.objects.paused.contains(self.middle.me) {
            NodeState::Paused
        } else {
            NodeState::Up
        }
    }

    fn standings(&self) -> BTreeMap<NodeId, NodeStanding> {
        let mut standings = self.middle.objects.standings.clone();
        if self.membership.manager.is_quarantined() {
            standings.insert(self.middle.me, NodeStanding::Quarantined);
        }
        standings
    }

    /// Says something; what has an event number goes into the event log as well.
    pub(crate) fn notice(&mut self, notice: Notice) {
        if notice.event_id().is_some() {
            let input = top::eventlog::Input::Noticed(notice.clone());
            crate::route::top!(self, eventlog, handle, input);
        }
        self.effects.push(Effect::Notice(notice));
    }

    /// Ends the service: nothing is done after this.
    pub(crate) fn halt(&mut self, reason: HaltReason) {
        if self.halted.is_none() {
            self.halted = Some(reason);
            self.notice(Notice::Halted { reason });
            self.hops.clear();
            self.effects.push(Effect::Halt(reason));
        }
    }

    /// Routes until nobody has anything to say, then finds the next deadline.
    fn settle(&mut self) {
        self.route();
        self.deadline = if self.halted.is_some() {
            None
        } else {
            self.earliest()
        };
    }

    fn earliest(&self) -> Option<Timestamp> {
        [
            self.netft.manager.deadline(),
            self.host.manager.deadline(),
            self.clusdisk.manager.deadline(),
            self.partmgr.manager.deadline(),
            self.csvfs.manager.deadline(),
            self.share.manager.deadline(),
            self.txlog.manager.deadline(),
            self.membership.manager.deadline(),
            self.messaging.manager.deadline(),
            self.gum.manager.deadline(),
            self.database.manager.deadline(),
            self.object.manager.deadline(),
            self.quorum.manager.deadline(),
            self.resilience.manager.deadline(),
            self.topology.manager.deadline(),
            self.rcm.manager.deadline(),
            self.checkpoint.manager.deadline(),
            self.eventlog.manager.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn expire(&mut self) {
        let due = |at: Option<Timestamp>, now: Now| at.is_some_and(|at| at <= now.mono);
        macro_rules! run {
            ($($slot:ident by $tell:ident),*) => {$(
                if due(self.$slot.manager.deadline(), self.now) {
                    crate::route::$tell!(self, $slot, expire);
                }
            )*};
        }
        run!(
            netft by bottom, host by middle, clusdisk by bottom, partmgr by bottom,
            csvfs by bottom, share by bottom, txlog by bottom,
            membership by middle, messaging by middle, gum by middle, database by middle,
            object by middle, quorum by middle, resilience by middle, topology by middle,
            rcm by top, checkpoint by top, eventlog by top
        );
    }
}

fn blank_facts(config: &NodeConfig, incarnation: Incarnation) -> middle::Facts {
    middle::Facts {
        me: config.me,
        incarnation,
        start: config.start,
        view: None,
        active: false,
        quorum: QuorumState::Absent,
        ready: false,
        lock_owner: None,
        hive: Arc::default(),
        tag: PaxosTag::default(),
        applied: 0,
        prepared: None,
        synchronised: Synchronised::default(),
        settings: Arc::new(Settings::blank(config.generation)),
        objects: Arc::default(),
        last_seen: [Timestamp::ZERO; NODES_MAX],
        isolated: BTreeMap::new(),
        view_at: Timestamp::ZERO,
    }
}
