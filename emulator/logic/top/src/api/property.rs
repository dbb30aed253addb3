//! The properties that administrators know, with their types, bounds and defaults.
//!
//! Facts: reference sections 1.1, 3, 4.2, 6.1 and 7 (names), by generation where they say so.
//! Names compare without case, as in the registry. A property that is not in the table is not
//! there: reading and writing it is refused by name. Private properties are in [`super::private`].

use base::{Defaults, Generation};
use middle::database::{Hive, Value};

use super::Object;
use crate::rcm::model::{GroupSettings, ResourceSettings};

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One of these numbers.
    OneOf(&'static [u32]),
    /// A DWORD between two bounds, both included, or one of two numbers beside them.
    Dword { min: u32, max: u32, also: u32 },
    /// A text.
    Text,
    /// Several texts.
    Texts,
}

/// What a value is when nobody has set it.
#[derive(Clone, Copy, Debug)]
pub enum Unset {
    /// This number.
    Dword(u32),
    /// What the table of the generation says.
    Of(fn(&Defaults) -> u32),
    /// No text, or none at all.
    Empty,
}

/// One property.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name in the documented spelling.
    pub name: &'static str,
    /// What it may be.
    pub form: Form,
    /// What it is when nobody has set it.
    pub unset: Unset,
    /// First generation that has it.
    pub since: Generation,
    /// Last generation that has it.
    pub until: Generation,
    /// Whether administrators may set it.
    pub writable: bool,
}

/// 0xFFFFFFFF: inherit, never, or without limit.
pub(super) const NONE: u32 = u32::MAX;

impl Property {
    pub(super) const fn dword(name: &'static str, min: u32, max: u32, default: u32) -> Self {
        Self::of(
            name,
            Form::Dword {
                min,
                max,
                also: max,
            },
            Unset::Dword(default),
        )
    }

    /// A DWORD with a minimum that may also be 0xFFFFFFFF.
    const fn or_none(name: &'static str, min: u32, max: u32) -> Self {
        let form = Form::Dword {
            min,
            max,
            also: NONE,
        };
        Self::of(name, form, Unset::Dword(NONE))
    }

    const fn table(name: &'static str, min: u32, max: u32, of: fn(&Defaults) -> u32) -> Self {
        let form = Form::Dword {
            min,
            max,
            also: NONE,
        };
        Self::of(name, form, Unset::Of(of))
    }

    pub(super) const fn of(name: &'static str, form: Form, unset: Unset) -> Self {
        Self {
            name,
            form,
            unset,
            since: Generation::V2003,
            until: Generation::V2022,
            writable: true,
        }
    }

    pub(super) const fn since(mut self, generation: Generation) -> Self {
        self.since = generation;
        self
    }

    pub(super) const fn until(mut self, generation: Generation) -> Self {
        self.until = generation;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// The value in the hive, or what it is when nobody has set it.
    #[must_use]
    pub fn value(&self, hive: &Hive, key: &str, generation: Generation) -> Value {
        if let Some(value) = hive.value(key, self.name) {
            return value.clone();
        }
        match (self.unset, self.form) {
            (Unset::Dword(number), _) => Value::Dword(number),
            (Unset::Of(of), _) => Value::Dword(of(&generation.defaults())),
            (Unset::Empty, Form::Texts) => Value::Texts(Vec::new()),
            (Unset::Empty, _) => Value::Text(String::new()),
        }
    }

    /// Why a value cannot be set, in words.
    #[must_use]
    pub fn objection(&self, value: &Value) -> Option<String> {
        let name = self.name;
        if !self.writable {
            return Some(format!("{name} can only be read"));
        }
        match (self.form, value) {
            (Form::Dword { min, max, also }, Value::Dword(number)) => {
                let fits = (min..=max).contains(number) || *number == also;
                (!fits).then(|| format!("{name} is {min} to {max}, not {number}"))
            }
            (Form::OneOf(allowed), Value::Dword(number)) => {
                let words: Vec<String> = allowed.iter().map(ToString::to_string).collect();
                let fits = allowed.contains(number);
                (!fits).then(|| format!("{name} is one of {}, not {number}", words.join(", ")))
            }
            (Form::Text, Value::Text(_)) | (Form::Texts, Value::Texts(_)) => None,
            (Form::Dword { .. } | Form::OneOf(_), _) => Some(format!("{name} is a number")),
            (Form::Text, _) => Some(format!("{name} is a text")),
            (Form::Texts, _) => Some(format!("{name} is a list of texts")),
        }
    }
}

fn millis(span: std::time::Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX - 1)
}

fn seconds(span: std::time::Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX - 1)
}

