//! Makes the groups and resources of a small world.

use base::{Defaults, DiskId, Generation, GroupId, NetworkId, ResourceId};

use crate::rcm::model::{ClusterPolicy, GroupSettings, Model, ResourceSettings};
use crate::rcm::{Dependencies, ResourceParameters};

/// Builds the model of a world.
pub(crate) struct Build {
    pub(crate) model: Model,
    pub(crate) defaults: Defaults,
}

impl Build {
    pub(crate) fn new(generation: Generation) -> Self {
        let defaults = generation.defaults();
        let mut model = Model {
            cluster: ClusterPolicy::of(generation),
            ..Model::default()
        };
        let core = GroupSettings::new("Cluster Group", &defaults);
        model.groups.insert(GroupId(0), core);
        Self { model, defaults }
    }

    pub(crate) fn group(&mut self) -> GroupId {
        let id = GroupId(u16::try_from(self.model.groups.len()).expect("few groups"));
        let settings = GroupSettings::new(format!("g{id}"), &self.defaults);
        self.model.groups.insert(id, settings);
        id
    }

    pub(crate) fn add(
        &mut self,
        group: GroupId,
        parameters: ResourceParameters,
        depends: &str,
    ) -> ResourceId {
        let id = ResourceId(u16::try_from(self.model.resources.len() + 1).expect("few"));
        let name = format!("r{id}");
        let mut settings = ResourceSettings::new(name, group, parameters, &self.defaults);
        settings.dependencies = Dependencies::parse(depends).expect("a valid expression");
        self.model.resources.insert(id, settings);
        self.settings(group).resources.push(id);
        id
    }

    /// A generic application, which may depend on anything.
    pub(crate) fn app(&mut self, group: GroupId, depends: &str) -> ResourceId {
        let parameters = ResourceParameters::GenericApplication {
            command_line: "app".into(),
            current_directory: String::new(),
        };
        self.add(group, parameters, depends)
    }

    pub(crate) fn disk(&mut self, group: GroupId, disk: u16) -> ResourceId {
        self.any_disk(group, disk, false)
    }

    /// The disk of a cluster shared volume.
    pub(crate) fn shared_disk(&mut self, group: GroupId, disk: u16) -> ResourceId {
        self.any_disk(group, disk, true)
    }

    fn any_disk(&mut self, group: GroupId, disk: u16, shared: bool) -> ResourceId {
        let disk = DiskId(disk);
        self.add(group, ResourceParameters::PhysicalDisk { disk, shared }, "")
    }

    pub(crate) fn ip(&mut self, group: GroupId) -> ResourceId {
        let parameters = ResourceParameters::IpAddress {
            network: NetworkId(0),
            address: "10.0.0.9".into(),
        };
        self.add(group, parameters, "")
    }

    pub(crate) fn settings(&mut self, group: GroupId) -> &mut GroupSettings {
        self.model.groups.get_mut(&group).expect("a known group")
    }

    pub(crate) fn resource(&mut self, id: ResourceId) -> &mut ResourceSettings {
        self.model.resources.get_mut(&id).expect("a known resource")
    }
}
