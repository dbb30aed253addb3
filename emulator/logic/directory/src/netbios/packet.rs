//! Packets of the name service.
//!
//! RFC 1002 section 4.2; the flag words of fact 5.2. Questions, answers and additional records
//! come one at a time, as every peer sends them.

use std::net::Ipv4Addr;

use super::name::NetbiosName;

/// What a packet is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Who has a name; with the status type, what names a host has.
    Query,
    /// A name is wanted.
    Register,
    /// A name is given back.
    Release,
    /// The server needs time (its own opcode, in answers only).
    Wait,
    /// A name is still wanted.
    Refresh,
    /// A name is wanted by a host with several addresses.
    RegisterMultihomed,
}

impl Operation {
    fn of(opcode: u16) -> Option<Self> {
        Some(match opcode {
            0 => Self::Query,
            5 => Self::Register,
            6 => Self::Release,
            7 => Self::Wait,
            8 | 9 => Self::Refresh,
            15 => Self::RegisterMultihomed,
            _ => return None,
        })
    }

    fn opcode(self) -> u16 {
        match self {
            Self::Query => 0,
            Self::Register => 5,
            Self::Release => 6,
            Self::Wait => 7,
            Self::Refresh => 8,
            Self::RegisterMultihomed => 15,
        }
    }
}

/// How a request ended (RFC 1002 section 4.2.1.1).
pub mod rcode {
    /// All is well.
    pub const OK: u8 = 0;
    /// The server could not.
    pub const SERVER: u8 = 2;
    /// There is no such name.
    pub const NAME: u8 = 3;
    /// Another host has the name.
    pub const ACTIVE: u8 = 6;
    /// Two hosts have the name.
    pub const CONFLICT: u8 = 7;
}

/// Bits of the flag word beside opcode and code.
pub(super) mod bit {
    pub(in super::super) const RESPONSE: u16 = 0x8000;
    pub(in super::super) const AUTHORITATIVE: u16 = 0x0400;
    pub(in super::super) const RECURSION_DESIRED: u16 = 0x0100;
    pub(in super::super) const RECURSION_AVAILABLE: u16 = 0x0080;
    pub(in super::super) const BROADCAST: u16 = 0x0010;
}

/// Types of records.
pub(super) mod rtype {
    pub(in super::super) const NULL: u16 = 0x0a;
    pub(in super::super) const NAME: u16 = 0x20;
    pub(in super::super) const STATUS: u16 = 0x21;
}

const CLASS_IN: u16 = 1;
/// The group bit of the name flags.
pub(super) const GROUP: u16 = 0x8000;

/// A record: of an answer, or what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: NetbiosName,
    pub(super) rtype: u16,
    pub(super) ttl: u32,
    pub(super) data: Vec<u8>,
}

impl Record {
    /// A record with a name's flags and addresses.
    pub(super) fn of(name: &NetbiosName, ttl: u32, flags: u16, addresses: &[Ipv4Addr]) -> Self {
        let each = addresses.iter().flat_map(|address| {
            let [a, b] = flags.to_be_bytes();
            let [c, d, e, f] = address.octets();
            [a, b, c, d, e, f]
        });
        Self {
            name: name.clone(),
            rtype: rtype::NAME,
            ttl,
            data: each.collect(),
        }
    }

    /// The flags and addresses of a record.
    pub(super) fn entries(&self) -> Vec<(u16, Ipv4Addr)> {
        let entries = self.data.chunks_exact(6).filter_map(|entry| {
            let [a, b, c, d, e, f] = *entry.first_chunk()?;
            Some((u16::from_be_bytes([a, b]), Ipv4Addr::new(c, d, e, f)))
        });
        entries.collect()
    }
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) question: Option<(NetbiosName, u16)>,
    pub(super) answer: Option<Record>,
    pub(super) additional: Option<Record>,
}

