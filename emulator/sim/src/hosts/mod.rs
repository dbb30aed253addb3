//! The resource hosts of a node: processes that run resources and answer entry-point calls.
//!
//! Each answer takes a time that suits its resource type; these times are the model's own. Faults
//! come as scripts: what a resource does instead of behaving.

mod duration;
mod names;
mod naming;
mod outside;
mod registry;
mod script;
mod stall;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{CallId, HostId, NodeId, NodeSet, ResourceId, Rng};
use plan::Machine;
use top::rcm::{EntryPoint, EntryResult, HostCommand, HostReport, ResourceSpec};

pub use names::{
    AccountFault, Asker, Clocks, DirectoryFault, HOST, Names, Outcome, REGISTRATION_INTERVAL,
    Services,
};
pub use outside::{Outside, RunChange, Thing};
pub use script::{Behaviour, Scripts};
use top::restype::CheckpointKey;

use crate::net::Networks;
use stall::Stalled;

/// ERROR_RESOURCE_NOT_FOUND (5007): the host does not know the resource.
const NOT_FOUND: u32 = 5_007;
/// ERROR_RESOURCE_FAILED (5038): a check found it not working.
const FAILED: u32 = 5_038;

/// ERROR_NO_SYSTEM_RESOURCES: the node has no memory left for it.
pub const NO_ROOM: u32 = 1_450;
/// ERROR_SERVICE_DOES_NOT_EXIST: the node's machine knows no such service.
const NO_SERVICE: u32 = 1_060;
/// ERROR_NOT_QUORUM_CLASS: nothing that a host runs can be a witness.
const NOT_QUORUM_CLASS: u32 = 5_025;
/// ERROR_INVALID_FUNCTION: the cluster service is to answer the control code.
const INVALID_FUNCTION: u32 = 1;

/// What a host will do a while later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// Tell the node.
    Report(HostReport),
    /// Finish bringing a resource online; `call` is answered if it was not answered as pending.
    Finish {
        resource: ResourceId,
        attempt: u64,
        call: Option<CallId>,
    },
    /// Register a network name again, unless it went offline since.
    Register { resource: ResourceId, attempt: u64 },
}

/// What hosts see of the world around them.
pub(crate) struct Surroundings<'a> {
    pub(crate) outside: &'a mut Outside,
    pub(crate) networks: &'a Networks,
    pub(crate) scripts: &'a Scripts,
    /// What resources need of their node's memory, and what this node has.
    pub(crate) memory: (&'a BTreeMap<ResourceId, u64>, Option<u64>),
    /// The node's machine.
    pub(crate) machine: &'a Machine,
    /// Machines that answer to others.
    pub(crate) awake: NodeSet,
    /// What the clocks of the node and of the domain show.
    pub(crate) clocks: Clocks,
    pub(crate) rng: &'a mut Rng,
}

#[derive(Clone, Debug)]
struct Instance {
    spec: ResourceSpec,
    runs: bool,
    /// What it stands for has stopped working; a restart repairs it.
    broken: bool,
    /// Its entry points do not return; the end of its host repairs it.
    hung: bool,
    attempt: u64,
    checks: u64,
    /// Checkpoints that are watched while it is online.
    watched: Vec<CheckpointKey>,
}

#[derive(Clone, Debug, Default)]
struct Host {
    instances: BTreeMap<ResourceId, Instance>,
    /// What hangs, oldest first.
    stalled: BTreeMap<ResourceId, Vec<Stalled>>,
}

/// The resource hosts of one node.
#[derive(Debug)]
pub struct Hosts {
    node: NodeId,
    hosts: BTreeMap<HostId, Host>,
    /// The machine's registry and key containers; they outlive every process.
    registry: BTreeMap<CheckpointKey, Vec<u8>>,
}

type Steps = Vec<(Duration, Later)>;