const CLUSTER: &[Property] = &[
    Property::of("ClusterName", Form::Text, Unset::Empty).read_only(),
    Property::table("SameSubnetDelay", 250, 2_000, |d| {
        millis(d.same_subnet_delay)
    }),
    Property::table("SameSubnetThreshold", 3, 10, |d| d.same_subnet_threshold)
        .until(Generation::V2008R2),
    Property::table("SameSubnetThreshold", 3, 120, |d| d.same_subnet_threshold)
        .since(Generation::V2012),
    Property::table("CrossSubnetDelay", 250, 4_000, |d| {
        millis(d.cross_subnet_delay)
    }),
    Property::dword("SecurityLevel", 0, 2, 1).since(Generation::V2012),
    Property::dword("SecurityLevel", 0, 2, 1)
        .until(Generation::V2008R2)
        .read_only(),
    // 3 to 10 and, on 2008 R2, up to 20 (reference section 6.1).
    Property::table("CrossSubnetThreshold", 3, 10, |d| d.cross_subnet_threshold)
        .until(Generation::V2008),
    Property::table("CrossSubnetThreshold", 3, 20, |d| d.cross_subnet_threshold)
        .since(Generation::V2008R2)
        .until(Generation::V2008R2),
    Property::table("CrossSubnetThreshold", 3, 120, |d| d.cross_subnet_threshold)
        .since(Generation::V2012),
    Property::dword("DynamicQuorum", 0, 1, 1).since(Generation::V2012),
    Property::dword("WitnessDynamicWeight", 0, 1, 1)
        .since(Generation::V2012R2)
        .read_only(),
    Property::dword("LowerQuorumPriorityNodeID", 0, 64, 0).since(Generation::V2012R2),
    Property::of("PreferredSite", Form::Text, Unset::Empty).since(Generation::V2016),
    Property::dword("DatabaseReadWriteMode", 0, 2, 0).since(Generation::V2012R2),
    Property::dword("ClusterEnforcedAntiaffinity", 0, 1, 0).since(Generation::V2012),
    Property::dword("ClusterGroupWaitDelay", 0, 3_600, 120).since(Generation::V2008R2),
    Property::dword("GroupDependencyTimeout", 0, NONE, 600).since(Generation::V2016),
    Property::table("ResiliencyLevel", 1, 2, |d| d.resiliency_level).since(Generation::V2016),
    Property::table("ResiliencyDefaultPeriod", 0, NONE, |d| {
        seconds(d.resiliency_period)
    })
    .since(Generation::V2016),
    Property::table("QuarantineThreshold", 0, NONE, |d| d.quarantine_threshold)
        .since(Generation::V2016),
    Property::table("QuarantineDuration", 0, NONE, |d| {
        d.quarantine_duration.map_or(NONE, seconds)
    })
    .since(Generation::V2016),
    Property::dword("MinimumPreemptorPriority", 0, NONE, 1).since(Generation::V2012),
    Property::dword("MinimumNeverPreemptPriority", 0, NONE, 3_000).since(Generation::V2012),
    Property::dword("DrainOnShutdown", 0, 1, 1).since(Generation::V2012R2),
    Property::dword("DisableGroupPreferredOwnerRandomization", 0, 1, 0).until(Generation::V2008R2),
    Property::dword("EnableResourceDllDeadlockDetection", 0, 1, 0).until(Generation::V2008R2),
    Property::dword("ResourceDllDeadlockTimeout", 180, NONE, 240).until(Generation::V2008R2),
    Property::dword("VerifySignalledFailures", 0, 1, 1),
    Property::table("ClusSvcRegroupTickInMilliseconds", 50, 1_000, |d| {
        millis(d.regroup_tick)
    })
    .since(Generation::V2008),
    Property::table("ClusSvcRegroupOpeningTimeout", 1, 20, |d| {
        seconds(d.regroup_opening_timeout)
    })
    .since(Generation::V2008),
    Property::table("ClusSvcRegroupStageTimeout", 2, 30, |d| {
        seconds(d.regroup_stage_timeout)
    })
    .since(Generation::V2008),
    Property::dword("MessageBufferLength", 1, 1_000, 50).since(Generation::V2012R2),
    Property::dword("FixQuorum", 0, 1, 0)
        .since(Generation::V2008R2)
        .read_only(),
    // Both are worked out from model and witness.
    Property::of("QuorumType", Form::Text, Unset::Empty)
        .since(Generation::V2012)
        .read_only(),
    Property::dword("QuorumTypeValue", 0, NONE, 0)
        .since(Generation::V2012)
        .read_only(),
    Property::dword("ShutdownTimeoutInMinutes", 0, NONE, 20).since(Generation::V2008R2),
];

