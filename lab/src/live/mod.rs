//! A lab that lives on the wall clock, whatever its machines are made of.
//!
//! The counterpart of the simulator's world. It starts and ends machines and the parts on them,
//! breaks what the lab file says, and reports what nodes show, what targets hold and what resources
//! serve. As in a real machine room, whoever ends takes nothing with it but its own.

mod administered;
mod directory;
mod fabric;
mod faults;
mod hosts;
mod input;
mod jury;
mod machines;
pub(crate) mod nics;
mod outside;
mod seat;
mod stage;
mod targets;
mod time;
mod watchers;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

use base::{DiskId, NodeId, PaxosTag, RequestId, ResourceId, Rng, Timestamp};
use plan::Plan;
use runtime::Clock;
use sim::checkers::Jury;
use sim::hosts::{Behaviour, Outside};
use sim::log::Log;
use sim::net::{Networks, Segment, Station, Stations};
use sim::share::Share;
use sim::storage;
use sim::tap::Tap;
use sim::world::Asked;
use sim::{FaultId, MachineFault};

use crate::docker::{self, Docker};
use crate::gate::{self, Gate};
use crate::ledger::{Deed, Ledger};
use crate::local::Local;
use crate::machine::{Machine, MachineId, Machines, Power, Wanted};
use crate::{LabError, LabFolder, Order, every_machine, keeper};
use fabric::Fabric;
use faults::Ailment;
use hosts::Connection;
use input::{ConnectionId, Input};
use nics::Nic;
use seat::Seat;
use targets::Target;
pub(crate) use targets::iqn;
use time::Later;
use watchers::Watcher;

/// The tag that setup gives a database: above that of a blank disk, so that it counts.
const SETUP_TAG: PaxosTag = PaxosTag {
    next_epoch: 1,
    last_epoch: 1,
    sequence: 1,
};

/// What the machines of a lab are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Processes of this computer.
    Local,
    /// Containers of Docker or Podman.
    Docker,
}

impl Backend {
    /// Its word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Docker => "docker",
        }
    }
}

/// What a lab is built with.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// What its machines are made of.
    pub backend: Backend,
    /// Hears what takes long while the lab is made.
    pub progress: fn(&str),
    /// Our own program, which every process of the lab runs.
    pub program: PathBuf,
    /// Decides what networks lose and delay.
    pub seed: u64,
    /// How many times faster than the world around the lab's clock runs.
    pub speed: u32,
    /// Nodes note every health check.
    pub trace_polls: bool,
    /// Nodes tell what they send, which [`sim::Stage::frames`] then shows.
    pub record_frames: bool,
    /// The folder below which labs are.
    pub root: PathBuf,
    /// Machines of backend `local` have network namespaces with adapters of their own.
    pub expose_tun: bool,
}

/// A lab on the wall clock.
#[derive(Debug)]
pub struct Live {
    plan: Plan,
    options: LiveOptions,
    folder: LabFolder,
    ledger: Ledger,
    clock: Clock,
    inbox: Receiver<Input>,
    /// Came in while something else was waited for.
    put_aside: VecDeque<Input>,
    sender: Sender<Input>,
    seats: Vec<Seat>,
    nics: Vec<Nic>,
    watchers: Vec<Watcher>,
    targets: Vec<Target>,
    machines: Box<dyn Machines>,
    networks: Networks,
    fabric: Fabric,
    share: Option<Share>,
    outside: Outside,
    connections: BTreeMap<ConnectionId, Connection>,
    scripts: Vec<(FaultId, ResourceId, Behaviour)>,
    storage_rules: Vec<(FaultId, storage::Rule)>,
    /// What ails disks, as their targets were told.
    ailing: BTreeMap<DiskId, Ailment>,
    machine_faults: Vec<(FaultId, MachineFault, NodeId)>,
    /// Faults of disks and shares that end when their resource is started again.
    repaired_by_restart: Vec<(FaultId, ResourceId)>,
    faults_made: u64,
    holders: BTreeMap<DiskId, Option<NodeId>>,
    asked: BTreeMap<RequestId, Asked>,
    later: Vec<(Timestamp, Later)>,
    log: Log,
    tap: Option<Tap>,
    jury: Jury,
    orders: VecDeque<Order>,
    /// Whoever waits for the end of the lab.
    until_gone: Option<Sender<serde_json::Value>>,
    /// Locked as long as this process keeps the lab.
    _lock: fs::File,
    /// Counts everything that could be seen.
    changes: u64,
}

/// Takes the folder for this process, and writes down what is in it before anything else is made.
fn begin(
    plan: &Plan,
    text: &str,
    folder: &LabFolder,
    gate: Gate,
) -> Result<(fs::File, Ledger), LabError> {
    let at = folder.lock();
    let lock = lock(&at).map_err(LabError::path("lock", &at))?;
    let at = folder.ledger();
    let mut ledger = Ledger::create(&at, gate).map_err(LabError::path("write to", &at))?;
    let files = || write_files(plan, text, folder).map_err(std::io::Error::other);
    ledger
        .enter(&Deed::Folder, files)
        .map_err(LabError::system("cannot make the lab"))?;
    Ok((lock, ledger))
}

