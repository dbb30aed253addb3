//! Goal: the managers of two nodes, wired by the router alone, form a cluster, run a group and
//! survive the loss of a node. Method: both nodes on one clock, disks and hosts that answer at
//! once, a network without delay.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{
    Generation, GroupId, Incarnation, NetworkId, NodeId, Notice, Now, PaxosTag, QuorumModel,
    ResourceId, ResourceState, Timestamp, WallTime,
};
use bottom::txlog::{DiskOutcome, DiskRequest, FileName};
use middle::database::{Hive, image};
use middle::settings::{NetworkRole, NetworkSettings, NodeSettings, Settings};
use node::{Effect, Event, Node, NodeConfig};
use top::rcm::model::{GroupSettings, ResourceSettings};
use top::rcm::{EntryResult, HostCommand, HostReport};
use top::restype::ResourceParameters;

const LAN: NetworkId = NetworkId(0);
const APP: GroupId = GroupId(1);

struct Machine {
    node: Node,
    files: BTreeMap<FileName, Vec<u8>>,
    alive: bool,
    notices: Vec<Notice>,
}

struct Pair {
    machines: BTreeMap<NodeId, Machine>,
    events: VecDeque<(NodeId, Event)>,
    now: Timestamp,
}

fn id(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

fn settings(nodes: u8) -> Settings {
    let mut settings = Settings::blank(Generation::V2022);
    settings.cluster_name = "CLU1".to_owned();
    settings.model = QuorumModel::NodeMajority;
    for number in 1..=nodes {
        let known = NodeSettings {
            name: format!("n{number}"),
            weight: 1,
            dynamic_weight: 1,
            site: String::new(),
            interfaces: BTreeMap::from([(LAN, format!("10.0.0.{number}"))]),
        };
        settings.nodes.insert(id(number), known);
    }
    let lan = NetworkSettings {
        name: "lan".to_owned(),
        subnet: "10.0.0.0/24".to_owned(),
        role: NetworkRole::ClusterAndClient,
        metric: 1,
        auto_metric: true,
    };
    settings.networks.insert(LAN, lan);
    settings
}

/// A group with one program in it.
fn write_group(hive: &mut Hive) {
    let defaults = Generation::V2022.defaults();
    let mut group = GroupSettings::new("app", &defaults);
    group.resources = vec![ResourceId(1)];
    group.persistent_state = true;
    group.write(hive, APP);
    let parameters = ResourceParameters::GenericApplication {
        command_line: "app".to_owned(),
        current_directory: String::new(),
    };
    ResourceSettings::new("app", APP, parameters, &defaults).write(hive, ResourceId(1));
}

impl Pair {
    fn new(nodes: u8) -> Self {
        let mut hive = Hive::default();
        settings(nodes).write(&mut hive);
        write_group(&mut hive);
        let files = BTreeMap::from([(FileName::Hive, image(&hive, PaxosTag::default()))]);
        let machine = |number: u8| {
            let config = NodeConfig {
                me: id(number),
                interfaces: vec![LAN],
                start: base::StartMode::Normal,
                generation: Generation::V2022,
                trace_polls: false,
                defaults: Generation::V2022.defaults(),
            };
            let node = Node::boot(config, Incarnation(1), [number; 32], Now::default());
            let files = files.clone();
            (
                id(number),
                Machine {
                    node,
                    files,
                    alive: true,
                    notices: Vec::new(),
                },
            )
        };
        let mut pair = Self {
            machines: (1..=nodes).map(machine).collect(),
            events: VecDeque::new(),
            now: Timestamp::ZERO,
        };
        pair.settle();
        pair
    }

    fn now(&self) -> Now {
        Now {
            mono: self.now,
            wall: WallTime(self.now.as_millis()),
        }
    }

    /// Performs all effects and delivers all events until nothing is left to do now.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut quiet = true;
            for who in self.machines.keys().copied().collect::<Vec<_>>() {
                let machine = self.machines.get_mut(&who).expect("a machine");
                let effects: Vec<Effect> = machine.node.effects().collect();
                quiet &= effects.is_empty();
                effects
                    .into_iter()
                    .for_each(|effect| self.perform(who, effect));
            }
            while let Some((to, event)) = self.events.pop_front() {
                quiet = false;
                let now = self.now();
                let machine = self.machines.get_mut(&to).expect("a machine");
                if machine.alive {
                    machine.node.handle(now, event);
                }
            }
            if quiet {
                return;
            }
        }
        panic!("the pair never settled");
    }

    fn perform(&mut self, who: NodeId, effect: Effect) {
        let machine = self.machines.get_mut(&who).expect("a machine");
        if !machine.alive {
            return;
        }
        match effect {
            Effect::Send { network, to, frame } => {
                for other in to.iter() {
                    let event = Event::Frame {
                        network,
                        from: who,
                        frame: frame.clone(),
                    };
                    self.events.push_back((other, event));
                }
            }
            Effect::Disk { io, request } => {
                let outcome = work(&mut machine.files, request);
                self.events.push_back((who, Event::Disk { io, outcome }));
            }
            Effect::Host { host, command } => {
                let report = match command {
                    HostCommand::Start => HostReport::Started,
                    HostCommand::Kill => HostReport::Exited,
                    HostCommand::Restore { resource, .. } => {
                        let failed = Vec::new();
                        HostReport::Restored { resource, failed }
                    }
                    HostCommand::Call { call, resource, .. } => {
                        let result = EntryResult::Success;
                        HostReport::Returned {
                            call,
                            resource,
                            result,
                        }
                    }
                };
                self.events.push_back((who, Event::Host { host, report }));
            }
            Effect::Notice(notice) => machine.notices.push(notice),
            Effect::Halt(_) => machine.alive = false,
            Effect::Scsi { .. }
            | Effect::ScsiReset { .. }
            | Effect::Share { .. }
            | Effect::Reply { .. } => {}
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            let live = self.machines.values().filter(|machine| machine.alive);
            let due = live.filter_map(|machine| machine.node.deadline()).min();
            self.now = due.unwrap_or(end).clamp(self.now, end);
            let now = self.now();
            for machine in self.machines.values_mut().filter(|machine| machine.alive) {
                machine.node.advance(now);
            }
            self.settle();
        }
    }

    fn machine(&self, number: u8) -> &Machine {
        &self.machines[&id(number)]
    }
}

