//! From a lab file to what a cluster is made of: numbers for everything that has a name, settings
//! in the product's terms, and the cluster database that every node starts with.
//!
//! Serves every backend. What the lab file leaves out is filled in from the generation's table of
//! documented defaults. Not done here: running anything, and anything that only one backend needs.

mod cluster;
mod error;
mod groups;
mod names;
mod storage;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Defaults, Generation, NetworkId, NodeId, NodeSet, ResourceId};
use file::model::Lab;
use middle::database::Hive;
use middle::settings::Settings;
use top::rcm::model::{Model, ResourceSettings};
use top::rcm::{ResourceKind, ResourceParameters};

pub use error::PlanError;
pub use names::Names;
pub use storage::{Array, Disk, ShareHost, WitnessShare};

/// A machine of the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Its fault domain, if the lab has sites.
    pub site: Option<String>,
    /// Its adapters: network and address, in file order.
    pub adapters: Vec<(NetworkId, Ipv4Addr)>,
    /// Bytes of memory that its resources may use together; absent: no limit.
    pub memory_bytes: Option<u64>,
    /// Services that it knows: command lines by name.
    pub services: BTreeMap<String, String>,
}

impl Machine {
    /// Whether a resource stands for a service that this machine does not know. DHCP, WINS and
    /// print spooler come with the product.
    #[must_use]
    pub fn lacks_service(&self, parameters: &ResourceParameters) -> bool {
        let generic = matches!(parameters, ResourceParameters::GenericService { .. });
        let known = |name| self.services.contains_key(name);
        generic && !parameters.service().is_some_and(known)
    }
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub id: NodeId,
    /// The machine that it is.
    pub machine: Machine,
    /// After a halt that nobody asked for, the cluster service starts again this much later.
    pub service_restart: Duration,
}

/// Everything that a backend needs to build the cluster of a lab.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the lab.
    pub lab: String,
    /// The product version.
    pub generation: Generation,
    /// Documented timing, with what the lab file overrides.
    pub defaults: Defaults,
    /// Cluster-wide settings.
    pub settings: Settings,
    /// The longest that any two members take to notice each other's loss.
    pub detection_max: Duration,
    /// Groups and resources.
    pub model: Model,
    /// Members in the order of their numbers.
    pub members: Vec<Member>,
    /// Machines that are not members.
    pub others: Vec<Machine>,
    /// What joins networks, in file order.
    pub routers: Vec<Router>,
    /// Arrays, in file order.
    pub arrays: Vec<Array>,
    /// Disks; a disk's number is its place.
    pub disks: Vec<Disk>,
    /// The share that votes, if one does.
    pub witness_share: Option<WitnessShare>,
    /// The resource that stands for the witness, if there is one.
    pub witness_resource: Option<ResourceId>,
    /// Bytes of memory that resources need on their node.
    pub memory: BTreeMap<ResourceId, u64>,
    /// The cluster database as setup leaves it on every member.
    pub hive: Hive,
    /// What network names register with, if the file says so.
    pub directory: Option<file::model::Directory>,
    /// The machine that is the domain controller, by place among those that are no members.
    pub controller: Option<usize>,
    /// Names by number and numbers by name.
    pub names: Names,
}

/// What joins networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Router {
    /// The networks.
    pub joins: Vec<NetworkId>,
    /// What happens to packets that cross it.
    pub link: file::model::Impairment,
}

impl Plan {
    /// Plans the cluster of a lab.
    ///
    /// # Errors
    /// What the lab file may say and this version cannot build.
    pub fn new(lab: &Lab) -> Result<Self, PlanError> {
        let names = Names::new(lab)?;
        let settings = cluster::settings(lab, &names)?;
        let defaults = cluster::defaults(lab, &settings);
        let grouped = groups::plan(lab, &names, &settings, &defaults)?;
        let mut hive = Hive::default();
        settings.write(&mut hive);
        grouped.model.write(&mut hive);
        // What nodes will read must be what was meant.
        Model::read(&hive)?;
        Ok(Self {
            lab: lab.name.clone(),
            directory: lab.directory.clone(),
            controller: cluster::controller(lab, &names)?,
            generation: lab.cluster.generation,
            members: cluster::members(lab, &names, &defaults)?,
            others: cluster::others(lab, &names)?,
            routers: cluster::routers(lab, &names)?,
            arrays: storage::arrays(lab, &names)?,
            disks: storage::disks(lab, &names),
            witness_share: storage::witness_share(lab, &names)?,
            witness_resource: grouped.witness,
            memory: grouped.memory,
            names: grouped.names,
            model: grouped.model,
            defaults,
            detection_max: settings.detection_max(),
            settings,
            hive,
        })
    }

    /// What of the lab only the simulator can have, in words; nothing where every backend can have
    /// it.
    #[must_use]
    pub fn only_simulated(&self) -> Option<&'static str> {
        let machine = |it: &ResourceSettings| it.kind() == ResourceKind::VirtualMachine;
        let has_machine = self.model.resources.values().any(machine);
        has_machine.then_some("resources of type `virtual-machine`")
    }

    /// All members.
    #[must_use]
    pub fn all(&self) -> NodeSet {
        self.members.iter().map(|member| member.id).collect()
    }

    /// A member by its number.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.get(node.index())
    }
}
