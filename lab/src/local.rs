//! Backend `local`: machines are processes of this computer, without privileges.
//!
//! A process of a lab is killed when the thread that keeps the lab ends, so no lab outlives its
//! keeper, not even a frozen one.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rhs::family;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::ledger::Ledger;
use crate::machine::{Machine, Machines, Part, Reach, Wanted};
use crate::{LabError, LabFolder};

/// Machines that are processes.
#[derive(Debug)]
pub(crate) struct Local {
    program: PathBuf,
}

impl Local {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program }
    }
}

impl Machines for Local {
    fn backend(&self) -> &'static str {
        "local"
    }

    fn make(
        &mut self,
        folder: &LabFolder,
        wanted: &[Wanted],
        _ledger: &mut Ledger,
    ) -> Result<Vec<Box<dyn Machine>>, LabError> {
        let machine = |wanted: &Wanted| -> Box<dyn Machine> {
            Box::new(Processes {
                name: wanted.name.clone(),
                program: self.program.clone(),
                child: None,
                mark: format!("{}/{}", folder.uid(), wanted.name),
            })
        };
        Ok(wanted.iter().map(machine).collect())
    }

    fn listen(&self, _array: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn reach(&mut self, _array: usize, listens: SocketAddr) -> Result<Reach, LabError> {
        Ok(Reach {
            from_nodes: listens,
            from_here: listens,
        })
    }
}

/// A command of our own program that is killed when the calling thread ends. It leads a process
/// group of its own, so that nothing typed at a terminal reaches it.
pub(crate) fn bound_to_this(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["rhs", "--execute", &std::process::id().to_string(), "--"])
        .arg(program)
        .process_group(0);
    command
}

/// The command that runs a part, bound to the calling thread.
pub(crate) fn command(program: &Path, part: &Part) -> Result<Command, LabError> {
    let errors = File::options().create(true).append(true).open(&part.log);
    let errors = errors.map_err(LabError::path("write to", &part.log))?;
    let mut command = bound_to_this(program);
    command
        .args(&part.arguments)
        .envs(part.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stderr(errors);
    Ok(command)
}

/// A machine that is whatever runs on it.
#[derive(Debug)]
struct Processes {
    name: String,
    program: PathBuf,
    child: Option<Child>,
    /// By which all its processes are found.
    mark: String,
}

impl Processes {
    fn signal_group(&self, signal: Signal) {
        if let Some(pid) = self.child.as_ref().and_then(pid_of) {
            // A process that has just begun has no group of its own yet; its family is signalled
            // as well.
            let _none = kill_process_group(pid, signal);
        }
    }
}

impl Machine for Processes {
    fn power_on(&mut self) {}

    fn power_off(&mut self) {
        self.kill();
    }

    fn start(&mut self, part: &Part) -> Result<Box<dyn Read + Send>, LabError> {
        let mut command = command(&self.program, part)?;
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|why| LabError::process(&self.name, why))?;
        let said = child.stdout.take();
        self.child = Some(child);
        let said = said.ok_or_else(|| LabError::process(&self.name, "it has no output"))?;
        Ok(Box::new(said))
    }

    fn stop(&mut self) {
        if let Some(pid) = self.child.as_ref().and_then(pid_of) {
            // One that has just ended has stopped.
            let _ended = kill_process(pid, Signal::TERM);
        }
    }

    fn kill(&mut self) {
        self.signal_group(Signal::KILL);
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill();
            let _reaped = child.wait();
        }
        family::kill(family::NODE, &self.mark);
    }

    fn set_frozen(&mut self, frozen: bool) -> Result<(), LabError> {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        self.signal_group(signal);
        family::signal(family::NODE, &self.mark, signal);
        Ok(())
    }

    fn hang(&mut self) -> Option<Result<(), LabError>> {
        let pid = self.child.as_ref().and_then(pid_of)?;
        let stopped = kill_process(pid, Signal::STOP);
        Some(stopped.map_err(|why| LabError::process(&self.name, why)))
    }

    fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.kill();
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}
