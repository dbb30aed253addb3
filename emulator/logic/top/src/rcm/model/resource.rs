//! Settings of a resource, under `Resources\<id>` (reference section 1.1; value names section 7).
//!
//! `DependencyExpression`, `PossibleOwners`, `Group`, `RegistryCheckpoints` and `CryptoCheckpoints`
//! are our names: the product's layout below the key is unsourced.

use std::time::Duration;

use base::{Defaults, GroupId, NodeSet, ResourceId};
use middle::database::{Hive, Value};

use super::parameters;
use super::{DEADLOCK_TIMEOUT, ModelError, PENDING_TIMEOUT};
use crate::rcm::Dependencies;
use crate::restype::{CheckpointKey, CheckpointKind, ResourceKind, ResourceParameters};

const NEVER: u32 = u32::MAX;

/// RestartAction: what follows when a resource fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RestartAction {
    /// 0: it stays failed.
    DontRestart,
    /// 1: it is restarted, and never fails its group over.
    RestartNoNotify,
    /// 2: it is restarted, then fails its group over.
    #[default]
    RestartNotify,
}

/// A resource as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSettings {
    /// Name.
    pub name: String,
    /// The group that it is in.
    pub group: GroupId,
    /// What it depends on; same group only.
    pub dependencies: Dependencies,
    /// Type and private properties (`Type` and the `Parameters` subkey).
    pub parameters: ResourceParameters,
    /// Possible owners; `None`: every node.
    pub possible_owners: Option<NodeSet>,
    /// RestartAction.
    pub restart_action: RestartAction,
    /// RestartThreshold: restarts on one node within the period.
    pub restart_threshold: u32,
    /// RestartPeriod.
    pub restart_period: Duration,
    /// RestartDelay.
    pub restart_delay: Duration,
    /// RetryPeriodOnFailure; `None` (0xFFFFFFFF): never.
    pub retry_period: Option<Duration>,
    /// LooksAlivePollInterval; `None` (0xFFFFFFFF): the type's.
    pub looks_alive_interval: Option<Duration>,
    /// IsAlivePollInterval; `None` (0xFFFFFFFF): the type's.
    pub is_alive_interval: Option<Duration>,
    /// PendingTimeout: longest gap between two status reports while pending.
    pub pending_timeout: Duration,
    /// DeadlockTimeout: longest call of an entry point.
    pub deadlock_timeout: Duration,
    /// SeparateMonitor: a resource host of its own.
    pub separate_monitor: bool,
    /// PersistentState; `None`: the group's applies.
    pub persistent_state: Option<bool>,
    /// What it takes along from node to node.
    pub checkpoints: Vec<CheckpointKey>,
}