impl Packet {
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let counts = [word(4)?, word(6)?, word(8)?, word(10)?];
        let [questions, answers, 0, additionals] = counts else {
            return None;
        };
        if questions > 1 || answers > 1 || additionals > 1 {
            return None;
        }
        let mut at = 12;
        let mut question = None;
        if questions == 1 {
            let (name, after) = NetbiosName::decode(bytes, at)?;
            question = Some((name, word(after)?));
            at = after + 4;
        }
        let answer = (answers == 1).then(|| record(bytes, &mut at));
        let additional = (additionals == 1).then(|| record(bytes, &mut at));
        Some(Self {
            id: word(0)?,
            flags: word(2)?,
            question,
            answer: transpose(answer)?,
            additional: transpose(additional)?,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let count = |is: bool| u16::from(is);
        let words = [
            self.id,
            self.flags,
            count(self.question.is_some()),
            count(self.answer.is_some()),
            0,
            count(self.additional.is_some()),
        ];
        let mut bytes: Vec<u8> = words.into_iter().flat_map(u16::to_be_bytes).collect();
        if let Some((name, rtype)) = &self.question {
            name.encode(&mut bytes);
            bytes.extend_from_slice(&rtype.to_be_bytes());
            bytes.extend_from_slice(&CLASS_IN.to_be_bytes());
        }
        for record in self.answer.iter().chain(&self.additional) {
            let asked = self
                .question
                .as_ref()
                .is_some_and(|(name, _)| *name == record.name);
            match asked {
                // The name of the question stands at the first octet after the header.
                true => bytes.extend_from_slice(&[0xc0, 12]),
                false => record.name.encode(&mut bytes),
            }
            let length = u16::try_from(record.data.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&record.rtype.to_be_bytes());
            bytes.extend_from_slice(&CLASS_IN.to_be_bytes());
            bytes.extend_from_slice(&record.ttl.to_be_bytes());
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&record.data);
        }
        bytes
    }

    pub(super) fn operation(&self) -> Option<Operation> {
        Operation::of(self.flags >> 11 & 15)
    }

    pub(super) fn is_response(&self) -> bool {
        self.flags & bit::RESPONSE != 0
    }

    pub(super) fn is_broadcast(&self) -> bool {
        self.flags & bit::BROADCAST != 0
    }

    pub(super) fn rcode(&self) -> u8 {
        u8::try_from(self.flags & 15).unwrap_or_default()
    }

    /// A request about a name.
    pub(super) fn request(
        id: u16,
        operation: Operation,
        bits: u16,
        name: &NetbiosName,
        wanted: Option<Record>,
    ) -> Self {
        Self {
            id,
            flags: operation.opcode() << 11 | bits,
            question: Some((name.clone(), rtype::NAME)),
            answer: None,
            additional: wanted,
        }
    }

    /// An answer to a request; registrations of every kind are answered as registrations.
    pub(super) fn response(id: u16, operation: Operation, code: u8, answer: Record) -> Self {
        let answered = match operation {
            Operation::RegisterMultihomed | Operation::Refresh => Operation::Register,
            other => other,
        };
        let bits = match answered {
            Operation::Query if answer.rtype == rtype::STATUS => bit::AUTHORITATIVE,
            Operation::Query => {
                bit::AUTHORITATIVE | bit::RECURSION_DESIRED | bit::RECURSION_AVAILABLE
            }
            Operation::Register => {
                bit::AUTHORITATIVE | bit::RECURSION_DESIRED | bit::RECURSION_AVAILABLE
            }
            _ => bit::AUTHORITATIVE,
        };
        Self {
            id,
            flags: bit::RESPONSE | answered.opcode() << 11 | bits | u16::from(code),
            question: None,
            answer: Some(answer),
            additional: None,
        }
    }
}

fn transpose<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

fn record(bytes: &[u8], at: &mut usize) -> Option<Record> {
    let (name, after) = NetbiosName::decode(bytes, *at)?;
    let fixed: &[u8; 10] = bytes.get(after..)?.first_chunk()?;
    let [t1, t2, _, _, a, b, c, d, l1, l2] = *fixed;
    let length = usize::from(u16::from_be_bytes([l1, l2]));
    let data = bytes.get(after + 10..after + 10 + length)?.to_vec();
    *at = after + 10 + length;
    Some(Record {
        name,
        rtype: u16::from_be_bytes([t1, t2]),
        ttl: u32::from_be_bytes([a, b, c, d]),
        data,
    })
}
