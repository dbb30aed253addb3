//! The types of resources and their private properties (reference sections 2 and 2.1).

use base::{DiskId, NetworkId};

use super::{Check, Checks, NameReport, NameSettings};

/// A resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// "Physical Disk"
    PhysicalDisk,
    /// "File Share Witness"
    FileShareWitness,
    /// "Cloud Witness"
    CloudWitness,
    /// "IP Address"
    IpAddress,
    /// "Network Name"
    NetworkName,
    /// "File Server"
    FileServer,
    /// "File Share"
    FileShare,
    /// "Generic Application"
    GenericApplication,
    /// "IPv6 Address"
    Ipv6Address,
    /// "Distributed Network Name"
    DistributedNetworkName,
    /// "Generic Service"
    GenericService,
    /// "Generic Script"
    GenericScript,
    /// "DHCP Service"
    DhcpService,
    /// "WINS Service"
    WinsService,
    /// "Print Spooler"
    PrintSpooler,
    /// "Virtual Machine": goes on running on its node while the cluster service does not (2016 and
    /// later, isolation).
    VirtualMachine,
    /// A program of the user's own that speaks the plug-in protocol; our word, not the product's.
    PlugIn,
}

impl ResourceKind {
    /// All types.
    pub const ALL: [Self; 17] = [
        Self::PhysicalDisk,
        Self::FileShareWitness,
        Self::CloudWitness,
        Self::IpAddress,
        Self::NetworkName,
        Self::FileServer,
        Self::FileShare,
        Self::GenericApplication,
        Self::Ipv6Address,
        Self::DistributedNetworkName,
        Self::GenericService,
        Self::GenericScript,
        Self::DhcpService,
        Self::WinsService,
        Self::PrintSpooler,
        Self::VirtualMachine,
        Self::PlugIn,
    ];

    /// The product's exact type string (CLUS_RESTYPE_NAME_*).
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::PhysicalDisk => "Physical Disk",
            Self::FileShareWitness => "File Share Witness",
            Self::CloudWitness => "Cloud Witness",
            Self::IpAddress => "IP Address",
            Self::NetworkName => "Network Name",
            Self::FileServer => "File Server",
            Self::FileShare => "File Share",
            Self::GenericApplication => "Generic Application",
            Self::Ipv6Address => "IPv6 Address",
            Self::DistributedNetworkName => "Distributed Network Name",
            Self::GenericService => "Generic Service",
            Self::GenericScript => "Generic Script",
            Self::DhcpService => "DHCP Service",
            Self::WinsService => "WINS Service",
            Self::PrintSpooler => "Print Spooler",
            Self::VirtualMachine => "Virtual Machine",
            Self::PlugIn => "Plug-in",
        }
    }

    /// The type with this string.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }
}

/// Private properties of a resource (reference section 2.1). What providers contribute when a
/// resource comes online (see [`super::at_online`]) is empty in the cluster database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceParameters {
    /// Physical Disk. Run by clusdisk, not by a host. `shared`: it carries a cluster shared volume
    /// (2008 R2 and later).
    PhysicalDisk { disk: DiskId, shared: bool },
    /// File Share Witness. Run by the share client, not by a host.
    FileShareWitness,
    /// Cloud Witness. Run by the share client, not by a host.
    CloudWitness,
    /// IP Address: Address and Network.
    IpAddress { network: NetworkId, address: String },
    /// Network Name: Name, with the addresses of the providers that are online.
    NetworkName {
        name: String,
        addresses: Vec<String>,
        settings: NameSettings,
    },
    /// File Server, scoped to the network name that it depends on.
    FileServer { name: String },
    /// File Share: ShareName and Path, below the network name of its file server. `max_users` is
    /// MaxUsers, `None` (0xFFFFFFFF) without a limit.
    FileShare {
        server: String,
        share: String,
        path: String,
        max_users: Option<u32>,
        place: SharePlace,
    },
    /// Generic Application: CommandLine and CurrentDirectory.
    GenericApplication {
        command_line: String,
        current_directory: String,
    },
    /// IPv6 Address: Address and Network.
    Ipv6Address { network: NetworkId, address: String },
    /// Distributed Network Name: Name; every node publishes its own addresses under it.
    DistributedNetworkName { name: String },
    /// Generic Service: ServiceName and StartupParameters.
    GenericService {
        service: String,
        startup_parameters: String,
    },
    /// Generic Script: ScriptFilepath.
    GenericScript { script: String },
    /// DHCP Service: DatabasePath and BackupPath, on the disk that it depends on.
    DhcpService {
        database_path: String,
        backup_path: String,
    },
    /// WINS Service: DatabasePath and BackupPath, on the disk that it depends on.
    WinsService {
        database_path: String,
        backup_path: String,
    },
    /// Print Spooler: DefaultSpoolDirectory and JobCompletionTimeout (seconds, 0 by default).
    PrintSpooler {
        spool_directory: String,
        job_completion_timeout: u32,
    },
    /// Virtual Machine: VmID, here its name.
    VirtualMachine { machine: String },
    /// A program that speaks the plug-in protocol, and the properties that it is told.
    PlugIn {
        program: String,
        properties: Vec<(String, String)>,
    },
}

