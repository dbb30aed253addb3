//! Machines with adapters of their own (`expose: tun`): an agent for each, in a network namespace
//! that ends with it.
//!
//! The namespace has no name in the system, so nothing of it can be left behind: it is gone with
//! the last process in it, and every process is in the ledger. A link in the lab's folder leads to
//! it while it is there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use base::NodeId;
use rhs::family;
use rustix::process::{Pid, Signal, kill_process_group};

use super::input::Input;
use super::time::Later;
use super::{Backend, Live};
use crate::ledger::Deed;
use crate::{LabError, LabFolder, every_machine};

/// How long an agent may take to make its adapters.
const START_MAX: Duration = Duration::from_secs(20);
/// How long a machine that is no member takes to come back when its agent has died.
const RESTART: Duration = Duration::from_secs(1);

/// The agent of one machine.
#[derive(Debug)]
pub(super) struct Nic {
    name: String,
    station: usize,
    child: Option<Child>,
    /// Which start of it this is; what an earlier one said late is dropped.
    life: u32,
    namespace: PathBuf,
    sockets: Sockets,
}

/// What the agent of a machine is started with, in the network that it is to serve.
pub(crate) fn agent_arguments(
    folder: &LabFolder,
    name: &str,
    station: usize,
) -> Result<Vec<OsString>, LabError> {
    let sockets = Sockets::of(folder, station)?;
    Ok(vec![
        "nic".into(),
        "serve".into(),
        folder.lab_file().into(),
        name.into(),
        "--fabric".into(),
        folder.part_socket("fabric")?.into(),
        "--node".into(),
        sockets.node.into(),
        "--addresses".into(),
        sockets.addresses.into(),
    ])
}

/// Where an agent listens, and where its machine's network is found.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    pub(super) node: PathBuf,
    pub(super) addresses: PathBuf,
    /// Absent where the machine is in its network from the beginning.
    pub(super) namespace: Option<PathBuf>,
}

impl Sockets {
    /// Of the machine at a place in the lab.
    fn of(folder: &LabFolder, station: usize) -> Result<Self, LabError> {
        Ok(Self {
            node: folder.part_socket(&format!("nic-{station}"))?,
            addresses: folder.part_socket(&format!("addresses-{station}"))?,
            namespace: None,
        })
    }

    /// What the machine's cluster service is started with.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![
            "--fabric".into(),
            (&self.node).into(),
            "--adapters".into(),
            (&self.addresses).into(),
        ];
        if let Some(namespace) = &self.namespace {
            words.extend(["--namespace".into(), namespace.into()]);
        }
        words
    }
}

/// An agent's first line is still to come.
type Readiness = Receiver<()>;

impl Nic {
    fn new(name: &str, station: usize, folder: &LabFolder) -> Result<Self, LabError> {
        let namespace = folder.namespace(name);
        let sockets = Sockets {
            namespace: Some(namespace.clone()),
            ..Sockets::of(folder, station)?
        };
        Ok(Self {
            namespace,
            name: name.to_owned(),
            station,
            child: None,
            life: 0,
            sockets,
        })
    }

    fn start(
        &mut self,
        program: &Path,
        folder: &LabFolder,
        inbox: &Sender<Input>,
    ) -> Result<Readiness, LabError> {
        let log = folder.log(&format!("adapters-{}", self.name));
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.map_err(LabError::path("write to", &log))?;
        let mut command = crate::local::bound_to_this(program);
        command
            .args(agent_arguments(folder, &self.name, self.station)?)
            .arg("--own-namespace")
            .env(family::LAB, folder.uid().as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let what = format!("the agent of {}", self.name);
        let mut child = command
            .spawn()
            .map_err(|why| LabError::process(&what, why))?;
        self.life = self.life.wrapping_add(1);
        let (ready, readiness) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            watch((self.station, self.life), stdout, ready, inbox.clone());
        }
        let namespace = format!("/proc/{}/ns/net", child.id());
        self.child = Some(child);
        link(&namespace, &self.namespace)?;
        Ok(readiness)
    }

    fn wait(&self, readiness: &Readiness, folder: &LabFolder) -> Result<(), LabError> {
        readiness.recv_timeout(START_MAX).map_err(|_| {
            let log = folder.log(&format!("adapters-{}", self.name));
            let why = fs::read_to_string(log).unwrap_or_default();
            let why = why.lines().last().unwrap_or("it gave no reason");
            LabError::process(&format!("the agent of {}", self.name), why)
        })
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(&child, Signal::KILL);
            let _ended = child.kill();
            let _reaped = child.wait();
        }
        self.life = self.life.wrapping_add(1);
        let _absent = fs::remove_file(&self.namespace);
    }

    fn set_frozen(&self, frozen: bool) {
        if let Some(child) = &self.child {
            signal(child, if frozen { Signal::STOP } else { Signal::CONT });
        }
    }
}