impl ResourceSettings {
    /// A resource without dependencies, with the defaults of its generation.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        group: GroupId,
        parameters: ResourceParameters,
        defaults: &Defaults,
    ) -> Self {
        Self {
            name: name.into(),
            group,
            dependencies: Dependencies::default(),
            parameters,
            possible_owners: None,
            restart_action: RestartAction::default(),
            restart_threshold: defaults.restart_threshold,
            restart_period: defaults.restart_period,
            restart_delay: defaults.restart_delay,
            retry_period: Some(defaults.retry_period_on_failure),
            looks_alive_interval: None,
            is_alive_interval: None,
            pending_timeout: defaults.pending_timeout,
            deadlock_timeout: defaults.deadlock_timeout,
            separate_monitor: false,
            persistent_state: None,
            checkpoints: Vec::new(),
        }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        self.parameters.kind()
    }

    /// The key of a resource.
    #[must_use]
    pub fn key(resource: ResourceId) -> String {
        format!("Resources\\{resource}")
    }

    /// Reads a resource; what is missing keeps the generation's default.
    ///
    /// # Errors
    /// When the type is unknown or the dependency expression is not understood.
    pub fn read(
        hive: &Hive,
        resource: ResourceId,
        defaults: &Defaults,
    ) -> Result<Self, ModelError> {
        let key = Self::key(resource);
        let label = hive.text(&key, "Type").unwrap_or_default();
        let kind = ResourceKind::from_label(label).ok_or_else(|| ModelError::UnknownType {
            resource,
            label: label.to_owned(),
        })?;
        let group = GroupId(number(hive, &key, "Group"));
        let name = hive.text(&key, "Name").unwrap_or_default();
        let parameters = parameters::read(hive, &key, kind);
        let mut settings = Self::new(name, group, parameters, defaults);
        let inherited = super::read_type(hive, kind, defaults);
        settings.pending_timeout = inherited.pending_timeout;
        settings.deadlock_timeout = inherited.deadlock_timeout;
        let expression = hive.text(&key, "DependencyExpression").unwrap_or_default();
        settings.dependencies = Dependencies::parse(expression)
            .map_err(|error| ModelError::Dependency { resource, error })?;
        settings.read_policy(hive, &key);
        settings.read_health(hive, &key);
        for kind in [CheckpointKind::Registry, CheckpointKind::Crypto] {
            let names = hive.texts(&key, checkpoints_name(kind)).iter().cloned();
            let keys = names.map(|name| CheckpointKey { kind, name });
            settings.checkpoints.extend(keys);
        }
        Ok(settings)
    }

    fn read_policy(&mut self, hive: &Hive, key: &str) {
        if let Some(Value::Texts(owners)) = hive.value(key, "PossibleOwners") {
            self.possible_owners = Some(super::nodes(owners).collect());
        }
        self.restart_action = match hive.dword(key, "RestartAction") {
            Some(0) => RestartAction::DontRestart,
            Some(1) => RestartAction::RestartNoNotify,
            _ => RestartAction::RestartNotify,
        };
        if let Some(threshold) = hive.dword(key, "RestartThreshold") {
            self.restart_threshold = threshold;
        }
        read_span(hive, key, "RestartPeriod", &mut self.restart_period);
        read_span(hive, key, "RestartDelay", &mut self.restart_delay);
        read_option(hive, key, "RetryPeriodOnFailure", &mut self.retry_period);
        self.persistent_state = hive.dword(key, "PersistentState").map(|state| state != 0);
    }

    fn read_health(&mut self, hive: &Hive, key: &str) {
        read_option(
            hive,
            key,
            "LooksAlivePollInterval",
            &mut self.looks_alive_interval,
        );
        read_option(
            hive,
            key,
            "IsAlivePollInterval",
            &mut self.is_alive_interval,
        );
        read_span(hive, key, PENDING_TIMEOUT, &mut self.pending_timeout);
        read_span(hive, key, DEADLOCK_TIMEOUT, &mut self.deadlock_timeout);
        self.separate_monitor = hive.dword(key, "SeparateMonitor").unwrap_or(0) != 0;
    }

    /// Writes everything under the resource's key.
    pub fn write(&self, hive: &mut Hive, resource: ResourceId) {
        let key = Self::key(resource);
        self.write_timeouts(hive, &key);
        let mut set = |name: &str, value| hive.set(&key, name, value);
        set("Name", Value::Text(self.name.clone()));
        set("Type", Value::Text(self.kind().label().to_owned()));
        set("Group", Value::Dword(self.group.0.into()));
        let expression = self.dependencies.to_string();
        set("DependencyExpression", Value::Text(expression));
        if let Some(owners) = self.possible_owners {
            let texts = owners.iter().map(|node| node.to_string()).collect();
            set("PossibleOwners", Value::Texts(texts));
        }
        let action = match self.restart_action {
            RestartAction::DontRestart => 0,
            RestartAction::RestartNoNotify => 1,
            RestartAction::RestartNotify => 2,
        };
        set("RestartAction", Value::Dword(action));
        set("RestartThreshold", Value::Dword(self.restart_threshold));
        set("RestartPeriod", span(self.restart_period));
        set("RestartDelay", span(self.restart_delay));
        set("RetryPeriodOnFailure", option(self.retry_period));
        set("LooksAlivePollInterval", option(self.looks_alive_interval));
        set("IsAlivePollInterval", option(self.is_alive_interval));
        set(
            "SeparateMonitor",
            Value::Dword(self.separate_monitor.into()),
        );
        if let Some(state) = self.persistent_state {
            set("PersistentState", Value::Dword(state.into()));
        }
        for kind in [CheckpointKind::Registry, CheckpointKind::Crypto] {
            let of_kind = self.checkpoints.iter().filter(|it| it.kind == kind);
            let names: Vec<String> = of_kind.map(|it| it.name.clone()).collect();
            if !names.is_empty() {
                hive.set(&key, checkpoints_name(kind), Value::Texts(names));
            }
        }
        parameters::write(hive, &key, &self.parameters);
    }

    /// Writes what is not inherited from the type.
    fn write_timeouts(&self, hive: &mut Hive, key: &str) {
        let defaults = super::generation(hive).defaults();
        let inherited = super::read_type(hive, self.kind(), &defaults);
        if self.pending_timeout != inherited.pending_timeout {
            hive.set(key, PENDING_TIMEOUT, span(self.pending_timeout));
        }
        if self.deadlock_timeout != inherited.deadlock_timeout {
            hive.set(key, DEADLOCK_TIMEOUT, span(self.deadlock_timeout));
        }
    }
}

fn checkpoints_name(kind: CheckpointKind) -> &'static str {
    match kind {
        CheckpointKind::Registry => "RegistryCheckpoints",
        CheckpointKind::Crypto => "CryptoCheckpoints",
    }
}

pub(super) fn number(hive: &Hive, key: &str, name: &str) -> u16 {
    hive.dword(key, name)
        .and_then(|number| u16::try_from(number).ok())
        .unwrap_or(u16::MAX)
}

fn read_span(hive: &Hive, key: &str, name: &str, span: &mut Duration) {
    if let Some(millis) = hive.dword(key, name) {
        *span = Duration::from_millis(millis.into());
    }
}

fn read_option(hive: &Hive, key: &str, name: &str, span: &mut Option<Duration>) {
    if let Some(millis) = hive.dword(key, name) {
        *span = Some(millis)
            .filter(|millis| *millis != NEVER)
            .map(|millis| Duration::from_millis(millis.into()));
    }
}

fn millis(span: Duration) -> u32 {
    // One less than the mark for "inherit" and "never".
    u32::try_from(span.as_millis())
        .unwrap_or(NEVER)
        .min(NEVER - 1)
}

fn span(span: Duration) -> Value {
    Value::Dword(millis(span))
}

fn option(span: Option<Duration>) -> Value {
    Value::Dword(span.map_or(NEVER, millis))
}
