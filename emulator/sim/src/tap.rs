//! Frames as somebody on the network would see them who knows the keys: what cases about messaging
//! and security look at.
//!
//! Heartbeats are left out, and after a bound the tap is full: it serves short cases.

use base::{NetworkId, NodeId, Timestamp};
use bottom::csvfs;
use middle::messaging::{Multicast, Packet, Segment};
use middle::{gum, host, membership};
use node::{Frame, Payload};
use top::rcm;

/// Frames that are remembered.
const FRAMES_MAX: usize = 200_000;

/// How a frame was protected on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// By a checksum only.
    Open,
    /// By a signature.
    Signed,
    /// By encryption.
    Encrypted,
}

/// One frame that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSeen {
    /// When.
    pub at: Timestamp,
    /// Over which network.
    pub network: NetworkId,
    /// By whom.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// By which service: `unicast`, `multicast`, `causal`, `request`, `reply`, `acknowledge`,
    /// `repair`, `forward`, `membership`, `host` or `security`.
    pub service: &'static str,
    /// What it says: the manager that it is for and the word.
    pub word: String,
    /// Its number within the view and the sender.
    pub sequence: Option<u64>,
    /// Epoch of the view that it belongs to.
    pub view: Option<u64>,
    /// The id of the round that it belongs to.
    pub request: Option<u64>,
    /// How many multicasts its time stamp says come first.
    pub after: Option<u64>,
    /// How it was protected; nothing where frames travel as values.
    pub protection: Option<Protection>,
    /// The sender's node name can be read in it.
    pub is_named: bool,
    /// A certificate can be found in it.
    pub has_certificate: bool,
}

/// Remembers frames.
#[derive(Debug, Default)]
pub struct Tap {
    frames: Vec<FrameSeen>,
}

impl Tap {
    /// What was seen, in its order.
    #[must_use]
    pub fn frames(&self) -> &[FrameSeen] {
        &self.frames
    }

    /// A frame was sent, as these bytes where frames travel as bytes; `name` is the sender's.
    pub fn see(
        &mut self,
        at: Timestamp,
        network: NetworkId,
        (from, to): (NodeId, NodeId),
        frame: &Frame,
        bytes: Option<&[u8]>,
        name: &str,
    ) {
        if matches!(frame, Frame::Heartbeat(_)) || self.frames.len() >= FRAMES_MAX {
            return;
        }
        let mut seen = FrameSeen {
            at,
            network,
            from,
            to,
            service: "",
            word: String::new(),
            sequence: None,
            view: None,
            request: None,
            after: None,
            protection: bytes.and_then(protection),
            is_named: bytes.is_some_and(|bytes| holds(bytes, name)),
            has_certificate: bytes.is_some_and(has_certificate),
        };
        seen.describe(frame);
        self.frames.push(seen);
    }
}

/// The level byte of the header (docs/protocol/wire-format.md).
fn protection(bytes: &[u8]) -> Option<Protection> {
    match bytes.get(5)? {
        1 => Some(Protection::Signed),
        2 => Some(Protection::Encrypted),
        _ => Some(Protection::Open),
    }
}

/// Whether an X.509 certificate of version 3 begins somewhere (RFC 5280, section 4.1, in DER): two
/// sequences of more than 255 bytes, then the version.
fn has_certificate(bytes: &[u8]) -> bool {
    bytes.windows(13).any(|window| match window {
        [0x30, 0x82, _, _, 0x30, 0x82, _, _, rest @ ..] => rest == [0xA0, 0x03, 0x02, 0x01, 0x02],
        _ => false,
    })
}

fn holds(bytes: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    !name.is_empty() && bytes.windows(name.len()).any(|window| window == name)
}