impl ResourceParameters {
    /// The service of its node that the resource stands for, by the name that the service control
    /// manager knows it under.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::GenericService { service, .. } => Some(service),
            Self::DhcpService { .. } => Some("DHCPServer"),
            Self::WinsService { .. } => Some("WINS"),
            Self::PrintSpooler { .. } => Some("Spooler"),
            _ => None,
        }
    }

    /// Whether it publishes the addresses of all its providers (RegisterAllProvidersIP).
    #[must_use]
    pub fn publishes_all(&self) -> bool {
        matches!(self, Self::NetworkName { settings, .. } if settings.all_providers)
    }

    /// The disk of a cluster shared volume.
    #[must_use]
    pub fn shared_disk(&self) -> Option<DiskId> {
        match self {
            Self::PhysicalDisk { disk, shared: true } => Some(*disk),
            _ => None,
        }
    }

    /// The type that has these properties.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::PhysicalDisk { .. } => ResourceKind::PhysicalDisk,
            Self::FileShareWitness => ResourceKind::FileShareWitness,
            Self::CloudWitness => ResourceKind::CloudWitness,
            Self::IpAddress { .. } => ResourceKind::IpAddress,
            Self::NetworkName { .. } => ResourceKind::NetworkName,
            Self::FileServer { .. } => ResourceKind::FileServer,
            Self::FileShare { .. } => ResourceKind::FileShare,
            Self::GenericApplication { .. } => ResourceKind::GenericApplication,
            Self::Ipv6Address { .. } => ResourceKind::Ipv6Address,
            Self::DistributedNetworkName { .. } => ResourceKind::DistributedNetworkName,
            Self::GenericService { .. } => ResourceKind::GenericService,
            Self::GenericScript { .. } => ResourceKind::GenericScript,
            Self::DhcpService { .. } => ResourceKind::DhcpService,
            Self::WinsService { .. } => ResourceKind::WinsService,
            Self::PrintSpooler { .. } => ResourceKind::PrintSpooler,
            Self::VirtualMachine { .. } => ResourceKind::VirtualMachine,
            Self::PlugIn { .. } => ResourceKind::PlugIn,
        }
    }
}

/// Where a share is offered and where its contents stand: what its providers that are online
/// contribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharePlace {
    /// The addresses of its network name.
    pub addresses: Vec<String>,
    /// The clustered disk that Path is on; absent: a disk of the node's own.
    pub disk: Option<DiskId>,
}

/// What a resource is, as its host needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSpec {
    /// The resource's name.
    pub name: String,
    /// Type-specific parameters, with what its providers contribute.
    pub parameters: ResourceParameters,
    /// What its health checks look at.
    pub checks: Checks,
}

impl ResourceSpec {
    /// What a network name reports when a check finds it no longer registered on its node (event
    /// 1215, which 2003 does not have).
    #[must_use]
    pub fn lost_registration(&self) -> Option<NameReport> {
        let is_looked_up = self.checks.looks_alive.contains(&Check::RedirectorName);
        is_looked_up.then(NameReport::lost_registration)
    }
}

wire::codec!(enum ResourceParameters {
    0 = PhysicalDisk { disk, shared },
    1 = FileShareWitness,
    40 = CloudWitness,
    2 = IpAddress { network, address },
    3 = NetworkName { name, addresses, settings },
    4 = FileServer { name },
    5 = FileShare { server, share, path, max_users, place },
    6 = GenericApplication { command_line, current_directory },
    7 = Ipv6Address { network, address },
    8 = DistributedNetworkName { name },
    9 = GenericService { service, startup_parameters },
    10 = GenericScript { script },
    11 = DhcpService { database_path, backup_path },
    12 = WinsService { database_path, backup_path },
    13 = PrintSpooler { spool_directory, job_completion_timeout },
    14 = PlugIn { program, properties },
    15 = VirtualMachine { machine },
});
wire::codec!(struct SharePlace { addresses, disk });
wire::codec!(struct ResourceSpec { name, parameters, checks });
