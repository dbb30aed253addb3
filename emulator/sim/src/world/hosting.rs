//! Resource hosts in the world: commands reach them, their answers reach the node.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{HostId, NodeId, NodeSet};
use node::Event;
use top::rcm::{EntryPoint, HostCommand};
use top::restype::CheckpointKey;

use super::seat::Seat;
use super::{ForNode, World};
use crate::checkers::Change;
use crate::hosts::{Clocks, Later, Surroundings};
use crate::service::Service;

/// How long a command takes to reach a host, and a report to reach the service.
pub(super) const DISPATCH: Duration = Duration::from_micros(100);

impl<S: Service> World<S> {
    pub(super) fn host_command(&mut self, node: NodeId, host: HostId, command: HostCommand) {
        if let HostCommand::Call {
            resource,
            entry: EntryPoint::Open(_),
            ..
        } = command
        {
            self.changed(&Change::Opened {
                node,
                host,
                resource,
            });
        }
        let steps = self.with_hosts(node, |seat, around| {
            seat.hosts.command(host, command, around)
        });
        self.plan_steps(node, host, steps);
    }

    pub(super) fn host_later(&mut self, node: NodeId, host: HostId, later: Later) {
        match later {
            Later::Report(report) => self.give(node, Event::Host { host, report }),
            Later::Finish {
                resource,
                attempt,
                call,
            } => {
                let steps = self.with_hosts(node, |seat, around| {
                    seat.hosts.finish(host, resource, attempt, call, around)
                });
                self.plan_steps(node, host, steps);
            }
            Later::Register { resource, attempt } => {
                let steps = self.with_hosts(node, |seat, around| {
                    seat.hosts.register(host, resource, attempt, around)
                });
                self.plan_steps(node, host, steps);
            }
        }
    }

    /// The processes of all resource hosts of a node die, and the node hears of it.
    pub(super) fn kill_monitors(&mut self, node: NodeId) {
        let hosts: Vec<HostId> = self.seats[node.index()].hosts.ids().collect();
        for host in hosts {
            let steps = self.with_hosts(node, |seat, around| seat.hosts.die(host, around));
            self.plan_steps(node, host, steps);
        }
    }

    /// A script is gone: what hung by it goes on.
    pub(super) fn hosts_go_on(&mut self) {
        let nodes: Vec<NodeId> = self.seats.iter().map(|seat| seat.id).collect();
        for node in nodes {
            let gone_on = self.with_hosts(node, |seat, around| seat.hosts.go_on(around));
            for (host, steps) in gone_on {
                self.plan_steps(node, host, steps);
            }
        }
    }

    /// A program on a node's machine writes into its registry.
    pub fn write_registry(&mut self, node: NodeId, key: CheckpointKey, data: Vec<u8>) {
        let reports = self.seats[node.index()].hosts.write_registry(key, data);
        for (host, report) in reports {
            self.send_to_node(
                node,
                DISPATCH,
                ForNode::Later {
                    host,
                    later: Later::Report(report),
                },
            );
        }
        self.surroundings_changed();
    }

    /// What the registry and the key store of a node's machine have.
    #[must_use]
    pub fn registry(&self, node: NodeId) -> &BTreeMap<CheckpointKey, Vec<u8>> {
        self.seats[node.index()].hosts.registry()
    }

    fn plan_steps(&mut self, node: NodeId, host: HostId, steps: Vec<(Duration, Later)>) {
        for (after, later) in steps {
            self.send_to_node(node, after + DISPATCH, ForNode::Later { host, later });
        }
    }

    fn with_hosts<T>(
        &mut self,
        node: NodeId,
        act: impl FnOnce(&mut Seat<S>, &mut Surroundings<'_>) -> T,
    ) -> T {
        let awake = self.awake();
        let machine = &self.plan.members[node.index()].machine;
        let shown = self.seats[node.index()].clock.read(self.now);
        let clocks = Clocks {
            node: shown.wall,
            ..self.clocks()
        };
        let mut around = Surroundings {
            memory: (&self.plan.memory, machine.memory_bytes),
            machine,
            outside: &mut self.outside,
            networks: &self.networks,
            scripts: &self.scripts,
            awake,
            clocks,
            rng: &mut self.hosts_rng,
        };
        act(&mut self.seats[node.index()], &mut around)
    }

    /// What clocks show that are right.
    pub(super) fn clocks(&self) -> Clocks {
        Clocks::right(self.now)
    }

    /// Members whose machines answer others.
    pub(super) fn awake(&self) -> NodeSet {
        let awake = |seat: &&Seat<S>| seat.is_awake();
        self.seats
            .iter()
            .filter(awake)
            .map(|seat| seat.id)
            .collect()
    }
}
