//! The directory of the world: network names register there by packets, and clients ask it.
//!
//! The server is the one that `looksalive directory` runs. Facts 3.1, 3.2 and 3.5 of the directory
//! fact sheet. Nodes do not sign here: zones take updates from anybody or from nobody.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base::WallTime;
use directory::GssAcceptor;
use directory::dns::client::{self, status};
use directory::dns::{Domain, Fault, Ports, Server, Transport, Updates};
use directory::dns::{domain_zone, name, reverse_zones};
use top::rcm::{NameSettings, ResourceParameters};

use crate::FaultId;

/// The domain of labs whose file names none.
const DOMAIN: &str = "cluster.example";

/// When the records of a name that is online are registered again. The interval of 24 hours is the
/// usual statement and not confirmed.
pub const REGISTRATION_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// The directory of the world.
#[derive(Debug)]
pub struct Names {
    server: Server,
    domain: String,
    next_id: u16,
    /// What is wrong with the server now, the latest last.
    faults: Vec<(FaultId, Fault)>,
    /// The lab has a directory that it may look at for days.
    is_declared: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self::new(DOMAIN, Updates::Any)
    }
}

impl Names {
    fn new(domain: &str, updates: Updates) -> Self {
        let described = Domain {
            name: domain.to_owned(),
            controller: "dc1".to_owned(),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            site: "Default-First-Site-Name".to_owned(),
            guid: "00000000-0000-0000-0000-000000000001".to_owned(),
            controller_guid: "00000000-0000-0000-0000-000000000002".to_owned(),
            ports: Ports::default(),
        };
        // Whoever wrote the lab file has been told when the domain is no name.
        let zones = domain_zone(&described, updates).and_then(|zone| {
            let mut zones = vec![zone];
            zones.extend(reverse_zones(&described, updates)?);
            Ok(zones)
        });
        Self {
            server: Server::new(zones.unwrap_or_default(), Vec::new()),
            domain: domain.to_owned(),
            next_id: 0,
            faults: Vec::new(),
            is_declared: false,
        }
    }

    /// The directory that a lab file describes; one that takes everything if it describes none.
    #[must_use]
    pub fn of(directory: Option<&file::model::Directory>) -> Self {
        let Some(directory) = directory else {
            return Self::default();
        };
        let updates = match directory.takes_updates {
            true => Updates::Any,
            false => Updates::None,
        };
        Self {
            is_declared: true,
            ..Self::new(&directory.domain, updates)
        }
    }

    /// When a name that came online is registered again.
    #[must_use]
    pub fn registered_again_after(&self) -> Option<Duration> {
        self.is_declared.then_some(REGISTRATION_INTERVAL)
    }

    /// Something goes wrong until it is healed.
    pub fn add_fault(&mut self, id: FaultId, fault: Fault) {
        self.faults.push((id, fault));
        self.server.set_fault(Some(fault));
    }

    /// What was made under this number is over.
    pub fn heal(&mut self, id: FaultId) {
        self.faults.retain(|(it, _)| *it != id);
        self.server
            .set_fault(self.faults.last().map(|(_, fault)| *fault));
    }

    /// Registers what a network name publishes; the number under which the product keeps what
    /// became of it.
    pub(super) fn register(&mut self, parameters: &ResourceParameters) -> u32 {
        let ResourceParameters::NetworkName {
            name: label,
            addresses,
            settings,
        } = parameters
        else {
            return status::SUCCESS;
        };
        let Ok(name) = name(&format!("{label}.{}", self.domain)) else {
            return status::BAD_PACKET;
        };
        let addresses: Vec<IpAddr> = addresses.iter().filter_map(|it| it.parse().ok()).collect();
        let NameSettings {
            host_record_ttl: ttl,
            publish_ptr,
            ..
        } = *settings;
        self.next_id = self.next_id.wrapping_add(2);
        let id = self.next_id;
        let mut send = |bytes: &[u8]| carry(&mut self.server, bytes);
        let mut outcome = client::register_addresses(&mut send, id, &name, ttl, &addresses);
        if publish_ptr && outcome == status::SUCCESS {
            let pointers = addresses
                .iter()
                .map(|address| client::register_pointer(&mut send, id, *address, ttl, &name));
            let failed = |it: &u32| *it != status::SUCCESS;
            outcome = pointers
                .collect::<Vec<_>>()
                .into_iter()
                .find(failed)
                .unwrap_or(outcome);
        }
        outcome
    }

    /// What a client of the domain gets for a name; nothing when there is none, or no answer.
    #[must_use]
    pub fn resolve(&self, label: &str) -> Vec<String> {
        use directory::dns::Rtype;
        let Ok(name) = name(&format!("{label}.{}", self.domain)) else {
            return Vec::new();
        };
        let ask = |rtype| self.server.look_up(&client::question(1, &name, rtype));
        let answers = [Rtype::A, Rtype::AAAA].into_iter().filter_map(ask);
        let addresses = answers.flat_map(|answer| client::addresses(&answer));
        addresses.map(|address| address.to_string()).collect()
    }
}

/// One packet each way, without a network that could lose it.
fn carry(server: &mut Server, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut nobody = || -> Box<dyn GssAcceptor> { Box::new(directory::NoAccounts) };
    let answer = server.handle(WallTime(0), Transport::Datagram, bytes, &mut nobody);
    answer.messages.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fs1(addresses: &[&str], settings: NameSettings) -> ResourceParameters {
        ResourceParameters::NetworkName {
            name: "FS1".to_owned(),
            addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
            settings,
        }
    }

    #[test]
    fn a_name_is_registered_with_its_addresses_and_with_their_names_if_it_is_told_to() {
        let mut names = Names::default();
        let usual = NameSettings::default();
        assert_eq!(names.register(&fs1(&["10.0.0.5", "10.0.0.6"], usual)), 0);
        assert_eq!(names.register(&fs1(&["10.0.0.7"], usual)), 0);
        assert_eq!(names.resolve("fs1"), ["10.0.0.7"]);
        let reverse = directory::dns::reverse("10.0.0.7".parse().unwrap());
        let pointer = |names: &Names| {
            let question = client::question(1, &reverse, directory::dns::Rtype::PTR);
            let answer = names.server.look_up(&question).unwrap();
            answer.windows(3).any(|it| it.eq_ignore_ascii_case(b"fs1"))
        };
        assert!(!pointer(&names));
        let publish_ptr = NameSettings {
            publish_ptr: true,
            ..usual
        };
        assert_eq!(names.register(&fs1(&["10.0.0.7"], publish_ptr)), 0);
        assert!(pointer(&names));
    }

    #[test]
    fn a_server_that_is_down_or_refuses_is_told_apart_and_heals() {
        let mut names = Names::default();
        let name = fs1(&["10.0.0.5"], NameSettings::default());
        names.add_fault(FaultId(1), Fault::RefuseUpdates);
        names.add_fault(FaultId(2), Fault::Down);
        assert_eq!(names.register(&name), status::TIMEOUT);
        names.heal(FaultId(2));
        assert_eq!(names.register(&name), status::REFUSED);
        names.heal(FaultId(1));
        assert_eq!(names.register(&name), status::SUCCESS);
    }
}