impl Drop for Nic {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // One that has ended needs no signal.
        let _gone = kill_process_group(pid, signal);
    }
}

/// Makes a symbolic link, in the place of an earlier one.
fn link(to: &str, at: &Path) -> Result<(), LabError> {
    let _absent = fs::remove_file(at);
    let folder = at.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(LabError::path("make", folder))?;
    std::os::unix::fs::symlink(to, at).map_err(LabError::path("make", at))
}

/// Hears that an agent is ready, and that it has ended.
fn watch(
    (station, life): (usize, u32),
    stdout: ChildStdout,
    ready: Sender<()>,
    inbox: Sender<Input>,
) {
    thread::spawn(move || {
        for _ready in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _waited = ready.send(());
        }
        drop(ready);
        let _closing = inbox.send(Input::NicEnded { station, life });
    });
}

impl Live {
    /// Gives every machine its adapters.
    pub(super) fn start_nics(&mut self) -> Result<(), LabError> {
        if !self.options.expose_tun {
            return Ok(());
        }
        if self.options.backend == Backend::Docker {
            // Containers have theirs from the beginning.
            return Ok(());
        }
        nic::is_possible().map_err(LabError::NoAdapters)?;
        let names = every_machine(&self.plan).map(|it| it.name.clone());
        let nics = (0..)
            .zip(names)
            .map(|(at, name)| Nic::new(&name, at, &self.folder));
        self.nics = nics.collect::<Result<_, _>>()?;
        for nic in &self.nics {
            // Where commands on a machine begin, a member or not.
            let folder = self.folder.node(&nic.name);
            fs::create_dir_all(&folder).map_err(LabError::path("make", &folder))?;
        }
        let started = (0..self.nics.len()).map(|station| self.begin_nic(station));
        let started: Vec<Readiness> = started.collect::<Result<_, _>>()?;
        for (nic, readiness) in self.nics.iter().zip(&started) {
            nic.wait(readiness, &self.folder)?;
        }
        Ok(())
    }

    fn begin_nic(&mut self, station: usize) -> Result<Readiness, LabError> {
        let (program, folder) = (&self.options.program, &self.folder);
        let Some(nic) = self.nics.get_mut(station) else {
            return Err(LabError::process("an agent", "there is no such machine"));
        };
        let what = format!("adapters and network namespace of {}", nic.name);
        let inbox = &self.sender;
        let start = || Ok(nic.start(program, folder, inbox));
        let started = self.ledger.enter(&Deed::Process { what }, start);
        started.map_err(LabError::system("cannot write the ledger"))?
    }

    /// A machine has power: its adapters come back.
    pub(super) fn power_nic_on(&mut self, station: usize) {
        if self.nics.get(station).is_none_or(|it| it.child.is_some()) {
            return;
        }
        self.end_watchers(station);
        let started = self.begin_nic(station);
        let ready = started.and_then(|readiness| match self.nics.get(station) {
            Some(nic) => nic.wait(&readiness, &self.folder),
            None => Ok(()),
        });
        if let Err(error) = ready {
            self.complain(&error);
        }
    }

    /// A machine has lost power, and with it every adapter and address.
    pub(super) fn power_nic_off(&mut self, station: usize) {
        if let Some(nic) = self.nics.get_mut(station) {
            nic.stop();
        }
    }

    pub(super) fn freeze_nic(&self, node: NodeId, frozen: bool) {
        if let Some(nic) = self.nics.get(node.index()) {
            nic.set_frozen(frozen);
        }
    }

    /// An agent has ended by itself or was killed: a machine does not go on without its network.
    pub(super) fn nic_ended(&mut self, station: usize, life: u32) {
        let Some(nic) = self.nics.get_mut(station).filter(|it| it.life == life) else {
            return;
        };
        nic.stop();
        let text = format!("the adapters of {} are gone; it starts again", nic.name);
        self.note(&text);
        match self.plan.members.get(station).map(|member| member.id) {
            Some(node) => self.cycle(node),
            None => self.do_later(RESTART, Later::StartNic(station)),
        }
    }

    /// Where a machine's agent listens, if it has adapters of its own.
    pub(super) fn sockets_of(&self, station: usize) -> Option<Sockets> {
        if self.options.expose_tun && self.options.backend == Backend::Docker {
            return Sockets::of(&self.folder, station).ok();
        }
        self.nics.get(station).map(|nic| nic.sockets.clone())
    }
}
