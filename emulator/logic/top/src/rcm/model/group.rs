//! Settings of a group, under `Groups\<id>` (reference section 3; value names section 7).
//!
//! `Contains`, `PreferredOwners` and `StartAfter` are our names: the product's layout is unsourced.

use std::time::Duration;

use base::{Defaults, GroupId, NodeId, ResourceId};
use middle::database::{Hive, Value};

const HOUR: Duration = Duration::from_secs(3_600);
const INHERIT: u32 = u32::MAX;

/// Priority: order of starting and of placing (2012 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// 0: placed, but not brought online by itself.
    NoAutoStart,
    /// 1000
    Low,
    /// 2000
    #[default]
    Medium,
    /// 3000
    High,
}

impl Priority {
    /// The number of the Priority property.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::NoAutoStart => 0,
            Self::Low => 1_000,
            Self::Medium => 2_000,
            Self::High => 3_000,
        }
    }

    fn from_number(number: u32) -> Self {
        match number {
            0 => Self::NoAutoStart,
            1..=1_000 => Self::Low,
            1_001..=2_000 => Self::Medium,
            _ => Self::High,
        }
    }
}

/// AutoFailbackType with FailbackWindowStart and FailbackWindowEnd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Failback {
    /// 0: the group stays where it is.
    #[default]
    Never,
    /// 1 without a window: as soon as a better preferred owner is up.
    Immediate,
    /// 1 with a window of full hours, 0 to 23, that may wrap around midnight; equal hours are the
    /// whole day.
    Window { from_hour: u8, to_hour: u8 },
}

/// ColdStartSetting: whether a group starts when the cluster forms (2016 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColdStart {
    /// 0 (CLUS_GROUP_START_ALWAYS)
    #[default]
    Always,
    /// 1 (CLUS_GROUP_DO_NOT_START): stays offline until an administrator brings it online.
    DoNotStart,
    /// 2 (CLUS_GROUP_START_ALLOWED): starts, until the next cold start makes it 1 again.
    Allowed,
}

impl ColdStart {
    /// The number of the property.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Always => 0,
            Self::DoNotStart => 1,
            Self::Allowed => 2,
        }
    }

    fn from_number(number: u32) -> Self {
        match number {
            1 => Self::DoNotStart,
            2 => Self::Allowed,
            _ => Self::Always,
        }
    }
}

/// A group that has to be online before another starts (2016 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupDependency {
    /// The provider.
    pub group: GroupId,
    /// Pause between its being online and the start.
    pub delay: Duration,
}

/// A group as configured. Its possible owners follow from its resources, see
/// [`super::Model::possible_owners`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Name.
    pub name: String,
    /// Its resources, in the order in which they were made.
    pub resources: Vec<ResourceId>,
    /// Preferred owners, best first; empty: none set.
    pub preferred_owners: Vec<NodeId>,
    /// AntiAffinityClassNames: groups that share a word avoid each other's nodes.
    pub anti_affinity: Vec<String>,
    /// Priority.
    pub priority: Priority,
    /// FailoverThreshold; `None` (0xFFFFFFFF) means the number of nodes less one.
    pub failover_threshold: Option<u32>,
    /// FailoverPeriod. Stored in hours as in the product, or in milliseconds (REG_QWORD) where a
    /// lab shortens it below whole hours.
    pub failover_period: Duration,
    /// AutoFailbackType and its window.
    pub failback: Failback,
    /// PersistentState: brought online when the cluster starts. (The product's own default is
    /// false; an administrator's Online sets it.)
    pub persistent_state: bool,
    /// ColdStartSetting.
    pub cold_start: ColdStart,
    /// DefaultOwner: the node that it was last moved to or activated on (2008 R2 and later).
    pub default_owner: Option<NodeId>,
    /// LockedFromMoving: an administrator's move is refused.
    pub locked: bool,
    /// Groups that start first.
    pub after: Vec<GroupDependency>,
}

impl GroupSettings {
    /// A group that starts with the cluster, with the defaults of its generation.
    #[must_use]
    pub fn new(name: impl Into<String>, defaults: &Defaults) -> Self {
        Self {
            name: name.into(),
            resources: Vec::new(),
            preferred_owners: Vec::new(),
            anti_affinity: Vec::new(),
            priority: Priority::default(),
            failover_threshold: defaults.failover_threshold,
            failover_period: defaults.failover_period,
            failback: Failback::default(),
            persistent_state: true,
            cold_start: ColdStart::default(),
            default_owner: None,
            locked: false,
            after: Vec::new(),
        }
    }

    /// The key of a group.
    #[must_use]
    pub fn key(group: GroupId) -> String {
        format!("Groups\\{group}")
    }

