//! What the cluster database says about groups, resources and resource types, in typed form.
//!
//! Facts: reference sections 1.1, 2.1, 3 and 7. Group 0 is the core group: cluster IP address,
//! cluster name and the witness. Nothing here changes at run time; states live elsewhere.

mod cluster;
mod group;
pub(super) mod network_name;
mod parameters;
mod resource;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base::{Defaults, Generation, GroupId, NodeId, NodeSet, ResourceId};
use middle::database::{Hive, Value};

pub use cluster::ClusterPolicy;
pub use group::{ColdStart, Failback, GroupDependency, GroupSettings, Priority};
pub use resource::{ResourceSettings, RestartAction};

use super::tree;
use crate::restype::ResourceKind;

/// The core group ("Cluster Group").
pub const CORE_GROUP: GroupId = GroupId(0);

const PENDING_TIMEOUT: &str = "PendingTimeout";
const DEADLOCK_TIMEOUT: &str = "DeadlockTimeout";

/// Shortest poll interval (reference section 1.1: at least 10).
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Timing of a resource type, under `ResourceTypes\<type>` (reference section 1.1). That a resource
/// without timeouts of its own takes those of its type is inferred from its poll intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeSettings {
    /// LooksAlivePollInterval.
    pub looks_alive_interval: Duration,
    /// IsAlivePollInterval.
    pub is_alive_interval: Duration,
    /// PendingTimeout.
    pub pending_timeout: Duration,
    /// DeadlockTimeout.
    pub deadlock_timeout: Duration,
}

impl TypeSettings {
    /// What holds for a type of which nothing was set.
    #[must_use]
    pub fn of(defaults: &Defaults) -> Self {
        Self {
            looks_alive_interval: defaults.looks_alive_poll_interval,
            is_alive_interval: defaults.is_alive_poll_interval,
            pending_timeout: defaults.pending_timeout,
            deadlock_timeout: defaults.deadlock_timeout,
        }
    }
}

/// Groups, resources and types as configured.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Model {
    /// Properties of the cluster as a whole.
    pub cluster: ClusterPolicy,
    /// Groups by number.
    pub groups: BTreeMap<GroupId, GroupSettings>,
    /// Resources by number.
    pub resources: BTreeMap<ResourceId, ResourceSettings>,
    /// Types whose timing differs from the generation's.
    pub types: BTreeMap<ResourceKind, TypeSettings>,
}

/// Why the database's groups and resources are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The type string is not one that this version knows.
    UnknownType { resource: ResourceId, label: String },
    /// The dependency expression is not understood.
    Dependency {
        resource: ResourceId,
        error: tree::DependencyError,
    },
    /// A dependency crosses groups or names nothing.
    ForeignDependency {
        resource: ResourceId,
        provider: ResourceId,
    },
    /// A type's required dependency is missing (reference section 3.2).
    MissingDependency {
        resource: ResourceId,
        required: &'static [ResourceKind],
    },
    /// Its type may be in a group once only (reference section 2.1, Print Spooler).
    SecondOfGroup {
        resource: ResourceId,
        kind: ResourceKind,
    },
    /// The resources of a group wait for each other.
    Cycle {
        group: GroupId,
        error: tree::DependencyError,
    },
    /// A group is to start after one that does not exist, or that waits for it.
    StartOrder { group: GroupId },
    /// A group and a resource disagree on whether one is in the other.
    Membership {
        group: GroupId,
        resource: ResourceId,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType { resource, label } => {
                write!(f, "resource {resource} has the unknown type `{label}`")
            }
            Self::Dependency { resource, error } => write!(f, "resource {resource}: {error}"),
            Self::ForeignDependency { resource, provider } => write!(
                f,
                "resource {resource} depends on {provider}, which is not in its group"
            ),
            Self::MissingDependency { resource, required } => {
                let labels: Vec<&str> = required.iter().map(|kind| kind.label()).collect();
                let labels = labels.join("` or `");
                write!(
                    f,
                    "resource {resource} needs a dependency on a resource of type `{labels}`"
                )
            }
            Self::SecondOfGroup { resource, kind } => write!(
                f,
                "resource {resource} is the second `{}` of its group, which may have one only",
                kind.label()
            ),
            Self::Cycle { group, error } => write!(f, "group {group}: {error}"),
            Self::StartOrder { group } => write!(
                f,
                "group {group} is to start after a group that does not exist or waits for it"
            ),
            Self::Membership { group, resource } => write!(
                f,
                "group {group} and resource {resource} disagree on whether it is in the group"
            ),
        }
    }
}

impl std::error::Error for ModelError {}

impl Model {
    /// What people call a group; its number where the model does not have it.
    #[must_use]
    pub fn group_name(&self, id: GroupId) -> String {
        let settings = self.groups.get(&id);
        settings.map_or_else(|| id.to_string(), |settings| settings.name.clone())
    }

