//! What resources put into the world: addresses, names, servers, shares, processes, and who serves
//! each of them now. The truth that expectations and checkers are judged by.

use std::collections::BTreeMap;

use base::{NetworkId, NodeId, NodeSet, ResourceId};
use top::rcm::ResourceParameters;

use super::names::Names;
use crate::net::Networks;

/// ERROR_NETWORK_NOT_AVAILABLE: the adapter has no link.
const NETWORK_NOT_AVAILABLE: u32 = 5035;
/// ERROR_CLUSTER_IPADDR_IN_USE: another machine answers for the address.
const ADDRESS_IN_USE: u32 = 5057;

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
    /// What became of the latest registration of a network name.
    registered: BTreeMap<ResourceId, u32>,
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

    /// What became of the latest registration of a network name: zero, or the product's number.
    #[must_use]
    pub fn registered(&self, resource: ResourceId) -> u32 {
        self.registered.get(&resource).copied().unwrap_or(0)
    }

    /// Registers a network name, again or for the first time.
    pub fn register(&mut self, resource: ResourceId, parameters: &ResourceParameters) -> u32 {
        let status = self.names.register(parameters);
        self.registered.insert(resource, status);
        status
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
    ) -> Result<(), u32> {
        let Some(thing) = Thing::of(resource, parameters) else {
            return Ok(());
        };
        if let Thing::Address(network, _) = &thing {
            self.check_address(node, *network, &thing, networks, awake)?;
        }
        if let ResourceParameters::NetworkName { settings, .. } = parameters {
            let status = self.register(resource, parameters);
            if settings.require_dns && status != 0 {
                return Err(status);
            }
        }
        self.serve(node, resource, parameters);
        Ok(())
    }

    /// As `acquire` for something that nothing stands in the way of.
    #[cfg(test)]
    pub(crate) fn force(
        &mut self,
        node: NodeId,
        resource: ResourceId,
        parameters: &ResourceParameters,
    ) {
        if let ResourceParameters::NetworkName { .. } = parameters {
            self.register(resource, parameters);
        }
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
            self.served.entry(thing).or_default().insert(node);
        }
        self.set_running(node, resource, true);
    }

    /// The resource no longer runs on the node.
    pub fn release(&mut self, node: NodeId, resource: ResourceId, parameters: &ResourceParameters) {
        if let Some(thing) = Thing::of(resource, parameters)
            && let Some(nodes) = self.served.get_mut(&thing)
        {
            nodes.remove(node);
        }
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