fn work(files: &mut BTreeMap<FileName, Vec<u8>>, request: DiskRequest) -> DiskOutcome {
    match request {
        DiskRequest::Read { file } => {
            DiskOutcome::Read(files.get(&file).cloned().unwrap_or_default())
        }
        DiskRequest::Append { file, bytes } => {
            files.entry(file).or_default().extend(bytes);
            DiskOutcome::Done
        }
        DiskRequest::Sync { .. } => DiskOutcome::Done,
        DiskRequest::Replace { file, bytes } => {
            files.insert(file, bytes);
            DiskOutcome::Done
        }
    }
}

#[test]
fn nodes_that_start_together_form_one_cluster() {
    let mut pair = Pair::new(3);
    pair.run(Duration::from_secs(20));
    for number in 1..=3 {
        let picture = pair.machine(number).node.picture();
        assert!(picture.ready, "node {number}: {picture:?}");
        assert_eq!(picture.view.map(|(_, members)| members.len()), Some(3));
        assert_eq!(picture.tag, pair.machine(1).node.picture().tag);
    }
}

#[test]
fn survivors_go_on_and_a_minority_ends_its_service() {
    let mut pair = Pair::new(3);
    pair.run(Duration::from_secs(20));
    pair.machines.get_mut(&id(1)).expect("a machine").alive = false;
    pair.run(Duration::from_secs(20));
    for number in 2..=3 {
        let picture = pair.machine(number).node.picture();
        assert!(picture.ready, "node {number}: {picture:?}");
        assert_eq!(picture.view.map(|(_, members)| members.len()), Some(2));
    }
}

#[test]
fn a_group_runs_on_one_node_and_moves_when_that_node_is_lost() {
    let mut pair = Pair::new(3);
    pair.run(Duration::from_secs(20));
    let owner = pair.owner().expect("the group has an owner");
    assert_eq!(pair.running(), [owner]);
    pair.machines.get_mut(&owner).expect("a machine").alive = false;
    pair.run(Duration::from_secs(40));
    let heir = pair.owner().expect("the group has an owner");
    assert_ne!(heir, owner);
    assert_eq!(pair.running(), [heir]);
}

impl Pair {
    /// Owner of the group by the table of the first live node.
    fn owner(&self) -> Option<NodeId> {
        let live = self.machines.values().find(|machine| machine.alive)?;
        live.node
            .picture()
            .groups
            .get(&APP)
            .map(|group| group.owner)
    }

    /// Live nodes that run the application.
    fn running(&self) -> Vec<NodeId> {
        let online = |machine: &&Machine| {
            machine.alive
                && machine.node.picture().running.get(&ResourceId(1))
                    == Some(&ResourceState::Online)
        };
        let on = self.machines.values().filter(online);
        on.map(|machine| machine.node.picture().node).collect()
    }
}