    /// What people call a resource, as `group/resource`; its number where the model does not have
    /// it.
    #[must_use]
    pub fn resource_name(&self, id: ResourceId) -> String {
        let Some(settings) = self.resources.get(&id) else {
            return id.to_string();
        };
        format!("{}/{}", self.group_name(settings.group), settings.name)
    }

    /// Reads all groups and resources; a hive without any gives an empty model.
    ///
    /// # Errors
    /// The first rule that the hive breaks.
    pub fn read(hive: &Hive) -> Result<Self, ModelError> {
        let generation = generation(hive);
        let defaults = generation.defaults();
        let mut model = Self {
            cluster: ClusterPolicy::read(hive, generation),
            ..Self::default()
        };
        for number in hive.subkeys("Groups").filter_map(|key| key.parse().ok()) {
            let group = GroupId(number);
            let settings = GroupSettings::read(hive, group, &defaults);
            model.groups.insert(group, settings);
        }
        model.types = read_types(hive, &defaults);
        for number in hive.subkeys("Resources").filter_map(|key| key.parse().ok()) {
            let resource = ResourceId(number);
            let settings = ResourceSettings::read(hive, resource, &defaults)?;
            model.resources.insert(resource, settings);
        }
        model.validate()?;
        Ok(model)
    }

    /// Writes all groups, resources and types, as setup does when the cluster is made.
    pub fn write(&self, hive: &mut Hive) {
        self.cluster.write(hive);
        for (group, settings) in &self.groups {
            settings.write(hive, *group);
        }
        for (kind, settings) in &self.types {
            let key = type_key(*kind);
            let mut set = |name: &str, span: Duration| {
                let millis = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
                hive.set(&key, name, Value::Dword(millis));
            };
            set("LooksAlivePollInterval", settings.looks_alive_interval);
            set("IsAlivePollInterval", settings.is_alive_interval);
            set(PENDING_TIMEOUT, settings.pending_timeout);
            set(DEADLOCK_TIMEOUT, settings.deadlock_timeout);
        }
        for (resource, settings) in &self.resources {
            settings.write(hive, *resource);
        }
    }

