//! A small world around several managers: gum echoes proposals back, hosts follow a script, disks
//! have one holder. Virtual time; nothing random but what a test draws.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::limits::NODES_MAX;
use base::{
    DiskId, Generation, GroupId, HostId, Incarnation, Manager, NetworkId, NodeId, NodeSet, Notice,
    Now, Outbox, PaxosTag, QuorumState, RequestId, ResourceId, ResourceState, Rng, Timestamp,
    WallTime,
};
use bottom::{clusdisk, csvfs, share};
use middle::database::{Change, Update};
use middle::gum::{Failure, Ticket};
use middle::membership::{Synchronised, UpdateKey, View};
use middle::object::ObjectTable;
use middle::settings::{NetworkRole, NetworkSettings, NodeSettings, Settings};

mod build;
mod look;
mod membership;
mod script;
mod shell;

pub(crate) use build::Build;
pub(crate) use script::{Answer, Script, Work};

use super::checker::Checker;
use crate::api::{AdminCommand, AdminReply};
use crate::rcm::model::Model;
use crate::rcm::{HostReport, Input, Output, Rcm, ResourceParameters};

enum Event {
    Input(NodeId, Input),
    /// Unless the host process was replaced meanwhile.
    Host(NodeId, HostId, u64, HostReport),
    Commit(NodeId, Ticket, Vec<Change>, u64),
    Disk(NodeId, DiskId, clusdisk::Report),
}

struct Live {
    rcm: Rcm,
    rng: Rng,
    facts: middle::Facts,
    bottom: bottom::Facts,
    /// Life of each host process.
    hosts: BTreeMap<HostId, u64>,
    running: BTreeMap<ResourceId, ResourceState>,
    stopped: bool,
}

pub(crate) struct World {
    pub(crate) model: Model,
    pub(crate) generation: Generation,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<(Timestamp, NodeId, Notice)>,
    /// Calls of entry points, as text.
    pub(crate) calls: Vec<(Timestamp, NodeId, HostId, ResourceId, &'static str)>,
    pub(crate) specs: Vec<ResourceParameters>,
    /// Checkpoints that were asked for.
    pub(crate) restores: Vec<(Timestamp, ResourceId)>,
    pub(crate) proposals: Vec<Vec<Change>>,
    pub(crate) replies: Vec<(NodeId, RequestId, AdminReply)>,
    pub(crate) scripts: BTreeMap<ResourceId, Script>,
    /// Scripts that hold on one node only.
    pub(crate) local: BTreeMap<(NodeId, ResourceId), Script>,
    /// What csvfs was told.
    pub(crate) roles: Vec<(NodeId, BTreeMap<DiskId, csvfs::Role>)>,
    /// On this node there is no room for the first resource while the second one runs.
    pub(crate) crowded: Option<(ResourceId, NodeId, ResourceId)>,
    pub(crate) disk_requests: Vec<(NodeId, clusdisk::Request)>,
    pub(crate) disk_ok: bool,
    pub(crate) arbitration_fails: bool,
    pub(crate) gum_fails: Option<Failure>,
    pub(crate) checks: bool,
    hive: Arc<middle::database::Hive>,
    pub(crate) objects: ObjectTable,
    settings: Arc<Settings>,
    view: Option<Arc<View>>,
    open: bool,
    epoch: u64,
    updates: u64,
    queue: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
    lives: BTreeMap<NodeId, Live>,
    holders: BTreeMap<DiskId, NodeId>,
    checker: Checker,
    host_lives: u64,
}

/// The network that all nodes are on.
fn lan() -> NetworkSettings {
    let role = NetworkRole::ClusterAndClient;
    NetworkSettings {
        name: "lan".into(),
        subnet: "10.0.0.0/24".into(),
        role,
        metric: role.automatic_metric(NetworkId(0)),
        auto_metric: true,
    }
}

pub(crate) fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("1 to 64")
}

