//! Groups and resources: those of the file, and before them the core group with the cluster's own
//! address, name and witness.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Defaults, GroupId, NetworkId, NodeSet, ResourceId, limits};
use file::model::{self, Lab, OnFailure};
use middle::settings::{Settings, Witness};
use top::rcm::model::{
    CORE_GROUP, ClusterPolicy, ColdStart, Failback, GroupDependency, GroupSettings, Model,
    Priority, ResourceSettings, RestartAction,
};
use top::rcm::{Dependencies, NameSettings, ResourceParameters};
use top::restype::{CheckpointKey, CheckpointKind, SharePlace};

use crate::{Names, PlanError};

/// What came of planning the groups.
pub(crate) struct Grouped {
    pub(crate) model: Model,
    /// The names, now with resources.
    pub(crate) names: Names,
    pub(crate) witness: Option<ResourceId>,
    /// Bytes of memory that resources need.
    pub(crate) memory: BTreeMap<ResourceId, u64>,
}

pub(crate) fn plan(
    lab: &Lab,
    names: &Names,
    settings: &Settings,
    defaults: &Defaults,
) -> Result<Grouped, PlanError> {
    let mut planner = Planner {
        lab,
        names: names.clone(),
        defaults,
        memory: BTreeMap::new(),
        model: Model {
            cluster: ClusterPolicy {
                enforced_anti_affinity: lab.cluster.enforced_anti_affinity,
                ..ClusterPolicy::of(settings.generation)
            },
            ..Model::default()
        },
    };
    let witness = planner.core_group(settings)?;
    for (place, group) in (1_u16..).zip(&lab.cluster.groups) {
        planner.group(GroupId(place), group)?;
    }
    let Planner {
        model,
        names,
        memory,
        ..
    } = planner;
    let resources = model.resources.len();
    PlanError::check_count("resources", resources, limits::RESOURCES_MAX)?;
    Ok(Grouped {
        model,
        names,
        witness,
        memory,
    })
}

struct Planner<'a> {
    lab: &'a Lab,
    names: Names,
    defaults: &'a Defaults,
    model: Model,
    memory: BTreeMap<ResourceId, u64>,
}

