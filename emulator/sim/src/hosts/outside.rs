//! What resources put into the world: addresses, names, servers, shares, processes, and who serves
//! each of them now. The truth that expectations and checkers are judged by.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base::{NetworkId, NodeId, NodeSet, ResourceId};
use top::rcm::ResourceParameters;

use super::names::{Asker, Clocks, Names, Outcome};
use crate::net::Networks;

/// ERROR_NETWORK_NOT_AVAILABLE: the adapter has no link.
const NETWORK_NOT_AVAILABLE: u32 = 5035;
/// ERROR_CLUSTER_IPADDR_IN_USE: another machine answers for the address.
const ADDRESS_IN_USE: u32 = 5057;
/// NERR_NetNameNotFound: there is no such share.
const SHARE_NOT_FOUND: u32 = 2310;
/// ERROR_RESOURCE_FAILED
const RESOURCE_FAILED: u32 = 5038;

/// Something that a client could meet, by what it is known under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// An address on a network.
    Address(NetworkId, String),
    /// A name that answers.
    Name(String),
    /// A file server under a name.
    Server(String),
    /// A share of a server.
    Share(String, String),
    /// A program, a service or a script; each resource has its own.
    Program(ResourceId),
}

impl Thing {
    /// What a resource of these parameters puts into the world; none for disks and witnesses,
    /// which no host runs.
    #[must_use]
    pub fn of(resource: ResourceId, parameters: &ResourceParameters) -> Option<Self> {
        Some(match parameters {
            ResourceParameters::PhysicalDisk { .. }
            | ResourceParameters::FileShareWitness
            | ResourceParameters::CloudWitness => {
                return None;
            }
            ResourceParameters::IpAddress { network, address }
            | ResourceParameters::Ipv6Address { network, address } => {
                Self::Address(*network, address.clone())
            }
            ResourceParameters::NetworkName { name, .. } => Self::Name(name.clone()),
            ResourceParameters::FileServer { name } => Self::Server(name.clone()),
            ResourceParameters::FileShare { server, share, .. } => {
                Self::Share(server.clone(), share.clone())
            }
            ResourceParameters::DistributedNetworkName { name } => Self::Name(name.clone()),
            ResourceParameters::GenericApplication { .. }
            | ResourceParameters::GenericService { .. }
            | ResourceParameters::GenericScript { .. }
            | ResourceParameters::DhcpService { .. }
            | ResourceParameters::WinsService { .. }
            | ResourceParameters::PrintSpooler { .. }
            | ResourceParameters::VirtualMachine { .. }
            | ResourceParameters::PlugIn { .. } => Self::Program(resource),
        })
    }
}

/// A change of what really runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunChange {
    /// Where.
    pub node: NodeId,
    /// What.
    pub resource: ResourceId,
    /// Whether it runs now.
    pub runs: bool,
}

/// Everything that resources have put into the world.
#[derive(Debug, Default)]
pub struct Outside {
    served: BTreeMap<Thing, NodeSet>,
    /// Where names are registered; records stay when their name goes offline.
    names: Names,
    /// The share that each resource has served last.
    shares: BTreeMap<ResourceId, Thing>,
    /// What a network name's host has still to report.
    reports: BTreeMap<ResourceId, Outcome>,
    runs: BTreeMap<ResourceId, NodeSet>,
    changes: Vec<RunChange>,
}

impl Outside {
    /// Nodes on which the resource really runs.
    #[must_use]
    pub fn runs(&self, resource: ResourceId) -> NodeSet {
        self.runs.get(&resource).copied().unwrap_or_default()
    }

