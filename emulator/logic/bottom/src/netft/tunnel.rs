//! The virtual adapter: its addresses, and the header under which its packets travel from node to
//! node inside datagrams on port 3343.
//!
//! Serves seed 001 (Topology Manager 6) and reference section 13: 169.254.0.0/16 and fe80::. How
//! the product derives the rest of the addresses, and what its header looks like, is not
//! documented; both are this emulator's own and asserted nowhere. Deliberately not done here:
//! choosing the network (the driver's routes), protecting what is inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::NodeId;

/// `LAT` and the version.
const MAGIC: [u8; 4] = *b"LAT\x01";
/// Magic, sender, receiver.
const HEADER: usize = 6;
/// Bytes of the headers of IPv4 and IPv6 before their options.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// Longest packet that the virtual adapter carries, so that none is cut into fragments on a
/// network of 1,500 bytes: 28 of them are the outer headers.
pub const TUNNEL_MTU: u16 = 1_460;

/// Addresses of a node's virtual adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualAdapter {
    /// In 169.254.0.0/16.
    pub v4: Ipv4Addr,
    /// In fe80::/64.
    pub v6: Ipv6Addr,
}

wire::codec!(struct VirtualAdapter { v4, v6 });

impl VirtualAdapter {
    /// The addresses of a node. The first and last 256 of 169.254.0.0/16 are reserved (RFC 3927
    /// section 2.1), so nodes are counted in the next ones.
    #[must_use]
    pub fn of(node: NodeId) -> Self {
        let number = node.number();
        Self {
            v4: Ipv4Addr::new(169, 254, 1, number),
            v6: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, u16::from(number)),
        }
    }

    /// Whose address this is.
    fn owner(address: IpAddr) -> Option<NodeId> {
        let number = match address {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(v6) => v6.octets()[15],
        };
        let node = NodeId::new(number)?;
        let of = Self::of(node);
        (address == IpAddr::V4(of.v4) || address == IpAddr::V6(of.v6)).then_some(node)
    }
}

/// Whether a datagram carries a packet of the virtual adapter.
#[must_use]
pub fn is_tunnelled(datagram: &[u8]) -> bool {
    datagram.starts_with(&MAGIC)
}

/// The node that a packet of the virtual adapter is for; nothing for one to nobody's address.
#[must_use]
pub fn receiver(packet: &[u8]) -> Option<NodeId> {
    VirtualAdapter::owner(addresses(packet)?.1)
}

/// Puts a packet into a datagram.
#[must_use]
pub fn wrap(from: NodeId, to: NodeId, packet: &[u8]) -> Vec<u8> {
    let head = [from.number(), to.number()];
    [MAGIC.as_slice(), &head, packet].concat()
}

/// Takes a packet for `me` out of a datagram; nothing when it is for somebody else, or does not
/// come from the address of the node that sent it.
#[must_use]
pub fn unwrap(me: NodeId, datagram: &[u8]) -> Option<&[u8]> {
    let (head, packet) = datagram.split_at_checked(HEADER)?;
    let [from, to] = *head.strip_prefix(&MAGIC)? else {
        return None;
    };
    let (source, destination) = addresses(packet)?;
    let sent = NodeId::new(from).is_some_and(|it| VirtualAdapter::owner(source) == Some(it));
    let mine = VirtualAdapter::owner(destination) == Some(me) && to == me.number();
    (sent && mine).then_some(packet)
}

/// Source and destination of an IP packet.
fn addresses(packet: &[u8]) -> Option<(IpAddr, IpAddr)> {
    match packet.first()? >> 4 {
        4 => {
            let at = |from: usize| -> Option<IpAddr> {
                let bytes: [u8; 4] = packet.get(from..from + 4)?.try_into().ok()?;
                Some(IpAddr::from(bytes))
            };
            (packet.len() >= IPV4_HEADER).then_some((at(12)?, at(16)?))
        }
        6 => {
            let at = |from: usize| -> Option<IpAddr> {
                let bytes: [u8; 16] = packet.get(from..from + 16)?.try_into().ok()?;
                Some(IpAddr::from(bytes))
            };
            (packet.len() >= IPV6_HEADER).then_some((at(8)?, at(24)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::new(number).unwrap()
    }

    fn packet(from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
        let mut packet = vec![0_u8; IPV4_HEADER + 3];
        packet[0] = 0x45;
        packet[12..16].copy_from_slice(&from.octets());
        packet[16..20].copy_from_slice(&to.octets());
        packet
    }

    fn between(from: u8, to: u8) -> Vec<u8> {
        let of = |number| VirtualAdapter::of(node(number)).v4;
        packet(of(from), of(to))
    }

    #[test]
    fn a_packet_gets_through_to_the_node_whose_address_it_bears() {
        let packet = between(1, 2);
        assert_eq!(receiver(&packet), Some(node(2)));
        let datagram = wrap(node(1), node(2), &packet);
        assert!(is_tunnelled(&datagram));
        assert_eq!(unwrap(node(2), &datagram), Some(packet.as_slice()));
    }

    #[test]
    fn a_packet_of_version_6_gets_through_as_well() {
        let mut packet = vec![0_u8; IPV6_HEADER];
        packet[0] = 0x60;
        packet[8..24].copy_from_slice(&VirtualAdapter::of(node(3)).v6.octets());
        packet[24..40].copy_from_slice(&VirtualAdapter::of(node(64)).v6.octets());
        assert_eq!(receiver(&packet), Some(node(64)));
        let datagram = wrap(node(3), node(64), &packet);
        assert_eq!(unwrap(node(64), &datagram), Some(packet.as_slice()));
    }

    #[test]
    fn a_packet_for_somebody_else_or_under_a_false_address_is_dropped() {
        let datagram = wrap(node(1), node(2), &between(1, 2));
        assert_eq!(unwrap(node(3), &datagram), None);
        assert_eq!(
            unwrap(node(2), &wrap(node(3), node(2), &between(1, 2))),
            None
        );
        let foreign = packet(Ipv4Addr::LOCALHOST, VirtualAdapter::of(node(2)).v4);
        assert_eq!(unwrap(node(2), &wrap(node(1), node(2), &foreign)), None);
        assert_eq!(
            receiver(&packet(Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST)),
            None
        );
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_taken_or_dropped_and_never_panics(
            mut datagram: Vec<u8>,
            magic: bool,
        ) {
            if magic {
                datagram.splice(0..0, MAGIC);
            }
            let _dropped = unwrap(node(1), &datagram);
            let _nobody = receiver(&datagram);
        }
    }
}
