//! Backend `local`: a lab as processes of this machine, without privileges.
//!
//! The wall-clock counterpart of the simulator's world. It starts and ends processes, breaks what
//! the lab file says, and reports what nodes show, what targets hold and what resources serve. As
//! on a real machine, whoever ends takes nothing with it but its own.

mod fabric;
mod faults;
mod hosts;
mod input;
mod jury;
mod machines;
mod nics;
mod outside;
mod process;
mod seat;
mod stage;
mod targets;
mod time;

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
use sim::world::Asked;
use sim::{FaultId, MachineFault};

use crate::gate::{self, Gate};
use crate::ledger::{Deed, Ledger};
use crate::{LabError, LabFolder, Order, keeper, machines};
use fabric::Fabric;
use hosts::Connection;
use input::{ConnectionId, Input};
use nics::Nic;
use seat::Seat;
use targets::Target;
pub(crate) use targets::iqn;
use time::Later;

/// What a lab of processes is built with.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Our own program, which every process of the lab runs.
    pub program: PathBuf,
    /// Decides what networks lose and delay.
    pub seed: u64,
    /// Nodes note every health check.
    pub trace_polls: bool,
    /// The folder below which labs are.
    pub root: PathBuf,
    /// Machines have network namespaces with adapters of their own.
    pub expose_tun: bool,
}

/// A lab of processes.
#[derive(Debug)]
pub struct Local {
    plan: Plan,
    options: LocalOptions,
    folder: LabFolder,
    ledger: Ledger,
    clock: Clock,
    inbox: Receiver<Input>,
    /// Came in while something else was waited for.
    put_aside: VecDeque<Input>,
    sender: Sender<Input>,
    seats: Vec<Seat>,
    nics: Vec<Nic>,
    targets: Vec<Target>,
    networks: Networks,
    fabric: Fabric,
    share: Option<Share>,
    outside: Outside,
    connections: BTreeMap<ConnectionId, Connection>,
    scripts: Vec<(FaultId, ResourceId, Behaviour)>,
    storage_rules: Vec<(FaultId, storage::Rule)>,
    /// Disks that are slow, as their targets were told.
    slow: BTreeMap<DiskId, std::time::Duration>,
    machine_faults: Vec<(FaultId, MachineFault, NodeId)>,
    /// Faults of disks and shares that end when their resource is started again.
    repaired_by_restart: Vec<(FaultId, ResourceId)>,
    faults_made: u64,
    holders: BTreeMap<DiskId, Option<NodeId>>,
    asked: BTreeMap<RequestId, Asked>,
    later: Vec<(Timestamp, Later)>,
    log: Log,
    jury: Jury,
    orders: VecDeque<Order>,
    /// Whoever waits for the end of the lab.
    until_gone: Option<Sender<serde_json::Value>>,
    /// Locked as long as this process keeps the lab.
    _lock: fs::File,
    /// Counts everything that could be seen.
    changes: u64,
}

impl Local {
    /// Builds the lab of a text that was checked, and starts its machines.
    ///
    /// # Errors
    /// What the lab file may say and this version cannot build, or what the system refuses.
    pub fn build(plan: Plan, text: &str, options: LocalOptions) -> Result<Self, LabError> {
        let folder = LabFolder::new(&options.root)?;
        let gate = Gate::of(&folder);
        make_folder(&folder, &gate)?;
        rhs::family::adopt();
        let built = Self::build_in(plan, text, options, folder.clone(), gate);
        if built.is_err() {
            crate::remove(&folder);
            gate::forget(&folder);
        }
        built
    }

