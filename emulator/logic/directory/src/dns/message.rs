//! Messages: a request taken apart into owned parts, a reply put together within a limit.
//!
//! RFC 1035 section 4, RFC 6891 (only its payload size), RFC 8945 (where a signature stands).

use domain::base::header::{Header, HeaderSection};
use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::message_builder::TreeCompressor;
use domain::base::name::ToName;
use domain::base::rdata::UnknownRecordData;
use domain::base::record::ParsedRecord;
use domain::base::{Message, MessageBuilder, ParsedName, Ttl};
use domain::rdata::{AllRecordData, Tsig};

use super::Name;
use super::data::Data;

/// The first octets of every message.
const HEADER_BYTES: usize = 12;
/// A payload size that every network carries; more is offered to nobody.
const UDP_BYTES_MAX: u16 = 4096;
/// What a client without EDNS takes.
const UDP_BYTES_MIN: u16 = 512;
/// Room for an OPT record without options.
const OPT_BYTES: usize = 11;
/// Most records that a request may carry, in all of its sections.
const REQUEST_RECORDS_MAX: u32 = 4096;

/// What a request asks, or the zone that it updates.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) rtype: Rtype,
    pub(super) class: Class,
}

/// A record of a request. Updates give meanings of their own to its class and to absent data.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) class: Class,
    pub(super) rtype: Rtype,
    pub(super) ttl: u32,
    /// Absent where the request has none.
    pub(super) data: Option<Data>,
}

/// The signature at the end of a request.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) key: Name,
    pub(super) algorithm: Name,
    /// Seconds since 1970.
    pub(super) time: u64,
    pub(super) fudge_seconds: u16,
    pub(super) mac: Vec<u8>,
    pub(super) original_id: u16,
    pub(super) error: u16,
    pub(super) other: Vec<u8>,
    /// Where its record starts in the request.
    pub(super) start: usize,
}

/// A request, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) header: Header,
    pub(super) question: Question,
    pub(super) answer: Vec<Entry>,
    pub(super) authority: Vec<Entry>,
    pub(super) additional: Vec<Entry>,
    /// Where the additional section starts, thus what an echo covers.
    pub(super) body_end: usize,
    /// What the client takes over UDP, if it knows EDNS.
    pub(super) payload: Option<u16>,
    /// A version of EDNS that is not known here.
    pub(super) unknown_edns: bool,
    pub(super) signature: Option<Signature>,
}

/// Why a request was not taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not a request at all: nothing is answered.
    Silence,
    /// Answered with this code and the header alone.
    Code(Rcode),
}

impl Request {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let message = Message::from_slice(bytes).map_err(|_| Refusal::Silence)?;
        let header = message.header();
        if header.qr() {
            return Err(Refusal::Silence);
        }
        if !matches!(header.opcode(), Opcode::QUERY | Opcode::UPDATE) {
            return Err(Refusal::Code(Rcode::NOTIMP));
        }
        Self::sections(message).ok_or(Refusal::Code(Rcode::FORMERR))
    }

    fn sections(message: &Message<[u8]>) -> Option<Self> {
        let counts = message.header_counts();
        let records = [counts.ancount(), counts.nscount(), counts.arcount()];
        let records: u32 = records.into_iter().map(u32::from).sum();
        let asked = message.sole_question().ok()?;
        if counts.qdcount() != 1 || records > REQUEST_RECORDS_MAX {
            return None;
        }
        let mut request = Self {
            header: message.header(),
            question: Question {
                name: asked.qname().to_name(),
                rtype: asked.qtype(),
                class: asked.qclass(),
            },
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            body_end: 0,
            payload: None,
            unknown_edns: false,
            signature: None,
        };
        let mut section = message.answer().ok()?;
        for record in section.by_ref() {
            request.answer.push(Entry::of(&record.ok()?)?);
        }
        let mut section = section.next_section().ok()??;
        for record in section.by_ref() {
            request.authority.push(Entry::of(&record.ok()?)?);
        }
        request.additional(message)?;
        Some(request)
    }

    fn additional(&mut self, message: &Message<[u8]>) -> Option<()> {
        let mut section = message.additional().ok()?;
        self.body_end = section.pos();
        loop {
            let start = section.pos();
            let Some(record) = section.next() else {
                return Some(());
            };
            let record = record.ok()?;
            // A signature is the last of all.
            if self.signature.is_some() {
                return None;
            }
            match record.rtype() {
                Rtype::OPT => self.edns(&record)?,
                Rtype::TSIG => self.signature = Some(Signature::of(&record, start)?),
                _ => self.additional.push(Entry::of(&record)?),
            }
        }
    }

    fn edns(&mut self, record: &ParsedRecord<'_, [u8]>) -> Option<()> {
        if self.payload.is_some() {
            return None;
        }
        self.payload = Some(record.class().to_int());
        let version = record.ttl().as_secs() >> 16 & 0xff;
        self.unknown_edns = version != 0;
        Some(())
    }

    /// The longest reply that fits, in octets.
    pub(super) fn room(&self, is_stream: bool) -> usize {
        let limit = match (is_stream, self.payload) {
            (true, _) => u16::MAX,
            (false, None) => UDP_BYTES_MIN,
            (false, Some(payload)) => payload.clamp(UDP_BYTES_MIN, UDP_BYTES_MAX),
        };
        usize::from(limit)
    }
}