impl Hosts {
    /// No process yet.
    #[must_use]
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            hosts: BTreeMap::new(),
            registry: BTreeMap::new(),
        }
    }

    /// Breaks what a resource stands for where it runs, until it is started again.
    pub fn break_once(&mut self, resource: ResourceId) {
        for host in self.hosts.values_mut() {
            if let Some(instance) = host.instances.get_mut(&resource) {
                instance.broken = true;
            }
        }
    }

    /// The entry points of a resource do not return any more where it runs, until its host ends.
    pub fn hang_once(&mut self, resource: ResourceId) {
        for host in self.hosts.values_mut() {
            if let Some(instance) = host.instances.get_mut(&resource) {
                instance.hung = true;
            }
        }
    }

    /// Whether a resource that runs here is broken.
    #[must_use]
    pub fn is_broken(&self, resource: ResourceId, scripts: &Scripts) -> bool {
        let broken = |it: &Instance| it.runs && it.broken;
        let broken = |host: &Host| host.instances.get(&resource).is_some_and(broken);
        scripts.has(resource, Behaviour::BROKEN) || self.hosts.values().any(broken)
    }

    /// All processes end, with everything they run.
    pub(crate) fn end_all(&mut self, outside: &mut Outside) {
        for host in std::mem::take(&mut self.hosts).into_values() {
            self.end(host, outside);
        }
    }

    /// The processes there are.
    pub(crate) fn ids(&self) -> impl Iterator<Item = HostId> + '_ {
        self.hosts.keys().copied()
    }

    /// A process dies with everything it runs.
    pub(crate) fn die(&mut self, id: HostId, around: &mut Surroundings<'_>) -> Steps {
        self.exit(id, around.outside)
    }

    /// Carries out a command.
    pub(crate) fn command(
        &mut self,
        id: HostId,
        command: HostCommand,
        around: &mut Surroundings<'_>,
    ) -> Steps {
        match command {
            HostCommand::Start => {
                self.hosts.entry(id).or_default();
                let after = millis(around.rng.between(5, 20));
                vec![(after, Later::Report(HostReport::Started))]
            }
            HostCommand::Kill => self.exit(id, around.outside),
            HostCommand::Restore {
                resource,
                checkpoints,
            } => self.restore(id, resource, checkpoints),
            HostCommand::Call {
                call,
                resource,
                entry,
            } => self.call(id, call, resource, entry, around),
        }
    }

    /// A resource that was coming online is there, if nothing came in between.
    pub(crate) fn finish(
        &mut self,
        id: HostId,
        resource: ResourceId,
        attempt: u64,
        call: Option<CallId>,
        around: &mut Surroundings<'_>,
    ) -> Steps {
        let node = self.node;
        let Some(instance) = self.instance(id, resource) else {
            return Vec::new();
        };
        if instance.attempt != attempt {
            return Vec::new();
        }
        if instance.hung || around.scripts.has(resource, Behaviour::Hung) {
            self.stall(id, resource, Stalled::Finish(attempt, call));
            return Vec::new();
        }
        if around.scripts.has(resource, Behaviour::Crashing) {
            return self.exit(id, around.outside);
        }
        let parameters = &instance.spec.parameters;
        let acquired = if let Some(code) = around.scripts.refusal(resource) {
            Err(code)
        } else if around.outside.is_crowded(around.memory, node, resource) {
            Err(NO_ROOM)
        } else if around.machine.lacks_service(parameters) {
            Err(NO_SERVICE)
        } else {
            let (networks, awake) = (around.networks, around.awake);
            let outside = &mut *around.outside;
            outside.acquire(node, resource, parameters, networks, awake, around.clocks)
        };
        instance.runs = acquired.is_ok();
        let result = match acquired {
            Ok(()) => EntryResult::Success,
            Err(code) => EntryResult::Failure { code },
        };
        let report = match call {
            Some(call) => HostReport::Returned {
                call,
                resource,
                result,
            },
            None => HostReport::Status {
                resource,
                result: Some(result),
            },
        };
        let mut steps = vec![(Duration::ZERO, Later::Report(report))];
        steps.extend(naming::registered(resource, instance, around.outside));
        steps
    }

    fn call(
        &mut self,
        id: HostId,
        call: CallId,
        resource: ResourceId,
        entry: EntryPoint,
        around: &mut Surroundings<'_>,
    ) -> Steps {
        let hung = self.instance(id, resource).is_some_and(|it| it.hung)
            || around.scripts.has(resource, Behaviour::Hung);
        if hung {
            self.stall(id, resource, Stalled::Call(call, entry));
            return Vec::new();
        }
        if !self.hosts.contains_key(&id) {
            return Vec::new();
        }
        let slowness = around.scripts.slowness(resource);
        let returned = |after: Duration, result| {
            let report = HostReport::Returned {
                call,
                resource,
                result,
            };
            vec![(after + slowness, Later::Report(report))]
        };
        match entry {
            EntryPoint::Open(spec) => {
                self.open(id, resource, spec);
                returned(millis(1), EntryResult::Success)
            }
            EntryPoint::Online(spec) => self.online(id, call, resource, spec, slowness, around),
            EntryPoint::Offline | EntryPoint::Terminate => {
                let graceful = entry == EntryPoint::Offline;
                let known = self.stop(id, resource, around);
                let result = if known {
                    EntryResult::Success
                } else {
                    failure(NOT_FOUND)
                };
                let mut steps = self.last_saves(id, resource);
                steps.extend(returned(millis(if graceful { 30 } else { 5 }), result));
                steps
            }
            EntryPoint::LooksAlive | EntryPoint::IsAlive => {
                let thorough = entry == EntryPoint::IsAlive;
                let (mut steps, result) = self.look(id, resource, thorough, around);
                steps.extend(returned(millis(if thorough { 10 } else { 1 }), result));
                steps
            }
            EntryPoint::Close => {
                self.stop(id, resource, around);
                if let Some(host) = self.hosts.get_mut(&id) {
                    host.instances.remove(&resource);
                }
                returned(millis(1), EntryResult::Success)
            }
            EntryPoint::Arbitrate | EntryPoint::Release => {
                returned(millis(1), failure(NOT_QUORUM_CLASS))
            }
            EntryPoint::ResourceControl { .. } | EntryPoint::ResourceTypeControl { .. } => {
                returned(millis(1), failure(INVALID_FUNCTION))
            }
        }
    }

    fn open(&mut self, id: HostId, resource: ResourceId, spec: ResourceSpec) {
        let instance = Instance {
            spec,
            runs: false,
            broken: false,
            hung: false,
            attempt: 0,
            checks: 0,
            watched: Vec::new(),
        };
        if let Some(host) = self.hosts.get_mut(&id) {
            host.instances.insert(resource, instance);
        }
    }

    /// Coming online takes a while; types that take long say so at once and report later.
    fn online(
        &mut self,
        id: HostId,
        call: CallId,
        resource: ResourceId,
        spec: ResourceSpec,
        slowness: Duration,
        around: &mut Surroundings<'_>,
    ) -> Steps {
        let Some(instance) = self.instance(id, resource) else {
            let report = HostReport::Returned {
                call,
                resource,
                result: failure(NOT_FOUND),
            };
            return vec![(millis(1), Later::Report(report))];
        };
        instance.spec = spec;
        instance.broken = false;
        instance.attempt += 1;
        let attempt = instance.attempt;
        let duration = duration::of_online(&instance.spec.parameters, around.rng) + slowness;
        let pending = duration >= PENDING_FROM;
        let finish = Later::Finish {
            resource,
            attempt,
            call: (!pending).then_some(call),
        };
        let mut steps = vec![(duration, finish)];
        if pending {
            let report = HostReport::Returned {
                call,
                resource,
                result: EntryResult::Pending,
            };
            steps.insert(0, (millis(1), Later::Report(report)));
        }
        steps
    }

    fn stop(&mut self, id: HostId, resource: ResourceId, around: &mut Surroundings<'_>) -> bool {
        let node = self.node;
        let Some(instance) = self.instance(id, resource) else {
            return false;
        };
        instance.attempt += 1;
        let left_over = outside::is_machine(&instance.spec.parameters);
        if std::mem::take(&mut instance.runs) || left_over {
            let parameters = &instance.spec.parameters;
            around
                .outside
                .retire(node, resource, parameters, around.networks, around.clocks);
        }
        true
    }

    fn check(
        &mut self,
        id: HostId,
        resource: ResourceId,
        thorough: bool,
        around: &Surroundings<'_>,
    ) -> Result<(), u32> {
        let node = self.node;
        let scripts = around.scripts;
        let Some(instance) = self.instance(id, resource) else {
            return Err(FAILED);
        };
        instance.checks += 1;
        let flaps = scripts.has(resource, Behaviour::Flapping) && instance.checks % 2 == 0;
        let works = || {
            let parameters = &instance.spec.parameters;
            around
                .outside
                .works(node, resource, parameters, around.networks, around.awake)
        };
        if let Some((looks_alive, is_alive)) = scripts.answers(resource) {
            let alive = if thorough { is_alive } else { looks_alive };
            return alive.then_some(()).ok_or(FAILED);
        }
        if !instance.runs || instance.broken || flaps {
            return Err(FAILED);
        }
        let gone = || Outside::failure(&instance.spec.parameters);
        works().then_some(()).ok_or_else(gone)
    }

    /// A health check, and what is said beside its answer.
    fn look(
        &mut self,
        id: HostId,
        resource: ResourceId,
        thorough: bool,
        around: &mut Surroundings<'_>,
    ) -> (Steps, EntryResult) {
        let alive = self.check(id, resource, thorough, around);
        let result = match alive {
            Ok(()) => EntryResult::Success,
            Err(code) => failure(code),
        };
        (
            self.health(id, resource, thorough, alive.is_ok(), around),
            result,
        )
    }

    fn exit(&mut self, id: HostId, outside: &mut Outside) -> Steps {
        match self.hosts.remove(&id) {
            Some(host) => self.end(host, outside),
            None => return Vec::new(),
        }
        vec![(millis(5), Later::Report(HostReport::Exited))]
    }

    fn end(&self, host: Host, outside: &mut Outside) {
        for (resource, instance) in host.instances {
            let goes_on = outside::is_machine(&instance.spec.parameters);
            if instance.runs && !goes_on {
                outside.release(self.node, resource, &instance.spec.parameters);
            }
        }
    }

    fn instance(&mut self, id: HostId, resource: ResourceId) -> Option<&mut Instance> {
        self.hosts.get_mut(&id)?.instances.get_mut(&resource)
    }
}

/// From here on Online answers ERROR_IO_PENDING and reports later, as the product advises for
/// anything above 300 ms (reference section 1.4).
const PENDING_FROM: Duration = Duration::from_millis(300);

fn failure(code: u32) -> EntryResult {
    EntryResult::Failure { code }
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}
