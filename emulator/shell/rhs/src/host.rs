//! The process: reads commands, hands each to the thread of its resource, writes reports.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use base::{CallId, HostId, NodeId, ResourceId};
use rustix::process::{Signal, set_parent_process_death_signal};
use top::rcm::{EntryPoint, EntryResult, HostCommand, HostReport, ResourceSpec};

use crate::instance::{Instance, Work};
use crate::outside::{FromLab, Script, ToLab};
use crate::registry::{Registry, Watched};
use crate::{family, frames};

/// ERROR_RESOURCE_NOT_FOUND: it is not open here.
const NOT_FOUND: u32 = 5_007;

/// What a host is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The node that it runs for.
    pub node: NodeId,
    /// Its number there.
    pub host: HostId,
    /// The lab's socket for what resources serve; absent: every hold is granted.
    pub outside: Option<PathBuf>,
    /// The socket of the agent behind the machine's adapters; absent: addresses are the lab's
    /// affair alone.
    pub adapters: Option<PathBuf>,
    /// The folder of the machine's registry; absent: it has none.
    pub registry: Option<PathBuf>,
    /// Services that the machine knows: command lines by name.
    pub services: BTreeMap<String, String>,
    /// The socket of the machine's server service; absent: shares are the lab's affair alone.
    pub server_service: Option<PathBuf>,
    /// The machine's network namespace, in which programs run; absent: that of this process.
    pub namespace: Option<PathBuf>,
}

/// What the threads of a host share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    scripts: Mutex<BTreeMap<ResourceId, Script>>,
    instances: Mutex<BTreeMap<ResourceId, Sender<Work>>>,
    watched: Mutex<Watched>,
}

/// Serves the node on standard input and output until it closes them; everything that runs then
/// ends.
///
/// # Errors
/// When the lab cannot be reached, or the node says something else than commands.
pub fn run(options: Options) -> io::Result<()> {
    // Even a frozen host ends when its node does.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let shared = Arc::new(Shared {
        options,
        scripts: Mutex::default(),
        instances: Mutex::default(),
        watched: Mutex::default(),
    });
    watch_registry(&shared);
    listen_to_lab(&shared)?;
    shared.report(&HostReport::Started);
    let mut commands = io::stdin().lock();
    let served = loop {
        match frames::read(&mut commands) {
            Ok(Some(command)) => serve(&shared, command),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if let Ok(mark) = std::env::var(family::HOST) {
        family::kill(family::HOST, &mark);
    }
    served
}

fn serve(shared: &Arc<Shared>, command: HostCommand) {
    if let HostCommand::Restore {
        resource,
        checkpoints,
    } = command
    {
        let registry = shared.registry();
        let failed = lock(&shared.watched).restore(registry.as_ref(), resource, checkpoints);
        shared.report(&HostReport::Restored { resource, failed });
        return;
    }
    let HostCommand::Call {
        call,
        resource,
        entry,
    } = command
    else {
        // Start and kill are the node's own affair.
        return;
    };
    if let EntryPoint::Open(spec) = &entry
        && let Err(error) = open(shared, resource, spec.clone())
    {
        eprintln!("{} cannot be opened: {error}", spec.name);
    }
    let mut instances = lock(&shared.instances);
    let close = entry == EntryPoint::Close;
    let told = instances
        .get(&resource)
        .is_some_and(|it| it.send(Work::Call(call, entry)).is_ok());
    if close {
        instances.remove(&resource);
    }
    drop(instances);
    if !told {
        let result = EntryResult::Failure { code: NOT_FOUND };
        shared.returned(call, resource, result);
    }
}

fn open(shared: &Arc<Shared>, resource: ResourceId, spec: ResourceSpec) -> io::Result<()> {
    let (to_instance, work) = mpsc::channel();
    let to_myself = to_instance.clone();
    let instance = Instance::open(Arc::clone(shared), resource, spec, to_myself)?;
    lock(&shared.instances).insert(resource, to_instance);
    thread::spawn(move || instance.serve(&work));
    Ok(())
}

/// Hears of faults until the lab is gone, and then ends: a host without a lab is a stray.
fn listen_to_lab(shared: &Arc<Shared>) -> io::Result<()> {
    let Options {
        node,
        host,
        outside,
        ..
    } = &shared.options;
    let Some(path) = outside else {
        return Ok(());
    };
    let mut lab = UnixStream::connect(path)?;
    let (node, host) = (*node, *host);
    frames::write(&mut lab, &ToLab::Host { node, host })?;
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        while let Ok(Some(message)) = frames::read(&mut lab) {
            shared.heard(message);
        }
        std::process::exit(1);
    });
    Ok(())
}

/// Reports checkpoints that change while their resources are online.
fn watch_registry(shared: &Arc<Shared>) {
    let Some(registry) = shared.registry() else {
        return;
    };
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        loop {
            thread::sleep(LOOK_EVERY);
            for report in lock(&shared.watched).look(&registry, None) {
                shared.report(&report);
            }
        }
    });
}

/// How often checkpoints are looked at; the product hears of every write.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Shared {
    fn registry(&self) -> Option<Registry> {
        self.options.registry.as_deref().map(Registry::of)
    }

    /// Reports what has changed of a resource's checkpoints, which is watched no longer.
    pub(crate) fn save(&self, resource: ResourceId) {
        if let Some(registry) = self.registry() {
            let mut watched = lock(&self.watched);
            for report in watched.look(&registry, Some(resource)) {
                self.report(&report);
            }
            watched.forget(resource);
        }
    }

    /// What the lab wants the resource to do instead of behaving.
    pub(crate) fn script(&self, resource: ResourceId) -> Script {
        let scripts = lock(&self.scripts);
        scripts.get(&resource).cloned().unwrap_or_default()
    }

    /// The mark of one run of a resource's program.
    pub(crate) fn mark(&self, resource: ResourceId, run: u64) -> String {
        format!("{}/{resource}/{run}", std::process::id())
    }

    pub(crate) fn returned(&self, call: CallId, resource: ResourceId, result: EntryResult) {
        self.report(&HostReport::Returned {
            call,
            resource,
            result,
        });
    }

    /// A pending resource has finished.
    pub(crate) fn finished(&self, resource: ResourceId, result: EntryResult) {
        self.report(&HostReport::Status {
            resource,
            result: Some(result),
        });
    }

    pub(crate) fn report(&self, report: &HostReport) {
        if frames::write(&mut io::stdout().lock(), report).is_err() {
            // The node is gone: standard input ends as well, and with it this process.
        }
    }

    fn heard(&self, message: FromLab) {
        let tell = |resource: ResourceId, work: Work| {
            if let Some(instance) = lock(&self.instances).get(&resource) {
                // It may have closed at this moment.
                let _closed = instance.send(work);
            }
        };
        match message {
            FromLab::Script { resource, script } => {
                lock(&self.scripts).insert(resource, script);
            }
            FromLab::Break(resource) => tell(resource, Work::Break),
            FromLab::Hang(resource) => tell(resource, Work::Hang),
            FromLab::RemoveShare(resource) => tell(resource, Work::RemoveShare),
            FromLab::Name { resource, report } => {
                // Every host of the node hears it; one of them runs the name.
                if lock(&self.instances).contains_key(&resource) {
                    self.report(&HostReport::Name { resource, report });
                }
            }
            FromLab::Answer(_) => {}
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