impl Entry {
    fn of(record: &ParsedRecord<'_, [u8]>) -> Option<Self> {
        let data = match record.rdlen() {
            0 if record.class() != Class::IN => None,
            _ => Some(Data::parse(record)?),
        };
        Some(Self {
            name: record.owner().to_name(),
            class: record.class(),
            rtype: record.rtype(),
            ttl: record.ttl().as_secs(),
            data,
        })
    }
}

/// Octets of a signature beside its names and its code.
const SIGNATURE_BYTES: usize = 26;
/// The longest code of a shared secret.
const MAC_BYTES: usize = 64;

impl Signature {
    /// Room for an answer's signature with the same key.
    pub(super) fn room(&self) -> usize {
        let names = self.key.as_slice().len() + self.algorithm.as_slice().len();
        names + SIGNATURE_BYTES + self.mac.len().max(MAC_BYTES)
    }

    fn of(record: &ParsedRecord<'_, [u8]>, start: usize) -> Option<Self> {
        let parsed = record
            .to_any_record::<AllRecordData<_, ParsedName<_>>>()
            .ok()?;
        let AllRecordData::Tsig(tsig) = parsed.data() else {
            return None;
        };
        let tsig: &Tsig<_, _> = tsig;
        let time = tsig.time_signed().into_octets();
        Some(Self {
            key: record.owner().to_name(),
            algorithm: tsig.algorithm().to_name(),
            time: time
                .iter()
                .fold(0, |time, byte| time << 8 | u64::from(*byte)),
            fudge_seconds: tsig.fudge(),
            mac: tsig.mac_slice().to_vec(),
            original_id: tsig.original_id(),
            error: tsig.error().to_int(),
            other: AsRef::<[u8]>::as_ref(tsig.other()).to_vec(),
            start,
        })
    }
}

/// A record of a reply.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) name: Name,
    pub(super) class: Class,
    pub(super) ttl: u32,
    pub(super) data: Data,
}

/// A reply to a query.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) header: Header,
    pub(super) question: Option<Question>,
    pub(super) answer: Vec<Record>,
    pub(super) authority: Vec<Record>,
    pub(super) additional: Vec<Record>,
    /// Whether the client speaks EDNS, and the code's upper bits that only EDNS carries.
    pub(super) edns: Option<u8>,
}

impl Reply {
    /// An empty reply to a request.
    pub(super) fn to(request: &Request, rcode: Rcode) -> Self {
        let mut header = answering(request.header, rcode);
        header.set_aa(false);
        Self {
            header,
            question: Some(request.question.clone()),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns: request.payload.map(|_| 0),
        }
    }

