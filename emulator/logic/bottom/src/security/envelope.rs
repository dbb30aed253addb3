//! Frames as they travel: header, body, tag (docs/protocol/wire-format.md).
//!
//! Everything that the shell sends passes through [`Security::protect`], everything that it
//! receives through [`Security::open`]. Frames of connections that are not secured yet, and
//! heartbeats, travel open: with a checksum against accidents in place of a signature.

use base::NodeId;
use wire::{Codec, Reader, Writer, checksum};

use super::{Refusal, Security, SecurityLevel};

/// First bytes of every datagram; the last one is the version of the format.
const MAGIC: [u8; 4] = *b"LAF\x02";
/// A frame that needs no connection: its level byte.
const OPEN: u8 = 0xff;

/// A frame whose protection has been taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Who says so: proven, unless the frame is open or the cluster's level is clear.
    pub from: NodeId,
    /// Whether it travelled open. Only frames that need no connection may.
    pub is_open: bool,
    /// The frame's bytes.
    pub body: Vec<u8>,
}

/// What stands before the body of a frame.
struct Header {
    from: NodeId,
    level: u8,
    own_level: u8,
    number: u64,
}

impl Header {
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(&MAGIC);
        self.from.encode(&mut writer);
        self.level.encode(&mut writer);
        self.own_level.encode(&mut writer);
        self.number.encode(&mut writer);
        writer.into_bytes()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        (reader.array().ok()? == MAGIC).then_some(())?;
        Some(Self {
            from: NodeId::decode(reader).ok()?,
            level: u8::decode(reader).ok()?,
            own_level: u8::decode(reader).ok()?,
            number: u64::decode(reader).ok()?,
        })
    }
}

fn level(byte: u8) -> Option<SecurityLevel> {
    SecurityLevel::from_number(byte.into())
}

fn byte(level: SecurityLevel) -> u8 {
    u8::try_from(level.number()).unwrap_or(0)
}

/// A frame that needs no connection: a heartbeat, or part of making one.
#[must_use]
pub fn open_frame(from: NodeId, body: &[u8]) -> Vec<u8> {
    let header = Header {
        from,
        level: OPEN,
        own_level: 0,
        number: 0,
    };
    with_checksum(header.to_bytes(), body)
}

fn with_checksum(header: Vec<u8>, body: &[u8]) -> Vec<u8> {
    let sum = checksum(&[&header, body]).to_be_bytes();
    [&header, body, &sum[..]].concat()
}

fn without_checksum<'a>(header: &[u8], rest: &'a [u8]) -> Result<&'a [u8], Refusal> {
    let body = rest.len().checked_sub(4);
    let split = body.and_then(|len| rest.split_at_checked(len));
    let (body, sum) = split.ok_or(Refusal::Malformed)?;
    let fits = checksum(&[header, body]).to_be_bytes() == sum;
    fits.then_some(body).ok_or(Refusal::Malformed)
}

impl Security {
    /// The bytes of a frame for `to`, protected as the cluster demands, or as the peer demands
    /// when that is more: while SecurityLevel changes, not all nodes know of it yet. Nothing where
    /// there is no secured connection.
    pub fn protect(&mut self, me: NodeId, to: NodeId, frame: &[u8]) -> Option<Vec<u8>> {
        let own_level = self.level;
        let mut body = Writer::default();
        self.name(me).encode(&mut body);
        body.put(frame);
        let session = &mut self.links.get_mut(&to)?.current;
        let level = own_level.max(session.peer_level);
        let number = session.count();
        let header = Header {
            from: me,
            level: byte(level),
            own_level: byte(own_level),
            number,
        };
        let header = header.to_bytes();
        if level == SecurityLevel::Clear {
            return Some(with_checksum(header, body.as_slice()));
        }
        let rest = session.protect(level, &header, number, body.as_slice());
        Some([header, rest].concat())
    }

    /// What is in these bytes from the network.
    ///
    /// # Errors
    /// When they are to be dropped; that is counted already.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Opened, Refusal> {
        self.try_open(bytes).map_err(|refusal| self.count(refusal))
    }

    fn try_open(&mut self, bytes: &[u8]) -> Result<Opened, Refusal> {
        if bytes.len() > wire::FRAME_LEN_MAX {
            return Err(Refusal::Malformed);
        }
        let mut reader = Reader::new(bytes);
        let header = Header::read(&mut reader).ok_or(Refusal::Malformed)?;
        let (head, rest) = bytes.split_at(bytes.len() - reader.remaining());
        let from = header.from;
        if header.level == OPEN {
            let body = without_checksum(head, rest)?.to_vec();
            return Ok(Opened {
                from,
                is_open: true,
                body,
            });
        }
        let body = self.take_off(&header, head, rest)?;
        let mut reader = Reader::new(&body);
        let name = String::decode(&mut reader).map_err(|_| Refusal::Malformed)?;
        if self.names.get(&from) != Some(&name) {
            return Err(Refusal::WrongName);
        }
        let body = reader.take(reader.remaining());
        Ok(Opened {
            from,
            is_open: false,
            body: body.map_err(|_| Refusal::Malformed)?.to_vec(),
        })
    }

    fn take_off(&mut self, header: &Header, head: &[u8], rest: &[u8]) -> Result<Vec<u8>, Refusal> {
        let frame_level = level(header.level).ok_or(Refusal::Malformed)?;
        let peer_level = level(header.own_level).ok_or(Refusal::Malformed)?;
        let link = self.links.get_mut(&header.from);
        let link = link.ok_or(Refusal::NoSession)?;
        if frame_level < self.level {
            return Err(Refusal::TooWeak);
        }
        if frame_level == SecurityLevel::Clear {
            link.current.peer_level = peer_level;
            return without_checksum(head, rest).map(<[u8]>::to_vec);
        }
        let number = header.number;
        let opened = link.current.verify(frame_level, head, number, rest);
        if let (Err(Refusal::Tampered), Some(previous)) = (&opened, &mut link.previous) {
            return previous.verify(frame_level, head, number, rest);
        }
        if opened.is_ok() {
            link.current.peer_level = peer_level;
        }
        opened
    }
}