    /// Every resource that runs somewhere, and where.
    pub fn running(&self) -> impl Iterator<Item = (ResourceId, NodeSet)> + '_ {
        self.runs
            .iter()
            .filter(|(_, nodes)| !nodes.is_empty())
            .map(|(resource, nodes)| (*resource, *nodes))
    }

    /// Nodes that serve a thing.
    #[must_use]
    pub fn served(&self, thing: &Thing) -> NodeSet {
        self.served.get(thing).copied().unwrap_or_default()
    }

    /// Whether a node has no memory left for a resource: what resources need, by `needs`, is more
    /// than its `limit`.
    #[must_use]
    pub fn is_crowded(
        &self,
        (needs, limit): (&BTreeMap<ResourceId, u64>, Option<u64>),
        node: NodeId,
        resource: ResourceId,
    ) -> bool {
        let (Some(need), Some(limit)) = (needs.get(&resource), limit) else {
            return false;
        };
        let others = needs
            .iter()
            .filter(|(other, _)| **other != resource && self.runs(**other).contains(node));
        let used: u64 = others.map(|(_, bytes)| bytes).sum();
        used.saturating_add(*need) > limit
    }

    /// What a name resolves to; empty without a record.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Vec<String> {
        self.names.resolve(name)
    }

    /// What resources put into a world with this directory.
    #[must_use]
    pub fn with(names: Names) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }

    /// The directory.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The directory, to break it.
    pub fn names_mut(&mut self) -> &mut Names {
        &mut self.names
    }

    /// What a network name's host has to report since it was asked last.
    pub fn take_report(&mut self, resource: ResourceId) -> Option<Outcome> {
        self.reports.remove(&resource)
    }

    /// Does what a network name that is online does in the directory once a day.
    pub fn register_again(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
        networks: &Networks,
        clocks: Clocks,
    ) {
        let asker = self.asker(node, resource, parameters, networks, clocks);
        let outcome = self.names.again(&asker, parameters);
        self.reports.insert(resource, outcome);
    }

    /// Looks at what the directory has of a network name that is online.
    pub fn examine(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
        networks: &Networks,
        clocks: Clocks,
    ) {
        let asker = self.asker(node, resource, parameters, networks, clocks);
        let report = self.names.examine(&asker, parameters);
        if !report.is_empty() {
            let told = self.reports.entry(resource).or_default();
            told.report.events.extend(report.events);
        }
    }

    /// Who asks the directory for a name.
    fn asker(
        &self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
        networks: &Networks,
        clocks: Clocks,
    ) -> Asker {
        let served = |address: &&String| {
            let is_it = |thing: &Thing| matches!(thing, Thing::Address(_, it) if it == *address);
            let mut things = self.served.iter();
            things.any(|(thing, nodes)| is_it(thing) && nodes.contains(node))
        };
        let address = match parameters {
            ResourceParameters::NetworkName { addresses, .. } => addresses
                .iter()
                .filter(served)
                .find_map(|it| it.parse::<Ipv4Addr>().ok()),
            _ => None,
        };
        Asker {
            resource,
            address,
            reaches: self.names.is_reached(node, networks),
            clocks,
        }
    }

    /// Things that more than one node serves.
    pub fn shared(&self) -> impl Iterator<Item = (&Thing, NodeSet)> {
        self.served
            .iter()
            .filter(|(_, nodes)| nodes.len() > 1)
            .map(|(thing, nodes)| (thing, *nodes))
    }

    /// The resource starts to run on the node, or the code of the error that keeps it from it.
    /// `awake` are the machines that answer to others.
    ///
    /// # Errors
    /// The product's number of what is in the way.
    pub fn acquire(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
        networks: &Networks,
        awake: NodeSet,
        clocks: Clocks,
    ) -> Result<(), u32> {
        let Some(thing) = Thing::of(resource, parameters) else {
            return Ok(());
        };
        if let Thing::Address(network, _) = &thing {
            self.check_address(node, *network, &thing, networks, awake)?;
        }
        if let ResourceParameters::NetworkName { .. } = parameters {
            let asker = self.asker(node, resource, parameters, networks, clocks);
            let outcome = self.names.online(&asker, parameters);
            let refused = outcome.refused;
            self.reports.insert(resource, outcome);
            refused.map_or(Ok(()), Err)?;
        }
        self.serve(node, resource, parameters);
        Ok(())
    }

    /// The product's number for a resource that does not work: of a share, that it is gone.
    #[must_use]
    pub fn failure(parameters: &ResourceParameters) -> u32 {
        match parameters {
            ResourceParameters::FileShare { .. } => SHARE_NOT_FOUND,
            _ => RESOURCE_FAILED,
        }
    }

    /// As `acquire` for something that nothing stands in the way of.
    #[cfg(test)]
    pub(crate) fn force(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
    ) {
        self.serve(node, resource, parameters);
    }

    fn serve(&mut self, node: NodeId, resource: ResourceId, parameters: &ResourceParameters) {
        if is_machine(parameters) {
            // Whoever starts a virtual machine takes its files; where it ran before, it stops.
            for other in self.runs(resource).without(node).iter() {
                self.release(other, resource, parameters);
            }
        }
        if let Some(thing) = Thing::of(resource, parameters) {
            if let Thing::Share(..) = thing {
                self.shares.insert(resource, thing.clone());
            }
            self.served.entry(thing).or_default().insert(node);
        }
        self.set_running(node, resource, true);
    }

    /// The resource goes offline on the node in order.
    pub fn retire(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
        networks: &Networks,
        clocks: Clocks,
    ) {
        let asker = self.asker(node, resource, parameters, networks, clocks);
        self.names.offline(&asker, parameters);
        self.release(node, resource, parameters);
    }

    /// The resource no longer runs on the node.
    pub fn release(&mut self, node: NodeId, resource: ResourceId, parameters: &ResourceParameters) {
        if let Some(thing) = Thing::of(resource, parameters)
            && let Some(nodes) = self.served.get_mut(&thing)
        {
            nodes.remove(node);
        }
        self.names.forget(resource);
        self.set_running(node, resource, false);
    }

    /// A machine is off: what does not end with the processes of the cluster service ends now.
    pub(crate) fn lose_machine(&mut self, node: NodeId) {
        let here = self.running().filter(|(_, nodes)| nodes.contains(node));
        let here: Vec<ResourceId> = here.map(|(resource, _)| resource).collect();
        for resource in here {
            if let Some(nodes) = self.served.get_mut(&Thing::Program(resource)) {
                nodes.remove(node);
            }
            self.set_running(node, resource, false);
        }
    }

    /// Somebody removes a share wherever it is served; its resource does not know.
    pub fn remove_share(&mut self, resource: ResourceId) {
        if let Some(thing) = self.shares.get(&resource) {
            self.served.remove(thing);
        }
    }

    /// Whether what the resource stands for works on the node.
    #[must_use]
    pub fn works(
        &self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
        networks: &Networks,
        awake: NodeSet,
    ) -> bool {
        let Some(thing) = Thing::of(resource, parameters) else {
            return true;
        };
        let served = self.served(&thing).contains(node);
        match &thing {
            Thing::Address(network, _) => {
                served
                    && self
                        .check_address(node, *network, &thing, networks, awake)
                        .is_ok()
            }
            _ => served,
        }
    }

    /// Takes out what has changed since the last call.
    pub fn take_changes(&mut self) -> Vec<RunChange> {
        std::mem::take(&mut self.changes)
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Duplicate address detection: whoever can be heard on the network and has the address.
    fn check_address(
        &self,
        node: NodeId,
        network: NetworkId,
        thing: &Thing,
        networks: &Networks,
        awake: NodeSet,
    ) -> Result<(), u32> {
        if !networks.is_linked(node.into(), network) {
            return Err(NETWORK_NOT_AVAILABLE);
        }
        let others = self.served(thing).without(node).intersection(awake);
        let answers = |other: &NodeId| networks.reaches(network, (*other).into(), node.into());
        match others.iter().find(answers) {
            Some(_) => Err(ADDRESS_IN_USE),
            None => Ok(()),
        }
    }

    fn set_running(&mut self, node: NodeId, resource: ResourceId, runs: bool) {
        let nodes = self.runs.entry(resource).or_default();
        if nodes.contains(node) == runs {
            return;
        }
        if runs {
            nodes.insert(node);
        } else {
            nodes.remove(node);
        }
        self.changes.push(RunChange {
            node,
            resource,
            runs,
        });
    }
}

/// Whether the machine itself runs it, and not a process of the cluster service.
pub(crate) fn is_machine(parameters: &ResourceParameters) -> bool {
    matches!(parameters, ResourceParameters::VirtualMachine { .. })
}
