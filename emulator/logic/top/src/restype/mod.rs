//! The pure half of the resource types: what there is, who runs it, what it requires and what its
//! host is told.
//!
//! Facts: reference sections 2, 2.1 and 3.2. The impure half lives in resource hosts.

mod check;
mod checkpoint;
mod kind;
mod name;

use base::DiskId;

pub use check::{Check, Checks};
pub use checkpoint::{Checkpoint, CheckpointKey, CheckpointKind};
pub use kind::{ResourceKind, ResourceParameters, ResourceSpec, SharePlace};
pub use name::{NEVER_TRIED, NameAccount, NameEvent, NameReport, NameSettings};

/// Who carries out the entry points of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// A resource host process.
    Host,
    /// The cluster disk driver.
    Disk,
    /// The client of the witness share.
    Share,
}

impl ResourceKind {
    /// Who runs resources of this type.
    #[must_use]
    pub fn runner(self) -> Runner {
        match self {
            Self::PhysicalDisk => Runner::Disk,
            Self::FileShareWitness | Self::CloudWitness => Runner::Share,
            Self::IpAddress
            | Self::NetworkName
            | Self::FileServer
            | Self::FileShare
            | Self::GenericApplication
            | Self::Ipv6Address
            | Self::DistributedNetworkName
            | Self::GenericService
            | Self::GenericScript
            | Self::DhcpService
            | Self::WinsService
            | Self::PrintSpooler
            | Self::VirtualMachine
            | Self::PlugIn => Runner::Host,
        }
    }

    /// What a resource of this type needs among its dependencies: of every list one type at least
    /// (reference section 3.2, required dependencies).
    #[must_use]
    pub fn requires(self) -> &'static [&'static [Self]] {
        const ADDRESS: &[ResourceKind] = &[ResourceKind::IpAddress, ResourceKind::Ipv6Address];
        const DISK: &[ResourceKind] = &[ResourceKind::PhysicalDisk];
        const NAME: &[ResourceKind] = &[ResourceKind::NetworkName];
        match self {
            Self::NetworkName => &[ADDRESS],
            Self::DhcpService => &[DISK],
            Self::WinsService => &[DISK, ADDRESS],
            Self::PrintSpooler => &[NAME, DISK],
            Self::PhysicalDisk
            | Self::FileShareWitness
            | Self::CloudWitness
            | Self::IpAddress
            | Self::FileServer
            | Self::FileShare
            | Self::GenericApplication
            | Self::Ipv6Address
            | Self::DistributedNetworkName
            | Self::GenericService
            | Self::GenericScript
            | Self::VirtualMachine
            | Self::PlugIn => &[],
        }
    }

    /// At most one resource of this type may be in a group (Print Spooler; reference section 2.1).
    #[must_use]
    pub fn is_one_per_group(self) -> bool {
        self == Self::PrintSpooler
    }

    /// Whether its programs run in a monitor of a kind of their own: plug-ins never share a host
    /// with anything else (seed 000, item 7).
    #[must_use]
    pub fn has_own_monitor(self) -> bool {
        self == Self::PlugIn
    }
}

/// What Online hands to the host: the stored properties completed by the online `providers`,
/// nearest first. A network name gets the addresses it may publish; a file server and a share get
/// the network name they are reached under, a share its addresses and disk as well.
#[must_use]
pub fn at_online(
    stored: &ResourceParameters,
    providers: &[&ResourceParameters],
) -> ResourceParameters {
    let mut completed = stored.clone();
    match &mut completed {
        ResourceParameters::NetworkName { addresses, .. } => {
            *addresses = providers.iter().filter_map(|p| address(p)).collect();
        }
        ResourceParameters::FileServer { name } => fill(name, providers),
        ResourceParameters::FileShare { server, place, .. } => {
            fill(server, providers);
            place.addresses = providers.iter().filter_map(|p| address(p)).collect();
            place.disk = providers.iter().find_map(|p| disk(p));
        }
        _ => {}
    }
    completed
}

fn address(provider: &ResourceParameters) -> Option<String> {
    match provider {
        ResourceParameters::IpAddress { address, .. }
        | ResourceParameters::Ipv6Address { address, .. } => Some(address.clone()),
        _ => None,
    }
}

fn disk(provider: &ResourceParameters) -> Option<DiskId> {
    match provider {
        ResourceParameters::PhysicalDisk { disk, .. } => Some(*disk),
        _ => None,
    }
}

fn fill(name: &mut String, providers: &[&ResourceParameters]) {
    let network_name = providers.iter().find_map(|provider| match provider {
        ResourceParameters::NetworkName { name, .. } => Some(name.clone()),
        _ => None,
    });
    if let Some(found) = network_name {
        *name = found;
    }
}

#[cfg(test)]
mod tests {
    use base::NetworkId;

    use super::*;

    #[test]
    fn every_type_is_found_by_its_product_string() {
        for kind in ResourceKind::ALL {
            assert_eq!(ResourceKind::from_label(kind.label()), Some(kind));
        }
        assert_eq!(ResourceKind::from_label("physical disk"), None);
    }

    #[test]
    fn a_network_name_publishes_the_addresses_of_its_online_providers() {
        let stored = ResourceParameters::NetworkName {
            name: "FS1".into(),
            addresses: vec![],
            settings: NameSettings::default(),
        };
        let ip = ResourceParameters::IpAddress {
            network: NetworkId(0),
            address: "10.0.0.9".into(),
        };
        let expected = ResourceParameters::NetworkName {
            name: "FS1".into(),
            addresses: vec!["10.0.0.9".into()],
            settings: NameSettings::default(),
        };
        assert_eq!(at_online(&stored, &[&ip]), expected);
    }

    #[test]
    fn a_share_is_reached_under_its_network_name_and_stands_on_its_disk() {
        let stored = ResourceParameters::FileShare {
            server: String::new(),
            share: "data".into(),
            path: "D:\\data".into(),
            max_users: None,
            place: SharePlace::default(),
        };
        let ip = ResourceParameters::IpAddress {
            network: NetworkId(0),
            address: "10.0.0.9".into(),
        };
        let disk = ResourceParameters::PhysicalDisk {
            disk: DiskId(2),
            shared: false,
        };
        let name = ResourceParameters::NetworkName {
            name: "FS1".into(),
            addresses: vec![],
            settings: NameSettings::default(),
        };
        let completed = at_online(&stored, &[&name, &disk, &ip]);
        let ResourceParameters::FileShare { server, place, .. } = completed else {
            unreachable!("completing keeps the type");
        };
        assert_eq!(server, "FS1");
        assert_eq!(place.addresses, ["10.0.0.9"]);
        assert_eq!(place.disk, Some(DiskId(2)));
    }
}
