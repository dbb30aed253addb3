//! What LooksAlive and IsAlive of each type look at, as data: hosts carry it out, nobody else
//! decides it.
//!
//! Facts: reference section 2 (one row per type and era) with conflicts S1, S2 and C1; seed 000,
//! items 3 to 6. Rows that the reference calls unsourced (health of DHCP, WINS and Print Spooler)
//! are looked at as the services that they are; that is this project's choice and asserted nowhere.
//! The flag of a failed interface and the disk's reservation are judged in `rcm`, not in hosts.

use base::Generation;

use super::{ResourceKind, ResourceParameters};

/// One thing that a health check looks at on the node where the resource runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The TCP/IP stack still has the address.
    AddressEntry,
    /// NetBT still has a device for the address.
    NetbtDevice,
    /// NetBT still has the name registered (2003).
    NetbtName,
    /// The redirector still has the name registered (2008 and later; event 1215).
    RedirectorName,
    /// The server service runs (event 1585).
    ServerService,
    /// The server service has the network name that the shares are scoped to (event 1586).
    ScopedName,
    /// The server service has the share.
    Share,
    /// The server service has the share under its network name (events 1054, 1055).
    ScopedShare,
    /// The first file of the share opens through the share's name.
    FirstFile,
    /// The share's directory exists.
    Directory,
    /// The service control manager says Running.
    ServiceRunning,
    /// The process exists.
    Process,
    /// The program's own answer to the entry point that is called.
    OwnAnswer,
}

/// What the two health checks of a resource look at; all of a list must hold.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Checks {
    /// The quick one.
    pub looks_alive: Vec<Check>,
    /// The thorough one.
    pub is_alive: Vec<Check>,
}

impl Checks {
    /// The checks of a resource. `netbios` tells whether NetBIOS is bound to its address.
    #[must_use]
    pub fn of(parameters: &ResourceParameters, generation: Generation) -> Self {
        let both = |checks: &[Check]| Self {
            looks_alive: checks.to_vec(),
            is_alive: checks.to_vec(),
        };
        let since_2008 = generation >= Generation::V2008;
        match parameters.kind() {
            ResourceKind::PhysicalDisk
            | ResourceKind::FileShareWitness
            | ResourceKind::CloudWitness => Self::default(),
            ResourceKind::IpAddress if binds_netbios(generation) => {
                both(&[Check::AddressEntry, Check::NetbtDevice])
            }
            ResourceKind::IpAddress | ResourceKind::Ipv6Address => both(&[Check::AddressEntry]),
            ResourceKind::NetworkName if since_2008 => both(&[Check::RedirectorName]),
            ResourceKind::NetworkName => both(&[Check::NetbtName]),
            ResourceKind::DistributedNetworkName => both(&[Check::RedirectorName]),
            ResourceKind::FileServer => both(&[Check::ServerService, Check::ScopedName]),
            ResourceKind::FileShare if since_2008 => both(&[Check::ScopedShare]),
            ResourceKind::FileShare => share_of_2003(parameters),
            ResourceKind::GenericApplication | ResourceKind::VirtualMachine => {
                both(&[Check::Process])
            }
            ResourceKind::GenericService
            | ResourceKind::DhcpService
            | ResourceKind::WinsService
            | ResourceKind::PrintSpooler => both(&[Check::ServiceRunning]),
            ResourceKind::GenericScript | ResourceKind::PlugIn => both(&[Check::OwnAnswer]),
        }
    }
}

/// EnableNetBIOS: documented as 1, and off in practice from 2016 on (conflict C9).
fn binds_netbios(generation: Generation) -> bool {
    generation < Generation::V2016
}

/// IsAlive of a share without a user limit opens its first file; with one it looks at the path.
fn share_of_2003(parameters: &ResourceParameters) -> Checks {
    let limited = matches!(
        parameters,
        ResourceParameters::FileShare {
            max_users: Some(_),
            ..
        }
    );
    let more = if limited {
        Check::Directory
    } else {
        Check::FirstFile
    };
    Checks {
        looks_alive: vec![Check::Share],
        is_alive: vec![Check::Share, more],
    }
}

wire::codec!(enum Check {
    0 = AddressEntry,
    1 = NetbtDevice,
    2 = NetbtName,
    3 = RedirectorName,
    4 = ServerService,
    5 = ScopedName,
    6 = Share,
    7 = ScopedShare,
    8 = FirstFile,
    9 = Directory,
    10 = ServiceRunning,
    11 = Process,
    12 = OwnAnswer,
});
wire::codec!(struct Checks { looks_alive, is_alive });

#[cfg(test)]
mod tests {
    use base::NetworkId;

    use super::super::SharePlace;
    use super::*;

    fn share(max_users: Option<u32>) -> ResourceParameters {
        ResourceParameters::FileShare {
            server: "FS1".into(),
            share: "data".into(),
            path: "D:\\data".into(),
            max_users,
            place: SharePlace::default(),
        }
    }

    #[test]
    fn a_share_of_2003_opens_its_first_file_only_without_a_user_limit() {
        let open = Checks::of(&share(None), Generation::V2003);
        assert_eq!(open.looks_alive, [Check::Share]);
        assert_eq!(open.is_alive, [Check::Share, Check::FirstFile]);
        let limited = Checks::of(&share(Some(10)), Generation::V2003);
        assert_eq!(limited.is_alive, [Check::Share, Check::Directory]);
    }

    #[test]
    fn from_2008_on_a_share_is_looked_up_under_its_network_name() {
        let checks = Checks::of(&share(None), Generation::V2008);
        assert_eq!(checks.is_alive, [Check::ScopedShare]);
        assert_eq!(checks.looks_alive, checks.is_alive);
    }

    #[test]
    fn an_address_asks_netbt_only_while_netbios_is_bound() {
        let address = ResourceParameters::IpAddress {
            network: NetworkId(0),
            address: "10.0.0.9".into(),
        };
        let asked = |generation| Checks::of(&address, generation).looks_alive;
        assert!(asked(Generation::V2003).contains(&Check::NetbtDevice));
        assert_eq!(asked(Generation::V2016), [Check::AddressEntry]);
    }
}