impl Planner<'_> {
    /// "Cluster Group" with "Cluster IP Address", "Cluster Name" and the witness; returns the
    /// witness.
    fn core_group(&mut self, settings: &Settings) -> Result<Option<ResourceId>, PlanError> {
        let name = self.names.of_group(CORE_GROUP);
        let group = GroupSettings::new(name, self.defaults);
        self.model.groups.insert(CORE_GROUP, group);
        let mut addresses = Vec::new();
        for (place, address) in self.lab.cluster.addresses.iter().enumerate() {
            let name = match place {
                0 => "Cluster IP Address".to_owned(),
                _ => format!("Cluster IP Address {}", place + 1),
            };
            let parameters = self.address(*address, None)?;
            addresses.push(self.add(self.resource(&name, CORE_GROUP, parameters))?);
        }
        if !addresses.is_empty() {
            let parameters = ResourceParameters::NetworkName {
                name: self.lab.cluster.name.clone(),
                addresses: Vec::new(),
                settings: NameSettings::default(),
            };
            let mut resource = self.resource("Cluster Name", CORE_GROUP, parameters);
            resource.dependencies = Dependencies(vec![addresses]);
            self.add(resource)?;
        }
        match settings.witness {
            Witness::None => Ok(None),
            Witness::Disk(disk) => {
                let name = format!("Cluster Disk {}", disk.0 + 1);
                let shared = false;
                let parameters = ResourceParameters::PhysicalDisk { disk, shared };
                self.add(self.resource(&name, CORE_GROUP, parameters))
                    .map(Some)
            }
            Witness::Share => {
                let parameters = ResourceParameters::FileShareWitness;
                let witness = self.resource("File Share Witness", CORE_GROUP, parameters);
                self.add(witness).map(Some)
            }
            Witness::Cloud => {
                let parameters = ResourceParameters::CloudWitness;
                let witness = self.resource("Cloud Witness", CORE_GROUP, parameters);
                self.add(witness).map(Some)
            }
        }
    }

    fn group(&mut self, id: GroupId, group: &model::Group) -> Result<(), PlanError> {
        let mut settings = GroupSettings::new(group.name.clone(), self.defaults);
        settings.preferred_owners = self.nodes(&group.owners.preferred)?;
        settings.anti_affinity.clone_from(&group.anti_affinity);
        settings.priority = match group.priority {
            model::Priority::High => Priority::High,
            model::Priority::Medium => Priority::Medium,
            model::Priority::Low => Priority::Low,
            model::Priority::NoAutoStart => Priority::NoAutoStart,
        };
        let limit = group.failover.limit;
        settings.failover_threshold = limit.or(settings.failover_threshold);
        settings.failover_period = group.failover.within.unwrap_or(settings.failover_period);
        settings.failback = match group.failback {
            model::Failback::Never => Failback::Never,
            model::Failback::Immediate => Failback::Immediate,
            model::Failback::Window { from_hour, to_hour } => {
                Failback::Window { from_hour, to_hour }
            }
        };
        settings.persistent_state = group.start;
        settings.cold_start = match group.cold_start {
            model::ColdStart::Always => ColdStart::Always,
            model::ColdStart::DoNotStart => ColdStart::DoNotStart,
            model::ColdStart::Allowed => ColdStart::Allowed,
        };
        settings.locked = group.locked;
        settings.after = self.after(&group.after)?;
        self.model.groups.insert(id, settings);
        let possible = match &group.owners.possible {
            Some(owners) => Some(self.nodes(owners)?.into_iter().collect::<NodeSet>()),
            None => None,
        };
        self.resources(id, group, possible)
    }

    fn after(&self, after: &[(String, Duration)]) -> Result<Vec<GroupDependency>, PlanError> {
        let dependency = |(name, delay): &(String, Duration)| {
            let group = self.names.group(name);
            let group = group.ok_or_else(|| PlanError::unknown("group", name))?;
            let delay = *delay;
            Ok(GroupDependency { group, delay })
        };
        after.iter().map(dependency).collect()
    }

    /// The resources of a group: numbered first, because a dependency may point forward.
    fn resources(
        &mut self,
        id: GroupId,
        group: &model::Group,
        possible: Option<NodeSet>,
    ) -> Result<(), PlanError> {
        let first = self.names.resources.len();
        let place = |name: &String| {
            let found = group.resources.iter().position(|it| it.name == *name);
            let place = found.ok_or_else(|| PlanError::unknown("resource", name))?;
            number(first + place)
        };
        for resource in &group.resources {
            let mut parameters = self.parameters(&resource.kind)?;
            apply_properties(&mut parameters, &resource.properties);
            let mut settings = self.resource(&resource.name, id, parameters);
            let item = |item: &Vec<String>| item.iter().map(place).collect();
            let items: Result<_, PlanError> = resource.depends.iter().map(item).collect();
            settings.dependencies = Dependencies(items?);
            settings.possible_owners = possible;
            apply_policy(&mut settings, &resource.policy);
            settings.checkpoints = checkpoints(&resource.checkpoints);
            let id = self.add(settings)?;
            self.memory
                .extend(resource.memory_bytes.map(|bytes| (id, bytes)));
        }
        Ok(())
    }

    fn resource(
        &self,
        name: &str,
        group: GroupId,
        parameters: ResourceParameters,
    ) -> ResourceSettings {
        ResourceSettings::new(name, group, parameters, self.defaults)
    }

    fn add(&mut self, settings: ResourceSettings) -> Result<ResourceId, PlanError> {
        let id = number(self.names.resources.len())?;
        let group = self.names.of_group(settings.group);
        self.names.resources.push((group, settings.name.clone()));
        if let Some(group) = self.model.groups.get_mut(&settings.group) {
            group.resources.push(id);
        }
        self.model.resources.insert(id, settings);
        Ok(id)
    }

    fn parameters(&self, kind: &model::ResourceKind) -> Result<ResourceParameters, PlanError> {
        Ok(match kind {
            model::ResourceKind::PhysicalDisk { lun } => self.disk(lun, false)?,
            model::ResourceKind::ClusterSharedVolume { lun } => self.disk(lun, true)?,
            model::ResourceKind::IpAddress { address, network } => {
                self.address(*address, Some(network))?
            }
            model::ResourceKind::Ipv6Address { address, network } => {
                let known = self.names.network(network);
                let network = known.ok_or_else(|| PlanError::unknown("network", network))?;
                let address = address.to_string();
                ResourceParameters::Ipv6Address { network, address }
            }
            model::ResourceKind::NetworkName { name } => ResourceParameters::NetworkName {
                name: name.clone(),
                addresses: Vec::new(),
                settings: NameSettings::default(),
            },
            model::ResourceKind::FileServer => ResourceParameters::FileServer {
                name: String::new(),
            },
            model::ResourceKind::FileShare { share, path } => ResourceParameters::FileShare {
                server: String::new(),
                share: share.clone(),
                path: path.clone(),
                max_users: None,
                place: SharePlace::default(),
            },
            model::ResourceKind::DistributedNetworkName { name } => {
                ResourceParameters::DistributedNetworkName { name: name.clone() }
            }
            program => program_parameters(program),
        })
    }

    fn disk(&self, lun: &model::LunRef, shared: bool) -> Result<ResourceParameters, PlanError> {
        let unknown = || PlanError::unknown("logical unit", &lun.to_string());
        let disk = self.names.disk(lun).ok_or_else(unknown)?;
        Ok(ResourceParameters::PhysicalDisk { disk, shared })
    }

    /// An address on the network that the file names, or on the one whose subnet has it.
    fn address(
        &self,
        address: Ipv4Addr,
        network: Option<&String>,
    ) -> Result<ResourceParameters, PlanError> {
        let holds = |it: &&model::Network| match network {
            Some(name) => it.name == *name,
            None => it.subnet.contains(address),
        };
        let found = self.lab.networks.iter().find(holds);
        let network: NetworkId = found
            .and_then(|it| self.names.network(&it.name))
            .ok_or_else(|| PlanError::unknown("network of address", &address.to_string()))?;
        let address = address.to_string();
        Ok(ResourceParameters::IpAddress { network, address })
    }

    fn nodes(&self, names: &[String]) -> Result<Vec<base::NodeId>, PlanError> {
        let node = |name: &String| {
            let node = self.names.node(name);
            node.ok_or_else(|| PlanError::unknown("member", name))
        };
        names.iter().map(node).collect()
    }
}

