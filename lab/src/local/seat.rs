//! One member's machine: its power, and the process of its cluster service.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use base::{DiskId, HaltReason, NodeId, Timestamp};
use node::Picture;
use plan::Member;
use rhs::{family, frames};
use runtime::control::{self, DiskCondition, Request};
use rustix::process::{Pid, Signal, kill_process_group};
use sim::Life;

use super::input::Input;
use super::nics::Sockets;
use super::process;
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
    service: Option<Child>,
    /// Which life of the service this is; what an earlier one said late is dropped.
    pub(super) life: u32,
    /// When the service is to be started; a later order replaces an earlier one.
    pub(super) start_at: Option<Timestamp>,
    /// When a machine that shuts down has had enough time.
    pub(super) force_off_at: Option<Timestamp>,
    /// The service was asked to stop and has not ended yet.
    pub(super) stopping: bool,
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
    pub(super) program: &'a Path,
    pub(super) folder: &'a LabFolder,
    /// The agent behind its machine's adapters, if there is one.
    pub(super) nic: Option<Sockets>,
    /// Addresses of the targets, by array.
    pub(super) portals: Vec<String>,
    pub(super) epoch_nanos: u64,
    pub(super) trace_polls: bool,
    pub(super) inbox: &'a Sender<Input>,
}

impl Seat {
    pub(super) fn new(member: &Member, folder: &LabFolder) -> Result<Self, LabError> {
        let name = member.machine.name.clone();
        Ok(Self {
            id: member.id,
            service_restart: member.service_restart,
            powered: true,
            frozen: false,
            service: None,
            life: 0,
            start_at: Some(Timestamp::ZERO),
            force_off_at: None,
            stopping: false,
            start_after_stop: false,
            reboot: false,
            halted: None,
            picture: None,
            conditions: Vec::new(),
            control: folder.socket(&format!("node-{}.sock", member.id))?,
            mark: format!("{}/{name}", folder.uid()),
            faults: None,
            name,
        })
    }

    pub(super) fn life(&self) -> Life {
        match (self.powered, self.service.is_some(), self.frozen) {
            (false, _, _) => Life::Off,
            (true, _, true) => Life::Frozen,
            (true, false, false) => Life::Stopped,
            (true, true, false) => Life::Running,
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.service.is_some()
    }

    /// The process of its cluster service.
    pub(super) fn pid(&self) -> Option<u32> {
        self.service.as_ref().map(Child::id)
    }

    /// The socket for administrators.
    pub(super) fn control(&self) -> &Path {
        &self.control
    }

    /// Starts a life of the cluster service.
    pub(super) fn start(&mut self, with: &Start<'_>) -> Result<(), LabError> {
        let what = format!("node {}", self.name);
        let log = with.folder.log(&self.name);
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.map_err(LabError::path("write to", &log))?;
        let mut command = process::bound_to_this(with.program);
        command
            .arg("node")
            .arg(with.folder.lab_file())
            .arg(&self.name)
            .arg("--state")
            .arg(with.folder.node(&self.name))
            .arg("--outside")
            .arg(with.folder.socket("outside.sock")?)
            .arg("--control")
            .arg(&self.control)
            .args(["--epoch", &with.epoch_nanos.to_string()])
            .args(["--mark", &self.mark])
            .env(family::LAB, with.folder.uid().as_str())
            .env(family::NODE, &self.mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        match &with.nic {
            Some(nic) => {
                command.arg("--fabric").arg(&nic.node);
                command.arg("--adapters").arg(&nic.addresses);
                command.arg("--namespace").arg(&nic.namespace);
            }
            None => {
                command
                    .arg("--fabric")
                    .arg(with.folder.socket("fabric.sock")?);
            }
        }
        for portal in &with.portals {
            command.args(["--portal", portal]);
        }
        if with.trace_polls {
            command.arg("--trace-polls");
        }
        let mut child = command
            .spawn()
            .map_err(|why| LabError::process(&what, why))?;
        self.life = self.life.wrapping_add(1);
        if let Some(stdout) = child.stdout.take() {
            hear(self.id, self.life, stdout, with.inbox.clone());
        }
        self.service = Some(child);
        self.halted = None;
        self.conditions.clear();
        self.faults = Some(tell_faults(self.control.clone()));
        Ok(())
    }

    /// The life is over; what is left of it is ended too.
    pub(super) fn bury(&mut self) {
        if let Some(mut child) = self.service.take() {
            self.signal_group(&child, Signal::KILL);
            let _ended = child.kill();
            let _reaped = child.wait();
        }
        family::kill(family::NODE, &self.mark);
        self.life = self.life.wrapping_add(1);
        self.picture = None;
        self.stopping = false;
        self.faults = None;
    }

    /// Asks the service to stop.
    pub(super) fn ask_to_stop(&self) {
        if let Some(pid) = self.service.as_ref().and_then(pid_of) {
            // One that has just ended has stopped.
            let _ended = rustix::process::kill_process(pid, Signal::TERM);
        }
    }

    /// Nothing of the machine runs any more, or everything goes on.
    pub(super) fn set_frozen(&mut self, frozen: bool) {
        self.frozen = frozen;
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        if let Some(child) = &self.service {
            self.signal_group(child, signal);
        }
        family::signal(family::NODE, &self.mark, signal);
    }

    /// From now on its service sees these disks like this.
    pub(super) fn tell_disks(&self, disks: Vec<(DiskId, DiskCondition)>) {
        self.tell(Request::Disks(disks));
    }

    pub(super) fn tell_own_disk(&self, fails: bool) {
        self.tell(Request::OwnDiskFails(fails));
    }

    fn tell(&self, request: Request) {
        if let Some(faults) = &self.faults {
            let _ended = faults.send(request);
        }
    }

    fn signal_group(&self, child: &Child, signal: Signal) {
        if let Some(pid) = pid_of(child) {
            // A process that has just begun has no group of its own yet; its family is signalled
            // as well.
            let _none = kill_process_group(pid, signal);
        }
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.bury();
    }
}

/// Hears what a life says until it ends.
fn hear(
    node: NodeId,
    life: u32,
    mut stdout: impl std::io::Read + Send + 'static,
    inbox: Sender<Input>,
) {
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

/// Puts the cluster database on a member's disk, as setup does.
pub(super) fn install(folder: &Path, image: &[u8]) -> Result<(), LabError> {
    fs::create_dir_all(folder).map_err(LabError::path("make", folder))?;
    let file = folder.join(bottom::txlog::FileName::Hive.label());
    fs::write(&file, image).map_err(LabError::path("write to", &file))
}
