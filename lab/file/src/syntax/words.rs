//! The words of enumerations, with the property of the product that each one stands for.

use base::QuorumModel;

use super::macros::words;
use super::number::VariableType;
use crate::model::{
    BackendKind, BlockSize, Clock, Expose, Invariant, Level, NetbiosMode, NetworkRole, OnFailure,
    Priority, ReportFormat, ReservationSupport, ResourceType, WorkloadKind,
};

words! {
    /// What the cluster may use the network for. Windows: Role.
    NetworkRole {
        "none" => Self::None, "Role 0: not used by the cluster (storage traffic, for example).";
        "cluster" => Self::Cluster, "Role 1: heartbeats and cluster messages only.";
        "cluster-and-client" => Self::ClusterAndClient,
            "Role 3: cluster messages and client access; addresses of groups live here.";
    }
    later {}
}

/// How quorum is counted, in the words of 2003 and of the generations since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelWord {
    NodeMajority,
    NodeAndDiskMajority,
    NodeAndFileShareMajority,
    DiskOnly,
    Local,
    SharedDisk,
    MajorityNodeSet,
}

impl ModelWord {
    /// Whether the word belongs to 2003.
    pub(crate) fn is_2003(self) -> bool {
        matches!(self, Self::Local | Self::SharedDisk | Self::MajorityNodeSet)
    }

    /// The arithmetic that it stands for.
    pub(crate) fn model(self) -> QuorumModel {
        match self {
            Self::NodeMajority | Self::Local | Self::MajorityNodeSet => QuorumModel::NodeMajority,
            Self::NodeAndDiskMajority => QuorumModel::NodeAndDiskMajority,
            Self::NodeAndFileShareMajority => QuorumModel::NodeAndFileShareMajority,
            Self::DiskOnly | Self::SharedDisk => QuorumModel::DiskOnly,
        }
    }
}

words! {
    /// How quorum is counted.
    ModelWord {
        "node-majority" => Self::NodeMajority, "Node Majority: more than half of the nodes.";
        "node-and-disk-majority" => Self::NodeAndDiskMajority,
            "Node and Disk Majority: more than half of the nodes and the witness disk together.";
        "node-and-file-share-majority" => Self::NodeAndFileShareMajority,
            "Node and File Share Majority: the same with a file share.";
        "disk-only" => Self::DiskOnly,
            "No Majority, Disk Only: whoever owns the disk; one node suffices.";
        "local" => Self::Local, "Local quorum (2003): a cluster of one node.";
        "shared-disk" => Self::SharedDisk, "Quorum disk (2003): whoever owns the disk.";
        "majority-node-set" => Self::MajorityNodeSet,
            "Majority node set (2003): more than half of the nodes.";
    }
    later {}
}

words! {
    /// Priority of a group (2012 and later). Windows: Priority.
    Priority {
        "high" => Self::High, "Priority 3000.";
        "medium" => Self::Medium, "Priority 2000, the default.";
        "low" => Self::Low, "Priority 1000.";
        "no-auto-start" => Self::NoAutoStart, "Priority 0: does not come online by itself.";
    }
    later {}
}

words! {
    /// What happens when a resource fails. Windows: RestartAction.
    OnFailure {
        "do-nothing" => Self::DoNothing, "RestartAction 0: stays failed.";
        "restart" => Self::Restart, "RestartAction 1: restarts, never fails its group over.";
        "restart-then-failover" => Self::RestartThenFailover,
            "RestartAction 2, the default: restarts, then fails its group over.";
    }
    later {}
}

words! {
    /// The type of a resource.
    ResourceType {
        "physical-disk" => Self::PhysicalDisk, "Physical Disk; needs `lun`.";
        "cluster-shared-volume" => Self::ClusterSharedVolume,
            "Physical Disk with a cluster shared volume (2008 R2 and later); needs `lun`.";
        "ip-address" => Self::IpAddress, "IP Address; needs `address`.";
        "ipv6-address" => Self::Ipv6Address,
            "IPv6 Address (2008 and later); needs `address` and `network`.";
        "network-name" => Self::NetworkName, "Network Name; needs `name` and an ip-address.";
        "file-server" => Self::FileServer, "File Server; depends on a network-name.";
        "file-share" => Self::FileShare, "File Share; needs `path`.";
        "generic-application" => Self::GenericApplication,
            "Generic Application; needs `command`.";
        "distributed-network-name" => Self::DistributedNetworkName,
            "Distributed Network Name; needs `name`.";
        "generic-service" => Self::GenericService, "Generic Service; needs `service`.";
        "generic-script" => Self::GenericScript, "Generic Script; needs `script`.";
        "dhcp-service" => Self::DhcpService, "DHCP Service; needs `path` and a disk.";
        "wins-service" => Self::WinsService,
            "WINS Service; needs `path`, a disk and an ip-address.";
        "print-spooler" => Self::PrintSpooler,
            "Print Spooler; needs `path`, a network-name and a disk.";
        "virtual-machine" => Self::VirtualMachine,
            "Virtual Machine (2008 and later); goes on without the cluster service. Backend `sim`.";
        "plug-in" => Self::PlugIn, "A program that speaks the plug-in protocol; needs `program`.";
    }
    later {
        "scale-out-file-server", "file-share-witness", "cloud-witness",
    }
}

words! {
    /// How much a reader should know already.
    Level {
        "beginner" => Self::Beginner, "No clustering experience needed.";
        "intermediate" => Self::Intermediate, "Has run a cluster.";
        "advanced" => Self::Advanced, "Knows quorum arithmetic and larger clusters.";
    }
    later {}
}

