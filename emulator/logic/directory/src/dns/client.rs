//! The other end: how a host registers its name, and what the answers mean.
//!
//! Facts 3.2 (the client's sequence and the content of its updates) and 3.5 (status numbers). The
//! exact prerequisites of a cluster network name are not known; those of a host are taken.

use std::net::IpAddr;

use domain::base::header::Header;
use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::name::ToName;
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message, MessageBuilder, ParsedName, Ttl};
use domain::rdata::AllRecordData;

use super::{Data, Name};

/// The numbers under which the product keeps what became of a registration.
pub mod status {
    /// It was made.
    pub const SUCCESS: u32 = 0;
    /// ERROR_TIMEOUT: no server has answered.
    pub const TIMEOUT: u32 = 1460;
    /// DNS_ERROR_RCODE_REFUSED: the server does not allow it.
    pub const REFUSED: u32 = 9005;
    /// DNS_ERROR_RCODE_NOT_IMPLEMENTED: the server knows no updates.
    pub const NOT_IMPLEMENTED: u32 = 9004;
    /// DNS_ERROR_BAD_PACKET: the answer makes no sense.
    pub const BAD_PACKET: u32 = 9502;
    /// DNS_INFO_NO_RECORDS: there is no zone for the name.
    pub const NO_RECORDS: u32 = 9501;
    /// What the codes of answers are added to.
    pub(super) const RCODES: u32 = 9000;
}

/// A question.
#[must_use]
pub fn question(id: u16, name: &Name, rtype: Rtype) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(id);
    let mut question = builder.question();
    // A vector has room for a question.
    let _fits = question.push((name, rtype));
    question.finish()
}

/// An update that leaves these records of these types at a name and no others, unless an alias
/// stands there.
#[must_use]
pub fn replacement(
    id: u16,
    zone: &Name,
    name: &Name,
    types: &[Rtype],
    ttl_seconds: u32,
    data: &[Data],
) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    let mut header = Header::new();
    header.set_id(id);
    header.set_opcode(Opcode::UPDATE);
    *builder.header_mut() = header;
    let nothing = |rtype| UnknownRecordData::from_octets(rtype, [].as_slice()).ok();
    let mut question = builder.question();
    let _fits = question.push((zone, Rtype::SOA));
    let mut needs = question.answer();
    if let Some(absent) = nothing(Rtype::CNAME) {
        let _fits = needs.push((name, Class::NONE, Ttl::ZERO, absent));
    }
    let mut updates = needs.authority();
    for removed in types.iter().filter_map(|rtype| nothing(*rtype)) {
        let _fits = updates.push((name, Class::ANY, Ttl::ZERO, removed));
    }
    for data in data {
        if let Ok(added) = UnknownRecordData::from_octets(data.rtype(), data.bytes()) {
            let _fits = updates.push((name, Class::IN, Ttl::from_secs(ttl_seconds), added));
        }
    }
    updates.finish()
}

/// What an answer means as a status.
#[must_use]
pub fn status_of(answer: Option<&[u8]>) -> u32 {
    let Some(answer) = answer else {
        return status::TIMEOUT;
    };
    let Ok(message) = Message::from_slice(answer) else {
        return status::BAD_PACKET;
    };
    match message.header().rcode() {
        Rcode::NOERROR => status::SUCCESS,
        code => status::RCODES + u32::from(code.to_int()),
    }
}

/// The addresses in an answer.
#[must_use]
pub fn addresses(answer: &[u8]) -> Vec<IpAddr> {
    let Some(section) = Message::from_slice(answer)
        .ok()
        .and_then(|it| it.answer().ok())
    else {
        return Vec::new();
    };
    let address = |record: domain::base::record::ParsedRecord<'_, [u8]>| {
        let record = record
            .to_any_record::<AllRecordData<_, ParsedName<_>>>()
            .ok()?;
        match record.data() {
            AllRecordData::A(a) => Some(IpAddr::V4(a.addr())),
            AllRecordData::Aaaa(aaaa) => Some(IpAddr::V6(aaaa.addr())),
            _ => None,
        }
    };
    section.filter_map(|record| address(record.ok()?)).collect()
}

/// The zone that an answer to a question for its start tells of.
fn zone(answer: &[u8]) -> Option<Name> {
    let message = Message::from_slice(answer).ok()?;
    let start = |record: domain::base::record::ParsedRecord<'_, [u8]>| {
        (record.rtype() == Rtype::SOA).then(|| record.owner().to_name())
    };
    let mut answers = message.answer().ok()?;
    let first = answers.by_ref().find_map(|record| start(record.ok()?));
    let mut authority = answers.next_section().ok()??;
    first.or_else(|| authority.find_map(|record| start(record.ok()?)))
}

/// Registers records at a name: finds its zone, then replaces what stands there. `send` carries a
/// message to the server and brings its answer. Returns the status.
pub fn register(
    send: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    id: u16,
    name: &Name,
    types: &[Rtype],
    ttl_seconds: u32,
    data: &[Data],
) -> u32 {
    let Some(answer) = send(&question(id, name, Rtype::SOA)) else {
        return status::TIMEOUT;
    };
    let Some(zone) = zone(&answer) else {
        return match status_of(Some(&answer)) {
            status::SUCCESS => status::NO_RECORDS,
            refused => refused,
        };
    };
    let id = id.wrapping_add(1);
    let update = replacement(id, &zone, name, types, ttl_seconds, data);
    status_of(send(&update).as_deref())
}

/// Registers a host's addresses.
pub fn register_addresses(
    send: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    id: u16,
    name: &Name,
    ttl_seconds: u32,
    addresses: &[IpAddr],
) -> u32 {
    let data: Vec<Data> = addresses
        .iter()
        .map(|address| Data::address(*address))
        .collect();
    register(send, id, name, &[Rtype::A, Rtype::AAAA], ttl_seconds, &data)
}

/// Registers the name of an address.
pub fn register_pointer(
    send: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    id: u16,
    address: IpAddr,
    ttl_seconds: u32,
    name: &Name,
) -> u32 {
    let reverse = super::reverse(address);
    let data = [Data::pointer(name)];
    register(send, id, &reverse, &[Rtype::PTR], ttl_seconds, &data)
}
