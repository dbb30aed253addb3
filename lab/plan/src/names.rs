//! Names by number and numbers by name.

use base::{DiskId, GroupId, NetworkId, NodeId, NodeSet, ResourceId, limits};
use file::model::{Lab, LunRef};

use crate::PlanError;

/// The product's name of the core group.
pub(crate) const CORE_GROUP: &str = "Cluster Group";

/// Names of everything that has a number; a number is a place in its list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Names {
    /// Members; node 1 comes first.
    pub nodes: Vec<String>,
    /// Machines that are no members.
    pub others: Vec<String>,
    /// Networks.
    pub networks: Vec<String>,
    /// Arrays.
    pub arrays: Vec<String>,
    /// Disks as `array/lun`.
    pub disks: Vec<LunRef>,
    /// Groups; the core group comes first.
    pub groups: Vec<String>,
    /// Resources, each with its group's name.
    pub resources: Vec<(String, String)>,
}

impl Names {
    pub(crate) fn new(lab: &Lab) -> Result<Self, PlanError> {
        let disks = lab.storage.iter().flat_map(|array| {
            array.luns.iter().map(|lun| LunRef {
                array: array.name.clone(),
                lun: lun.name.clone(),
            })
        });
        let is_other = |it: &&file::model::Node| !lab.cluster.members.contains(&it.name);
        let others = lab.nodes.iter().filter(is_other);
        let own = lab.cluster.groups.iter().map(|group| group.name.clone());
        let names = Self {
            nodes: lab.cluster.members.clone(),
            others: others.map(|it| it.name.clone()).collect(),
            networks: lab.networks.iter().map(|it| it.name.clone()).collect(),
            arrays: lab.storage.iter().map(|it| it.name.clone()).collect(),
            disks: disks.collect(),
            groups: std::iter::once(CORE_GROUP.to_owned()).chain(own).collect(),
            resources: Vec::new(),
        };
        PlanError::check_nodes(names.nodes.len())?;
        let (networks, groups) = (names.networks.len(), names.groups.len());
        PlanError::check_count("networks", networks, limits::NETWORKS_MAX)?;
        PlanError::check_count("groups", groups, limits::GROUPS_MAX)?;
        PlanError::check_count("disks", names.disks.len(), usize::from(u16::MAX))?;
        Ok(names)
    }

    /// The member of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        let place = self.nodes.iter().position(|it| it == name)?;
        NodeId::new(u8::try_from(place + 1).ok()?)
    }

    /// The network of this name.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<NetworkId> {
        let place = self.networks.iter().position(|it| it == name)?;
        u8::try_from(place).ok().map(NetworkId)
    }

    /// The disk of this reference.
    #[must_use]
    pub fn disk(&self, lun: &LunRef) -> Option<DiskId> {
        let place = self.disks.iter().position(|it| it == lun)?;
        u16::try_from(place).ok().map(DiskId)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<GroupId> {
        let place = self.groups.iter().position(|it| it == name)?;
        u16::try_from(place).ok().map(GroupId)
    }

    /// The resource of this name in a group.
    #[must_use]
    pub fn resource(&self, group: &str, name: &str) -> Option<ResourceId> {
        let wanted = |(in_group, it): &(String, String)| in_group == group && it == name;
        let place = self.resources.iter().position(wanted)?;
        u16::try_from(place).ok().map(ResourceId)
    }

    /// A member's name, or its number where it has none.
    #[must_use]
    pub fn of_node(&self, node: NodeId) -> String {
        or_number(self.nodes.get(node.index()), "node", node)
    }

    /// The names of several members.
    #[must_use]
    pub fn of_nodes(&self, nodes: NodeSet) -> String {
        let names: Vec<String> = nodes.iter().map(|node| self.of_node(node)).collect();
        names.join(", ")
    }

    /// The name of a machine by its place among members and then all others.
    #[must_use]
    pub fn of_machine(&self, place: usize) -> String {
        let name = match place.checked_sub(self.nodes.len()) {
            None => self.nodes.get(place),
            Some(other) => self.others.get(other),
        };
        or_number(name, "machine", place)
    }

    /// An array's name, by its place in the file.
    #[must_use]
    pub fn of_array(&self, place: usize) -> String {
        or_number(self.arrays.get(place), "array", place)
    }

    /// A network's name.
    #[must_use]
    pub fn of_network(&self, network: NetworkId) -> String {
        or_number(
            self.networks.get(usize::from(network.0)),
            "network",
            network,
        )
    }

    /// A disk as `array/lun`.
    #[must_use]
    pub fn of_disk(&self, disk: DiskId) -> String {
        let name = self.disks.get(usize::from(disk.0)).map(ToString::to_string);
        or_number(name.as_ref(), "disk", disk)
    }

    /// A group's name.
    #[must_use]
    pub fn of_group(&self, group: GroupId) -> String {
        or_number(self.groups.get(usize::from(group.0)), "group", group)
    }

    /// A resource as `group/resource`.
    #[must_use]
    pub fn of_resource(&self, resource: ResourceId) -> String {
        let known = self.resources.get(usize::from(resource.0));
        let name = known.map(|(group, name)| format!("{group}/{name}"));
        or_number(name.as_ref(), "resource", resource)
    }
}

fn or_number(name: Option<&String>, what: &str, number: impl std::fmt::Display) -> String {
    name.cloned().unwrap_or_else(|| format!("{what} {number}"))
}
