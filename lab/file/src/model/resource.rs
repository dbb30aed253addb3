//! Resources: type, dependencies, properties, policy.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::LunRef;
use crate::position::Position;

/// A resource of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Name inside the group.
    pub name: String,
    /// Where the file declares it.
    pub position: Position,
    /// What it is, with the settings that its type needs.
    pub kind: ResourceKind,
    /// All items must be online before this resource may come online.
    pub depends: Vec<DependencyItem>,
    /// Private properties by their documented names, as text, in file order.
    pub properties: Vec<(String, String)>,
    /// Bytes of memory that it needs on its node.
    pub memory_bytes: Option<u64>,
    /// What happens when it fails, and how it is watched.
    pub policy: ResourcePolicy,
    /// What the cluster copies to the node that it comes online on.
    pub checkpoints: Checkpoints,
}

/// What a resource keeps outside its disks and takes along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Registry keys.
    pub registry: Vec<String>,
    /// Key containers.
    pub crypto: Vec<String>,
}

/// One name, or several of which one suffices (2008 and later).
pub type DependencyItem = Vec<String>;

/// The type of a resource as the file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `physical-disk`, "Physical Disk"
    PhysicalDisk,
    /// `cluster-shared-volume`, "Physical Disk" with a volume that all nodes use
    ClusterSharedVolume,
    /// `ip-address`, "IP Address"
    IpAddress,
    /// `ipv6-address`, "IPv6 Address"
    Ipv6Address,
    /// `network-name`, "Network Name"
    NetworkName,
    /// `file-server`, "File Server"
    FileServer,
    /// `file-share`, "File Share"
    FileShare,
    /// `generic-application`, "Generic Application"
    GenericApplication,
    /// `distributed-network-name`, "Distributed Network Name"
    DistributedNetworkName,
    /// `generic-service`, "Generic Service"
    GenericService,
    /// `generic-script`, "Generic Script"
    GenericScript,
    /// `dhcp-service`, "DHCP Service"
    DhcpService,
    /// `wins-service`, "WINS Service"
    WinsService,
    /// `print-spooler`, "Print Spooler"
    PrintSpooler,
    /// `virtual-machine`, "Virtual Machine"
    VirtualMachine,
    /// `plug-in`, a program that speaks the plug-in protocol
    PlugIn,
}

impl ResourceType {
    /// The word of lab files.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::PhysicalDisk => "physical-disk",
            Self::ClusterSharedVolume => "cluster-shared-volume",
            Self::IpAddress => "ip-address",
            Self::Ipv6Address => "ipv6-address",
            Self::NetworkName => "network-name",
            Self::FileServer => "file-server",
            Self::FileShare => "file-share",
            Self::GenericApplication => "generic-application",
            Self::DistributedNetworkName => "distributed-network-name",
            Self::GenericService => "generic-service",
            Self::GenericScript => "generic-script",
            Self::DhcpService => "dhcp-service",
            Self::WinsService => "wins-service",
            Self::PrintSpooler => "print-spooler",
            Self::VirtualMachine => "virtual-machine",
            Self::PlugIn => "plug-in",
        }
    }
}