    /// Checks what holds between groups and resources.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (resource, settings) in &self.resources {
            self.validate_resource(*resource, settings)?;
        }
        for (group, settings) in &self.groups {
            let stray = settings.resources.iter().copied().find(|id| {
                self.resources
                    .get(id)
                    .is_none_or(|resource| resource.group != *group)
            });
            if let Some(resource) = stray {
                let group = *group;
                return Err(ModelError::Membership { group, resource });
            }
            self.providers_first(*group)?;
        }
        self.validate_start_order()
    }

    /// Groups that start one after the other exist and do not wait for each other in a circle.
    fn validate_start_order(&self) -> Result<(), ModelError> {
        let mut known: std::collections::BTreeSet<GroupId> = std::collections::BTreeSet::new();
        loop {
            let before = known.len();
            for (group, settings) in &self.groups {
                if settings.after.iter().all(|it| known.contains(&it.group)) {
                    known.insert(*group);
                }
            }
            if known.len() == before {
                break;
            }
        }
        let stuck = self.groups.keys().find(|group| !known.contains(group));
        stuck.map_or(Ok(()), |group| {
            Err(ModelError::StartOrder { group: *group })
        })
    }

    fn validate_resource(
        &self,
        resource: ResourceId,
        settings: &ResourceSettings,
    ) -> Result<(), ModelError> {
        let group = settings.group;
        let listed = self
            .groups
            .get(&group)
            .is_some_and(|known| known.resources.contains(&resource));
        if !listed {
            return Err(ModelError::Membership { group, resource });
        }
        let kind = settings.kind();
        let before =
            |(id, other): (ResourceId, &ResourceSettings)| id < resource && other.kind() == kind;
        if kind.is_one_per_group() && self.of_group(group).any(before) {
            return Err(ModelError::SecondOfGroup { resource, kind });
        }
        let same_group = |id: &ResourceId| {
            self.resources
                .get(id)
                .is_some_and(|provider| provider.group == group)
        };
        if let Some(provider) = settings.dependencies.providers().find(|id| !same_group(id)) {
            return Err(ModelError::ForeignDependency { resource, provider });
        }
        let kinds: Vec<ResourceKind> = settings
            .dependencies
            .providers()
            .filter_map(|id| self.resources.get(&id).map(ResourceSettings::kind))
            .collect();
        match settings
            .kind()
            .requires()
            .iter()
            .find(|needs| !needs.iter().any(|need| kinds.contains(need)))
        {
            Some(required) => Err(ModelError::MissingDependency { resource, required }),
            None => Ok(()),
        }
    }

    /// The resources of a group, providers before their dependents.
    ///
    /// # Errors
    /// [`ModelError::Cycle`].
    pub fn providers_first(&self, group: GroupId) -> Result<Vec<ResourceId>, ModelError> {
        let tree = self
            .of_group(group)
            .map(|(id, settings)| (id, settings.dependencies.clone()))
            .collect();
        tree::providers_first(&tree).map_err(|error| ModelError::Cycle { group, error })
    }

    /// The resources of a group.
    pub fn of_group(
        &self,
        group: GroupId,
    ) -> impl Iterator<Item = (ResourceId, &ResourceSettings)> + '_ {
        self.groups
            .get(&group)
            .into_iter()
            .flat_map(|settings| &settings.resources)
            .filter_map(|id| self.resources.get(id).map(|settings| (*id, settings)))
    }

    /// Nodes of `all` that may own a group: those that are possible owners of all its resources
    /// (reference section 3.1).
    #[must_use]
    pub fn possible_owners(&self, group: GroupId, all: NodeSet) -> NodeSet {
        self.of_group(group)
            .filter_map(|(_, settings)| settings.possible_owners)
            .fold(all, NodeSet::intersection)
    }

    /// Sorts groups in the order in which they start and are placed: the core group, then high to
    /// low priority, then by number.
    #[must_use]
    pub fn start_order(&self, group: GroupId) -> (bool, Reverse<Priority>, GroupId) {
        let settings = self.groups.get(&group);
        let priority = settings
            .map(|settings| settings.priority)
            .unwrap_or_default();
        (group != CORE_GROUP, Reverse(priority), group)
    }

    /// Longest call of an entry point of a resource; `None`: nobody watches (reference section
    /// 1.5, deadlock detection of 2003).
    #[must_use]
    pub fn deadlock_timeout(&self, settings: &ResourceSettings) -> Option<Duration> {
        let of_all = self.cluster.resource_dll_deadlock_timeout;
        let timeout = of_all.unwrap_or(settings.deadlock_timeout);
        Some(timeout).filter(|_| self.cluster.deadlock_detection)
    }

    /// Whether two groups avoid each other's nodes.
    #[must_use]
    pub fn avoid_each_other(&self, one: GroupId, other: GroupId) -> bool {
        let classes = |id| {
            let settings = self.groups.get(&id);
            settings.map_or(&[][..], |settings| settings.anti_affinity.as_slice())
        };
        one != other && classes(one).iter().any(|it| classes(other).contains(it))
    }

    /// LooksAlive and IsAlive intervals of a resource: its own, or its type's, or the
    /// generation's (reference section 1.1: a resource's own interval beats its type's).
    #[must_use]
    pub fn intervals(&self, settings: &ResourceSettings, defaults: &Defaults) -> TypeSettings {
        let inherited = self
            .types
            .get(&settings.kind())
            .copied()
            .unwrap_or_else(|| TypeSettings::of(defaults));
        let own = |span: Option<Duration>, inherited| span.unwrap_or(inherited).max(INTERVAL_MIN);
        TypeSettings {
            looks_alive_interval: own(
                settings.looks_alive_interval,
                inherited.looks_alive_interval,
            ),
            is_alive_interval: own(settings.is_alive_interval, inherited.is_alive_interval),
            ..inherited
        }
    }
}

/// The generation whose defaults hold.
fn generation(hive: &Hive) -> Generation {
    hive.text("", "Generation")
        .and_then(|word| word.parse().ok())
        .unwrap_or_default()
}

fn type_key(kind: ResourceKind) -> String {
    format!("ResourceTypes\\{}", kind.label())
}

/// Timing of a type as the hive has it.
fn read_type(hive: &Hive, kind: ResourceKind, defaults: &Defaults) -> TypeSettings {
    let key = type_key(kind);
    // 0 is forbidden: polling can never be switched off.
    let span = |name, default| {
        hive.dword(&key, name)
            .filter(|millis| *millis > 0)
            .map_or(default, |millis| Duration::from_millis(millis.into()))
    };
    let of = TypeSettings::of(defaults);
    TypeSettings {
        looks_alive_interval: span("LooksAlivePollInterval", of.looks_alive_interval),
        is_alive_interval: span("IsAlivePollInterval", of.is_alive_interval),
        pending_timeout: span(PENDING_TIMEOUT, of.pending_timeout),
        deadlock_timeout: span(DEADLOCK_TIMEOUT, of.deadlock_timeout),
    }
}

fn read_types(hive: &Hive, defaults: &Defaults) -> BTreeMap<ResourceKind, TypeSettings> {
    let types = ResourceKind::ALL.into_iter();
    types
        .map(|kind| (kind, read_type(hive, kind, defaults)))
        .filter(|(_, settings)| *settings != TypeSettings::of(defaults))
        .collect()
}

fn nodes(texts: &[String]) -> impl Iterator<Item = NodeId> + '_ {
    texts
        .iter()
        .filter_map(|text| text.parse().ok().and_then(NodeId::new))
}
