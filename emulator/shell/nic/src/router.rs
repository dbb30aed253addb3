//! What routers do to Ethernet frames: they answer for the addresses beyond them, and pass packets
//! on to the segment where their destination is.
//!
//! Routers of a lab have no addresses of their own: a machine's route to a subnet beyond names its
//! own adapter, and the router answers its ARP requests there (proxy ARP, RFC 1027). Whose Ethernet
//! address a packet goes to at the other end, it has learned from what machines send, from the
//! announcements of resources above all. Deliberately not done: IPv6, fragments that do not fit the
//! next segment, and ICMP about packets that go nowhere; they are dropped, as behind a filter.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base::NetworkId;
use pnet_base::MacAddr;
use pnet_packet::arp::{ArpOperations, ArpPacket};
use pnet_packet::ethernet::{EtherTypes, EthernetPacket, MutableEthernetPacket};
use pnet_packet::ipv4::{Ipv4Packet, MutableIpv4Packet, checksum};
use pnet_packet::{MutablePacket, Packet};

use crate::arp::{self, Mac};

/// Addresses that are remembered; later ones are not routed to.
const NEIGHBOURS_MAX: usize = 1 << 12;
/// Where router addresses end, in the place of a machine's number.
const ROUTER: u8 = u8::MAX;

/// A segment as routers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First address of its subnet.
    pub base: Ipv4Addr,
    /// Bits of the subnet.
    pub prefix: u8,
    /// The segments that routers join with it, in ascending order.
    pub beyond: Vec<NetworkId>,
}

impl Segment {
    fn contains(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix));
        let mask = mask.unwrap_or_default();
        u32::from(address) & mask == u32::from(self.base) & mask
    }
}

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed {
    /// It is no affair of a router's.
    Stays,
    /// The router answers its sender with this.
    Answered(Vec<u8>),
    /// It goes on to another segment, to the machine at a place of the lab.
    Onward {
        /// The segment.
        network: NetworkId,
        /// The machine.
        station: u8,
        /// As it is sent there.
        frame: Vec<u8>,
    },
    /// It was for a router and goes nowhere.
    Lost,
}

/// All routers of a lab.
#[derive(Clone, Debug, Default)]
pub struct Routers {
    segments: BTreeMap<NetworkId, Segment>,
    neighbours: BTreeMap<(NetworkId, Ipv4Addr), (Mac, u8)>,
}

impl Routers {
    /// Routers among these segments.
    #[must_use]
    pub fn among(segments: BTreeMap<NetworkId, Segment>) -> Self {
        Self {
            segments,
            neighbours: BTreeMap::new(),
        }
    }

    /// The machine at a place of the lab has an address on a segment.
    pub fn introduce(&mut self, network: NetworkId, address: Ipv4Addr, station: u8) {
        self.learn(network, address, (arp::mac_of(network.0, station), station));
    }

    /// Looks at a frame that the machine at a place of the lab sends.
    pub fn look(&mut self, network: NetworkId, station: u8, frame: &[u8]) -> Routed {
        let joined = |it: &Segment| !it.beyond.is_empty();
        if !self.segments.get(&network).is_some_and(joined) {
            return Routed::Stays;
        }
        let Some(ethernet) = EthernetPacket::new(frame) else {
            return Routed::Stays;
        };
        let to_router = ethernet.get_destination() == MacAddr::from(mac_of(network));
        match ethernet.get_ethertype() {
            EtherTypes::Arp => self.hear_arp(network, station, ethernet.payload()),
            EtherTypes::Ipv4 if to_router => self.pass_on(network, frame),
            _ if to_router => Routed::Lost,
            _ => Routed::Stays,
        }
    }

    fn hear_arp(&mut self, network: NetworkId, station: u8, body: &[u8]) -> Routed {
        let Some(packet) = ArpPacket::new(body) else {
            return Routed::Stays;
        };
        let sender = packet.get_sender_proto_addr();
        let mac = Mac::from(packet.get_sender_hw_addr());
        if !sender.is_unspecified() {
            self.learn(network, sender, (mac, station));
        }
        let wanted = packet.get_target_proto_addr();
        let asks = packet.get_operation() == ArpOperations::Request;
        if asks && self.beyond(network, wanted).is_some() {
            return Routed::Answered(arp::answer(mac_of(network), wanted, (mac, sender)));
        }
        Routed::Stays
    }

    fn pass_on(&self, network: NetworkId, frame: &[u8]) -> Routed {
        let mut frame = frame.to_vec();
        let Some(to) = hop(&mut frame) else {
            return Routed::Lost;
        };
        let Some(far) = self.beyond(network, to) else {
            return Routed::Lost;
        };
        let Some((mac, station)) = self.neighbours.get(&(far, to)).copied() else {
            return Routed::Lost;
        };
        if let Some(mut ethernet) = MutableEthernetPacket::new(&mut frame) {
            ethernet.set_destination(mac.into());
            ethernet.set_source(mac_of(far).into());
        }
        Routed::Onward {
            network: far,
            station,
            frame,
        }
    }

    /// The segment beyond a router that an address belongs to.
    fn beyond(&self, network: NetworkId, address: Ipv4Addr) -> Option<NetworkId> {
        let here = self.segments.get(&network)?;
        let mut there = here.beyond.iter();
        let is_there = |far: &&NetworkId| {
            let far = self.segments.get(far);
            far.is_some_and(|far| far.contains(address))
        };
        let found = there.find(is_there).copied();
        found.filter(|_| !here.contains(address))
    }

