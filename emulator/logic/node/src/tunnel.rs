//! The virtual adapter's way through a node: packets to datagrams and back.
//!
//! Duty: the shell gives what it reads from the adapter to `tunnel` and what it hears of others to
//! `untunnel`; between them is the network driver's choice of a network. Nothing here is an event,
//! because nothing of it changes the node. Serves seed 001, Topology Manager 6.

use base::{NetworkId, NodeId};
use bottom::netft::tunnel::{self, VirtualAdapter};

use crate::Node;

impl Node {
    /// The addresses that this node's virtual adapter is to have.
    #[must_use]
    pub fn virtual_adapter(&self) -> VirtualAdapter {
        VirtualAdapter::of(self.config.me)
    }

    /// The datagram for a packet that this machine sends through its virtual adapter: on which
    /// network, to whom, what. Nothing when it is for nobody, or no route to them is up.
    #[must_use]
    pub fn tunnel(&self, packet: &[u8]) -> Option<(NetworkId, NodeId, Vec<u8>)> {
        let (me, to) = (self.config.me, tunnel::receiver(packet)?);
        let network = self.netft.manager.best_route(to)?;
        Some((network, to, tunnel::wrap(me, to, packet)))
    }

    /// The packet that a datagram brings to this machine's virtual adapter, if it does.
    #[must_use]
    pub fn untunnel<'d>(&self, datagram: &'d [u8]) -> Option<&'d [u8]> {
        tunnel::unwrap(self.config.me, datagram)
    }
}