impl FrameSeen {
    fn describe(&mut self, frame: &Frame) {
        match frame {
            Frame::Heartbeat(_) => {}
            Frame::Membership(message) => {
                (self.service, self.word) = ("membership", membership_word(message).to_owned());
            }
            Frame::Host(message) => {
                let word = match **message {
                    host::Message::Connect { .. } => "connect",
                    host::Message::Refused { .. } => "refused",
                };
                (self.service, self.word) = ("host", word.to_owned());
            }
            Frame::Security(_) => self.service = "security",
            Frame::Segment(segment) => self.segment(segment),
        }
    }

    fn segment(&mut self, segment: &Segment<Payload>) {
        match segment {
            Segment::Data {
                view,
                sequence,
                packet,
                ..
            } => {
                (self.view, self.sequence) = (Some(view.epoch), Some(*sequence));
                self.packet(packet);
            }
            Segment::Acknowledge { view, .. } => {
                (self.service, self.view) = ("acknowledge", Some(view.epoch));
            }
            Segment::Request {
                view,
                round,
                payload,
            } => {
                (self.service, self.view) = ("request", Some(view.epoch));
                self.request = Some(round.request);
                self.word = payload_word(payload);
            }
            Segment::Repair { .. } => self.service = "repair",
            Segment::Forward(forward) => {
                self.multicast(&forward.multicast);
                (self.service, self.view) = ("forward", Some(forward.view.epoch));
            }
        }
    }

    fn packet(&mut self, packet: &Packet<Payload>) {
        match packet {
            Packet::Message(payload) => {
                (self.service, self.word) = ("unicast", payload_word(payload));
            }
            Packet::Reply(reply) => {
                (self.service, self.word) = ("reply", payload_word(&reply.payload));
                self.request = Some(reply.request);
            }
            Packet::Multicast(multicast) => self.multicast(multicast),
        }
    }

    fn multicast(&mut self, multicast: &Multicast<Payload>) {
        let after = multicast.after.as_ref();
        self.service = if after.is_some() {
            "causal"
        } else {
            "multicast"
        };
        self.word = payload_word(&multicast.payload);
        self.sequence = Some(multicast.sequence);
        self.request = multicast.round.map(|round| round.request);
        self.after = after.map(|stamp| stamp.0.values().sum());
    }
}

fn membership_word(message: &membership::Message) -> &'static str {
    use membership::Message;
    match message {
        Message::Gossip { .. } => "gossip",
        Message::Propose { .. } => "propose",
        Message::Promise { .. } => "promise",
        Message::Install { .. } => "install",
        Message::Installed { .. } => "installed",
        _ => "other",
    }
}

fn payload_word(payload: &Payload) -> String {
    use gum::Message;
    let word = match payload {
        Payload::Gum(message) => match message {
            Message::Reconciled { .. } => "gum reconciled",
            Message::Synchronise { .. } => "gum synchronise",
            Message::Synchronised => "gum synchronised",
            Message::Open { .. } => "gum open",
            Message::LockWanted { .. } => "gum lock-wanted",
            Message::Lock { .. } => "gum lock",
            Message::Prepare { .. } => "gum prepare",
            Message::Prepared { .. } => "gum prepared",
            Message::Commit { .. } => "gum commit",
        },
        Payload::Quorum(_) => "quorum",
        Payload::Rcm(rcm::Message::Command { .. }) => "rcm command",
        Payload::Rcm(rcm::Message::Reply { .. }) => "rcm reply",
        Payload::EventLog(_) => "eventlog offer",
        Payload::Csvfs(csvfs::Message::Request { .. }) => "csvfs request",
        Payload::Csvfs(csvfs::Message::Reply { .. }) => "csvfs reply",
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_found_wherever_it_begins() {
        let head = [
            0x30, 0x82, 0x02, 0x10, 0x30, 0x82, 0x01, 0x79, 0xA0, 0x03, 0x02, 0x01, 0x02,
        ];
        let frame = [b"to n2 ".as_slice(), &head, b"..."].concat();
        assert!(has_certificate(&frame));
        assert!(!has_certificate(&frame[..frame.len() - 4]));
        assert!(!has_certificate(b"0\x82 is no certificate"));
    }
}
