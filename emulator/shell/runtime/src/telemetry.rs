//! What a node says about itself, as frames on its standard output: nothing is lost when it dies.

use std::io;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use base::{NetworkId, NodeId, Notice, Timestamp};
use node::{Frame, Picture};
use rhs::frames;

/// One thing that a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saying {
    /// A notice for the event log.
    Notice(Notice),
    /// The node's state has changed to this.
    Picture(Box<Picture>),
    /// The node's own disk refused an operation, and the node knows.
    DiskRefused,
    /// The node has sent this, where it was told to say so.
    Sent(Box<Sent>),
}

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Over which network.
    pub network: NetworkId,
    /// To whom.
    pub to: NodeId,
    /// What it says.
    pub frame: Frame,
    /// What it is on the network.
    pub bytes: Vec<u8>,
}

wire::codec!(struct Sent { network, to, frame, bytes });

/// One thing that a node says, with the time of its clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Saying,
}

impl wire::Codec for Said {
    fn encode(&self, writer: &mut wire::Writer) {
        self.at.encode(writer);
        match &self.what {
            Saying::Notice(notice) => {
                0_u8.encode(writer);
                notice.encode(writer);
            }
            Saying::Picture(picture) => {
                1_u8.encode(writer);
                Picture::encode(picture, writer);
            }
            Saying::DiskRefused => 2_u8.encode(writer),
            Saying::Sent(sent) => {
                3_u8.encode(writer);
                Sent::encode(sent, writer);
            }
        }
    }

    fn decode(reader: &mut wire::Reader<'_>) -> Result<Self, wire::DecodeError> {
        let at = Timestamp::decode(reader)?;
        let what = match u8::decode(reader)? {
            0 => Saying::Notice(Notice::decode(reader)?),
            1 => Saying::Picture(Box::new(Picture::decode(reader)?)),
            2 => Saying::DiskRefused,
            3 => Saying::Sent(Box::new(Sent::decode(reader)?)),
            tag => return Err(wire::DecodeError::UnknownTag { of: "Saying", tag }),
        };
        Ok(Self { at, what })
    }
}

/// Sayings that wait for a reader; a reader that is so far behind misses some.
const QUEUE_MAX: usize = 1 << 16;

/// Writes what a node says.
#[derive(Debug)]
pub(crate) struct Voice {
    queue: SyncSender<Said>,
    writer: JoinHandle<()>,
}

impl Voice {
    pub(crate) fn new() -> Self {
        let (queue, sayings) = mpsc::sync_channel::<Said>(QUEUE_MAX);
        let writer = thread::spawn(move || {
            let mut stdout = io::stdout().lock();
            for said in sayings {
                if frames::write(&mut stdout, &said).is_err() {
                    return;
                }
            }
        });
        Self { queue, writer }
    }

    pub(crate) fn say(&self, at: Timestamp, what: Saying) {
        let _missed = self.queue.try_send(Said { at, what });
    }

    /// Says the rest, for a node that ends.
    pub(crate) fn finish(self) {
        drop(self.queue);
        let _ended = self.writer.join();
    }
}
