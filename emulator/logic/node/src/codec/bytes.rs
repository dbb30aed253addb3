//! The edge of a node: frames to bytes for one receiver, and bytes from a network to events.
//!
//! Duty: what the shell sends passes through `seal`, what it receives through `unseal`; between
//! them is what security does. A simulator may leave both out and carry frames as values.

use base::{NetworkId, NodeId, Notice};
use bottom::security::{Refusal, open_frame};
use wire::Codec;

use crate::{Event, Frame, Node};

impl Node {
    /// The bytes of a frame of [`crate::Effect::Send`] for one of its receivers; nothing when there
    /// is no secured connection with it. Call it once per receiver and datagram: repeated bytes
    /// are refused.
    pub fn seal(&mut self, to: NodeId, frame: &Frame) -> Option<Vec<u8>> {
        let (me, body) = (self.config.me, frame.to_bytes());
        if frame.is_open() {
            return Some(open_frame(me, &body));
        }
        self.security.manager.protect(me, to, &body)
    }

    /// The event that bytes from a network are. Nothing when they were refused: that is counted,
    /// and told to the event log when the count doubles.
    pub fn unseal(&mut self, network: NetworkId, bytes: &[u8]) -> Option<Event> {
        match self.try_unseal(bytes) {
            Ok((from, frame)) => Some(Event::Frame {
                network,
                from,
                frame,
            }),
            Err(_) => {
                let total = self.security.manager.refused().values().sum::<u64>();
                if total.is_power_of_two() {
                    self.notice(Notice::FramesRefused { total });
                }
                None
            }
        }
    }

    fn try_unseal(&mut self, bytes: &[u8]) -> Result<(NodeId, Frame), Refusal> {
        let security = &mut self.security.manager;
        let opened = security.open(bytes)?;
        let frame = Frame::from_bytes(&opened.body);
        let frame = frame.map_err(|_| security.count(Refusal::Malformed))?;
        if opened.is_open && !frame.is_open() {
            return Err(security.count(Refusal::TooWeak));
        }
        Ok((opened.from, frame))
    }
}
