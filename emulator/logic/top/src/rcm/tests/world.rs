//! A small world around several managers: gum echoes proposals back, hosts follow a script, disks
//! have one holder. Virtual time; nothing random but what a test draws.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::limits::NODES_MAX;
use base::{
    Defaults, DiskId, Generation, GroupId, GroupState, HostId, Incarnation, Manager, NetworkId,
    NodeId, NodeSet, Notice, Now, Outbox, PaxosTag, QuorumState, RequestId, ResourceId,
    ResourceState, Rng, StateChangeCause, Timestamp, ViewId, WallTime,
};
use bottom::{clusdisk, share};
use middle::database::{Change, Update};
use middle::gum::{Failure, Ticket};
use middle::membership::{MemberReport, Synchronised, UpdateKey, View};
use middle::object::ObjectTable;
use middle::settings::{NodeSettings, Settings};

use super::checker::Checker;
use crate::api::{AdminCommand, AdminReply};
use crate::rcm::model::{ClusterPolicy, GroupSettings, Model, ResourceSettings};
use crate::rcm::{
    Dependencies, EntryPoint, EntryResult, HostCommand, HostReport, Input, Output, Rcm,
    ResourceParameters,
};

/// How a host carries out Online or Offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Returns success after this long.
    Returns(Duration),
    /// Returns pending, and the worker succeeds after this long.
    Pending(Duration),
    /// Returns pending and reports nothing any more.
    Stalls,
    /// Returns a failure.
    Fails,
    /// Never returns.
    Hangs,
    /// Returns success with an event handle.
    Watched,
}

/// How a resource behaves in its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) online: Work,
    pub(crate) offline: Work,
    pub(crate) looks_alive: bool,
    pub(crate) is_alive: bool,
    pub(crate) is_alive_hangs: bool,
    pub(crate) control: Answer,
}

impl Default for Script {
    fn default() -> Self {
        let quick = Work::Returns(Duration::from_millis(5));
        Self {
            online: quick,
            offline: quick,
            looks_alive: true,
            is_alive: true,
            is_alive_hangs: false,
            control: Answer::Returned(EntryResult::Failure { code: 1 }),
        }
    }
}

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

/// Builds the model of a world.
pub(crate) struct Build {
    pub(crate) model: Model,
    pub(crate) defaults: Defaults,
}

impl Build {
    pub(crate) fn new(generation: Generation) -> Self {
        let defaults = generation.defaults();
        let mut model = Model {
            cluster: ClusterPolicy::of(generation),
            ..Model::default()
        };
        let core = GroupSettings::new("Cluster Group", &defaults);
        model.groups.insert(GroupId(0), core);
        Self { model, defaults }
    }

    pub(crate) fn group(&mut self) -> GroupId {
        let id = GroupId(u16::try_from(self.model.groups.len()).expect("few groups"));
        let settings = GroupSettings::new(format!("g{id}"), &self.defaults);
        self.model.groups.insert(id, settings);
        id
    }

    pub(crate) fn add(
        &mut self,
        group: GroupId,
        parameters: ResourceParameters,
        depends: &str,
    ) -> ResourceId {
        let id = ResourceId(u16::try_from(self.model.resources.len() + 1).expect("few"));
        let name = format!("r{id}");
        let mut settings = ResourceSettings::new(name, group, parameters, &self.defaults);
        settings.dependencies = Dependencies::parse(depends).expect("a valid expression");
        self.model.resources.insert(id, settings);
        self.settings(group).resources.push(id);
        id
    }

    /// A generic application, which may depend on anything.
    pub(crate) fn app(&mut self, group: GroupId, depends: &str) -> ResourceId {
        let parameters = ResourceParameters::GenericApplication {
            command_line: "app".into(),
            current_directory: String::new(),
        };
        self.add(group, parameters, depends)
    }

    pub(crate) fn disk(&mut self, group: GroupId, disk: u16) -> ResourceId {
        let disk = DiskId(disk);
        self.add(group, ResourceParameters::PhysicalDisk { disk }, "")
    }