const GROUP: &[Property] = &[
    Property::of("Name", Form::Text, Unset::Empty),
    Property::dword("PersistentState", 0, 1, 0).read_only(),
    Property::table("FailoverThreshold", 0, NONE, |d| {
        d.failover_threshold.unwrap_or(NONE)
    }),
    Property::dword("FailoverPeriod", 0, 1_193, 6),
    Property::dword("AutoFailbackType", 0, 1, 0),
    Property::or_none("FailbackWindowStart", 0, 23),
    Property::or_none("FailbackWindowEnd", 0, 23),
    Property::of("AntiAffinityClassNames", Form::Texts, Unset::Empty),
    Property::of("PreferredOwners", Form::Texts, Unset::Empty),
    Property::dword("Priority", 0, 3_000, 2_000).since(Generation::V2012),
    Property::or_none("DefaultOwner", 1, 64)
        .since(Generation::V2008R2)
        .read_only(),
    Property::dword("ColdStartSetting", 0, 2, 0).since(Generation::V2016),
    Property::dword("LockedFromMoving", 0, 1, 0).since(Generation::V2012),
    Property::dword("StatusInformation", 0, NONE, 0)
        .since(Generation::V2012)
        .read_only(),
    // Worked out from the resources.
    Property::dword("GroupType", 0, 9_999, 9_999)
        .since(Generation::V2008R2)
        .read_only(),
];

const RESOURCE: &[Property] = &[
    Property::of("Name", Form::Text, Unset::Empty),
    Property::of("Type", Form::Text, Unset::Empty).read_only(),
    Property::dword("RestartAction", 0, 2, 2),
    Property::table("RestartThreshold", 0, NONE, |d| d.restart_threshold),
    Property::table("RestartPeriod", 0, NONE, |d| millis(d.restart_period)),
    Property::table("RestartDelay", 0, NONE, |d| millis(d.restart_delay)).read_only(),
    Property::table("RetryPeriodOnFailure", 0, NONE, |d| {
        millis(d.retry_period_on_failure)
    }),
    Property::or_none("LooksAlivePollInterval", 10, NONE),
    Property::or_none("IsAlivePollInterval", 10, NONE),
    Property::table("PendingTimeout", 10, NONE, |d| millis(d.pending_timeout)),
    Property::table("DeadlockTimeout", 1_000, NONE, |d| {
        millis(d.deadlock_timeout)
    })
    .since(Generation::V2008),
    Property::dword("SeparateMonitor", 0, 1, 0),
    Property::or_none("PersistentState", 0, 1).read_only(),
    Property::of("DependencyExpression", Form::Text, Unset::Empty),
    Property::dword("RedirectedAccess", 0, 1, 0).since(Generation::V2008R2),
    Property::dword("StatusInformation", 0, NONE, 0)
        .since(Generation::V2012)
        .read_only(),
    Property::dword("Signature", 0, NONE, 0)
        .until(Generation::V2003)
        .read_only(),
    Property::dword("DiskSignature", 0, NONE, 0)
        .since(Generation::V2008)
        .read_only(),
];

const TYPE: &[Property] = &[
    Property::table("LooksAlivePollInterval", 1, NONE, |d| {
        millis(d.looks_alive_poll_interval)
    }),
    Property::table("IsAlivePollInterval", 1, NONE, |d| {
        millis(d.is_alive_poll_interval)
    }),
    Property::table("PendingTimeout", 10, NONE, |d| millis(d.pending_timeout))
        .since(Generation::V2008),
    Property::table("DeadlockTimeout", 30_000, NONE, |d| {
        millis(d.deadlock_timeout)
    })
    .since(Generation::V2008),
];

const NODE: &[Property] = &[
    Property::of("NodeName", Form::Text, Unset::Empty).read_only(),
    Property::dword("NodeWeight", 0, 1, 1),
    Property::dword("DynamicWeight", 0, 1, 1)
        .since(Generation::V2012)
        .read_only(),
    Property::dword("NeedsPreventQuorum", 0, 1, 0).since(Generation::V2012),
    Property::dword("StatusInformation", 0, NONE, 0)
        .since(Generation::V2012)
        .read_only(),
    Property::dword("NodeDrainStatus", 0, 3, 0)
        .since(Generation::V2012)
        .read_only(),
];

/// Metrics of networks (reference section 6.1).
const METRIC_MAX: u32 = 0x0fff_ffff;

/// Our state and address beside the documented names.
const NETWORK: &[Property] = &[
    Property::of("Name", Form::Text, Unset::Empty),
    Property::of("Role", Form::OneOf(&[0, 1, 3]), Unset::Dword(3)),
    Property::dword("Metric", 1, METRIC_MAX, 1).since(Generation::V2008R2),
    Property::dword("AutoMetric", 0, 1, 1).since(Generation::V2008R2),
    Property::of("Address", Form::Text, Unset::Empty).read_only(),
    Property::of("State", Form::Text, Unset::Empty).read_only(),
];

