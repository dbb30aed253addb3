//! The services of a running directory for whoever runs it in its own process: the same handlers
//! and files as behind the sockets, without the way through them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use accounts::Entropy;
use accounts::store::Store;
use directory::dns::{Fault, Transport};
use directory::netbios::Outgoing;

use crate::server::Services;

/// The services of a directory that runs in this process.
#[derive(Debug, Clone)]
pub struct Inside {
    services: Arc<Services>,
    listen: IpAddr,
    netbios_port: u16,
}

impl Inside {
    pub(crate) fn new(services: Arc<Services>, listen: IpAddr, netbios_port: u16) -> Self {
        Self {
            services,
            listen,
            netbios_port,
        }
    }

    /// What the name server answers; nothing while it is silent.
    #[must_use]
    pub fn dns(&self, message: &[u8]) -> Option<Vec<u8>> {
        let here = SocketAddr::new(self.listen, 0);
        let answers = self.services.dns.answer(here, Transport::Stream, message);
        answers.messages.into_iter().next()
    }

    /// Something goes wrong with the name server, or all is well again.
    pub fn set_dns_fault(&self, fault: Option<Fault>) {
        self.services.dns.set_fault(fault);
    }

    /// What the NetBIOS name server sends after a packet.
    #[must_use]
    pub fn netbios(&self, from: SocketAddrV4, packet: &[u8]) -> Vec<Outgoing> {
        match &self.services.netbios {
            Some(netbios) => netbios.take(from, packet),
            None => Vec::new(),
        }
    }

    /// The NetBIOS name server answers nothing from now on, or does again.
    pub fn set_netbios_down(&self, is_down: bool) {
        if let Some(netbios) = &self.services.netbios {
            netbios.set_down(is_down);
        }
    }

    /// Where the NetBIOS name server listens.
    #[must_use]
    pub fn wins(&self) -> SocketAddrV4 {
        let address = match self.listen {
            IpAddr::V4(address) => address,
            IpAddr::V6(_) => Ipv4Addr::LOCALHOST,
        };
        SocketAddrV4::new(address, self.netbios_port)
    }

    /// Lets somebody act on the accounts. What that has changed is on the disk when this returns;
    /// whoever listens to the directory has heard if it could not be kept.
    pub fn accounts(&self, act: &mut dyn FnMut(&mut Store, &mut dyn Entropy)) {
        let _told = self
            .services
            .accounts
            .ask(|store, entropy| act(store, entropy));
    }
}
