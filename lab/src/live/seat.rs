//! One member's machine: its power, and the process of its cluster service.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use base::{DiskId, HaltReason, NodeId, StartMode, Timestamp};
use node::Picture;
use plan::Member;
use rhs::{family, frames};
use runtime::Clock;
use runtime::control::{self, DiskCondition, Request};
use sim::Life;

use super::input::Input;
use super::nics::Sockets;
use crate::machine::{Machine, Part};
use crate::{LabError, LabFolder};

/// How long a node may take to listen at its control socket after its start.
const LISTEN_MAX: Duration = Duration::from_secs(5);

/// One member's machine.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: NodeId,
    pub(super) name: String,
    pub(super) service_restart: Duration,
    pub(super) powered: bool,
    pub(super) frozen: bool,
    /// Only its cluster service is frozen.
    pub(super) hung: bool,
    machine: Box<dyn Machine>,
    /// A life of the service has begun, and its end has not been heard of.
    runs: bool,
    /// Which life of the service this is; what an earlier one said late is dropped.
    pub(super) life: u32,
    /// When the service is to be started; a later order replaces an earlier one.
    pub(super) start_at: Option<Timestamp>,
    /// When a machine that shuts down has had enough time.
    pub(super) force_off_at: Option<Timestamp>,
    /// The service was asked to stop and has not ended yet.
    pub(super) stopping: bool,
    /// The option that an administrator gives to its next start.
    pub(super) start_mode: StartMode,
    /// It was ordered to start meanwhile, which waits for the end.
    pub(super) start_after_stop: bool,
    /// The next end of the service is followed by a restart of the machine.
    pub(super) reboot: bool,
    /// What the life said about its end.
    pub(super) halted: Option<HaltReason>,
    pub(super) picture: Option<Picture>,
    /// Links that its service believes to be down are told by the fabric; disks are told by us.
    pub(super) conditions: Vec<(DiskId, DiskCondition)>,
    control: PathBuf,
    mark: String,
    faults: Option<Sender<Request>>,
}

/// What all nodes of a lab are started with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) folder: &'a LabFolder,
    /// The agent behind its machine's adapters, if there is one.
    pub(super) nic: Option<Sockets>,
    /// Addresses of the targets, by array.
    pub(super) portals: Vec<String>,
    pub(super) clock: Clock,
    /// Names of the members, by number.
    pub(super) names: &'a [String],
    pub(super) trace_polls: bool,
    pub(super) trace_frames: bool,
    pub(super) inbox: &'a Sender<Input>,
}

impl Seat {
    pub(super) fn new(
        member: &Member,
        machine: Box<dyn Machine>,
        folder: &LabFolder,
    ) -> Result<Self, LabError> {
        let name = member.machine.name.clone();
        Ok(Self {
            id: member.id,
            service_restart: member.service_restart,
            powered: true,
            frozen: false,
            hung: false,
            machine,
            runs: false,
            life: 0,
            start_at: Some(Timestamp::ZERO),
            force_off_at: None,
            stopping: false,
            start_mode: StartMode::Normal,
            start_after_stop: false,
            reboot: false,
            halted: None,
            picture: None,
            conditions: Vec::new(),
            control: folder.part_socket(&format!("node-{}", member.id))?,
            mark: format!("{}/{name}", folder.uid()),
            faults: None,
            name,
        })
    }

