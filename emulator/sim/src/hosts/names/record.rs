//! A name's records in DNS, and what the log says when they are not taken.
//!
//! Facts: directory fact sheet, 3.1, 3.2, 3.5 and 8. Nodes do not sign: zones take updates from
//! anybody or from nobody. Which of 1195 and 1196, 1260 and 1261 the product writes depends on how
//! the status is put into words, so one of each pair is used.

use std::net::IpAddr;

use base::WallTime;
use directory::dns::client::{self, status};
use directory::dns::{Name, Rtype, name};
use top::restype::{NameEvent, NameSettings};

use super::Services;

/// The zone takes no dynamic updates.
const NOT_DYNAMIC: u16 = 1256;
/// The zone does not let this client update.
const DENIED: u16 = 1257;
/// No name server answers.
const NOT_REACHED: u16 = 1258;
/// Records that were there could not be changed.
const NOT_CHANGED: u16 = 1261;
/// The names of addresses could not be published.
const POINTER_FAILED: u16 = 1262;
/// Any other reason for a first registration to fail.
const FAILED: u16 = 1196;

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Registered {
    /// StatusDNS.
    pub(super) status: u32,
    /// What the event log is told.
    pub(super) event: Option<NameEvent>,
}

/// One registration: what is sent, and to whom.
#[derive(Debug)]
pub(super) struct Registration<'a> {
    pub(super) services: &'a mut dyn Services,
    pub(super) now: WallTime,
    /// No packet gets to the server and back.
    pub(super) is_cut: bool,
    /// Numbers the messages from here on.
    pub(super) id: u16,
}

impl Registration<'_> {
    /// Publishes a name with these addresses; `again` where it was published before.
    pub(super) fn publish(
        &mut self,
        label: &str,
        domain: &str,
        addresses: &[String],
        settings: &NameSettings,
        again: bool,
    ) -> Registered {
        let Ok(name) = name(&format!("{label}.{domain}")) else {
            return failed(status::BAD_PACKET, FAILED);
        };
        let addresses: Vec<IpAddr> = addresses.iter().filter_map(|it| it.parse().ok()).collect();
        let (id, ttl) = (self.id, settings.host_record_ttl);
        let mut send = |bytes: &[u8]| self.send(bytes);
        let outcome = client::register_addresses(&mut send, id, &name, ttl, &addresses);
        if outcome != status::SUCCESS {
            return failed(outcome, event_of(outcome, again));
        }
        let pointers = if settings.publish_ptr {
            &addresses[..]
        } else {
            &[]
        };
        match self.publish_pointers(pointers, ttl, &name) {
            status::SUCCESS => Registered {
                status: status::SUCCESS,
                event: None,
            },
            refused => failed(refused, POINTER_FAILED),
        }
    }

    /// The status of the first pointer that was not taken.
    fn publish_pointers(&mut self, addresses: &[IpAddr], ttl: u32, name: &Name) -> u32 {
        let id = self.id;
        let mut send = |bytes: &[u8]| self.send(bytes);
        let outcomes = addresses
            .iter()
            .map(|address| client::register_pointer(&mut send, id, *address, ttl, name));
        let refused: Vec<u32> = outcomes.filter(|it| *it != status::SUCCESS).collect();
        refused.first().copied().unwrap_or(status::SUCCESS)
    }

    fn send(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self.is_cut {
            true => None,
            false => self.services.dns(self.now, bytes),
        }
    }
}

fn failed(status: u32, number: u16) -> Registered {
    Registered {
        status,
        event: Some(NameEvent { number, status }),
    }
}

/// The event of a registration that failed with this status.
fn event_of(status: u32, again: bool) -> u16 {
    match status {
        status::NOT_IMPLEMENTED => NOT_DYNAMIC,
        status::REFUSED => DENIED,
        status::TIMEOUT => NOT_REACHED,
        _ if again => NOT_CHANGED,
        _ => FAILED,
    }
}

/// What a client of the domain gets for a name; nothing when there is none, or no answer.
pub(super) fn resolve(services: &dyn Services, label: &str, domain: &str) -> Vec<String> {
    let Ok(name) = name(&format!("{label}.{domain}")) else {
        return Vec::new();
    };
    let ask = |rtype| services.look_up(&client::question(1, &name, rtype));
    let answers = [Rtype::A, Rtype::AAAA].into_iter().filter_map(ask);
    let addresses = answers.flat_map(|answer| client::addresses(&answer));
    addresses.map(|address| address.to_string()).collect()
}
