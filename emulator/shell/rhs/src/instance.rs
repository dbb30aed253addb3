//! One resource in a host: its entry points, carried out one after the other on its own thread, so
//! that one that does not return holds up nobody else.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::Duration;

use base::{CallId, ResourceId};
use top::rcm::{EntryPoint, EntryResult, ResourceParameters, ResourceSpec};

use crate::host::Shared;
use crate::outside::Hold;
use crate::program::Program;

/// ERROR_FILE_NOT_FOUND: there is no such program.
const FILE_NOT_FOUND: u32 = 2;
/// ERROR_INVALID_FUNCTION: the cluster service is to answer the control code.
const INVALID_FUNCTION: u32 = 1;
/// ERROR_NOT_SUPPORTED: this host cannot run such a resource.
const NOT_SUPPORTED: u32 = 50;
/// ERROR_NOT_QUORUM_CLASS: nothing that a host runs can be a witness.
const NOT_QUORUM_CLASS: u32 = 5_025;
/// ERROR_RESOURCE_FAILED: it does not work.
const FAILED: u32 = 5_038;

/// From here on an entry point answers ERROR_IO_PENDING and reports later, as the product advises
/// for anything above 300 ms (reference section 1.4).
const PENDING_FROM: Duration = Duration::from_millis(300);
/// How long a program may take to end after it was asked to; unsourced.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the thread of a resource has to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// An entry point is called.
    Call(CallId, EntryPoint),
    /// The program of so many starts has ended.
    Ended(u64),
    /// What it stands for stops working until it is started again.
    Break,
    /// Its entry points do not return any more.
    Hang,
}

/// One resource.
pub(crate) struct Instance {
    resource: ResourceId,
    shared: Arc<Shared>,
    to_myself: Sender<Work>,
    /// What the lab's model knows of it.
    hold: Hold,
    /// What is really on the machine's adapters.
    adapters: Hold,
    spec: ResourceSpec,
    program: Option<Program>,
    online: bool,
    broken: bool,
    hung: bool,
    runs: u64,
    checks: u64,
}

impl Instance {
    pub(crate) fn open(
        shared: Arc<Shared>,
        resource: ResourceId,
        spec: ResourceSpec,
        to_myself: Sender<Work>,
    ) -> io::Result<Self> {
        let options = &shared.options;
        let hold = Hold::new(options.outside.as_deref(), options.node, resource)?;
        let adapters = Hold::new(options.adapters.as_deref(), options.node, resource)?;
        Ok(Self {
            resource,
            shared,
            to_myself,
            hold,
            adapters,
            spec,
            program: None,
            online: false,
            broken: false,
            hung: false,
            runs: 0,
            checks: 0,
        })
    }

    /// Works until the resource is closed or the host ends.
    pub(crate) fn serve(mut self, work: &Receiver<Work>) {
        while let Ok(work) = work.recv() {
            match work {
                Work::Call(call, entry) => {
                    let close = entry == EntryPoint::Close;
                    self.call(call, entry);
                    if close {
                        return;
                    }
                }
                Work::Ended(run) if run == self.runs => self.let_go(),
                Work::Ended(_) => {}
                Work::Break => self.fail(),
                Work::Hang => self.hung = true,
            }
        }
    }

    fn call(&mut self, call: CallId, entry: EntryPoint) {
        let script = self.shared.script(self.resource);
        thread::sleep(script.slow);
        if script.hung || self.hung {
            return;
        }
        let result = match entry {
            EntryPoint::Open(spec) => {
                self.spec = spec;
                EntryResult::Success
            }
            EntryPoint::Online(spec) => self.online(spec),
            EntryPoint::Offline => return self.offline(call),
            EntryPoint::Terminate | EntryPoint::Close => {
                self.terminate();
                EntryResult::Success
            }
            EntryPoint::LooksAlive => of_check(self.check(false)),
            EntryPoint::IsAlive => of_check(self.check(true)),
            EntryPoint::Arbitrate | EntryPoint::Release => EntryResult::Failure {
                code: NOT_QUORUM_CLASS,
            },
            EntryPoint::ResourceControl { .. } | EntryPoint::ResourceTypeControl { .. } => {
                EntryResult::Failure {
                    code: INVALID_FUNCTION,
                }
            }
        };
        self.shared.returned(call, self.resource, result);
    }