    pub(super) fn life(&self) -> Life {
        match (self.powered, self.runs, self.frozen) {
            (false, _, _) => Life::Off,
            (true, _, true) => Life::Frozen,
            (true, false, false) => Life::Stopped,
            (true, true, false) => Life::Running,
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.runs
    }

    /// The process of its cluster service.
    pub(super) fn pid(&self) -> Option<u32> {
        self.machine.process().filter(|_| self.runs)
    }

    /// The container that the machine is.
    pub(super) fn container(&self) -> Option<&str> {
        self.machine.container()
    }

    /// The socket for administrators.
    pub(super) fn control(&self) -> &Path {
        &self.control
    }

    /// Starts a life of the cluster service.
    pub(super) fn start(&mut self, with: &Start<'_>) -> Result<(), LabError> {
        let part = Part {
            arguments: self.arguments(with)?,
            environment: vec![
                (family::LAB, with.folder.uid().to_string()),
                (family::NODE, self.mark.clone()),
            ],
            log: with.folder.log(&self.name),
        };
        let said = self.machine.start(&part)?;
        self.life = self.life.wrapping_add(1);
        hear(self.id, self.life, said, with.inbox.clone());
        self.runs = true;
        // The option holds for one start.
        self.start_mode = StartMode::Normal;
        self.halted = None;
        self.conditions.clear();
        self.faults = Some(tell_faults(self.control.clone()));
        Ok(())
    }

    fn arguments(&self, with: &Start<'_>) -> Result<Vec<OsString>, LabError> {
        let folder = with.folder;
        let mut arguments: Vec<OsString> = vec![
            "node".into(),
            folder.lab_file().into(),
            (&self.name).into(),
            "--state".into(),
            folder.node(&self.name).into(),
            "--outside".into(),
            folder.part_socket("outside")?.into(),
            "--control".into(),
            (&self.control).into(),
            "--server-service".into(),
            folder.server_service(self.id)?.into(),
            "--epoch".into(),
            with.clock.epoch_nanos().to_string().into(),
            "--speed".into(),
            with.clock.speed().to_string().into(),
            "--mark".into(),
            (&self.mark).into(),
        ];
        match &with.nic {
            Some(nic) => arguments.extend(nic.arguments()),
            None => arguments.extend(["--fabric".into(), folder.part_socket("fabric")?.into()]),
        }
        for portal in &with.portals {
            arguments.extend(["--portal".into(), portal.into()]);
        }
        if with.trace_polls {
            arguments.push("--trace-polls".into());
        }
        if with.trace_frames {
            arguments.push("--trace-frames".into());
        }
        arguments.extend(option(self.start_mode, with.names));
        Ok(arguments)
    }

    /// The life is over; what is left of it is ended too.
    pub(super) fn bury(&mut self) {
        self.machine.kill();
        self.forget_life();
    }

    /// The machine loses its power, and the life with it.
    pub(super) fn power_off(&mut self) {
        self.machine.power_off();
        self.forget_life();
    }

    /// The machine gets its power back.
    pub(super) fn power_on(&mut self) {
        self.machine.power_on();
    }

    fn forget_life(&mut self) {
        self.runs = false;
        self.life = self.life.wrapping_add(1);
        self.picture = None;
        self.stopping = false;
        self.faults = None;
    }

    /// Asks the service to stop.
    pub(super) fn ask_to_stop(&mut self) {
        self.machine.stop();
    }

    /// Nothing of the machine runs any more, or everything goes on.
    pub(super) fn set_frozen(&mut self, frozen: bool) -> Result<(), LabError> {
        self.machine.set_frozen(frozen)?;
        self.frozen = frozen;
        self.hung = false;
        Ok(())
    }

    /// The process of the service does nothing any more, everything else goes on.
    pub(super) fn hang(&mut self) -> Option<Result<(), LabError>> {
        let hangs = self.machine.hang()?;
        if hangs.is_ok() {
            self.frozen = true;
            self.hung = true;
        }
        Some(hangs)
    }

    /// From now on its service sees these disks like this.
    pub(super) fn tell_disks(&self, disks: Vec<(DiskId, DiskCondition)>) {
        self.tell(Request::Disks(disks));
    }

    pub(super) fn tell_own_disk(&self, fails: bool) {
        self.tell(Request::OwnDiskFails(fails));
    }

    pub(super) fn end_hosts(&self) {
        self.tell(Request::EndHosts);
    }

    fn tell(&self, request: Request) {
        if let Some(faults) = &self.faults {
            let _ended = faults.send(request);
        }
    }
}

/// The words that start a service with an option.
fn option(mode: StartMode, names: &[String]) -> Vec<OsString> {
    match mode {
        StartMode::Normal => Vec::new(),
        StartMode::ForceQuorum { nodes } => {
            let name = |node: NodeId| names.get(node.index()).cloned();
            let listed: Vec<String> = nodes.iter().filter_map(name).collect();
            vec!["--force-quorum".into(), listed.join(",").into()]
        }
        StartMode::PreventQuorum => vec!["--prevent-quorum".into()],
        StartMode::ClearQuarantine => vec!["--clear-quarantine".into()],
    }
}

/// Hears what a life says until it ends.
fn hear(node: NodeId, life: u32, mut stdout: Box<dyn Read + Send>, inbox: Sender<Input>) {
    thread::spawn(move || {
        while let Ok(Some(said)) = frames::read(&mut stdout) {
            let said = Box::new(said);
            if inbox.send(Input::Said { node, life, said }).is_err() {
                return;
            }
        }
        let _closing = inbox.send(Input::Ended { node, life });
    });
}

/// Tells a life of faults of its machine, one after the other, once it listens.
fn tell_faults(path: PathBuf) -> Sender<Request> {
    let (sender, requests): (_, Receiver<Request>) = mpsc::channel();
    thread::spawn(move || {
        for request in requests {
            let until = Instant::now() + LISTEN_MAX;
            while control::ask(&path, &request, LISTEN_MAX).is_err() && Instant::now() < until {
                thread::sleep(Duration::from_millis(5));
            }
        }
    });
    sender
}

/// Removes the cluster database from a node's disk, as the clean-up after an eviction does. What
/// its resources keep in the registry stays, and so does the number of its lives.
pub(super) fn wipe(folder: &Path) -> Result<(), LabError> {
    let files = fs::read_dir(folder).map_err(LabError::path("read", folder))?;
    for file in files.filter_map(Result::ok) {
        let path = file.path();
        let stays = path.ends_with(runtime::INCARNATION_FILE);
        if path.is_file() && !stays {
            fs::remove_file(&path).map_err(LabError::path("remove", &path))?;
        }
    }
    Ok(())
}

/// Puts the cluster database on a member's disk, as setup does.
pub(super) fn install(folder: &Path, image: &[u8]) -> Result<(), LabError> {
    fs::create_dir_all(folder).map_err(LabError::path("make", folder))?;
    let file = folder.join(bottom::txlog::FileName::Hive.label());
    fs::write(&file, image).map_err(LabError::path("write to", &file))
}
