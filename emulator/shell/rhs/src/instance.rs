//! One resource in a host: its entry points, carried out one after the other on its own thread, so
//! that one that does not return holds up nobody else.

mod talking;

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::Duration;

use base::{CallId, ResourceId};
use top::rcm::{EntryPoint, EntryResult, HostReport, ResourceParameters, ResourceSpec};

use crate::host::Shared;
use crate::outside::Hold;
use crate::plug_in::{Heard, PlugIn};
use crate::program::{Program, Start};
use crate::server::Published;

/// ERROR_FILE_NOT_FOUND: there is no such program.
const FILE_NOT_FOUND: u32 = 2;
/// ERROR_INVALID_FUNCTION: the cluster service is to answer the control code.
const INVALID_FUNCTION: u32 = 1;
/// ERROR_SERVICE_DOES_NOT_EXIST: the machine knows no such service.
const NO_SERVICE: u32 = 1_060;
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
    /// The plug-in of so many starts has said something.
    Heard(u64, Heard),
    /// What it stands for stops working until it is started again.
    Break,
    /// Its entry points do not return any more.
    Hang,
    /// Somebody removes the share that it offers.
    RemoveShare,
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
    /// What the machine's server service offers for it.
    offered: Published,
    spec: ResourceSpec,
    program: Option<Program>,
    plug_in: Option<PlugIn>,
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
        let offered = Published::new(options.server_service.as_deref());
        Ok(Self {
            resource,
            shared,
            to_myself,
            hold,
            adapters,
            offered,
            spec,
            program: None,
            plug_in: None,
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
                Work::Ended(run) if run == self.runs => {
                    self.lose_plug_in();
                    self.let_go();
                }
                Work::Ended(_) => {}
                Work::Heard(run, heard) if run == self.runs => self.heard(heard),
                Work::Heard(..) => {}
                Work::Break => self.fail(),
                Work::Hang => self.hung = true,
                Work::RemoveShare => self.offered.remove(&self.spec.parameters),
            }
        }
    }

    fn call(&mut self, call: CallId, entry: EntryPoint) {
        let script = self.shared.script(self.resource);
        thread::sleep(script.slow);
        if script.hung || self.hung {
            return;
        }
        if let EntryPoint::Open(spec) | EntryPoint::Online(spec) = &entry {
            self.spec = spec.clone();
        }
        if matches!(self.spec.parameters, ResourceParameters::PlugIn { .. }) {
            return self.call_plug_in(call, entry);
        }
        let result = match entry {
            EntryPoint::Open(_) => self.run_script(entry.label()),
            EntryPoint::Online(_) => self.online(),
            EntryPoint::Offline => return self.offline(call),
            EntryPoint::Terminate | EntryPoint::Close => {
                let result = self.run_script(entry.label());
                self.terminate();
                self.shared.save(self.resource);
                result
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

    fn online(&mut self) -> EntryResult {
        self.terminate();
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
        if let EntryResult::Failure { code } = self.run_script("Online") {
            return Err(code);
        }
        if self.is_program()? {
            self.runs += 1;
            let (run, told) = (self.runs, self.to_myself.clone());
            let ended = move || {
                // Nobody listens when the host ends.
                let _gone = told.send(Work::Ended(run));
            };
            let program = Program::start(&self.program_start(None), ended);
            self.program = Some(program.map_err(|error| self.complain(&error))?);
        }
        self.adapters.acquire(&self.spec.parameters)?;
        self.hold.acquire(&self.spec.parameters)?;
        self.offered.acquire(&self.spec.parameters)
    }

    /// Whether a program runs as long as the resource is online. Only what comes with the product
    /// does without one: then the service is held with the lab, as an address is.
    fn is_program(&self) -> Result<bool, u32> {
        let parameters = &self.spec.parameters;
        let Some(service) = parameters.service() else {
            let program = matches!(parameters, ResourceParameters::GenericApplication { .. });
            return Ok(program);
        };
        let known = self.shared.options.services.contains_key(service);
        if !known && matches!(parameters, ResourceParameters::GenericService { .. }) {
            let name = &self.spec.name;
            eprintln!("{name} cannot be started: this machine knows no service `{service}`");
            return Err(NO_SERVICE);
        }
        Ok(known)
    }

    /// How the program that the resource stands for is started.
    fn program_start<'a>(&'a self, argument: Option<&'a str>) -> Start<'a> {
        let (command_line, folder) = match &self.spec.parameters {
            ResourceParameters::GenericApplication {
                command_line,
                current_directory,
            } => (command_line.into(), current_directory.as_str()),
            ResourceParameters::GenericScript { script } => (script.into(), ""),
            ResourceParameters::PlugIn { program, .. } => (program.into(), ""),
            service => (self.service_command(service), ""),
        };
        let options = &self.shared.options;
        Start {
            command_line,
            argument,
            folder,
            namespace: options.namespace.as_deref(),
            registry: options.registry.as_deref(),
            server_service: options.server_service.as_deref(),
            mark: self.shared.mark(self.resource, self.runs),
        }
    }

    /// What the machine has under a service's name, with the parameters of this start.
    fn service_command(&self, parameters: &ResourceParameters) -> Cow<'_, str> {
        let services = &self.shared.options.services;
        let command = parameters.service().and_then(|name| services.get(name));
        let command = command.map_or("", String::as_str);
        match parameters {
            ResourceParameters::GenericService {
                startup_parameters, ..
            } if !startup_parameters.is_empty() => format!("{command} {startup_parameters}").into(),
            _ => command.into(),
        }
    }

    /// Says why a program did not start; the error's number.
    fn complain(&self, error: &io::Error) -> u32 {
        eprintln!("{} cannot be started: {error}", self.spec.name);
        let code = error.raw_os_error();
        let code = code.and_then(|code| u32::try_from(code).ok());
        code.unwrap_or(FILE_NOT_FOUND)
    }

    /// A generic script is called with the entry point's name; zero is yes. Nothing to do for any
    /// other type.
    fn run_script(&mut self, entry: &str) -> EntryResult {
        if !matches!(
            self.spec.parameters,
            ResourceParameters::GenericScript { .. }
        ) {
            return EntryResult::Success;
        }
        self.runs += 1;
        let started = Program::start(&self.program_start(Some(entry)), || {});
        let ended = match started {
            Ok(program) => program.exit_code(),
            Err(error) => {
                let code = self.complain(&error);
                return EntryResult::Failure { code };
            }
        };
        of_check((ended == Some(0)).then_some(()).ok_or(FAILED))
    }

    /// Asks a program to end before it is killed; that may take long and is then reported later.
    fn offline(&mut self, call: CallId) {
        if let failed @ EntryResult::Failure { .. } = self.run_script("Offline") {
            return self.shared.returned(call, self.resource, failed);
        }
        let asked = self.program.as_ref().map(|it| it.ask_to_end(PENDING_FROM));
        if asked == Some(false) {
            let pending = EntryResult::Pending;
            self.shared.returned(call, self.resource, pending);
            if let Some(program) = &self.program {
                program.wait(PATIENCE);
            }
            self.terminate();
            self.shared.save(self.resource);
            self.shared.finished(self.resource, EntryResult::Success);
        } else {
            self.terminate();
            self.shared.save(self.resource);
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
        if let Some(plug_in) = &self.plug_in {
            plug_in.program.kill();
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
        self.offered.release();
        self.adapters.release();
        self.hold.release();
    }

    /// What a check says; an error is the product's number.
    fn check(&mut self, thorough: bool) -> Result<(), u32> {
        self.checks += 1;
        let script = self.shared.script(self.resource);
        if let Some((looks_alive, is_alive)) = script.answers {
            let alive = if thorough { is_alive } else { looks_alive };
            return alive.then_some(()).ok_or(FAILED);
        }
        let flaps = script.flapping && self.checks.is_multiple_of(2);
        let runs = self.program.as_ref().is_none_or(Program::runs);
        let lives = self.online && runs && !self.broken && !flaps;
        let alive = match lives {
            true => self.look(thorough),
            false => Err(FAILED),
        };
        if self.online && alive.is_err() {
            self.report_lost();
        }
        alive
    }

    /// What the resource stands for, where it is.
    fn look(&mut self, thorough: bool) -> Result<(), u32> {
        self.adapters.works()?;
        self.hold.works()?;
        let entry = if thorough { "IsAlive" } else { "LooksAlive" };
        if self.run_script(entry) != EntryResult::Success {
            return Err(FAILED);
        }
        let checks = &self.spec.checks;
        self.offered.look(match thorough {
            true => &checks.is_alive,
            false => &checks.looks_alive,
        })
    }

    /// A network name tells that it is no longer registered.
    fn report_lost(&self) {
        if let Some(report) = self.spec.lost_registration() {
            let resource = self.resource;
            self.shared.report(&HostReport::Name { resource, report });
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.end_plug_in();
        self.terminate();
    }
}

fn of_check(alive: Result<(), u32>) -> EntryResult {
    match alive {
        Ok(()) => EntryResult::Success,
        Err(code) => EntryResult::Failure { code },
    }
}