impl Live {
    /// Builds the lab of a text that was checked, and starts its machines.
    ///
    /// # Errors
    /// What the lab file may say and this version cannot build, or what the system refuses.
    pub fn build(plan: Plan, text: &str, options: LiveOptions) -> Result<Self, LabError> {
        if let Some(what) = plan.only_simulated() {
            let backend = options.backend.label();
            return Err(LabError::NotHere { backend, what });
        }
        let folder = LabFolder::new(&options.root)?;
        let gate = Gate::of(&folder);
        make_folder(&folder, &gate)?;
        rhs::family::adopt();
        let built = Self::build_in(plan, text, options, folder.clone(), gate);
        if built.is_err() {
            gate::say_if_left(crate::remove(&folder));
            gate::forget(&folder);
        }
        built
    }

    fn build_in(
        plan: Plan,
        text: &str,
        options: LiveOptions,
        folder: LabFolder,
        gate: Gate,
    ) -> Result<Self, LabError> {
        let (lock, mut ledger) = begin(&plan, text, &folder, gate)?;
        let (sender, inbox) = mpsc::channel();
        let clock = Clock::start().at_speed(options.speed);
        let networks = networks(&plan, options.seed);
        let socket = folder.part_socket("fabric")?;
        let fabric = Fabric::start(&socket, &plan, networks.clone(), clock, sender.clone());
        let fabric = fabric.map_err(LabError::path("listen at", &socket))?;
        let socket = folder.part_socket("outside")?;
        outside::listen(&socket, sender.clone()).map_err(LabError::path("listen at", &socket))?;
        let mut machines = machines(&options, &plan, &sender)?;
        let mut made = machines.make(&folder, &wanted(&plan, &folder), &mut ledger)?;
        let arrays = made.split_off(plan.members.len().min(made.len()));
        let seats = plan.members.iter().zip(made);
        let seats = seats.map(|(member, machine)| Seat::new(member, machine, &folder));
        let share = plan.witness_share.as_ref();
        let tap = options.record_frames.then(Tap::default);
        let mut lab = Self {
            seats: seats.collect::<Result<_, _>>()?,
            share: share.map(|it| Share::new(it.host.clone(), plan.members.len())),
            plan,
            options,
            folder,
            ledger,
            clock,
            inbox,
            put_aside: VecDeque::new(),
            sender,
            nics: Vec::new(),
            watchers: Vec::new(),
            targets: Vec::new(),
            machines,
            networks,
            fabric,
            outside: Outside::default(),
            connections: BTreeMap::new(),
            scripts: Vec::new(),
            storage_rules: Vec::new(),
            ailing: BTreeMap::new(),
            machine_faults: Vec::new(),
            repaired_by_restart: Vec::new(),
            faults_made: 0,
            holders: BTreeMap::new(),
            asked: BTreeMap::new(),
            later: Vec::new(),
            log: Log::new(true),
            tap,
            jury: jury::jury(),
            orders: VecDeque::new(),
            until_gone: None,
            _lock: lock,
            changes: 0,
        };
        lab.start_nics()?;
        lab.start_directory()?;
        lab.start_targets(arrays)?;
        lab.start_due(Timestamp::ZERO)?;
        Ok(lab)
    }

    /// The lab's folder.
    #[must_use]
    pub fn folder(&self) -> &LabFolder {
        &self.folder
    }

    /// From now on the lab takes commands; [`Self::next_order`] has them.
    ///
    /// # Errors
    /// When its socket cannot be made.
    pub fn listen(&self) -> Result<(), LabError> {
        let socket = self.folder.socket("lab.sock")?;
        let sender = self.sender.clone();
        let orders = move |order| sender.send(Input::Order(order)).is_ok();
        keeper::listen(&socket, orders).map_err(LabError::path("listen at", &socket))
    }

    /// The oldest command that nobody has seen to yet.
    pub fn next_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Whoever waits for the end of the lab hears of it by the end of `answers`.
    pub(crate) fn keep_until_gone(&mut self, answers: Sender<serde_json::Value>) {
        self.until_gone = Some(answers);
    }

    /// Sends a command to the keeper from within its own process.
    #[must_use]
    pub fn orderer(&self) -> Orderer {
        Orderer(self.sender.clone())
    }

    /// The process of a node's cluster service.
    pub(crate) fn process_of(&self, node: NodeId) -> Option<u32> {
        self.seat(node).and_then(Seat::pid)
    }

    /// The container that a node's machine is.
    pub(crate) fn container_of(&self, node: NodeId) -> Option<&str> {
        self.seat(node).and_then(Seat::container)
    }

    /// Where the target of a disk listens.
    pub(crate) fn portal_of(&self, disk: &plan::Disk) -> Option<std::net::SocketAddr> {
        let target = self.targets.get(disk.array)?;
        Some(target.reach().from_here)
    }

    /// The iSCSI name of a disk's target.
    pub(crate) fn target_name_of(&self, disk: &plan::Disk) -> Option<String> {
        self.targets.get(disk.array).map(|it| iqn(it.name()))
    }

