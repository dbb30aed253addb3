//! From a lab file to what the agent behind one machine's adapters is started with.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use base::{NetworkId, NodeId};
use nic::router::{Routers, Segment};
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
            routes: routes(plan, machine),
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
    let prefix = subnet(plan, network).map(|(_, prefix)| prefix);
    Adapter {
        network,
        name: adapter_name(network, settings.map_or("", |it| it.name.as_str())),
        address,
        prefix: prefix.unwrap_or(32),
    }
}

fn subnet(plan: &Plan, network: NetworkId) -> Option<(Ipv4Addr, u8)> {
    let (base, prefix) = plan
        .settings
        .networks
        .get(&network)?
        .subnet
        .split_once('/')?;
    Some((
        base.parse().ok()?,
        prefix.parse().ok().filter(|it| *it <= 32)?,
    ))
}

/// The networks that routers join with one, in ascending order.
fn beyond(plan: &Plan, network: NetworkId) -> Vec<NetworkId> {
    let joins = plan.routers.iter().map(|router| &router.joins);
    let joined = joins.filter(|it| it.contains(&network)).flatten();
    let beyond: BTreeSet<NetworkId> = joined.filter(|it| **it != network).copied().collect();
    beyond.into_iter().collect()
}

/// Subnets that a machine reaches over routers alone, by the network that leads there.
fn routes(plan: &Plan, machine: &Machine) -> BTreeMap<NetworkId, Vec<(Ipv4Addr, u8)>> {
    let mut known: BTreeSet<NetworkId> = machine.adapters.iter().map(|(on, _)| *on).collect();
    let mut routes: BTreeMap<NetworkId, Vec<(Ipv4Addr, u8)>> = BTreeMap::new();
    for (near, _) in &machine.adapters {
        for far in beyond(plan, *near) {
            if known.insert(far) {
                routes.entry(*near).or_default().extend(subnet(plan, far));
            }
        }
    }
    routes
}

/// The lab's routers, for frames.
pub(crate) fn routers(plan: &Plan) -> Routers {
    let segment = |network: &NetworkId| {
        let (base, prefix) = subnet(plan, *network)?;
        let beyond = beyond(plan, *network);
        let segment = Segment {
            base,
            prefix,
            beyond,
        };
        Some((*network, segment))
    };
    let segments = plan.settings.networks.keys().filter_map(segment);
    let mut routers = Routers::among(segments.collect());
    for (station, machine) in (0..).zip(every_machine(plan)) {
        for (network, address) in &machine.adapters {
            routers.introduce(*network, *address, station);
        }
    }
    routers
}

fn members(plan: &Plan) -> BTreeMap<NetworkId, BTreeMap<NodeId, Ipv4Addr>> {
    let mut members: BTreeMap<NetworkId, BTreeMap<NodeId, Ipv4Addr>> = BTreeMap::new();
    for member in &plan.members {
        for (network, address) in &member.machine.adapters {
            let on_network = members.entry(*network).or_default();
            on_network.insert(member.id, *address);
            for near in beyond(plan, *network) {
                let beyond = members.entry(near).or_default();
                // One that is on this network as well is reached there.
                if !member.machine.adapters.iter().any(|(on, _)| *on == near) {
                    beyond.entry(member.id).or_insert(*address);
                }
            }
        }
    }
    members
}