words! {
    /// A way to run a lab.
    BackendKind {
        "sim" => Self::Sim, "One process, virtual time, deterministic.";
        "local" => Self::Local, "Real sockets and processes on this machine.";
        "docker" => Self::Docker, "Containers.";
    }
    later { "kubernetes", "external" }
}

words! {
    /// How a client looks at an address.
    WorkloadKind {
        "ping" => Self::Ping, "An echo request of ICMP.";
        "connect" => Self::Connect, "A new connection of TCP, and a byte there and back.";
    }
    later { "smb-io", "management-calls" }
}

words! {
    /// How machines of backend `local` get adapters of their own.
    Expose {
        "tun" => Self::Tun, "A network namespace with TAP and TUN devices for each; needs root.";
    }
    later {}
}

words! {
    /// Which clock a lab runs on.
    Clock {
        "virtual" => Self::Virtual, "Jumps from event to event; `sim` only.";
        "wall" => Self::Wall, "The machine's own.";
    }
    later {}
}

words! {
    /// Logical and physical sector size of a disk.
    BlockSize {
        "512" => Self::B512, "512 bytes logical and physical.";
        "512e" => Self::B512e, "512 bytes logical, 4096 physical.";
        "4kn" => Self::B4kn, "4096 bytes logical and physical.";
    }
    later {}
}

words! {
    /// Which reservations an array offers.
    ReservationSupport {
        "scsi3" => Self::Scsi3, "SCSI-3 persistent reservations.";
        "none" => Self::None, "None at all, to see the refusal.";
    }
    later {}
}

words! {
    /// A format of the report.
    ReportFormat {
        "junit" => Self::Junit, "JUnit XML.";
    }
    later { "tap", "libtest-json", "html", "bundle" }
}

words! {
    /// A rule that must hold all the time.
    Invariant {
        "single-owner" => Self::SingleOwner, "At most one node owns a group.";
        "one-reservation-holder" => Self::OneReservationHolder,
            "At most one node holds the reservation of a disk.";
        "no-split-brain" => Self::NoSplitBrain,
            "At most one part of a partitioned cluster is quorate.";
        "dependency-order" => Self::DependencyOrder,
            "No resource is online while what it depends on is not.";
        "db-converges" => Self::DbConverges, "The replicas of the cluster database end up equal.";
        "epoch-monotonic" => Self::EpochMonotonic, "Epochs never go back.";
        "address-unique" => Self::AddressUnique, "No address is online twice.";
        "name-owned-once" => Self::NameOwnedOnce, "No network name is online twice.";
        "votes-add-up" => Self::VotesAddUp, "The votes that a node counts add up.";
        "no-leaks" => Self::NoLeaks, "Nothing is left behind when the lab ends.";
    }
    later {}
}

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Member,
}

words! {
    /// What a machine is.
    NodeKind {
        "member" => Self::Member, "Runs the cluster service.";
    }
    later { "controller", "client" }
}

/// Where the cluster name is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessPoint {
    Dns,
}

words! {
    /// Where the cluster name is published. Windows: AdministrativeAccessPoint.
    AccessPoint {
        "dns" => Self::Dns, "In DNS only, the default without a directory.";
    }
    later { "ad-and-dns", "none" }
}

/// Which rules a lab starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvariantSet {
    Standard,
    None,
}

words! {
    /// Which rules a lab starts from.
    InvariantSet {
        "standard" => Self::Standard, "All rules, the default.";
        "none" => Self::None, "No rules.";
    }
    later {}
}

/// Whose monitor process a resource runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MonitorWord {
    Shared,
    Separate,
}

words! {
    /// Whose monitor process a resource runs in. Windows: SeparateMonitor.
    MonitorWord {
        "shared" => Self::Shared, "The node's own, the default.";
        "separate" => Self::Separate, "One of its own.";
    }
    later {}
}

/// What a disk is formatted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LunFormat {
    Ntfs,
}

words! {
    /// What a disk is formatted with. The lab keeps a simple file system whatever the word.
    LunFormat {
        "ntfs" => Self::Ntfs, "A disk of one group, the default.";
    }
    later { "csvfs", "refs" }
}

words! {
    /// What a variable may hold.
    VariableType {
        "text" => Self::Text, "Any text, the default.";
        "int" => Self::Int, "A whole number.";
        "duration" => Self::Duration, "A duration such as 90s.";
        "size" => Self::Size, "A size such as 10GiB.";
    }
    later {}
}

/// Who may register names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdatesWord {
    Any,
    None,
}

words! {
    /// Who may register names.
    UpdatesWord {
        "any" => Self::Any, "Anybody, the default.";
        "none" => Self::None, "Nobody: the zone takes no dynamic updates.";
    }
    later { "secure" }
}

/// A service of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DirectoryWord {
    Dns,
    Ad,
    Netbios,
}

words! {
    /// A service of the directory.
    DirectoryWord {
        "dns" => Self::Dns, "The name server.";
        "ad" => Self::Ad, "The domain with its accounts.";
        "netbios" => Self::Netbios, "The NetBIOS name server.";
    }
    later { "time" }
}

words! {
    /// How NetBIOS names are made known, in generations that have them.
    NetbiosMode {
        "none" => Self::None, "Not at all.";
        "b-node" => Self::Broadcast, "By broadcast.";
        "p-node" => Self::PointToPoint, "At the name server of the domain, the default.";
        "h-node" => Self::Hybrid, "At the name server; by broadcast while it is silent.";
    }
    later {}
}
