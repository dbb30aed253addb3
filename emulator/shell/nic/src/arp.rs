//! Probes and announcements for addresses, and what in the traffic of others is a conflict
//! (RFC 5227 sections 2.1 and 2.3).

use std::net::Ipv4Addr;

use pnet_base::MacAddr;
use pnet_packet::Packet;
use pnet_packet::arp::{
    Arp, ArpHardwareTypes, ArpOperation, ArpOperations, ArpPacket, MutableArpPacket,
};
use pnet_packet::ethernet::{EtherTypes, Ethernet, EthernetPacket, MutableEthernetPacket};

/// An Ethernet address.
pub(crate) type Mac = [u8; 6];

/// The address of a machine's adapter on a network: administered locally, the same in every lab.
pub(crate) fn mac_of(network: u8, station: u8) -> Mac {
    [0x06, b'L', b'A', network, 0, station]
}

/// Asks everybody for an address without using it.
pub(crate) fn probe(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, Ipv4Addr::UNSPECIFIED, address)
}

/// Tells everybody who has an address now: gratuitous ARP.
pub(crate) fn announcement(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, address, address)
}

/// Whether a frame shows that somebody else has an address, or is about to take it.
pub(crate) fn is_conflict(frame: &[u8], mac: Mac, address: Ipv4Addr) -> bool {
    let Some(ethernet) = EthernetPacket::new(frame) else {
        return false;
    };
    if ethernet.get_ethertype() != EtherTypes::Arp {
        return false;
    }
    let Some(arp) = ArpPacket::new(ethernet.payload()) else {
        return false;
    };
    if arp.get_sender_hw_addr() == MacAddr::from(mac) {
        return false;
    }
    let from = arp.get_sender_proto_addr();
    let asked = arp.get_operation() == ArpOperations::Request;
    let probes = asked && from.is_unspecified() && arp.get_target_proto_addr() == address;
    from == address || probes
}

/// Answers somebody who asked for an address that it is at `mac`.
pub(crate) fn answer(mac: Mac, address: Ipv4Addr, to: (Mac, Ipv4Addr)) -> Vec<u8> {
    let asker = (MacAddr::from(to.0), to.1);
    frame(ArpOperations::Reply, (mac, address), asker, asker.0)
}

/// Asks everybody for the Ethernet address of `target`.
pub(crate) fn request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let target = (MacAddr::zero(), target);
    let everybody = MacAddr::broadcast();
    frame(ArpOperations::Request, (mac, sender), target, everybody)
}

fn frame(
    operation: ArpOperation,
    (mac, sender): (Mac, Ipv4Addr),
    target: (MacAddr, Ipv4Addr),
    destination: MacAddr,
) -> Vec<u8> {
    let arp = Arp {
        hardware_type: ArpHardwareTypes::Ethernet,
        protocol_type: EtherTypes::Ipv4,
        hw_addr_len: 6,
        proto_addr_len: 4,
        operation,
        sender_hw_addr: mac.into(),
        sender_proto_addr: sender,
        target_hw_addr: target.0,
        target_proto_addr: target.1,
        payload: Vec::new(),
    };
    let mut body = vec![0; ArpPacket::minimum_packet_size()];
    if let Some(mut packet) = MutableArpPacket::new(&mut body) {
        packet.populate(&arp);
    }
    let ethernet = Ethernet {
        destination,
        source: mac.into(),
        ethertype: EtherTypes::Arp,
        payload: body,
    };
    let mut frame = vec![0; EthernetPacket::minimum_packet_size() + ethernet.payload.len()];
    if let Some(mut packet) = MutableEthernetPacket::new(&mut frame) {
        packet.populate(&ethernet);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 101);
    const OTHER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 102);

    #[test]
    fn an_announcement_is_a_broadcast_that_names_its_sender_twice() {
        let frame = announcement(mac_of(0, 1), ADDRESS);
        assert_eq!(frame[..6], [0xff; 6]);
        assert_eq!(frame[6..12], mac_of(0, 1));
        assert_eq!(frame[12..14], [0x08, 0x06]);
        assert_eq!(frame[28..32], ADDRESS.octets());
        assert_eq!(frame[38..42], ADDRESS.octets());
        assert_eq!(frame.len(), 42);
    }

    #[test]
    fn whoever_has_the_address_or_probes_for_it_as_well_is_in_conflict() {
        let (me, other) = (mac_of(0, 1), mac_of(0, 2));
        assert!(is_conflict(&announcement(other, ADDRESS), me, ADDRESS));
        assert!(is_conflict(&probe(other, ADDRESS), me, ADDRESS));
        let answer = answer(other, ADDRESS, (me, Ipv4Addr::UNSPECIFIED));
        assert!(is_conflict(&answer, me, ADDRESS));
    }

    #[test]
    fn my_own_words_and_those_about_other_addresses_are_no_conflict() {
        let (me, other) = (mac_of(0, 1), mac_of(0, 2));
        assert!(!is_conflict(&announcement(me, ADDRESS), me, ADDRESS));
        assert!(!is_conflict(&probe(me, ADDRESS), me, ADDRESS));
        assert!(!is_conflict(&announcement(other, OTHER), me, ADDRESS));
        assert!(!is_conflict(&request(other, OTHER, ADDRESS), me, ADDRESS));
        assert!(!is_conflict(&[0; 13], me, ADDRESS));
    }
}
