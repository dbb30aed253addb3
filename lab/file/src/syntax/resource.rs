//! Resources and their policies as the file has them.

use std::net::IpAddr;
use std::time::Duration;

use super::macros::record;
use super::number::Natural;
use super::plain::{AnyScalar, Dependency, LunName, Name, Text};
use super::quantity::Retry;
use super::words::MonitorWord;
use super::{At, OneOrMany, Pairs};
use crate::model::{OnFailure, ResourceType};

record! {
    /// A resource of a group.
    ResourceSpec {
        /// Its type.
        required r#type as "type": At<ResourceType>,
        /// What must be online first: names with `and`, alternatives in parentheses with `or`.
        optional depends: At<Dependency>,
        /// For physical-disk and cluster-shared-volume: the logical unit as `array/lun`.
        optional lun: At<LunName>,
        /// For ip-address and ipv6-address: the address. Windows: Address.
        optional address: At<IpAddr>,
        /// For ip-address: the network; left out: found by the subnet. Needed for ipv6-address.
        /// Windows: Network.
        optional network: At<Name>,
        /// For network-name and distributed-network-name: the name, at most 15 characters.
        /// Windows: Name.
        optional name: At<Text>,
        /// For file-share: its name; default the name of the resource. Windows: ShareName.
        optional share: At<Text>,
        /// For file-share, dhcp-service, wins-service and print-spooler: the directory on a disk of
        /// the group. Windows: Path, DatabasePath, DefaultSpoolDirectory.
        optional path: At<Text>,
        /// For generic-application: the command line. Windows: CommandLine.
        optional command: At<Text>,
        /// For generic-application: where it starts. Windows: CurrentDirectory.
        optional directory: At<Text>,
        /// For generic-service: the name of a service of the node. Windows: ServiceName.
        optional service: At<Text>,
        /// For generic-script: an executable that is called with the name of the entry point.
        /// Windows: ScriptFilepath.
        optional script: At<Text>,
        /// For plug-in: the command line of a program that speaks the plug-in protocol.
        optional program: At<Text>,
        /// Private properties by their documented names.
        optional properties: Pairs<At<AnyScalar>>,
        /// What happens when it fails, and how it is watched.
        optional policy: PolicySpec,
    }
    later {
        "publish", "register-all-ips", "ttl",
        "continuously-available", "encrypt", "only-in",
    }
}

record! {
    /// What happens when a resource fails, and how it is watched.
    PolicySpec {
        /// What happens on failure.
        optional restart: RestartSpec,
        /// How often it is looked at.
        optional poll: PollSpec,
        /// Longest silence while it comes online or goes offline; default 3m. Windows:
        /// PendingTimeout.
        optional pending: At<Duration>,
        /// Longest call of an entry point; default 5m. Windows: DeadlockTimeout.
        optional deadlock: At<Duration>,
        /// Whose monitor process it runs in; default shared. Windows: SeparateMonitor.
        optional monitor: At<MonitorWord>,
        /// What a resource program keeps outside its disks and takes along.
        optional checkpoints: CheckpointsSpec,
    }
    later {}
}

record! {
    /// What the cluster copies to the node that a resource comes online on.
    CheckpointsSpec {
        /// Registry keys, for example `HKLM/Software/Demo`.
        optional registry: OneOrMany<At<Text>>,
        /// Key containers.
        optional crypto: OneOrMany<At<Text>>,
    }
    later {}
}

record! {
    /// What happens when a resource fails.
    RestartSpec {
        /// Restart, fail over, or neither; default restart-then-failover. Windows: RestartAction.
        optional on_failure: At<OnFailure>,
        /// Restarts on one node within the window; default 1 (3 in 2003). Windows:
        /// RestartThreshold.
        optional limit: At<Natural>,
        /// The window; default 15m. Windows: RestartPeriod.
        optional within: At<Duration>,
        /// Pause before a restart; default 500ms. Windows: RestartDelay.
        optional delay: At<Duration>,
        /// One more try so long after giving up, or never; default 1h. Windows:
        /// RetryPeriodOnFailure.
        optional retry_after: At<Retry>,
    }
    later {}
}

record! {
    /// How often a resource is looked at.
    PollSpec {
        /// Quick check; default 5s. Windows: LooksAlivePollInterval.
        optional looks_alive: At<Duration>,
        /// Thorough check; default 60s. Windows: IsAlivePollInterval.
        optional is_alive: At<Duration>,
    }
    later {}
}