    pub(crate) fn ip(&mut self, group: GroupId) -> ResourceId {
        let parameters = ResourceParameters::IpAddress {
            network: NetworkId(0),
            address: "10.0.0.9".into(),
        };
        self.add(group, parameters, "")
    }

    pub(crate) fn settings(&mut self, group: GroupId) -> &mut GroupSettings {
        self.model.groups.get_mut(&group).expect("a known group")
    }

    pub(crate) fn resource(&mut self, id: ResourceId) -> &mut ResourceSettings {
        self.model.resources.get_mut(&id).expect("a known resource")
    }
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
                interfaces: BTreeMap::new(),
            };
            settings.nodes.insert(node(number), configured);
        }
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

    /// Power off.
    pub(crate) fn kill(&mut self, number: u8) {
        let me = node(number);
        self.lives.remove(&me);
        self.checker.forget(me);
        for live in self.lives.values_mut() {
            live.facts.last_seen[me.index()] = self.now;
        }
    }

    /// A node dies, and the others agree on a view without it after detection and regroup.
    pub(crate) fn lose(&mut self, number: u8) {
        self.kill(number);
        // Without the lost node no update is agreed to any more.
        self.close();
        self.run(seconds(15));
        let rest: Vec<u8> = self.lives.keys().map(|node| node.number()).collect();
        self.install(&rest, false);
    }

    pub(crate) fn close(&mut self) {
        self.open = false;
        for me in self.lives.keys().copied().collect::<Vec<_>>() {
            self.tell(me, Input::Closed);
        }
    }

    /// Closes the old view and opens a new one.
    pub(crate) fn install(&mut self, members: &[u8], formed: bool) {
        self.close();
        self.epoch += 1;
        let members = nodes(members);
        let leader = members.first().expect("a view has members");
        let before = self
            .view
            .as_ref()
            .map_or(NodeSet::EMPTY, |view| view.members);
        let report = |member: NodeId| MemberReport {
            incarnation: Incarnation(1),
            active: !formed && before.contains(member),
            tag: PaxosTag::default(),
            applied: 0,
            prepared: None,
            synchronised: Synchronised::default(),
            holds_witness: false,
            forced: None,
            silent: self.silent(member, members),
        };
        self.view = Some(Arc::new(View {
            id: ViewId {
                epoch: self.epoch,
                coordinator: leader,
                incarnation: Incarnation(1),
            },
            members,
            reports: members
                .iter()
                .map(|member| (member, report(member)))
                .collect(),
        }));
        self.open = true;
        for live in self.lives.values_mut() {
            live.facts.view_at = self.now;
        }
        for me in members.iter() {
            self.tell(me, Input::Opened { formed });
        }
    }

    fn silent(&self, member: NodeId, members: NodeSet) -> BTreeMap<NodeId, Duration> {
        let seen = &self.lives[&member].facts.last_seen;
        let outside = self.settings.nodes.keys().copied();
        let outside = outside.filter(|node| !members.contains(*node));
        let since = |node: NodeId| (node, self.now.since(seen[node.index()]));
        outside.map(since).collect()
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

    fn host(&mut self, me: NodeId, host: HostId, command: HostCommand) {
        let live = self.lives.get_mut(&me).expect("a live node");
        match command {
            HostCommand::Start => {
                self.host_lives += 1;
                let life = self.host_lives;
                live.hosts.insert(host, life);
                self.at(millis(20), Event::Host(me, host, life, HostReport::Started));
            }
            HostCommand::Kill => {
                live.hosts.remove(&host);
                self.at(millis(5), Event::Host(me, host, 0, HostReport::Exited));
            }
            HostCommand::Restore { .. } => unreachable!("that is the checkpoint manager's"),
            HostCommand::Call {
                call,
                resource,
                entry,
            } => {
                let life = live.hosts.get(&host).copied().unwrap_or_default();
                let label = entry.label();
                self.calls.push((self.now, me, host, resource, label));
                let report = |result| HostReport::Returned {
                    call,
                    resource,
                    result,
                };
                for (after, result) in self.answers(me, resource, entry) {
                    let report = match result {
                        Answer::Returned(result) => report(result),
                        Answer::Controlled(byte) => HostReport::Controlled {
                            call,
                            resource,
                            output: vec![byte],
                        },
                        Answer::Status => HostReport::Status {
                            resource,
                            result: Some(EntryResult::Success),
                        },
                    };
                    self.at(after, Event::Host(me, host, life, report));
                }
            }
        }
    }

    fn answers(
        &mut self,
        me: NodeId,
        id: ResourceId,
        entry: EntryPoint,
    ) -> Vec<(Duration, Answer)> {
        let script = self.local.get(&(me, id)).or(self.scripts.get(&id));
        let script = script.copied().unwrap_or_default();
        let soon = millis(1);
        let success = Answer::Returned(EntryResult::Success);
        let failure = Answer::Returned(EntryResult::Failure { code: 1 });
        let poll = |alive| if alive { success } else { failure };
        match entry {
            EntryPoint::Online(spec) => {
                self.specs.push(spec.parameters);
                work(script.online)
            }
            EntryPoint::Offline => work(script.offline),
            EntryPoint::LooksAlive => vec![(soon, poll(script.looks_alive))],
            EntryPoint::IsAlive if script.is_alive_hangs => vec![],
            EntryPoint::IsAlive => vec![(soon, poll(script.is_alive))],
            EntryPoint::ResourceControl { .. } | EntryPoint::ResourceTypeControl { .. } => {
                vec![(soon, script.control)]
            }
            EntryPoint::Open(_)
            | EntryPoint::Terminate
            | EntryPoint::Close
            | EntryPoint::Arbitrate
            | EntryPoint::Release => {
                vec![(soon, success)]
            }
        }
    }

    /// The host process of a node dies by itself.
    pub(crate) fn crash_host(&mut self, number: u8, host: u16) {
        let me = node(number);
        let live = self.lives.get_mut(&me).expect("a live node");
        live.hosts.remove(&HostId(host));
        let report = HostReport::Exited;
        let host = HostId(host);
        self.tell(me, Input::Host { host, report });
    }

    fn disk(&mut self, me: NodeId, disk: DiskId, request: clusdisk::Request) {
        self.disk_requests.push((me, request.clone()));
        let holder = self
            .holders
            .get(&disk)
            .copied()
            .filter(|holder| *holder != me);
        let alive = holder.is_some_and(|holder| self.lives.contains_key(&holder));
        let unreachable = false;
        let (after, report) = match request {
            clusdisk::Request::Arbitrate if alive || self.arbitration_fails => (
                seconds(6),
                clusdisk::Report::ArbitrationLost { unreachable },
            ),
            clusdisk::Request::Arbitrate if holder.is_some() => {
                (seconds(6), clusdisk::Report::Held)
            }
            clusdisk::Request::Arbitrate => (millis(10), clusdisk::Report::Held),
            clusdisk::Request::Release => (millis(5), clusdisk::Report::Released),
            clusdisk::Request::Check => {
                let ok = self.disk_ok;
                (millis(2), clusdisk::Report::Checked { ok })
            }
            clusdisk::Request::Read { .. } | clusdisk::Request::Write { .. } => return,
        };
        self.at(after, Event::Disk(me, disk, report));
    }

    fn disk_done(&mut self, me: NodeId, disk: DiskId, report: clusdisk::Report) {
        match report {
            clusdisk::Report::Held => {
                self.holders.insert(disk, me);
                self.disk_fact(me, disk, true);
            }
            clusdisk::Report::Released | clusdisk::Report::Lost => {
                if self.holders.get(&disk) == Some(&me) {
                    self.holders.remove(&disk);
                }
                self.disk_fact(me, disk, false);
            }
            _ => {}
        }
        let report = clusdisk::DiskReport { disk, report };
        self.tell(me, Input::Disk { report });
    }

    pub(crate) fn disk_lost(&mut self, number: u8, disk: u16) {
        self.disk_done(node(number), DiskId(disk), clusdisk::Report::Lost);
    }

    pub(crate) fn disk_fact(&mut self, me: NodeId, disk: DiskId, healthy: bool) {
        if let Some(live) = self.lives.get_mut(&me) {
            let held = self.holders.get(&disk) == Some(&me);
            let fact = clusdisk::DiskFact { held, healthy };
            live.bottom.disks.insert(disk, fact);
        }
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

    pub(crate) fn owner(&self, group: GroupId) -> Option<u8> {
        self.objects
            .groups
            .get(&group)
            .map(|row| row.owner.number())
    }

    /// The node that runs a resource and its state there; offline if nobody knows it.
    pub(crate) fn state(&self, id: ResourceId) -> ResourceState {
        let group = self.model.resources[&id].group;
        let owner = self.objects.groups.get(&group).map(|row| row.owner);
        let live = owner.and_then(|owner| self.lives.get(&owner));
        live.and_then(|live| live.running.get(&id).copied())
            .unwrap_or_default()
    }

    pub(crate) fn group_state(&self, group: GroupId) -> GroupState {
        let resources = self.model.groups[&group].resources.iter();
        GroupState::derive(resources.map(|id| self.state(*id)))
    }

    pub(crate) fn running_on(&self, number: u8) -> &BTreeMap<ResourceId, ResourceState> {
        &self.lives[&node(number)].running
    }

    pub(crate) fn has_stopped(&self, number: u8) -> bool {
        self.lives[&node(number)].stopped
    }

    pub(crate) fn live_nodes(&self) -> Vec<u8> {
        self.lives.keys().map(|node| node.number()).collect()
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.lives
            .values()
            .flat_map(|live| live.running.values())
            .all(|state| !state.is_pending())
    }

    pub(crate) fn hive(&self) -> &middle::database::Hive {
        &self.hive
    }

    /// When a notice was told, newest last.
    pub(crate) fn times(&self, wanted: impl Fn(&Notice) -> bool) -> Vec<Timestamp> {
        let found = self.log.iter().filter(|(_, _, notice)| wanted(notice));
        found.map(|(at, _, _)| *at).collect()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Notice) -> bool) -> usize {
        self.times(wanted).len()
    }

    /// Times at which a resource reached a state.
    pub(crate) fn reached(&self, id: ResourceId, state: ResourceState) -> Vec<Timestamp> {
        self.times(|notice| {
            matches!(notice, Notice::ResourceState { resource, to, .. }
                if *resource == id && *to == state)
        })
    }

    /// Resources in the order in which they reached a state.
    pub(crate) fn order(&self, state: ResourceState) -> Vec<ResourceId> {
        let found = self.log.iter().filter_map(|(_, _, notice)| match notice {
            Notice::ResourceState { resource, to, .. } if *to == state => Some(*resource),
            _ => None,
        });
        found.collect()
    }

    pub(crate) fn moves(&self, group: GroupId) -> Vec<(u8, StateChangeCause)> {
        let found = self.log.iter().filter_map(|(_, _, notice)| match notice {
            Notice::GroupMoved {
                group: id,
                to,
                cause,
                ..
            } if *id == group => Some((to.number(), *cause)),
            _ => None,
        });
        found.collect()
    }

    pub(crate) fn calls_of(&self, id: ResourceId, entry: &str) -> Vec<Timestamp> {
        let found = self
            .calls
            .iter()
            .filter(|(_, _, _, resource, label)| *resource == id && *label == entry);
        found.map(|(at, ..)| *at).collect()
    }

    pub(crate) fn script(&mut self, id: ResourceId, change: impl FnOnce(&mut Script)) {
        change(self.scripts.entry(id).or_default());
    }
}

/// How a host answers an entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Returned(EntryResult),
    /// As a control code that was carried out, with one byte of output.
    Controlled(u8),
    Status,
}

fn work(work: Work) -> Vec<(Duration, Answer)> {
    let soon = millis(1);
    match work {
        Work::Returns(after) => vec![(after, Answer::Returned(EntryResult::Success))],
        Work::Pending(after) => vec![
            (soon, Answer::Returned(EntryResult::Pending)),
            (after, Answer::Status),
        ],
        Work::Stalls => vec![(soon, Answer::Returned(EntryResult::Pending))],
        Work::Fails => vec![(soon, Answer::Returned(EntryResult::Failure { code: 1 }))],
        Work::Hangs => vec![],
        Work::Watched => vec![(soon, Answer::Returned(EntryResult::Watched))],
    }
}