    fn start_targets(&mut self, machines: Vec<Box<dyn Machine>>) -> Result<(), LabError> {
        let lab = targets::Lab {
            plan: &self.plan,
            folder: &self.folder,
            inbox: &self.sender,
        };
        for (place, (array, machine)) in self.plan.arrays.iter().zip(machines).enumerate() {
            let what = format!("target {}", array.name);
            let made_by = self.machines.as_mut();
            let start = || Ok(Target::start(&lab, place, machine, made_by));
            let started = self.ledger.enter(&Deed::Process { what }, start);
            let started = started.map_err(LabError::system("cannot write the ledger"))?;
            self.targets.push(started?);
        }
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.seats.clear();
        self.targets.clear();
        self.watchers.clear();
        self.nics.clear();
        gate::say_if_left(crate::remove(&self.folder));
        gate::forget(&self.folder);
        self.until_gone = None;
    }
}

/// Sends commands to the keeper from within its own process.
#[derive(Clone, Debug)]
pub struct Orderer(Sender<Input>);

impl Orderer {
    /// Asks the keeper to take the lab down.
    pub fn down(&self) {
        let (answers, _nobody) = mpsc::channel();
        let what = serde_json::json!({ "do": "down" });
        let _down_already = self.0.send(Input::Order(Order { what, answers }));
    }
}

/// Makes the folder of a new lab, for nobody but this user.
fn make_folder(folder: &LabFolder, gate: &Gate) -> Result<(), LabError> {
    let _open = gate.enter();
    let root = folder.path().parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    if !root.exists() {
        builder
            .recursive(true)
            .create(root)
            .map_err(LabError::path("make", root))?;
    }
    let owner = fs::metadata(root)
        .map_err(LabError::path("look at", root))?
        .uid();
    if owner != rustix::process::getuid().as_raw() {
        let error = std::io::Error::other("it belongs to somebody else; set LOOKSALIVE_STATE");
        return Err(LabError::path("use", root)(error));
    }
    let path = folder.path();
    builder
        .recursive(false)
        .create(path)
        .map_err(LabError::path("make", path))?;
    Ok(())
}

fn lock(path: &Path) -> std::io::Result<fs::File> {
    let file = fs::File::create(path)?;
    file.try_lock()?;
    Ok(file)
}

fn write_files(plan: &Plan, text: &str, folder: &LabFolder) -> Result<(), LabError> {
    let file = folder.lab_file();
    fs::write(&file, text).map_err(LabError::path("write to", &file))?;
    let name = folder.path().join("name");
    fs::write(&name, &plan.lab).map_err(LabError::path("write to", &name))?;
    for folder in [folder.path().join("logs"), folder.sockets()] {
        fs::create_dir(&folder).map_err(LabError::path("make", &folder))?;
    }
    let image = middle::database::image(&plan.hive, SETUP_TAG);
    for member in &plan.members {
        seat::install(&folder.node(&member.machine.name), &image)?;
    }
    Ok(())
}

fn machines(
    options: &LiveOptions,
    plan: &Plan,
    inbox: &Sender<Input>,
) -> Result<Box<dyn Machines>, LabError> {
    let program = options.program.clone();
    if options.backend == Backend::Local {
        return Ok(Box::new(Local::new(program)));
    }
    let inbox = inbox.clone();
    let power = Power::new(move |machine, on| {
        let _closing = inbox.send(Input::Power(machine, on));
    });
    let wishes = docker::Wishes {
        program,
        arrays: plan.arrays.len(),
        adapters: options.expose_tun,
        progress: options.progress,
    };
    Ok(Box::new(Docker::new(wishes, power)?))
}

/// The machines of a lab: its nodes in the order of their numbers, then its arrays.
fn wanted(plan: &Plan, folder: &LabFolder) -> Vec<Wanted> {
    let node = |member: &plan::Member| Wanted {
        id: MachineId::Node(member.id),
        name: member.machine.name.clone(),
        folder: folder.node(&member.machine.name),
    };
    let array = |(place, array): (usize, &plan::Array)| Wanted {
        id: MachineId::Array(place),
        name: format!("array-{}", array.name),
        folder: folder.array(&array.name),
    };
    let arrays = plan.arrays.iter().enumerate().map(array);
    plan.members.iter().map(node).chain(arrays).collect()
}

fn networks(plan: &Plan, seed: u64) -> Networks {
    let machines: Vec<_> = every_machine(plan).collect();
    let segment = |network| {
        let attached = |(_, machine): &(u8, &&plan::Machine)| {
            machine.adapters.iter().any(|(it, _)| *it == network)
        };
        let stations = (0_u8..).zip(&machines).filter(attached);
        let attached: Stations = stations.map(|(station, _)| Station(station)).collect();
        // What sockets and scheduling take is all the delay there is.
        let delay = std::time::Duration::ZERO;
        Segment { attached, delay }
    };
    let numbers = plan.settings.networks.keys().copied();
    let routers = sim::world::routers(plan);
    Networks::routed(numbers.map(segment).collect(), routers, Rng::new(seed, 1))
}
