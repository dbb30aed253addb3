//! From a lab file to what the agent behind one machine's adapters is started with.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use base::{NetworkId, NodeId};
use nic::{Adapter, Options, adapter_name};
use plan::{Machine, Plan};

/// What an agent is started with, beside the lab file.
#[derive(Clone, Debug)]
pub struct NicStart {
    /// The machine, a member of the cluster or not.
    pub machine: String,
    /// Make a network namespace, or take that of the process.
    pub own_namespace: bool,
    /// The fabric's socket.
    pub fabric: PathBuf,
    /// Where it listens for the machine's cluster service.
    pub node: PathBuf,
    /// Where it listens for the machine's resource hosts.
    pub addresses: PathBuf,
    /// Time between two probes for an address.
    pub probe_every: Duration,
}

/// A name that is no machine of the lab.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lab has no machine `{name}`; its machines are {machines}")]
pub struct UnknownMachine {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub machines: String,
}

/// Every machine of a lab in the order of its stations: members of the cluster, then all others.
pub fn every_machine(plan: &Plan) -> impl Iterator<Item = &Machine> {
    let members = plan.members.iter().map(|member| &member.machine);
    members.chain(&plan.others)
}

impl NicStart {
    /// The options of the agent.
    ///
    /// # Errors
    /// When the lab has no such machine.
    pub fn options(self, plan: &Plan) -> Result<Options, UnknownMachine> {
        let named = |it: &(u8, &Machine)| it.1.name == self.machine;
        let Some((station, machine)) = (0..).zip(every_machine(plan)).find(named) else {
            let names: Vec<&str> = every_machine(plan).map(|it| it.name.as_str()).collect();
            return Err(UnknownMachine {
                name: self.machine,
                machines: names.join(", "),
            });
        };
        let adapters = machine.adapters.iter();
        let adapters = adapters.map(|(network, address)| adapter(plan, *network, *address));
        Ok(Options {
            station,
            adapters: adapters.collect(),
            members: members(plan),
            own_namespace: self.own_namespace,
            fabric: self.fabric,
            node: self.node,
            addresses: self.addresses,
            probe_every: self.probe_every,
        })
    }
}

fn adapter(plan: &Plan, network: NetworkId, address: Ipv4Addr) -> Adapter {
    let settings = plan.settings.networks.get(&network);
    let subnet = settings.and_then(|it| it.subnet.split_once('/'));
    let prefix = subnet.and_then(|(_, bits)| bits.parse().ok());
    Adapter {
        network,
        name: adapter_name(network, settings.map_or("", |it| it.name.as_str())),
        address,
        prefix: prefix.unwrap_or(u8::MAX).min(32),
    }
}

fn members(plan: &Plan) -> BTreeMap<NetworkId, BTreeMap<NodeId, Ipv4Addr>> {
    let mut members: BTreeMap<NetworkId, BTreeMap<NodeId, Ipv4Addr>> = BTreeMap::new();
    for member in &plan.members {
        for (network, address) in &member.machine.adapters {
            let on_network = members.entry(*network).or_default();
            on_network.insert(member.id, *address);
        }
    }
    members
}