const INTERFACE: &[Property] = &[
    Property::of("Node", Form::Text, Unset::Empty).read_only(),
    Property::of("Network", Form::Text, Unset::Empty).read_only(),
    Property::of("Address", Form::Text, Unset::Empty).read_only(),
    Property::of("State", Form::Text, Unset::Empty).read_only(),
];

impl Object {
    /// The key of the object in the cluster database.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Cluster => String::new(),
            Self::Group { group } => GroupSettings::key(*group),
            Self::Resource { resource } => ResourceSettings::key(*resource),
            Self::Type { label } => format!("ResourceTypes\\{label}"),
            Self::Node { node } => format!("Nodes\\{node}"),
            Self::Network { network } => format!("Networks\\{network}"),
            // What there is of an interface stands under its node.
            Self::Interface { node, .. } => format!("Nodes\\{node}"),
        }
    }

    /// The properties that an object of this kind has in a generation.
    pub fn properties(&self, generation: Generation) -> impl Iterator<Item = &'static Property> {
        let table = match self {
            Self::Cluster => CLUSTER,
            Self::Group { .. } => GROUP,
            Self::Resource { .. } => RESOURCE,
            Self::Type { .. } => TYPE,
            Self::Node { .. } => NODE,
            Self::Network { .. } => NETWORK,
            Self::Interface { .. } => INTERFACE,
        };
        table
            .iter()
            .filter(move |it| (it.since..=it.until).contains(&generation))
    }

    /// The property of this name, whatever its case.
    #[must_use]
    pub fn property(&self, name: &str, generation: Generation) -> Option<&'static Property> {
        self.properties(generation)
            .find(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// All properties with their values, by name.
    #[must_use]
    pub fn values(&self, hive: &Hive, generation: Generation) -> Vec<(String, Value)> {
        let key = self.key();
        let value = |property: &Property| {
            let value = property.value(hive, &key, generation);
            (property.name.to_owned(), value)
        };
        self.properties(generation).map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use base::{GroupId, ResourceId};

    use super::*;

    fn of_cluster(name: &str, generation: Generation) -> Option<&'static Property> {
        Object::Cluster.property(name, generation)
    }

    #[test]
    fn names_compare_without_case_and_keep_the_documented_spelling() {
        let found = of_cluster("CLUSTERENFORCEDANTIAFFINITY", Generation::V2022);
        let name = found.map(|property| property.name);
        assert_eq!(name, Some("ClusterEnforcedAntiaffinity"));
    }

    #[test]
    fn a_property_is_there_only_in_the_generations_that_have_it() {
        let randomization = "DisableGroupPreferredOwnerRandomization";
        assert!(of_cluster(randomization, Generation::V2008R2).is_some());
        assert!(of_cluster(randomization, Generation::V2012).is_none());
        assert!(of_cluster("DynamicQuorum", Generation::V2008).is_none());
    }

    #[test]
    fn an_unset_property_has_the_default_of_its_generation() {
        let object = Object::Resource {
            resource: ResourceId(1),
        };
        let value = |generation| {
            let threshold = object.property("RestartThreshold", generation).unwrap();
            threshold.value(&Hive::default(), &object.key(), generation)
        };
        assert_eq!(value(Generation::V2003), Value::Dword(3));
        assert_eq!(value(Generation::V2022), Value::Dword(1));
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_in_words() {
        let resource = Object::Resource {
            resource: ResourceId(1),
        };
        let poll = resource.property("IsAlivePollInterval", Generation::V2022);
        let poll = poll.expect("in the table");
        assert!(poll.objection(&Value::Dword(0)).is_some());
        assert_eq!(poll.objection(&Value::Dword(10)), None);
        assert_eq!(poll.objection(&Value::Dword(u32::MAX)), None);
        let group = Object::Group { group: GroupId(1) };
        let hour = group.property("FailbackWindowStart", Generation::V2022);
        let refused = hour.and_then(|hour| hour.objection(&Value::Dword(24)));
        assert_eq!(
            refused.as_deref(),
            Some("FailbackWindowStart is 0 to 23, not 24")
        );
    }

    #[test]
    fn every_default_may_be_set() {
        let objects = [
            Object::Cluster,
            Object::Group { group: GroupId(1) },
            Object::Resource {
                resource: ResourceId(1),
            },
            Object::Type {
                label: "IP Address".into(),
            },
        ];
        for generation in Generation::ALL {
            for object in &objects {
                for property in object.properties(generation).filter(|it| it.writable) {
                    let value = property.value(&Hive::default(), &object.key(), generation);
                    assert_eq!(property.objection(&value), None, "{}", property.name);
                }
            }
        }
    }
}
