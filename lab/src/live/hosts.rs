//! Resource hosts as the lab knows them: what each holds, and what they are told to break.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use base::{NodeId, ResourceId};
use rhs::frames;
use rhs::outside::{FromLab, Script, ToLab};
use sim::checkers::Change;
use sim::hosts::{Behaviour, NO_ROOM, Outside};
use top::rcm::ResourceParameters;

use super::Live;
use super::input::ConnectionId;

/// One connection of a resource host.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    who: Option<Who>,
}

/// Whose connection it is.
#[derive(Debug)]
enum Who {
    /// A host's, which hears of faults.
    Host(NodeId),
    /// A resource's, with what it serves.
    Resource {
        node: NodeId,
        resource: ResourceId,
        /// What it was told to serve last.
        parameters: Option<ResourceParameters>,
    },
}

impl Connection {
    fn say(&mut self, message: &FromLab) {
        // A host that is gone says so by itself.
        let _gone = frames::write(&mut self.stream, message);
    }

    fn node(&self) -> Option<NodeId> {
        self.who.as_ref().map(|who| match who {
            Who::Host(node) | Who::Resource { node, .. } => *node,
        })
    }
}

impl Live {
    pub(super) fn connected(&mut self, id: ConnectionId, stream: UnixStream) {
        let who = None;
        self.connections.insert(id, Connection { stream, who });
    }

    pub(super) fn heard(&mut self, id: ConnectionId, message: ToLab) {
        let Some(mut connection) = self.connections.remove(&id) else {
            return;
        };
        match (message, &mut connection.who) {
            (ToLab::Host { node, .. }, _) => {
                connection.who = Some(Who::Host(node));
                for resource in self.scripted() {
                    let script = self.script(resource);
                    connection.say(&FromLab::Script { resource, script });
                }
            }
            (ToLab::Resource { node, resource }, _) => {
                connection.who = Some(Who::Resource {
                    node,
                    resource,
                    parameters: None,
                });
            }
            (
                request,
                Some(Who::Resource {
                    node,
                    resource,
                    parameters,
                }),
            ) => {
                let (node, resource) = (*node, *resource);
                let code = self.serve(node, resource, parameters, request);
                self.name_told(id, node, resource, parameters);
                connection.say(&FromLab::Answer(code));
            }
            (_, Some(Who::Host(_)) | None) => return,
        }
        self.connections.insert(id, connection);
        self.count_runs();
    }

    /// What a resource asks for; the answer is zero or the product's error number.
    fn serve(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        serves: &mut Option<ResourceParameters>,
        request: ToLab,
    ) -> u32 {
        let (awake, clocks) = (self.awake(), self.clocks());
        let networks = &self.networks;
        match request {
            ToLab::Acquire(parameters) => {
                let limit = self
                    .plan
                    .member(node)
                    .and_then(|it| it.machine.memory_bytes);
                let memory = (&self.plan.memory, limit);
                if self.outside.is_crowded(memory, node, resource) {
                    return NO_ROOM;
                }
                let acquired =
                    self.outside
                        .acquire(node, resource, &parameters, networks, awake, clocks);
                if acquired.is_ok() {
                    *serves = Some(parameters);
                }
                acquired.err().unwrap_or(0)
            }
            ToLab::Release => {
                if let Some(parameters) = serves.take() {
                    self.outside
                        .retire(node, resource, &parameters, networks, clocks);
                }
                0
            }
            ToLab::Works => {
                if let Some(parameters) = serves {
                    self.outside
                        .examine(node, resource, parameters, networks, clocks);
                }
                let works = |it: &ResourceParameters| {
                    self.outside.works(node, resource, it, networks, awake)
                };
                match serves {
                    Some(parameters) if works(parameters) => 0,
                    Some(parameters) => Outside::failure(parameters),
                    None => FAILED,
                }
            }
            ToLab::Host { .. } | ToLab::Resource { .. } => FAILED,
        }
    }

