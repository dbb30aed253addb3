//! Every codec round-trips, has one encoding and survives any bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{
    GroupState, HaltReason, NodeId, NodeSet, NodeState, PaxosTag, QuorumModel, QuorumState,
    ResourceState, StateChangeCause, ViewId,
};
use proptest::prelude::*;

use crate::{Codec, DecodeError, FRAME_LEN_MAX, Sample, checksum, codec};

#[derive(Clone, Debug, PartialEq)]
enum Shape<P> {
    Dot,
    Line { from: P, to: P },
    Circle(P, u16),
}
codec!(enum Shape<P> { 0 = Dot, 1 = Line { from, to }, 7 = Circle(centre, radius) });

#[derive(Clone, Debug, PartialEq)]
struct Everything {
    small: (u8, u16),
    wide: (u32, u64),
    signed: (i32, i64),
    text: String,
    list: Vec<Option<bool>>,
    map: BTreeMap<NodeId, Arc<Shape<NodeId>>>,
    ids: (ViewId, (PaxosTag, NodeSet)),
    states: (ResourceState, (GroupState, NodeState)),
    causes: (StateChangeCause, (HaltReason, (QuorumModel, QuorumState))),
    span: Duration,
}
codec!(struct Everything {
    small, wide, signed, text, list, map, ids, states, causes, span,
});

proptest! {
    #[test]
    fn what_was_encoded_decodes_to_itself(entropy: Vec<u8>) {
        let value = Everything::from_entropy(&entropy);
        prop_assert_eq!(Everything::from_bytes(&value.to_bytes()), Ok(value));
    }

    #[test]
    fn bytes_that_decode_encode_to_the_same_bytes(entropy: Vec<u8>, at: usize, with: u8) {
        let mut bytes = Everything::from_entropy(&entropy).to_bytes();
        let at = at % bytes.len();
        bytes[at] = with;
        if let Ok(value) = Everything::from_bytes(&bytes) {
            prop_assert_eq!(value.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes: Vec<u8>) {
        let _ = Everything::from_bytes(&bytes);
        let _ = Vec::<Vec<String>>::from_bytes(&bytes);
    }

    #[test]
    fn a_cut_value_is_truncated(entropy: Vec<u8>, at: usize) {
        let bytes = Everything::from_entropy(&entropy).to_bytes();
        let cut = &bytes[..at % bytes.len()];
        prop_assert_eq!(Everything::from_bytes(cut), Err(DecodeError::Truncated));
    }
}

#[test]
fn the_layout_is_tag_then_fields_big_endian() {
    let circle = Shape::Circle(0x0102_u16, 3);
    assert_eq!(circle.to_bytes(), [7, 1, 2, 0, 3]);
    assert_eq!("hi".to_owned().to_bytes(), [0, 0, 0, 2, b'h', b'i']);
}

#[test]
fn each_refusal_says_what_was_wrong() {
    assert_eq!(
        NodeId::from_bytes(&[65]),
        Err(DecodeError::OutOfRange { of: "NodeId" })
    );
    assert_eq!(
        Shape::<u8>::from_bytes(&[9]),
        Err(DecodeError::UnknownTag {
            of: "Shape",
            tag: 9
        })
    );
    assert_eq!(
        u8::from_bytes(&[1, 2, 3]),
        Err(DecodeError::TrailingBytes(2))
    );
    assert_eq!(
        String::from_bytes(&[0, 0, 0, 1, 0xff]),
        Err(DecodeError::NotText)
    );
    assert_eq!(
        Vec::<u8>::from_bytes(&[0xff; 4]),
        Err(DecodeError::TooMany(u32::MAX))
    );
    let unordered = [0, 0, 0, 2, 2, 0, 1, 0];
    assert_eq!(
        BTreeMap::<u8, u8>::from_bytes(&unordered),
        Err(DecodeError::Unordered)
    );
    assert_eq!(
        bool::from_bytes(&vec![0; FRAME_LEN_MAX + 1]),
        Err(DecodeError::TooLong(FRAME_LEN_MAX + 1))
    );
}

#[test]
fn a_huge_count_before_few_bytes_reserves_little() {
    let claim = [0, 0x0f, 0xff, 0xff, 1, 2];
    assert_eq!(Vec::<u64>::from_bytes(&claim), Err(DecodeError::Truncated));
}

#[test]
fn the_checksum_is_that_of_iscsi() {
    // RFC 3720 appendix B.4: 32 bytes of zeros.
    let sum = checksum(&[&[0; 20], &[0; 12]]);
    assert_eq!(sum, 0x8a91_36aa);
}