/// Types that stand for a service, a script or a program.
fn program_parameters(kind: &model::ResourceKind) -> ResourceParameters {
    match kind {
        model::ResourceKind::GenericService { service } => ResourceParameters::GenericService {
            service: service.clone(),
            startup_parameters: String::new(),
        },
        model::ResourceKind::GenericScript { script } => ResourceParameters::GenericScript {
            script: script.clone(),
        },
        model::ResourceKind::DhcpService { path } => ResourceParameters::DhcpService {
            database_path: path.clone(),
            backup_path: String::new(),
        },
        model::ResourceKind::WinsService { path } => ResourceParameters::WinsService {
            database_path: path.clone(),
            backup_path: String::new(),
        },
        model::ResourceKind::PrintSpooler { path } => ResourceParameters::PrintSpooler {
            spool_directory: path.clone(),
            job_completion_timeout: 0,
        },
        model::ResourceKind::VirtualMachine { machine } => ResourceParameters::VirtualMachine {
            machine: machine.clone(),
        },
        model::ResourceKind::PlugIn { program } => ResourceParameters::PlugIn {
            program: program.clone(),
            properties: Vec::new(),
        },
        model::ResourceKind::GenericApplication { command, directory } => {
            ResourceParameters::GenericApplication {
                command_line: command.clone(),
                current_directory: directory.clone().unwrap_or_default(),
            }
        }
        _ => unreachable!("every other type has parameters of its own"),
    }
}