    fn learn(&mut self, network: NetworkId, address: Ipv4Addr, who: (Mac, u8)) {
        let known = self.neighbours.contains_key(&(network, address));
        if known || self.neighbours.len() < NEIGHBOURS_MAX {
            self.neighbours.insert((network, address), who);
        }
    }
}

/// The Ethernet address of the routers on a segment.
fn mac_of(network: NetworkId) -> Mac {
    arp::mac_of(network.0, ROUTER)
}

/// Takes one from the packet's time to live; where it goes. Nothing when it has lived too long.
fn hop(frame: &mut [u8]) -> Option<Ipv4Addr> {
    let mut ethernet = MutableEthernetPacket::new(frame)?;
    let mut packet = MutableIpv4Packet::new(ethernet.payload_mut())?;
    let left = packet.get_ttl().checked_sub(1).filter(|left| *left > 0)?;
    packet.set_ttl(left);
    let sum = checksum(&Ipv4Packet::new(packet.packet())?);
    packet.set_checksum(sum);
    Some(packet.get_destination())
}

#[cfg(test)]
mod tests {
    use pnet_packet::ethernet::Ethernet;
    use pnet_packet::ip::IpNextHeaderProtocols;
    use pnet_packet::ipv4::Ipv4;

    use super::*;

    const EAST: NetworkId = NetworkId(0);
    const WEST: NetworkId = NetworkId(1);
    const HERE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
    const THERE: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 7);

    fn routers() -> Routers {
        let segment = |third: u8, beyond| Segment {
            base: Ipv4Addr::new(10, third, 0, 0),
            prefix: 24,
            beyond: vec![beyond],
        };
        let segments = [(EAST, segment(1, WEST)), (WEST, segment(2, EAST))];
        let mut routers = Routers::among(segments.into());
        routers.introduce(EAST, HERE, 0);
        routers.introduce(WEST, THERE, 3);
        routers
    }

    fn packet(to: Ipv4Addr, ttl: u8) -> Vec<u8> {
        let mut body = vec![0; 20];
        MutableIpv4Packet::new(&mut body).unwrap().populate(&Ipv4 {
            version: 4,
            header_length: 5,
            dscp: 0,
            ecn: 0,
            total_length: 20,
            identification: 1,
            flags: 0,
            fragment_offset: 0,
            ttl,
            next_level_protocol: IpNextHeaderProtocols::Udp,
            checksum: 0,
            source: HERE,
            destination: to,
            options: Vec::new(),
            payload: Vec::new(),
        });
        let ethernet = Ethernet {
            destination: mac_of(EAST).into(),
            source: arp::mac_of(0, 0).into(),
            ethertype: EtherTypes::Ipv4,
            payload: body,
        };
        let mut frame = vec![0; 34];
        MutableEthernetPacket::new(&mut frame)
            .unwrap()
            .populate(&ethernet);
        frame
    }

    #[test]
    fn a_router_answers_for_addresses_beyond_it_and_for_no_others() {
        let mut routers = routers();
        let asked = |address| arp::request(arp::mac_of(0, 0), HERE, address);
        let Routed::Answered(answer) = routers.look(EAST, 0, &asked(THERE)) else {
            unreachable!("the address is beyond the router");
        };
        assert_eq!(answer[..6], arp::mac_of(0, 0));
        assert_eq!(answer[22..28], mac_of(EAST));
        assert_eq!(answer[28..32], THERE.octets());
        let local = Ipv4Addr::new(10, 1, 0, 9);
        let nowhere = Ipv4Addr::new(10, 3, 0, 9);
        for address in [local, nowhere] {
            assert_eq!(routers.look(EAST, 0, &asked(address)), Routed::Stays);
        }
    }

    #[test]
    fn a_packet_goes_on_to_its_machine_one_hop_older() {
        let routed = routers().look(EAST, 0, &packet(THERE, 64));
        let Routed::Onward {
            network,
            station,
            frame,
        } = routed
        else {
            unreachable!("{routed:?}");
        };
        assert_eq!((network, station), (WEST, 3));
        assert_eq!(frame[..6], arp::mac_of(1, 3));
        assert_eq!(frame[6..12], mac_of(WEST));
        assert_eq!(frame[22], 63);
        let packet = Ipv4Packet::new(&frame[14..]).unwrap();
        assert_eq!(checksum(&packet), packet.get_checksum());
    }

    #[test]
    fn an_address_that_was_announced_elsewhere_is_found_there() {
        let mut routers = routers();
        let announced = arp::announcement(arp::mac_of(1, 4), THERE);
        assert_eq!(routers.look(WEST, 4, &announced), Routed::Stays);
        let routed = routers.look(EAST, 0, &packet(THERE, 64));
        assert!(matches!(routed, Routed::Onward { station: 4, .. }));
    }

    #[test]
    fn what_has_lived_too_long_or_goes_nowhere_is_lost() {
        let mut routers = routers();
        assert_eq!(routers.look(EAST, 0, &packet(THERE, 1)), Routed::Lost);
        let unknown = Ipv4Addr::new(10, 2, 0, 99);
        assert_eq!(routers.look(EAST, 0, &packet(unknown, 64)), Routed::Lost);
        let cut = &packet(THERE, 64)[..20];
        assert_eq!(routers.look(EAST, 0, cut), Routed::Lost);
    }
}
