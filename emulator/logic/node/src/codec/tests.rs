//! Every frame comes back from its bytes, and no bytes do harm.

use base::{Incarnation, NodeId, Notice};
use bottom::netft::Heartbeat;
use bottom::share::{ShareOutcome, ShareRequest};
use proptest::prelude::*;
use top::rcm::{HostCommand, HostReport};
use wire::{Codec, DecodeError, Sample};

use super::Datagram;
use crate::{Frame, Picture};

fn made_up(entropy: &[u8]) -> Datagram {
    Datagram {
        from: NodeId::from_entropy(entropy),
        frame: Frame::from_entropy(entropy),
    }
}

fn comes_back<T: Codec + Sample + PartialEq>(entropy: &[u8]) -> bool {
    let value = T::from_entropy(entropy);
    T::from_bytes(&value.to_bytes()) == Ok(value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]
    #[test]
    fn every_frame_comes_back_from_its_bytes(
        entropy in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let datagram = made_up(&entropy);
        prop_assert_eq!(Datagram::from_bytes(&datagram.to_bytes()), Ok(datagram));
    }

    #[test]
    fn what_a_resource_host_hears_and_says_comes_back_from_its_bytes(
        entropy in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        prop_assert!(comes_back::<HostCommand>(&entropy));
        prop_assert!(comes_back::<HostReport>(&entropy));
    }

    #[test]
    fn what_a_node_shows_and_says_comes_back_from_its_bytes(
        entropy in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(comes_back::<Picture>(&entropy));
        prop_assert!(comes_back::<Notice>(&entropy));
        prop_assert!(comes_back::<ShareRequest>(&entropy));
        prop_assert!(comes_back::<ShareOutcome>(&entropy));
    }

    #[test]
    fn any_bytes_are_a_frame_or_refused(bytes: Vec<u8>) {
        let _ = Datagram::from_bytes(&bytes);
        if let Ok(frame) = Frame::from_bytes(&bytes) {
            prop_assert_eq!(frame.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_frame_with_one_byte_changed_is_another_frame_or_refused(
        entropy in prop::collection::vec(any::<u8>(), 0..400),
        at: usize,
        change in 1..=255_u8,
    ) {
        let frame = Frame::from_entropy(&entropy);
        let mut bytes = frame.to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= change;
        if let Ok(other) = Frame::from_bytes(&bytes) {
            prop_assert_ne!(frame, other);
        }
    }

    #[test]
    fn a_datagram_with_one_byte_changed_is_refused(
        entropy in prop::collection::vec(any::<u8>(), 0..400),
        at: usize,
        change in 1..=255_u8,
    ) {
        let mut bytes = made_up(&entropy).to_bytes();
        let at = at % bytes.len();
        bytes[at] ^= change;
        prop_assert!(Datagram::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_heartbeat_looks_as_documented() {
    let heartbeat = Heartbeat {
        incarnation: Incarnation(2),
        sequence: 3,
        reply: true,
        losses: 4,
    };
    let datagram = Datagram {
        from: NodeId::new(7).expect("a valid node"),
        frame: Frame::Heartbeat(heartbeat),
    };
    let body = [
        7, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 4,
    ];
    let sum = wire::checksum(&[&body]).to_be_bytes();
    let expected = [&b"LAF\x01"[..], &sum, &body].concat();
    assert_eq!(datagram.to_bytes(), expected);
}

#[test]
fn another_version_is_refused() {
    let mut bytes = made_up(&[]).to_bytes();
    bytes[3] = 2;
    assert_eq!(
        Datagram::from_bytes(&bytes),
        Err(DecodeError::OutOfRange { of: "magic" })
    );
}

/// One frame of every kind and of every kind within: name and bytes, one per line.
fn golden() -> String {
    let mut lines = String::new();
    for kind in 0..5_u8 {
        for inner in 0..6_u8 {
            let filler = (0..250_u8).map(|it| it.wrapping_mul(37));
            let entropy: Vec<u8> = [kind, inner].into_iter().chain(filler).collect();
            let bytes = Frame::from_entropy(&entropy).to_bytes();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push_str(&format!("{kind}.{inner} {hex}\n"));
        }
    }
    lines
}

#[test]
fn golden_frames_decode_and_cover_every_kind() {
    let known = include_str!("../../../../../fixtures/frames.txt");
    let mut kinds = std::collections::BTreeSet::new();
    for line in known.lines() {
        let hex = line.split(' ').nth(1).expect("a name and bytes");
        let digits: Vec<char> = hex.chars().collect();
        let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16);
        let bytes: Result<Vec<u8>, _> = digits.chunks(2).map(byte).collect();
        let bytes = bytes.expect("hexadecimal digits");
        // A changed layout is a new version of the format (host::VERSION), with new golden frames.
        let frame = Frame::from_bytes(&bytes);
        assert!(
            frame.is_ok(),
            "fixtures/frames.txt would have to be\n{}",
            golden()
        );
        assert_eq!(frame.map(|frame| frame.to_bytes()), Ok(bytes.clone()));
        kinds.insert(bytes[0]);
    }
    assert_eq!(kinds.len(), 5);
}
