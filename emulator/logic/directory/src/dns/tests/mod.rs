//! The server as a client sees it: bytes in, bytes out.

mod lookup;
mod signed;
mod update;

use std::net::{IpAddr, Ipv4Addr};

use ::domain::base::header::Header;
use ::domain::base::iana::{Class, Opcode, Rcode, Rtype};
use ::domain::base::message_builder::MessageBuilder;
use ::domain::base::rdata::UnknownRecordData;
use ::domain::base::{Message, ParsedName, Ttl};
use ::domain::rdata::AllRecordData;
use base::WallTime;

use super::*;
use crate::NoAccounts;

const NOW: WallTime = WallTime(1_700_000_000_000);

fn at(text: &str) -> Name {
    name(text).unwrap()
}

fn address(last: u8) -> Data {
    Data::address(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)))
}

fn domain() -> Domain {
    Domain {
        name: "corp.example".into(),
        controller: "dc1".into(),
        addresses: vec![IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))],
        site: "Default-First-Site-Name".into(),
        guid: "11111111-2222-3333-4444-555555555555".into(),
        controller_guid: "66666666-7777-8888-9999-aaaaaaaaaaaa".into(),
        ports: Ports::default(),
    }
}

fn server(updates: Updates) -> Server {
    let mut zones = vec![domain_zone(&domain(), updates).unwrap()];
    zones.extend(reverse_zones(&domain(), updates).unwrap());
    Server::new(zones, vec!["administrator@CORP.EXAMPLE".into()])
}

/// One line of an update or a prerequisite.
#[derive(Clone)]
struct Line(&'static str, Class, Rtype, u32, Vec<u8>);

fn add(name: &'static str, ttl: u32, data: &Data) -> Line {
    Line(name, Class::IN, data.rtype(), ttl, data.bytes().to_vec())
}

fn remove(name: &'static str, data: &Data) -> Line {
    Line(name, Class::NONE, data.rtype(), 0, data.bytes().to_vec())
}

fn remove_set(name: &'static str, rtype: Rtype) -> Line {
    Line(name, Class::ANY, rtype, 0, Vec::new())
}

fn absent(name: &'static str, rtype: Rtype) -> Line {
    Line(name, Class::NONE, rtype, 0, Vec::new())
}

fn update_bytes(zone: &str, needs: &[Line], lines: &[Line]) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    let mut header = Header::new();
    header.set_id(7);
    header.set_opcode(Opcode::UPDATE);
    *builder.header_mut() = header;
    let mut question = builder.question();
    question.push((at(zone), Rtype::SOA)).unwrap();
    let parts = |it: &Line| {
        let data = UnknownRecordData::from_octets(it.2, it.4.clone()).unwrap();
        (at(it.0), it.1, Ttl::from_secs(it.3), data)
    };
    let mut answer = question.answer();
    needs.iter().for_each(|it| answer.push(parts(it)).unwrap());
    let mut authority = answer.authority();
    lines
        .iter()
        .for_each(|it| authority.push(parts(it)).unwrap());
    authority.finish()
}

fn query_bytes(text: &str, rtype: Rtype) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(9);
    let mut question = builder.question();
    question.push((at(text), rtype)).unwrap();
    question.finish()
}

fn send(server: &mut Server, bytes: &[u8]) -> Answer {
    send_by(server, Transport::Datagram, bytes)
}

fn send_by(server: &mut Server, transport: Transport, bytes: &[u8]) -> Answer {
    server.handle(NOW, transport, bytes, &mut || Box::new(NoAccounts))
}

fn code(answer: &Answer) -> Rcode {
    Message::from_slice(&answer.messages[0])
        .unwrap()
        .header()
        .rcode()
}

/// The records of the answer section, as text.
fn texts(bytes: &[u8]) -> Vec<String> {
    let message = Message::from_slice(bytes).unwrap();
    let records = message.answer().unwrap().map(|record| {
        let record = record.unwrap();
        let whole = record
            .to_any_record::<AllRecordData<_, ParsedName<_>>>()
            .unwrap();
        let data = whole.data().to_string();
        let data = data.trim_end_matches('.');
        format!(
            "{} {} {} {data}",
            whole.owner(),
            whole.ttl().as_secs(),
            whole.rtype()
        )
    });
    records.collect()
}

fn ask(server: &mut Server, text: &str, rtype: Rtype) -> Vec<String> {
    texts(&send(server, &query_bytes(text, rtype)).messages[0])
}

fn change(server: &mut Server, needs: &[Line], lines: &[Line]) -> Rcode {
    code(&send(server, &update_bytes("corp.example", needs, lines)))
}
