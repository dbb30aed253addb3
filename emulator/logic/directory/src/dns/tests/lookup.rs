//! Answers to queries.

use super::*;

#[test]
fn a_client_finds_the_controller_of_the_domain() {
    let mut server = server(Updates::Secure);
    let found = ask(&mut server, "_ldap._tcp.dc._msdcs.corp.example", Rtype::SRV);
    assert_eq!(
        found,
        ["_ldap._tcp.dc._msdcs.corp.example 600 SRV 0 100 389 dc1.corp.example"]
    );
    let found = ask(&mut server, "DC1.corp.EXAMPLE", Rtype::A);
    assert_eq!(found, ["DC1.corp.EXAMPLE 3600 A 10.0.0.1"]);
    let found = ask(&mut server, "1.0.0.10.in-addr.arpa", Rtype::PTR);
    assert_eq!(found, ["1.0.0.10.in-addr.arpa 3600 PTR dc1.corp.example"]);
}

#[test]
fn a_name_that_is_not_there_is_told_from_one_without_such_a_record() {
    let mut server = server(Updates::Secure);
    for (text, wanted) in [
        ("nobody.corp.example", Rcode::NXDOMAIN),
        ("dc1.corp.example", Rcode::NOERROR),
        ("_tcp.corp.example", Rcode::NOERROR),
        ("example.net", Rcode::REFUSED),
    ] {
        let answer = send(&mut server, &query_bytes(text, Rtype::MX));
        assert_eq!(code(&answer), wanted, "{text}");
        let message = Message::from_slice(&answer.messages[0]).unwrap();
        let starts = u16::from(wanted != Rcode::REFUSED);
        assert_eq!(message.header_counts().nscount(), starts, "{text}");
        assert_eq!(texts(&answer.messages[0]), [""; 0], "{text}");
    }
}

#[test]
fn an_alias_is_followed_and_a_ring_of_aliases_ends() {
    let mut server = server(Updates::Any);
    let lines = [
        add(
            "www.corp.example",
            60,
            &Data::alias(&at("dc1.corp.example")),
        ),
        add("a.corp.example", 60, &Data::alias(&at("b.corp.example"))),
        add("b.corp.example", 60, &Data::alias(&at("a.corp.example"))),
    ];
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    let found = ask(&mut server, "www.corp.example", Rtype::A);
    assert_eq!(
        found,
        [
            "www.corp.example 60 CNAME dc1.corp.example",
            "dc1.corp.example 3600 A 10.0.0.1"
        ]
    );
    assert_eq!(ask(&mut server, "a.corp.example", Rtype::A).len(), 2);
}

#[test]
fn a_wildcard_stands_for_names_that_are_not_there() {
    let mut server = server(Updates::Any);
    let lines = [add("*.corp.example", 60, &address(9))];
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    let found = ask(&mut server, "any.thing.corp.example", Rtype::A);
    assert_eq!(found, ["any.thing.corp.example 60 A 10.0.0.9"]);
    assert_eq!(ask(&mut server, "dc1.corp.example", Rtype::A).len(), 1);
    assert!(ask(&mut server, "x.dc1.corp.example", Rtype::A).is_empty());
}

#[test]
fn a_delegated_name_is_referred_to_its_server() {
    let mut server = server(Updates::Any);
    let lines = [
        add(
            "sub.corp.example",
            60,
            &Data::server(&at("ns.sub.corp.example")),
        ),
        add("ns.sub.corp.example", 60, &address(53)),
    ];
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    let answer = send(&mut server, &query_bytes("www.sub.corp.example", Rtype::A));
    let message = Message::from_slice(&answer.messages[0]).unwrap();
    let counts = message.header_counts();
    assert_eq!(
        (counts.ancount(), counts.nscount(), counts.arcount()),
        (0, 1, 1)
    );
    assert!(!message.header().aa());
}

#[test]
fn a_long_answer_is_cut_short_over_udp_and_whole_over_tcp() {
    let mut server = server(Updates::Any);
    let lines: Vec<Line> = (1..=60)
        .map(|last| add("many.corp.example", 60, &address(last)))
        .collect();
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    let bytes = query_bytes("many.corp.example", Rtype::A);
    let short = send(&mut server, &bytes).messages.remove(0);
    assert!(Message::from_slice(&short).unwrap().header().tc() && short.len() <= 512);
    let long = send_by(&mut server, Transport::Stream, &bytes)
        .messages
        .remove(0);
    assert!(!Message::from_slice(&long).unwrap().header().tc());
    assert_eq!(texts(&long).len(), 60);
}

#[test]
fn a_transfer_carries_the_zone_between_two_copies_of_its_start() {
    let mut server = server(Updates::Any);
    for round in 0..30 {
        let lines: Vec<Line> = (1..=40)
            .map(|last| {
                let text: &'static str = Box::leak(format!("h{round}-{last}.corp.example").into());
                add(text, 60, &address(last))
            })
            .collect();
        assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    }
    let bytes = query_bytes("corp.example", Rtype::AXFR);
    let answer = send_by(&mut server, Transport::Stream, &bytes);
    assert!(
        answer.messages.len() > 1,
        "a long transfer has several messages"
    );
    let all: Vec<String> = answer
        .messages
        .iter()
        .flat_map(|bytes| texts(bytes))
        .collect();
    assert_eq!(all.first(), all.last());
    assert!(all[0].contains("SOA") && all.len() > 1200);
    assert_eq!(code(&send(&mut server, &bytes)), Rcode::FORMERR);
}

#[test]
fn what_is_no_query_is_refused_or_passed_over() {
    let mut server = server(Updates::Any);
    assert!(send(&mut server, b"short").messages.is_empty());
    let mut reply = query_bytes("corp.example", Rtype::A);
    reply[2] |= 0x80;
    assert!(send(&mut server, &reply).messages.is_empty());
    let mut notify = query_bytes("corp.example", Rtype::A);
    notify[2] |= 4 << 3;
    assert_eq!(code(&send(&mut server, &notify)), Rcode::NOTIMP);
    let mut none = query_bytes("corp.example", Rtype::A);
    none[5] = 0;
    assert_eq!(code(&send(&mut server, &none)), Rcode::FORMERR);
}

proptest::proptest! {
    #[test]
    fn no_bytes_disturb_the_server(
        bytes in proptest::collection::vec(0u8.., 0..600),
        kind in 0u8..3,
    ) {
        let mut server = server(Updates::Any);
        let mut message = update_bytes("corp.example", &[], &[]);
        message.truncate(12 * usize::from(kind.min(1)) + if kind == 2 { 18 } else { 0 });
        message.extend_from_slice(&bytes);
        let _answer = send(&mut server, &message);
    }
}
