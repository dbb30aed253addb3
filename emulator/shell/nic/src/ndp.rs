//! Who has an address of IPv6 now, told to everybody on the network (RFC 4861 section 7.2.6).
//!
//! Looking for duplicates is the kernel's work; it announces nothing where an address moves.

use std::net::Ipv6Addr;

use pnet_packet::ethernet::{EtherTypes, Ethernet, EthernetPacket, MutableEthernetPacket};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv6::{Ipv6, Ipv6Packet, MutableIpv6Packet};
use pnet_packet::util::ipv6_checksum;

use crate::arp::Mac;

/// All nodes of a network, and their Ethernet address (RFC 2464 section 7).
const EVERYBODY: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const EVERYBODY_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];
/// A packet that a router passed on is ignored (RFC 4861 section 7.1.2).
const HOP_LIMIT: u8 = 255;
/// Neighbor Advertisement, and its flag that says to forget what was known (section 4.4).
const ADVERTISEMENT: u8 = 136;
const OVERRIDE: u8 = 0x20;
/// The option that holds the Ethernet address, and its length in units of eight bytes (4.6.1).
const TARGET_LINK_LAYER_ADDRESS: [u8; 2] = [2, 1];

/// Tells everybody who has an address now: an unsolicited advertisement.
pub(crate) fn advertisement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let mut body = vec![ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
    body.extend(address.octets());
    body.extend(TARGET_LINK_LAYER_ADDRESS);
    body.extend(mac);
    let protocol = IpNextHeaderProtocols::Icmpv6;
    let sum = ipv6_checksum(&body, 1, &[], &address, &EVERYBODY, protocol);
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    let packet = Ipv6 {
        version: 6,
        traffic_class: 0,
        flow_label: 0,
        payload_length: u16::try_from(body.len()).unwrap_or(u16::MAX),
        next_header: protocol,
        hop_limit: HOP_LIMIT,
        source: address,
        destination: EVERYBODY,
        payload: body,
    };
    let mut bytes = vec![0; Ipv6Packet::minimum_packet_size() + packet.payload.len()];
    if let Some(mut written) = MutableIpv6Packet::new(&mut bytes) {
        written.populate(&packet);
    }
    let ethernet = Ethernet {
        destination: EVERYBODY_MAC.into(),
        source: mac.into(),
        ethertype: EtherTypes::Ipv6,
        payload: bytes,
    };
    let mut frame = vec![0; EthernetPacket::minimum_packet_size() + ethernet.payload.len()];
    if let Some(mut written) = MutableEthernetPacket::new(&mut frame) {
        written.populate(&ethernet);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arp::mac_of;

    #[test]
    fn an_advertisement_names_the_address_and_who_has_it() {
        let address = Ipv6Addr::new(0xfd00, 0x10, 0, 0, 0, 0, 0, 0x101);
        let frame = advertisement(mac_of(0, 1), address);
        assert_eq!(frame[..6], EVERYBODY_MAC);
        assert_eq!(frame[12..14], [0x86, 0xdd]);
        let packet = Ipv6Packet::new(&frame[14..]).unwrap();
        assert_eq!(
            (packet.get_source(), packet.get_hop_limit()),
            (address, 255)
        );
        let body = &frame[54..];
        assert_eq!(body[8..24], address.octets());
        assert_eq!(body[26..], mac_of(0, 1));
        // With its checksum in place the sum over everything is nothing.
        let sum = ipv6_checksum(
            body,
            usize::MAX,
            &[],
            &address,
            &EVERYBODY,
            IpNextHeaderProtocols::Icmpv6,
        );
        assert_eq!(sum, 0);
    }
}
