//! The types of resources and their private properties (reference sections 2 and 2.1).

use base::{DiskId, NetworkId};

/// A resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// "Physical Disk"
    PhysicalDisk,
    /// "File Share Witness"
    FileShareWitness,
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
}

impl ResourceKind {
    /// All types.
    pub const ALL: [Self; 7] = [
        Self::PhysicalDisk,
        Self::FileShareWitness,
        Self::IpAddress,
        Self::NetworkName,
        Self::FileServer,
        Self::FileShare,
        Self::GenericApplication,
    ];

    /// The product's exact type string (CLUS_RESTYPE_NAME_*).
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::PhysicalDisk => "Physical Disk",
            Self::FileShareWitness => "File Share Witness",
            Self::IpAddress => "IP Address",
            Self::NetworkName => "Network Name",
            Self::FileServer => "File Server",
            Self::FileShare => "File Share",
            Self::GenericApplication => "Generic Application",
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
    /// Physical Disk. Run by clusdisk, not by a host.
    PhysicalDisk { disk: DiskId },
    /// File Share Witness. Run by the share client, not by a host.
    FileShareWitness,
    /// IP Address: Address and Network.
    IpAddress { network: NetworkId, address: String },
    /// Network Name: Name, with the addresses of the providers that are online.
    NetworkName {
        name: String,
        addresses: Vec<String>,
    },
    /// File Server, scoped to the network name that it depends on.
    FileServer { name: String },
    /// File Share: ShareName and Path, below the network name of its file server.
    FileShare {
        server: String,
        share: String,
        path: String,
    },
    /// Generic Application: CommandLine and CurrentDirectory.
    GenericApplication {
        command_line: String,
        current_directory: String,
    },
}

impl ResourceParameters {
    /// The type that has these properties.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::PhysicalDisk { .. } => ResourceKind::PhysicalDisk,
            Self::FileShareWitness => ResourceKind::FileShareWitness,
            Self::IpAddress { .. } => ResourceKind::IpAddress,
            Self::NetworkName { .. } => ResourceKind::NetworkName,
            Self::FileServer { .. } => ResourceKind::FileServer,
            Self::FileShare { .. } => ResourceKind::FileShare,
            Self::GenericApplication { .. } => ResourceKind::GenericApplication,
        }
    }
}

/// What a resource is, as its host needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSpec {
    /// The resource's name.
    pub name: String,
    /// Type-specific parameters, with what its providers contribute.
    pub parameters: ResourceParameters,
}

wire::codec!(enum ResourceParameters {
    0 = PhysicalDisk { disk },
    1 = FileShareWitness,
    2 = IpAddress { network, address },
    3 = NetworkName { name, addresses },
    4 = FileServer { name },
    5 = FileShare { server, share, path },
    6 = GenericApplication { command_line, current_directory },
});
wire::codec!(struct ResourceSpec { name, parameters });