pub(crate) fn nodes(numbers: &[u8]) -> NodeSet {
    numbers.iter().copied().map(node).collect()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl World {
    /// A world of `count` nodes that have not met.
    pub(crate) fn new(generation: Generation, count: u8, build: Build) -> Self {
        let mut hive = middle::database::Hive::default();
        let mut settings = Settings::blank(generation);
        for number in 1..=count {
            let configured = NodeSettings {
                name: format!("n{number}"),
                weight: 1,
                dynamic_weight: 1,
                site: String::new(),
                interfaces: BTreeMap::from([(NetworkId(0), format!("10.0.0.{number}"))]),
            };
            settings.nodes.insert(node(number), configured);
        }
        settings.networks.insert(NetworkId(0), lan());
        settings.write(&mut hive);
        build.model.write(&mut hive);
        let mut world = Self {
            model: build.model,
            generation,
            now: Timestamp::ZERO + seconds(1),
            log: Vec::new(),
            calls: Vec::new(),
            specs: Vec::new(),
            restores: Vec::new(),
            proposals: Vec::new(),
            replies: Vec::new(),
            scripts: BTreeMap::new(),
            local: BTreeMap::new(),
            roles: Vec::new(),
            crowded: None,
            disk_requests: Vec::new(),
            disk_ok: true,
            arbitration_fails: false,
            gum_fails: None,
            checks: true,
            hive: Arc::new(hive),
            objects: ObjectTable::default(),
            settings: Arc::new(settings),
            view: None,
            open: false,
            epoch: 0,
            updates: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            lives: BTreeMap::new(),
            holders: BTreeMap::new(),
            checker: Checker::default(),
            host_lives: 0,
        };
        (1..=count).for_each(|number| world.boot(number));
        world
    }

    /// The usual world: 2022, everybody forms the cluster and settles.
    pub(crate) fn formed(count: u8, build: Build) -> Self {
        let mut world = Self::new(Generation::V2022, count, build);
        let all: Vec<u8> = (1..=count).collect();
        world.install(&all, true);
        world.run(seconds(2));
        world
    }

    /// Disk 1 is the witness, and the core group has a resource for it.
    pub(crate) fn with_witness(count: u8) -> (Self, ResourceId) {
        let mut build = Build::new(Generation::V2022);
        let witness = build.disk(GroupId(0), 1);
        let mut world = Self::new(Generation::V2022, count, build);
        Arc::make_mut(&mut world.settings).witness = middle::settings::Witness::Disk(DiskId(1));
        let all: Vec<u8> = (1..=count).collect();
        world.install(&all, true);
        world.run(seconds(2));
        (world, witness)
    }

    pub(crate) fn holder(&self, disk: u16) -> Option<u8> {
        self.holders.get(&DiskId(disk)).map(|node| node.number())
    }

    pub(crate) fn boot(&mut self, number: u8) {
        let me = node(number);
        let facts = middle::Facts {
            me,
            active: true,
            start: base::StartMode::Normal,
            incarnation: Incarnation(1),
            view: None,
            quorum: QuorumState::Held,
            ready: true,
            lock_owner: None,
            hive: Arc::clone(&self.hive),
            tag: PaxosTag::default(),
            applied: 0,
            prepared: None,
            synchronised: Synchronised::default(),
            settings: Arc::clone(&self.settings),
            objects: Arc::default(),
            last_seen: [Timestamp::ZERO; NODES_MAX],
            isolated: BTreeMap::new(),
            view_at: self.now,
        };
        let live = Live {
            rcm: Rcm::new(self.generation.defaults()),
            rng: Rng::new(7, number.into()),
            facts,
            bottom: bottom::Facts::default(),
            hosts: BTreeMap::new(),
            running: BTreeMap::new(),
            stopped: false,
        };
        self.lives.insert(me, live);
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), event);
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let queued = self.queue.keys().next().map(|(at, _)| *at);
            let due = self
                .lives
                .iter()
                .filter_map(|(me, live)| Some((live.rcm.deadline()?, *me)))
                .min();
            match (queued, due) {
                (Some(at), due) if at <= end && due.is_none_or(|(when, _)| at <= when) => {
                    self.now = self.now.max(at);
                    let ((_, _), event) = self.queue.pop_first().expect("just seen");
                    self.happen(event);
                }
                (_, Some((when, me))) if when <= end => {
                    self.now = self.now.max(when);
                    self.call(me, None);
                }
                _ => break,
            }
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Input(me, input) => self.tell(me, input),
            Event::Host(me, host, life, report) => {
                let alive = self.lives.get(&me).and_then(|live| live.hosts.get(&host));
                if alive == Some(&life) || report == HostReport::Exited {
                    self.tell(me, Input::Host { host, report });
                }
            }
            Event::Commit(me, ticket, changes, epoch) => self.commit(me, ticket, changes, epoch),
            Event::Disk(me, disk, report) => self.disk_done(me, disk, report),
        }
    }

    pub(crate) fn tell(&mut self, me: NodeId, input: Input) {
        if self.lives.contains_key(&me) {
            self.call(me, Some(input));
        }
    }

    fn call(&mut self, me: NodeId, input: Option<Input>) {
        let live = self.lives.get_mut(&me).expect("a live node");
        live.facts.hive = Arc::clone(&self.hive);
        live.facts.objects = Arc::new(self.objects.clone());
        live.facts.view = self.view.clone();
        live.facts.settings = Arc::clone(&self.settings);
        let mut out = Outbox::default();
        let mut cx = crate::Context {
            now: Now {
                mono: self.now,
                wall: WallTime(self.now.as_millis()),
            },
            me,
            bottom: &live.bottom,
            middle: &live.facts,
            rng: &mut live.rng,
        };
        match input {
            Some(input) => live.rcm.handle(&mut cx, input, &mut out),
            None => live.rcm.expire(&mut cx, &mut out),
        }
        live.rcm.check(&cx);
        for output in out.drain().collect::<Vec<_>>() {
            self.output(me, output);
        }
    }

    fn output(&mut self, me: NodeId, output: Output) {
        match output {
            Output::Propose { ticket, changes } => {
                self.proposals.push(changes.clone());
                let epoch = self.epoch;
                self.at(millis(2), Event::Commit(me, ticket, changes, epoch));
            }
            Output::Host { host, command } => self.host(me, host, command),
            Output::Restore { resource, .. } => {
                self.restores.push((self.now, resource));
                self.at(millis(30), Event::Input(me, Input::Restored { resource }));
            }
            Output::Disk { disk, request } => self.disk(me, disk, request),
            Output::Disks { .. } => {}
            Output::Roles { roles } => self.roles.push((me, roles)),
            Output::VolumeIo { ticket, .. } => {
                let result = csvfs::IoResult::Written;
                self.at(
                    millis(3),
                    Event::Input(me, Input::VolumeIo { ticket, result }),
                );
            }
            Output::Share { request } => {
                if matches!(request, share::Input::Arbitrate { .. }) {
                    let report = share::Output::Held { tag: None };
                    self.at(millis(10), Event::Input(me, Input::Share { report }));
                }
            }
            Output::Send { to, message } => {
                for receiver in to.iter() {
                    let message = message.clone();
                    let input = Input::Message { from: me, message };
                    self.at(millis(1), Event::Input(receiver, input));
                }
            }
            Output::Reply { request, reply } => self.replies.push((me, request, reply)),
            Output::Publish { running } => {
                let live = self.lives.get_mut(&me).expect("a live node");
                live.running = running;
            }
            Output::Stopped => self.lives.get_mut(&me).expect("a live node").stopped = true,
            Output::Notice(notice) => self.notice(me, notice),
        }
    }

    fn notice(&mut self, me: NodeId, notice: Notice) {
        if let Notice::ResourceState {
            resource, from, to, ..
        } = notice
        {
            let group = self.model.resources[&resource].group;
            let row = self.objects.groups.get(&group);
            let owned = row.is_some_and(|row| row.owner == me);
            let seen = self
                .checker
                .see(&self.model, me, resource, (from, to), owned);
            if self.checks {
                seen.expect("states follow the rules");
            }
        }
        self.log.push((self.now, me, notice));
    }

    fn commit(&mut self, me: NodeId, ticket: Ticket, changes: Vec<Change>, epoch: u64) {
        let failure = match self.gum_fails {
            Some(failure) => Some(failure),
            None if !self.open || epoch != self.epoch => Some(Failure::ViewChanged),
            None => None,
        };
        if let Some(failure) = failure {
            let result = Err(failure);
            self.tell(me, Input::Done { ticket, result });
            return;
        }
        self.updates += 1;
        for change in &changes {
            match change {
                Change::Hive(change) => Arc::make_mut(&mut self.hive).apply(change),
                Change::State(change) => self.objects.apply(change),
            }
        }
        let update = Update {
            key: UpdateKey {
                number: self.updates,
                epoch,
                sender: me,
            },
            tag_epoch: 1,
            changes: Arc::new(changes),
        };
        let members = self
            .view
            .as_ref()
            .map_or(NodeSet::EMPTY, |view| view.members);
        for member in members.iter() {
            let update = update.clone();
            self.tell(member, Input::Applied { update });
        }
        let result = Ok(PaxosTag::default());
        self.tell(me, Input::Done { ticket, result });
    }

    /// An administrator asks at a node; the answer must come within a second.
    pub(crate) fn admin(&mut self, number: u8, command: AdminCommand) -> AdminReply {
        let request = RequestId(u64::try_from(self.replies.len()).expect("few") + 1_000);
        self.tell(node(number), Input::Command { request, command });
        self.run(seconds(1));
        let answers: Vec<_> = self
            .replies
            .iter()
            .filter(|(_, id, _)| *id == request)
            .collect();
        assert_eq!(answers.len(), 1, "one answer per request");
        answers[0].2.clone()
    }

    pub(crate) fn trace_polls(&mut self) {
        self.lives
            .values_mut()
            .for_each(|live| live.rcm.set_trace_polls(true));
    }

    pub(crate) fn script(&mut self, id: ResourceId, change: impl FnOnce(&mut Script)) {
        change(self.scripts.entry(id).or_default());
    }
}
