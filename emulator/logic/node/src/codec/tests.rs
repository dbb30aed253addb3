//! Every frame comes back from its bytes, and no bytes do harm.

use base::{Incarnation, Notice, Timestamp};
use bottom::netft::Heartbeat;
use bottom::share::{ShareOutcome, ShareRequest};
use proptest::prelude::*;
use top::rcm::{HostCommand, HostReport};
use wire::{Codec, Sample};

use crate::{Frame, Picture};

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
        prop_assert!(comes_back::<Frame>(&entropy));
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
}

#[test]
fn a_heartbeat_looks_as_documented() {
    let heartbeat = Heartbeat {
        incarnation: Incarnation(2),
        asked: Timestamp(3),
        reply: true,
        losses: 4,
    };
    let body = [
        0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 4,
    ];
    assert_eq!(Frame::Heartbeat(heartbeat).to_bytes(), body);
}

/// Frames whose layout has settled, by kind and kind within: name and bytes, one per line.
fn golden() -> String {
    let mut lines = String::new();
    let kinds = [
        (0, 0),
        (2, 1),
        (2, 3),
        (3, 0),
        (3, 1),
        (4, 0),
        (4, 1),
        (4, 2),
    ];
    for (kind, inner) in kinds {
        let filler = (0..250_u8).map(|it| it.wrapping_mul(37));
        let entropy: Vec<u8> = [kind, inner].into_iter().chain(filler).collect();
        let bytes = Frame::from_entropy(&entropy).to_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push_str(&format!("{kind}.{inner} {hex}\n"));
    }
    lines
}

#[test]
fn golden_frames_decode() {
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
    assert_eq!(kinds.len(), 4);
}

#[test]
fn a_frame_is_small_because_every_heartbeat_is_one() {
    assert!(size_of::<Frame>() <= 64, "{} bytes", size_of::<Frame>());
}