    /// The network name behind a connection does once more what it does every day.
    pub(super) fn register_again(&mut self, id: ConnectionId) {
        let Some(mut connection) = self.connections.remove(&id) else {
            return;
        };
        if let Some(Who::Resource {
            node,
            resource,
            parameters,
        }) = &mut connection.who
            && let Some(serves) = parameters
        {
            let (clocks, asks) = (self.clocks(), (*node, *resource));
            self.outside
                .register_again(asks.0, asks.1, serves, &self.networks, clocks);
            self.name_told(id, asks.0, asks.1, parameters);
        }
        self.connections.insert(id, connection);
    }

    /// A connection has ended, and with it what was held through it.
    pub(super) fn gone(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(&id) {
            self.release(connection);
        }
    }

    /// All hosts of a node have ended.
    pub(super) fn forget_hosts(&mut self, node: NodeId) {
        let of_node = |it: &Connection| it.node() == Some(node);
        let connections = self.connections.iter();
        let gone = connections.filter(|(_, it)| of_node(it)).map(|(id, _)| *id);
        let gone: Vec<ConnectionId> = gone.collect();
        gone.into_iter().for_each(|id| self.gone(id));
    }

    fn release(&mut self, connection: Connection) {
        if let Some(Who::Resource {
            node,
            resource,
            parameters: Some(parameters),
        }) = connection.who
        {
            self.outside.release(node, resource, &parameters);
            self.count_runs();
        }
    }

    fn count_runs(&mut self) {
        for run in self.outside.take_changes() {
            self.changes += 1;
            self.judge(&Change::Runs(run));
        }
    }

    /// What a resource does instead of behaving, all faults together; the latest answers count.
    fn script(&self, resource: ResourceId) -> Script {
        let mut script = Script::default();
        for (_, _, behaviour) in self.scripts.iter().filter(|(_, it, _)| *it == resource) {
            match behaviour {
                Behaviour::Slow(by) => script.slow += *by,
                Behaviour::Hung => script.hung = true,
                // No live lab takes this one on.
                Behaviour::Refusing(_) => {}
                Behaviour::Crashing => script.crashing = true,
                Behaviour::Flapping => script.flapping = true,
                Behaviour::Answers {
                    looks_alive,
                    is_alive,
                } => script.answers = Some((*looks_alive, *is_alive)),
            }
        }
        script.slow = self.clock.real(script.slow).min(SLOW_MAX);
        script
    }

    fn scripted(&self) -> Vec<ResourceId> {
        let mut resources: Vec<ResourceId> = self.scripts.iter().map(|it| it.1).collect();
        resources.sort();
        resources.dedup();
        resources
    }

    /// Tells every host how a resource behaves from now on.
    pub(super) fn tell_script(&mut self, resource: ResourceId) {
        let script = self.script(resource);
        self.tell_hosts(&FromLab::Script { resource, script });
    }

    /// Tells the hosts of one node something.
    pub(super) fn tell_hosts_of(&mut self, node: NodeId, message: &FromLab) {
        for connection in self.connections.values_mut() {
            if matches!(connection.who, Some(Who::Host(of)) if of == node) {
                connection.say(message);
            }
        }
    }

    pub(super) fn tell_hosts(&mut self, message: &FromLab) {
        for connection in self.connections.values_mut() {
            if let Some(Who::Host(_)) = connection.who {
                connection.say(message);
            }
        }
    }

    /// Both checks of a resource are scripted to say no.
    pub(super) fn is_scripted_broken(&self, resource: ResourceId) -> bool {
        let broken = |it: &(sim::FaultId, ResourceId, Behaviour)| {
            it.1 == resource && it.2 == Behaviour::BROKEN
        };
        self.scripts.iter().any(broken)
    }
}

/// ERROR_RESOURCE_FAILED
const FAILED: u32 = 5_038;
/// Slower than this is hung.
const SLOW_MAX: Duration = Duration::from_secs(3_600);