    /// Reads a group; what is missing keeps the generation's default.
    #[must_use]
    pub fn read(hive: &Hive, group: GroupId, defaults: &Defaults) -> Self {
        let key = Self::key(group);
        let mut settings = Self::new(hive.text(&key, "Name").unwrap_or_default(), defaults);
        settings.resources = numbers(hive.texts(&key, "Contains"))
            .map(ResourceId)
            .collect();
        settings.preferred_owners = super::nodes(hive.texts(&key, "PreferredOwners")).collect();
        settings.anti_affinity = hive.texts(&key, "AntiAffinityClassNames").to_vec();
        if let Some(number) = hive.dword(&key, "Priority") {
            settings.priority = Priority::from_number(number);
        }
        if let Some(threshold) = hive.dword(&key, "FailoverThreshold") {
            settings.failover_threshold = Some(threshold).filter(|count| *count != INHERIT);
        }
        settings.failover_period = match hive.value(&key, "FailoverPeriod") {
            Some(Value::Dword(hours)) => HOUR * *hours,
            Some(Value::Qword(millis)) => Duration::from_millis(*millis),
            _ => defaults.failover_period,
        };
        settings.failback = read_failback(hive, &key);
        settings.persistent_state = hive.dword(&key, "PersistentState").unwrap_or(0) != 0;
        settings.cold_start =
            ColdStart::from_number(hive.dword(&key, "ColdStartSetting").unwrap_or(0));
        let owner = hive.dword(&key, "DefaultOwner");
        settings.default_owner = owner.and_then(|it| u8::try_from(it).ok().and_then(NodeId::new));
        settings.locked = hive.dword(&key, "LockedFromMoving").unwrap_or(0) != 0;
        settings.after = hive
            .texts(&key, "StartAfter")
            .iter()
            .filter_map(|text| dependency(text))
            .collect();
        settings
    }

    /// Writes everything under the group's key.
    pub fn write(&self, hive: &mut Hive, group: GroupId) {
        let key = Self::key(group);
        let mut set = |name: &str, value| hive.set(&key, name, value);
        let texts = |list: Vec<String>| Value::Texts(list);
        set("Name", Value::Text(self.name.clone()));
        let resources = self.resources.iter().map(ToString::to_string);
        set("Contains", texts(resources.collect()));
        let owners = self.preferred_owners.iter().map(ToString::to_string);
        set("PreferredOwners", texts(owners.collect()));
        set("AntiAffinityClassNames", texts(self.anti_affinity.clone()));
        set("Priority", Value::Dword(self.priority.number()));
        let threshold = self.failover_threshold.unwrap_or(INHERIT);
        set("FailoverThreshold", Value::Dword(threshold));
        set("FailoverPeriod", period(self.failover_period));
        let (kind, from, to) = match self.failback {
            Failback::Never => (0, INHERIT, INHERIT),
            Failback::Immediate => (1, INHERIT, INHERIT),
            Failback::Window { from_hour, to_hour } => (1, from_hour.into(), to_hour.into()),
        };
        set("AutoFailbackType", Value::Dword(kind));
        set("FailbackWindowStart", Value::Dword(from));
        set("FailbackWindowEnd", Value::Dword(to));
        set(
            "PersistentState",
            Value::Dword(self.persistent_state.into()),
        );
        if self.cold_start != ColdStart::default() {
            set("ColdStartSetting", Value::Dword(self.cold_start.number()));
        }
        if let Some(owner) = self.default_owner {
            set("DefaultOwner", Value::Dword(owner.number().into()));
        }
        if self.locked {
            set("LockedFromMoving", Value::Dword(1));
        }
        if !self.after.is_empty() {
            let text = |it: &GroupDependency| format!("{} {}", it.group, it.delay.as_millis());
            set("StartAfter", texts(self.after.iter().map(text).collect()));
        }
    }
}

fn dependency(text: &str) -> Option<GroupDependency> {
    let (group, delay) = text.split_once(' ')?;
    Some(GroupDependency {
        group: GroupId(group.parse().ok()?),
        delay: Duration::from_millis(delay.parse().ok()?),
    })
}

fn period(span: Duration) -> Value {
    let hours = u32::try_from(span.as_secs() / 3_600).ok();
    match hours.filter(|hours| HOUR * *hours == span) {
        Some(hours) => Value::Dword(hours),
        None => Value::Qword(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
    }
}

fn read_failback(hive: &Hive, key: &str) -> Failback {
    let hour = |name| {
        hive.dword(key, name)
            .and_then(|hour| u8::try_from(hour).ok())
            .filter(|hour| *hour < 24)
    };
    if hive.dword(key, "AutoFailbackType").unwrap_or(0) == 0 {
        return Failback::Never;
    }
    match (hour("FailbackWindowStart"), hour("FailbackWindowEnd")) {
        (Some(from_hour), Some(to_hour)) => Failback::Window { from_hour, to_hour },
        _ => Failback::Immediate,
    }
}

fn numbers(texts: &[String]) -> impl Iterator<Item = u16> + '_ {
    texts.iter().filter_map(|text| text.parse().ok())
}