    fn online(&mut self, spec: ResourceSpec) -> EntryResult {
        self.terminate();
        self.spec = spec;
        self.broken = false;
        if self.shared.script(self.resource).crashing {
            // What a fault of a resource DLL does to its host.
            std::process::abort();
        }
        self.online = true;
        if let Err(code) = self.start() {
            self.terminate();
            return EntryResult::Failure { code };
        }
        EntryResult::Success
    }

    fn start(&mut self) -> Result<(), u32> {
        if needs_more(&self.spec.parameters) {
            eprintln!(
                "{} cannot be started: this host has no such type yet",
                self.spec.name
            );
            return Err(NOT_SUPPORTED);
        }
        if let ResourceParameters::GenericApplication {
            command_line,
            current_directory,
        } = &self.spec.parameters
        {
            self.runs += 1;
            let (run, told) = (self.runs, self.to_myself.clone());
            let ended = move || {
                // Nobody listens when the host ends.
                let _gone = told.send(Work::Ended(run));
            };
            let mark = self.shared.mark(self.resource, run);
            let namespace = self.shared.options.namespace.as_deref();
            let program = Program::start(command_line, current_directory, namespace, mark, ended);
            self.program = Some(program.map_err(|error| {
                eprintln!("{} cannot be started: {error}", self.spec.name);
                let code = error
                    .raw_os_error()
                    .and_then(|code| u32::try_from(code).ok());
                code.unwrap_or(FILE_NOT_FOUND)
            })?);
        }
        self.adapters.acquire(&self.spec.parameters)?;
        self.hold.acquire(&self.spec.parameters)
    }

    /// Asks a program to end before it is killed; that may take long and is then reported later.
    fn offline(&mut self, call: CallId) {
        let asked = self.program.as_ref().map(|it| it.ask_to_end(PENDING_FROM));
        if asked == Some(false) {
            let pending = EntryResult::Pending;
            self.shared.returned(call, self.resource, pending);
            if let Some(program) = &self.program {
                program.wait(PATIENCE);
            }
            self.terminate();
            self.shared.finished(self.resource, EntryResult::Success);
        } else {
            self.terminate();
            let done = EntryResult::Success;
            self.shared.returned(call, self.resource, done);
        }
    }

    /// A fault: a program dies, anything else stops to work.
    fn fail(&mut self) {
        self.broken = true;
        if let Some(program) = &self.program {
            program.kill();
        }
    }

    fn terminate(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
        if std::mem::take(&mut self.online) {
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        self.adapters.release();
        self.hold.release();
    }

    fn check(&mut self, thorough: bool) -> bool {
        self.checks += 1;
        let script = self.shared.script(self.resource);
        if let Some((looks_alive, is_alive)) = script.answers {
            return if thorough { is_alive } else { looks_alive };
        }
        let flaps = script.flapping && self.checks.is_multiple_of(2);
        let runs = self.program.as_ref().is_none_or(Program::runs);
        let works = |it: &mut Self| it.adapters.works() && it.hold.works();
        self.online && runs && !self.broken && !flaps && works(self)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// Types that stand for a service, a script or a plug-in, which this host does not start so far.
fn needs_more(parameters: &ResourceParameters) -> bool {
    matches!(
        parameters,
        ResourceParameters::GenericService { .. }
            | ResourceParameters::GenericScript { .. }
            | ResourceParameters::DhcpService { .. }
            | ResourceParameters::WinsService { .. }
            | ResourceParameters::PrintSpooler { .. }
            | ResourceParameters::PlugIn { .. }
    )
}

fn of_check(alive: bool) -> EntryResult {
    if alive {
        EntryResult::Success
    } else {
        EntryResult::Failure { code: FAILED }
    }
}