    /// The reply as bytes, cut short and marked so if it has no room. What is only additional
    /// may be left out without a mark.
    pub(super) fn encode(&self, room: usize) -> Vec<u8> {
        let opt = self.edns.map_or(0, |_| OPT_BYTES);
        let Ok(mut builder) = MessageBuilder::from_target(TreeCompressor::new(Vec::new()));
        *builder.header_mut() = self.header;
        builder.set_push_limit(room.saturating_sub(opt));
        let mut question = builder.question();
        let mut whole = true;
        if let Some(asked) = &self.question {
            whole &= question
                .push((&asked.name, asked.rtype, asked.class))
                .is_ok();
        }
        let mut answer = question.answer();
        let mut fits = |it: &Record| it.parts().is_some_and(|it| answer.push(it).is_ok());
        whole = whole && self.answer.iter().all(&mut fits);
        let mut authority = answer.authority();
        let mut fits = |it: &Record| it.parts().is_some_and(|it| authority.push(it).is_ok());
        whole = whole && self.authority.iter().all(&mut fits);
        let mut additional = authority.additional();
        let mut fits = |it: &Record| it.parts().is_some_and(|it| additional.push(it).is_ok());
        let _left_out = whole && self.additional.iter().all(&mut fits);
        additional.header_mut().set_tc(!whole);
        let mut bytes = additional.finish().into_target();
        if let Some(code) = self.edns {
            append_opt(&mut bytes, code);
        }
        bytes
    }
}

impl Record {
    /// What a message is built from; nothing for data longer than a message can carry.
    fn parts(&self) -> Option<(&Name, Class, Ttl, UnknownRecordData<&[u8]>)> {
        let data = UnknownRecordData::from_octets(self.data.rtype(), self.data.bytes()).ok()?;
        Some((&self.name, self.class, Ttl::from_secs(self.ttl), data))
    }

    /// About how many octets it takes.
    pub(super) fn size(&self) -> usize {
        self.name.as_slice().len() + self.data.bytes().len() + 10
    }
}

/// The header of an answer to a request with this header.
pub(super) fn answering(header: Header, rcode: Rcode) -> Header {
    let mut answer = Header::new();
    answer.set_id(header.id());
    answer.set_qr(true);
    answer.set_opcode(header.opcode());
    answer.set_rd(header.rd());
    answer.set_rcode(rcode);
    answer
}

/// An answer of the header alone.
pub(super) fn bare(request: &[u8], rcode: Rcode) -> Option<Vec<u8>> {
    let header = Message::from_slice(request).ok()?.header();
    let mut section = HeaderSection::new();
    *section.header_mut() = answering(header, rcode);
    Some(section.as_slice().to_vec())
}

/// An answer with the zone, prerequisite and update sections of the request, byte by byte.
pub(super) fn echo(request: &[u8], body_end: usize, rcode: Rcode) -> Option<Vec<u8>> {
    let mut bytes = request.get(..body_end)?.to_vec();
    let header = Message::from_slice(request).ok()?.header();
    let section = HeaderSection::for_message_slice_mut(bytes.get_mut(..HEADER_BYTES)?);
    *section.header_mut() = answering(header, rcode);
    section.counts_mut().set_arcount(0);
    Some(bytes)
}

/// Adds a record to the end of the additional section.
pub(super) fn append(bytes: &mut Vec<u8>, name: &Name, class: u16, rtype: Rtype, data: &[u8]) {
    append_raw(bytes, name.as_slice(), class, rtype, 0, data);
}

fn append_opt(bytes: &mut Vec<u8>, code: u8) {
    let ttl = u32::from(code) << 24;
    append_raw(bytes, &[0], UDP_BYTES_MAX, Rtype::OPT, ttl, &[]);
}

fn append_raw(bytes: &mut Vec<u8>, name: &[u8], class: u16, rtype: Rtype, ttl: u32, data: &[u8]) {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&rtype.to_int().to_be_bytes());
    bytes.extend_from_slice(&class.to_be_bytes());
    bytes.extend_from_slice(&ttl.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
    if let Some(header) = bytes.get_mut(..HEADER_BYTES) {
        let counts = HeaderSection::for_message_slice_mut(header).counts_mut();
        counts.set_arcount(counts.arcount().saturating_add(1));
    }
}