/// Private properties that the file gives by their documented names.
fn apply_properties(parameters: &mut ResourceParameters, given: &[(String, String)]) {
    for (name, value) in given {
        match parameters {
            ResourceParameters::PlugIn { properties, .. } => {
                properties.push((name.clone(), value.clone()));
            }
            ResourceParameters::FileShare { max_users, .. } if name == "MaxUsers" => {
                *max_users = value.parse().ok().filter(|users| *users != u32::MAX);
            }
            ResourceParameters::NetworkName { settings, .. } => {
                apply_to_name(settings, name, value);
            }
            ResourceParameters::GenericService {
                startup_parameters, ..
            } if name == "StartupParameters" => startup_parameters.clone_from(value),
            ResourceParameters::DhcpService { backup_path, .. }
            | ResourceParameters::WinsService { backup_path, .. }
                if name == "BackupPath" =>
            {
                backup_path.clone_from(value);
            }
            _ => {}
        }
    }
}

fn apply_to_name(settings: &mut NameSettings, name: &str, value: &str) {
    let is_set = matches!(value, "1" | "true");
    match name {
        "HostRecordTTL" => {
            settings.host_record_ttl = value.parse().unwrap_or(settings.host_record_ttl);
        }
        "PublishPTRRecords" => settings.publish_ptr = is_set,
        "RegisterAllProvidersIP" => settings.all_providers = is_set,
        "RequireDNS" => settings.require_dns = is_set,
        "RequireKerberos" => settings.require_kerberos = is_set,
        _ => {}
    }
}

fn checkpoints(given: &model::Checkpoints) -> Vec<CheckpointKey> {
    let keys = |kind, names: &[String]| -> Vec<CheckpointKey> {
        let key = |name: &String| CheckpointKey {
            kind,
            name: name.clone(),
        };
        names.iter().map(key).collect()
    };
    let mut all = keys(CheckpointKind::Registry, &given.registry);
    all.extend(keys(CheckpointKind::Crypto, &given.crypto));
    all
}

fn apply_policy(settings: &mut ResourceSettings, policy: &model::ResourcePolicy) {
    let restart = policy.restart;
    if let Some(action) = restart.on_failure {
        settings.restart_action = match action {
            OnFailure::DoNothing => RestartAction::DontRestart,
            OnFailure::Restart => RestartAction::RestartNoNotify,
            OnFailure::RestartThenFailover => RestartAction::RestartNotify,
        };
    }
    settings.restart_threshold = restart.limit.unwrap_or(settings.restart_threshold);
    settings.restart_period = restart.within.unwrap_or(settings.restart_period);
    settings.restart_delay = restart.delay.unwrap_or(settings.restart_delay);
    settings.retry_period = restart.retry_after.unwrap_or(settings.retry_period);
    settings.looks_alive_interval = policy.poll.looks_alive;
    settings.is_alive_interval = policy.poll.is_alive;
    settings.pending_timeout = policy.pending.unwrap_or(settings.pending_timeout);
    settings.deadlock_timeout = policy.deadlock.unwrap_or(settings.deadlock_timeout);
    settings.separate_monitor = policy.separate_monitor.unwrap_or(settings.separate_monitor);
}

fn number(place: usize) -> Result<ResourceId, PlanError> {
    let count = place + 1;
    PlanError::check_count("resources", count, limits::RESOURCES_MAX)?;
    Ok(ResourceId(u16::try_from(place).unwrap_or(u16::MAX)))
}
