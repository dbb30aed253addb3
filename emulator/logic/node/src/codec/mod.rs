//! Datagrams: frames as bytes between nodes (docs/protocol/wire-format.md).
//!
//! Duty: put a header before a frame and take it off again. Deliberately not done here: signing
//! (security), splitting what is larger than a datagram of the network (shell).

mod bytes;
#[cfg(test)]
mod tests;

use base::NodeId;
use wire::{Codec, DecodeError, Reader, Writer, checksum};

use crate::{Frame, GroupPicture, Payload, Picture};

/// First bytes of every datagram; the last one is the version of the format.
const MAGIC: [u8; 4] = *b"LAF\x01";

/// A frame with its sender, as it goes over a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who says so. Proof of it is the security manager's affair.
    pub from: NodeId,
    /// What it says.
    pub frame: Frame,
}

impl Datagram {
    /// The bytes to send.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Writer::default();
        self.from.encode(&mut body);
        self.frame.encode(&mut body);
        let body = body.into_bytes();
        let sum = checksum(&[&body]).to_be_bytes();
        [&MAGIC, &sum[..], &body].concat()
    }

    /// What was received.
    ///
    /// # Errors
    /// When the bytes are not exactly one datagram of this version. They are to be dropped.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > wire::FRAME_LEN_MAX {
            return Err(DecodeError::TooLong(bytes.len()));
        }
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(DecodeError::OutOfRange { of: "magic" });
        }
        let sum = u32::from_be_bytes(reader.array()?);
        let body = reader.take(reader.remaining())?;
        if checksum(&[body]) != sum {
            return Err(DecodeError::OutOfRange { of: "checksum" });
        }
        let mut reader = Reader::new(body);
        let from = NodeId::decode(&mut reader)?;
        let frame = Frame::decode(&mut reader)?;
        reader.finish()?;
        Ok(Self { from, frame })
    }
}

wire::codec!(enum Frame {
    0 = Heartbeat(heartbeat),
    1 = Membership(message),
    2 = Segment(segment),
    3 = Host(message),
    4 = Security(message),
});
wire::codec!(enum Payload {
    0 = Gum(message),
    1 = Quorum(message),
    2 = Rcm(message),
    3 = EventLog(message),
});
wire::codec!(struct GroupPicture { owner });
wire::codec!(struct Picture {
    node, incarnation, state, view, quorum, tally, ready, lock_owner, tag, applied, hive, groups,
    running, events, disks, witness_held,
});