    fn build_in(
        plan: Plan,
        text: &str,
        options: LocalOptions,
        folder: LabFolder,
        gate: Gate,
    ) -> Result<Self, LabError> {
        let at = folder.lock();
        let lock = lock(&at).map_err(LabError::path("lock", &at))?;
        let at = folder.ledger();
        let mut ledger = Ledger::create(&at, gate).map_err(LabError::path("write to", &at))?;
        let files = || write_files(&plan, text, &folder).map_err(std::io::Error::other);
        ledger
            .enter(&Deed::Folder, files)
            .map_err(LabError::system("cannot make the lab"))?;
        let (sender, inbox) = mpsc::channel();
        let networks = networks(&plan, options.seed);
        let socket = folder.socket("fabric.sock")?;
        let fabric = Fabric::start(&socket, networks.clone(), sender.clone());
        let fabric = fabric.map_err(LabError::path("listen at", &socket))?;
        let socket = folder.socket("outside.sock")?;
        outside::listen(&socket, sender.clone()).map_err(LabError::path("listen at", &socket))?;
        let seats = plan.members.iter().map(|member| Seat::new(member, &folder));
        let share = plan.witness_share.as_ref();
        let mut local = Self {
            seats: seats.collect::<Result<_, _>>()?,
            share: share.map(|it| Share::new(it.host.clone(), plan.members.len())),
            plan,
            options,
            folder,
            ledger,
            clock: Clock::start(),
            inbox,
            put_aside: VecDeque::new(),
            sender,
            nics: Vec::new(),
            targets: Vec::new(),
            networks,
            fabric,
            outside: Outside::default(),
            connections: BTreeMap::new(),
            scripts: Vec::new(),
            storage_rules: Vec::new(),
            slow: BTreeMap::new(),
            machine_faults: Vec::new(),
            repaired_by_restart: Vec::new(),
            faults_made: 0,
            holders: BTreeMap::new(),
            asked: BTreeMap::new(),
            later: Vec::new(),
            log: Log::new(true),
            jury: jury::jury(),
            orders: VecDeque::new(),
            until_gone: None,
            _lock: lock,
            changes: 0,
        };
        local.start_nics()?;
        local.start_targets()?;
        local.start_due(Timestamp::ZERO)?;
        Ok(local)
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

    /// Where the target of a disk listens.
    pub(crate) fn portal_of(&self, disk: &plan::Disk) -> Option<std::net::SocketAddr> {
        self.targets.get(disk.array).map(Target::address)
    }

    /// The iSCSI name of a disk's target.
    pub(crate) fn target_name_of(&self, disk: &plan::Disk) -> Option<String> {
        self.targets.get(disk.array).map(|it| iqn(it.name()))
    }

    fn start_targets(&mut self) -> Result<(), LabError> {
        for place in 0..self.plan.arrays.len() {
            let target = self.start_target(place, None)?;
            self.targets.push(target);
        }
        Ok(())
    }

    fn start_target(
        &mut self,
        place: usize,
        at: Option<std::net::SocketAddr>,
    ) -> Result<Target, LabError> {
        let (plan, folder, program) = (&self.plan, &self.folder, &self.options.program);
        let what = plan.arrays.get(place).map_or("", |it| it.name.as_str());
        let deed = Deed::Process {
            what: format!("target {what}"),
        };
        let sender = &self.sender;
        let start = || Ok(Target::start(plan, place, folder, program, at, sender));
        let started = self.ledger.enter(&deed, start);
        started.map_err(LabError::system("cannot write the ledger"))?
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.seats.clear();
        self.targets.clear();
        self.nics.clear();
        crate::remove(&self.folder);
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
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).map_err(LabError::path("make", &logs))?;
    // Above the tag of a blank disk, so that what setup installed counts.
    let tag = PaxosTag {
        next_epoch: 1,
        last_epoch: 1,
        sequence: 1,
    };
    let image = middle::database::image(&plan.hive, tag);
    for member in &plan.members {
        seat::install(&folder.node(&member.machine.name), &image)?;
    }
    Ok(())
}

fn networks(plan: &Plan, seed: u64) -> Networks {
    let machines: Vec<_> = machines(plan).collect();
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