/// What a resource is, with the settings that its type needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceKind {
    /// A disk on a logical unit.
    PhysicalDisk {
        /// The unit.
        lun: LunRef,
    },
    /// An address.
    IpAddress {
        /// The address (`Address`).
        address: Ipv4Addr,
        /// The network that it lies in (`Network`), given or found by subnet.
        network: String,
    },
    /// A disk on a logical unit with a volume that all nodes use.
    ClusterSharedVolume {
        /// The unit.
        lun: LunRef,
    },
    /// An address of IPv6.
    Ipv6Address {
        /// The address (`Address`).
        address: Ipv6Addr,
        /// The network that it is on (`Network`).
        network: String,
    },
    /// A name that clients connect to.
    NetworkName {
        /// The name (`Name`), at most 15 characters.
        name: String,
    },
    /// The server that shares hang under.
    FileServer,
    /// A share.
    FileShare {
        /// Name of the share (`ShareName`).
        share: String,
        /// Directory on a disk of the group (`Path`).
        path: String,
    },
    /// A program.
    GenericApplication {
        /// The command line (`CommandLine`).
        command: String,
        /// Where it starts (`CurrentDirectory`).
        directory: Option<String>,
    },
    /// A name under which every node publishes its own addresses.
    DistributedNetworkName {
        /// The name (`Name`), at most 15 characters.
        name: String,
    },
    /// A service of the node.
    GenericService {
        /// Its name (`ServiceName`).
        service: String,
    },
    /// A script that is called with the name of the entry point.
    GenericScript {
        /// The executable (`ScriptFilepath`).
        script: String,
    },
    /// The DHCP server service.
    DhcpService {
        /// Its database on a disk of the group (`DatabasePath`).
        path: String,
    },
    /// The WINS service.
    WinsService {
        /// Its database on a disk of the group (`DatabasePath`).
        path: String,
    },
    /// The print spooler.
    PrintSpooler {
        /// Its spool directory on a disk of the group (`DefaultSpoolDirectory`).
        path: String,
    },
    /// A virtual machine.
    VirtualMachine {
        /// Its name, that of the resource (`VmID`).
        machine: String,
    },
    /// A program of the user's own.
    PlugIn {
        /// The command line.
        program: String,
    },
}

impl ResourceKind {
    /// The type word.
    #[must_use]
    pub fn resource_type(&self) -> ResourceType {
        match self {
            Self::PhysicalDisk { .. } => ResourceType::PhysicalDisk,
            Self::ClusterSharedVolume { .. } => ResourceType::ClusterSharedVolume,
            Self::IpAddress { .. } => ResourceType::IpAddress,
            Self::Ipv6Address { .. } => ResourceType::Ipv6Address,
            Self::NetworkName { .. } => ResourceType::NetworkName,
            Self::FileServer => ResourceType::FileServer,
            Self::FileShare { .. } => ResourceType::FileShare,
            Self::GenericApplication { .. } => ResourceType::GenericApplication,
            Self::DistributedNetworkName { .. } => ResourceType::DistributedNetworkName,
            Self::GenericService { .. } => ResourceType::GenericService,
            Self::GenericScript { .. } => ResourceType::GenericScript,
            Self::DhcpService { .. } => ResourceType::DhcpService,
            Self::WinsService { .. } => ResourceType::WinsService,
            Self::PrintSpooler { .. } => ResourceType::PrintSpooler,
            Self::VirtualMachine { .. } => ResourceType::VirtualMachine,
            Self::PlugIn { .. } => ResourceType::PlugIn,
        }
    }
}

/// Everything that the file may say about failures and watching; absent: the generation's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// What happens on failure.
    pub restart: RestartPolicy,
    /// How often it is looked at.
    pub poll: PollPolicy,
    /// Longest silence while pending (`PendingTimeout`).
    pub pending: Option<Duration>,
    /// Longest call of an entry point (`DeadlockTimeout`).
    pub deadlock: Option<Duration>,
    /// Runs in a monitor process of its own (`SeparateMonitor`).
    pub separate_monitor: Option<bool>,
}

/// What happens when a resource fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestartPolicy {
    /// `RestartAction`
    pub on_failure: Option<OnFailure>,
    /// `RestartThreshold`
    pub limit: Option<u32>,
    /// `RestartPeriod`
    pub within: Option<Duration>,
    /// `RestartDelay`
    pub delay: Option<Duration>,
    /// `RetryPeriodOnFailure`; `Some(None)` is `never`.
    pub retry_after: Option<Option<Duration>>,
}

/// `RestartAction`: 0, 1, 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// 0: stays failed.
    DoNothing,
    /// 1: restarts, never fails its group over.
    Restart,
    /// 2: restarts, then fails its group over.
    RestartThenFailover,
}

/// How often a resource is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollPolicy {
    /// `LooksAlivePollInterval`
    pub looks_alive: Option<Duration>,
    /// `IsAlivePollInterval`
    pub is_alive: Option<Duration>,
}
