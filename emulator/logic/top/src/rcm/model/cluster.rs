//! Cluster-wide properties that resource control reads, at the root of the hive.
//!
//! Facts: reference sections 1.5, 3 and 3.1; spelling of the values as in section 7.
//! `VerifySignalledFailures` is our name: two pages disagree on what follows a signalled event
//! handle (conflict C1), so it is a setting.

use std::time::Duration;

use base::Generation;
use middle::database::{Hive, Value};

const SHUTDOWN: &str = "ShutdownTimeoutInMinutes";
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// Properties of the cluster as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterPolicy {
    /// ClusterEnforcedAntiaffinity (2012 and later): a group stays offline rather than share a
    /// node with one that it avoids. Default 0.
    pub enforced_anti_affinity: bool,
    /// DisableGroupPreferredOwnerRandomization (2003 to 2008 R2): node order instead of a random
    /// node. Default 0.
    pub in_node_order: bool,
    /// ClusterGroupWaitDelay, where it was set; else the default of the generation.
    pub group_wait_delay: Option<Duration>,
    /// GroupDependencyTimeout: 600 s.
    pub group_dependency_timeout: Duration,
    /// MinimumPreemptorPriority: groups below it preempt nobody. 1.
    pub minimum_preemptor_priority: u32,
    /// MinimumNeverPreemptPriority: groups from here on are never preempted. 3000.
    pub minimum_never_preempt_priority: u32,
    /// DrainOnShutdown (2012 R2 and later): groups move away when the service is stopped. 1.
    pub drain_on_shutdown: bool,
    /// ShutdownTimeoutInMinutes (2008 R2 and later): how long a stop may take. 20 min.
    pub shutdown_timeout: Option<Duration>,
    /// EnableResourceDllDeadlockDetection: whether anybody watches calls of entry points at all.
    /// From 2008 on somebody always does; before, only where this is set.
    pub deadlock_detection: bool,
    /// ResourceDllDeadlockTimeout (2003): 240 s; from 2008 on each resource has its own.
    pub resource_dll_deadlock_timeout: Option<Duration>,
    /// Whether a signalled event handle is verified by IsAlive before the resource fails.
    pub verify_signalled_failures: bool,
}

impl Default for ClusterPolicy {
    fn default() -> Self {
        Self::of(Generation::default())
    }
}

impl ClusterPolicy {
    /// The documented defaults.
    #[must_use]
    pub fn of(generation: Generation) -> Self {
        let of_2003 = generation == Generation::V2003;
        Self {
            enforced_anti_affinity: false,
            in_node_order: false,
            group_wait_delay: None,
            group_dependency_timeout: Duration::from_secs(600),
            minimum_preemptor_priority: 1,
            minimum_never_preempt_priority: 3_000,
            drain_on_shutdown: true,
            shutdown_timeout: (generation >= Generation::V2008R2).then_some(SHUTDOWN_TIMEOUT),
            deadlock_detection: !of_2003,
            resource_dll_deadlock_timeout: of_2003.then_some(Duration::from_secs(240)),
            verify_signalled_failures: true,
        }
    }

    /// Reads the root of the hive; a property that the generation does not have is ignored.
    #[must_use]
    pub fn read(hive: &Hive, generation: Generation) -> Self {
        let flag = |name| hive.dword("", name).map(|number| number != 0);
        let seconds = |name| {
            let span = |number: u32| Duration::from_secs(number.into());
            hive.dword("", name).map(span)
        };
        let mut policy = Self::of(generation);
        let set = |target: &mut bool, value: Option<bool>| *target = value.unwrap_or(*target);
        if generation >= Generation::V2012 {
            let enforced = flag("ClusterEnforcedAntiaffinity");
            set(&mut policy.enforced_anti_affinity, enforced);
        }
        if generation <= Generation::V2008R2 {
            let ordered = flag("DisableGroupPreferredOwnerRandomization");
            set(&mut policy.in_node_order, ordered);
        }
        if generation >= Generation::V2012R2 {
            set(&mut policy.drain_on_shutdown, flag("DrainOnShutdown"));
        }
        if let (Some(limit), Some(minutes)) =
            (&mut policy.shutdown_timeout, hive.dword("", SHUTDOWN))
        {
            *limit = Duration::from_secs(u64::from(minutes) * 60);
        }
        if generation == Generation::V2003 {
            let watched = flag("EnableResourceDllDeadlockDetection");
            set(&mut policy.deadlock_detection, watched);
            let timeout = seconds("ResourceDllDeadlockTimeout");
            let timeout = timeout.or(policy.resource_dll_deadlock_timeout);
            policy.resource_dll_deadlock_timeout = timeout;
        }
        let verified = flag("VerifySignalledFailures");
        set(&mut policy.verify_signalled_failures, verified);
        policy.group_wait_delay = seconds("ClusterGroupWaitDelay");
        let timeout = seconds("GroupDependencyTimeout");
        policy.group_dependency_timeout = timeout.unwrap_or(policy.group_dependency_timeout);
        let number = |name, default| hive.dword("", name).unwrap_or(default);
        policy.minimum_preemptor_priority = number("MinimumPreemptorPriority", 1);
        policy.minimum_never_preempt_priority = number("MinimumNeverPreemptPriority", 3_000);
        policy
    }

    /// Writes what differs from the defaults of the hive's generation.
    pub fn write(&self, hive: &mut Hive) {
        let default = Self::of(super::generation(hive));
        let mut set = |name: &str, value: u32, differs: bool| {
            if differs {
                hive.set("", name, Value::Dword(value));
            }
        };
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        let flags = [
            (
                "ClusterEnforcedAntiaffinity",
                self.enforced_anti_affinity,
                default.enforced_anti_affinity,
            ),
            (
                "DisableGroupPreferredOwnerRandomization",
                self.in_node_order,
                default.in_node_order,
            ),
            (
                "DrainOnShutdown",
                self.drain_on_shutdown,
                default.drain_on_shutdown,
            ),
            (
                "EnableResourceDllDeadlockDetection",
                self.deadlock_detection,
                default.deadlock_detection,
            ),
            (
                "VerifySignalledFailures",
                self.verify_signalled_failures,
                default.verify_signalled_failures,
            ),
        ];
        for (name, value, default) in flags {
            set(name, value.into(), value != default);
        }
        let span = self.group_dependency_timeout;
        let differs = span != default.group_dependency_timeout;
        set("GroupDependencyTimeout", seconds(span), differs);
        let own = self.group_wait_delay.map_or(0, seconds);
        set(
            "ClusterGroupWaitDelay",
            own,
            self.group_wait_delay.is_some(),
        );
        let timeout = self.resource_dll_deadlock_timeout;
        let differs = timeout.is_some() && timeout != default.resource_dll_deadlock_timeout;
        let timeout = timeout.map_or(0, seconds);
        set("ResourceDllDeadlockTimeout", timeout, differs);
        let limit = self.shutdown_timeout;
        let minutes = limit.map_or(0, |it| u32::try_from(it.as_secs() / 60).unwrap_or(u32::MAX));
        set(SHUTDOWN, minutes, limit != default.shutdown_timeout);
        let least = self.minimum_preemptor_priority;
        let differs = least != default.minimum_preemptor_priority;
        set("MinimumPreemptorPriority", least, differs);
        let never = self.minimum_never_preempt_priority;
        let differs = never != default.minimum_never_preempt_priority;
        set("MinimumNeverPreemptPriority", never, differs);
    }
}
