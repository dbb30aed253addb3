//! What belongs to a resource type: the keys that only it takes, and what it depends on.

use crate::model::ResourceType;
use crate::source::Span;
use crate::syntax::{At, ResourceSpec};

/// Types that stand for something that runs on its node.
const NEED_MEMORY: &[ResourceType] = &[
    ResourceType::GenericApplication,
    ResourceType::GenericService,
    ResourceType::GenericScript,
    ResourceType::VirtualMachine,
    ResourceType::PlugIn,
];

/// A key, where it is given, and the types that it belongs to.
pub(super) type Given = (&'static str, Option<Span>, &'static [ResourceType]);

/// The keys that belong to some types only, where each is given, and to which types it belongs.
pub(super) fn given_properties(spec: &ResourceSpec) -> [Given; 12] {
    fn span<T>(at: Option<&At<T>>) -> Option<Span> {
        at.map(|at| at.span)
    }
    let names: &[_] = &[
        ResourceType::NetworkName,
        ResourceType::DistributedNetworkName,
    ];
    let paths: &[_] = &[
        ResourceType::FileShare,
        ResourceType::DhcpService,
        ResourceType::WinsService,
        ResourceType::PrintSpooler,
    ];
    let program: &[_] = &[ResourceType::GenericApplication];
    let address: &[_] = &[ResourceType::IpAddress, ResourceType::Ipv6Address];
    [
        (
            "lun",
            span(spec.lun.as_ref()),
            &[
                ResourceType::PhysicalDisk,
                ResourceType::ClusterSharedVolume,
            ],
        ),
        ("address", span(spec.address.as_ref()), address),
        ("network", span(spec.network.as_ref()), address),
        ("name", span(spec.name.as_ref()), names),
        (
            "share",
            span(spec.share.as_ref()),
            &[ResourceType::FileShare],
        ),
        ("path", span(spec.path.as_ref()), paths),
        ("command", span(spec.command.as_ref()), program),
        ("memory", span(spec.memory.as_ref()), NEED_MEMORY),
        ("directory", span(spec.directory.as_ref()), program),
        (
            "service",
            span(spec.service.as_ref()),
            &[ResourceType::GenericService],
        ),
        (
            "script",
            span(spec.script.as_ref()),
            &[ResourceType::GenericScript],
        ),
        (
            "program",
            span(spec.program.as_ref()),
            &[ResourceType::PlugIn],
        ),
    ]
}

/// What a type needs among its dependencies: of every list one at least (reference section 3.2,
/// "Required dependencies").
pub(super) fn needs(of_type: ResourceType) -> &'static [&'static [ResourceType]] {
    const ADDRESS: &[ResourceType] = &[ResourceType::IpAddress, ResourceType::Ipv6Address];
    const DISK: &[ResourceType] = &[ResourceType::PhysicalDisk];
    match of_type {
        ResourceType::NetworkName => &[ADDRESS],
        ResourceType::DhcpService => &[DISK],
        ResourceType::WinsService => &[DISK, ADDRESS],
        ResourceType::PrintSpooler => &[&[ResourceType::NetworkName], DISK],
        _ => &[],
    }
}
