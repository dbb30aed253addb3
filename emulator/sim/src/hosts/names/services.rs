//! What answers the cluster's requests to its directory: in a simulated lab the handlers
//! themselves, elsewhere whatever runs them behind sockets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use accounts::Entropy;
use accounts::store::{self, Store};
use base::{Rng, Timestamp, WallTime};
use directory::GssAcceptor;
use directory::dns::{self, Domain, Ports, Transport, Updates};
use directory::netbios::{self, NetbiosName, Outgoing, Timing};

/// The services of one domain.
pub trait Services: fmt::Debug + Send {
    /// Carries a message to the name server and brings its answer, if there is one.
    fn dns(&mut self, now: WallTime, message: &[u8]) -> Option<Vec<u8>>;
    /// What the name server answers a client's question.
    fn look_up(&self, question: &[u8]) -> Option<Vec<u8>>;
    /// Something goes wrong with the name server, or all is well again.
    fn set_dns_fault(&mut self, fault: Option<dns::Fault>);
    /// Carries a packet to the NetBIOS name server and brings what it sends.
    fn netbios(&mut self, now: Timestamp, from: SocketAddrV4, packet: &[u8]) -> Vec<Outgoing>;
    /// The NetBIOS name server answers nothing from now on, or does again.
    fn set_netbios_down(&mut self, is_down: bool);
    /// Where the NetBIOS name server listens.
    fn wins(&self) -> SocketAddrV4;
    /// Lets somebody act on the accounts; what that has changed is kept when this returns. Does
    /// nothing where the domain has no accounts.
    fn accounts(&mut self, act: &mut dyn FnMut(&mut Store, &mut dyn Entropy));
}

/// Where the domain controller of a simulated lab listens.
const CONTROLLER: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// The stream of random numbers from which a simulated domain draws its identifiers and keys.
const SEED: u64 = 0x6469_7265_6374;

/// The handlers themselves, without sockets or files.
#[derive(Debug)]
pub(super) struct InMemory {
    dns: dns::Server,
    netbios: netbios::Server,
    accounts: Option<Box<Accounts>>,
}

#[derive(Debug)]
struct Accounts {
    store: Store,
    rng: Rng,
}

impl InMemory {
    /// The services of a domain; `netbios` is its other name, given where it has accounts.
    pub(super) fn new(
        domain: &str,
        netbios: Option<&str>,
        updates: Updates,
        now: WallTime,
    ) -> Self {
        let mut server = netbios::Server::new(CONTROLLER, netbios::PORT, Timing::WINDOWS);
        server.own(NetbiosName::new(HOST, 0x00), false);
        server.own(NetbiosName::new(HOST, 0x20), false);
        Self {
            dns: dns::Server::new(zones(domain, updates), Vec::new()),
            netbios: server,
            accounts: netbios.map(|netbios| {
                let mut rng = Rng::new(SEED, 0);
                let domain = store::Domain::new(domain, netbios, HOST, &mut rng);
                let store = Store::provision(domain, now, &mut rng);
                Box::new(Accounts { store, rng })
            }),
        }
    }
}

/// The domain controller's first label.
pub const HOST: &str = "dc1";

fn zones(domain: &str, updates: Updates) -> Vec<dns::Zone> {
    let described = Domain {
        name: domain.to_owned(),
        controller: HOST.to_owned(),
        addresses: vec![IpAddr::V4(CONTROLLER)],
        site: "Default-First-Site-Name".to_owned(),
        guid: "00000000-0000-0000-0000-000000000001".to_owned(),
        controller_guid: "00000000-0000-0000-0000-000000000002".to_owned(),
        ports: Ports::default(),
    };
    // Whoever wrote the lab file has been told when the domain is no name.
    let zones = dns::domain_zone(&described, updates).and_then(|zone| {
        let mut zones = vec![zone];
        zones.extend(dns::reverse_zones(&described, updates)?);
        Ok(zones)
    });
    zones.unwrap_or_default()
}

impl Services for InMemory {
    fn dns(&mut self, now: WallTime, message: &[u8]) -> Option<Vec<u8>> {
        let mut nobody = || -> Box<dyn GssAcceptor> { Box::new(directory::NoAccounts) };
        let answer = self
            .dns
            .handle(now, Transport::Datagram, message, &mut nobody);
        answer.messages.into_iter().next()
    }

    fn look_up(&self, question: &[u8]) -> Option<Vec<u8>> {
        self.dns.look_up(question)
    }

    fn set_dns_fault(&mut self, fault: Option<dns::Fault>) {
        self.dns.set_fault(fault);
    }

    fn netbios(&mut self, now: Timestamp, from: SocketAddrV4, packet: &[u8]) -> Vec<Outgoing> {
        let mut sent = self.netbios.expire(now);
        sent.extend(self.netbios.handle(now, from, packet));
        sent
    }

    fn set_netbios_down(&mut self, is_down: bool) {
        self.netbios.set_down(is_down);
    }

    fn wins(&self) -> SocketAddrV4 {
        SocketAddrV4::new(CONTROLLER, netbios::PORT)
    }

    fn accounts(&mut self, act: &mut dyn FnMut(&mut Store, &mut dyn Entropy)) {
        if let Some(accounts) = &mut self.accounts {
            act(&mut accounts.store, &mut accounts.rng);
            // Nothing outlives the run.
            drop(accounts.store.take_journal());
        }
    }
}
