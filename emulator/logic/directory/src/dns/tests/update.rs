//! Dynamic updates.

use super::*;

const VS1: &str = "vs1.corp.example";

fn with_addresses(last: &[u8]) -> Server {
    let mut server = server(Updates::Any);
    let lines: Vec<Line> = last
        .iter()
        .map(|last| add(VS1, 1200, &address(*last)))
        .collect();
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    server
}

fn serial(server: &Server) -> u32 {
    server.zone(&at("corp.example")).unwrap().serial()
}

#[test]
fn each_prerequisite_fails_with_its_own_code() {
    let is = |class, rtype, data: &[u8]| Line(VS1, class, rtype, 0, data.to_vec());
    let one = address(1).bytes().to_vec();
    for (need, there, absent) in [
        (
            is(Class::ANY, Rtype::ANY, &[]),
            Rcode::NOERROR,
            Rcode::NXDOMAIN,
        ),
        (
            is(Class::ANY, Rtype::A, &[]),
            Rcode::NOERROR,
            Rcode::NXRRSET,
        ),
        (
            is(Class::NONE, Rtype::ANY, &[]),
            Rcode::YXDOMAIN,
            Rcode::NOERROR,
        ),
        (
            is(Class::NONE, Rtype::A, &[]),
            Rcode::YXRRSET,
            Rcode::NOERROR,
        ),
        (
            is(Class::IN, Rtype::A, &one),
            Rcode::NOERROR,
            Rcode::NXRRSET,
        ),
    ] {
        let need = [need];
        assert_eq!(change(&mut with_addresses(&[1]), &need, &[]), there);
        assert_eq!(change(&mut server(Updates::Any), &need, &[]), absent);
    }
}

#[test]
fn a_set_must_be_exactly_the_one_that_is_required() {
    let needs = |last: &[u8]| -> Vec<Line> {
        last.iter()
            .map(|last| add(VS1, 0, &address(*last)))
            .collect()
    };
    let mut server = with_addresses(&[1, 2]);
    assert_eq!(change(&mut server, &needs(&[2, 1]), &[]), Rcode::NOERROR);
    assert_eq!(
        change(&mut server, &needs(&[1]), &[]),
        Rcode::NXRRSET,
        "a part is not the set"
    );
    assert_eq!(change(&mut server, &needs(&[1, 2, 3]), &[]), Rcode::NXRRSET);
    let mut timed = needs(&[1, 2]);
    timed[0].3 = 5;
    assert_eq!(change(&mut server, &timed, &[]), Rcode::FORMERR);
    let outside = [Line("example.net", Class::ANY, Rtype::ANY, 0, Vec::new())];
    assert_eq!(change(&mut server, &outside, &[]), Rcode::NOTZONE);
}

#[test]
fn the_sequence_of_a_host_replaces_its_addresses() {
    let mut server = with_addresses(&[1, 2]);
    let needs = [absent(VS1, Rtype::CNAME)];
    let lines = [remove_set(VS1, Rtype::A), add(VS1, 300, &address(7))];
    assert_eq!(change(&mut server, &needs, &lines), Rcode::NOERROR);
    assert_eq!(
        ask(&mut server, VS1, Rtype::A),
        ["vs1.corp.example 300 A 10.0.0.7"]
    );
}

#[test]
fn the_serial_number_rises_by_one_a_message_that_changes_something() {
    let mut server = with_addresses(&[1]);
    let before = serial(&server);
    let same = [add(VS1, 1200, &address(1))];
    assert_eq!(change(&mut server, &[], &same), Rcode::NOERROR);
    assert_eq!(serial(&server), before, "nothing has changed");
    let longer = [add(VS1, 60, &address(1)), add(VS1, 60, &address(2))];
    assert_eq!(change(&mut server, &[], &longer), Rcode::NOERROR);
    assert_eq!(serial(&server), before + 1);
    let found = ask(&mut server, VS1, Rtype::A);
    assert!(found.iter().all(|it| it.contains(" 60 A ")) && found.len() == 2);
}

#[test]
fn an_update_is_made_whole_or_not_at_all() {
    let mut server = with_addresses(&[1]);
    let lines = [
        remove_set(VS1, Rtype::A),
        add("example.net", 60, &address(1)),
    ];
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOTZONE);
    assert_eq!(ask(&mut server, VS1, Rtype::A).len(), 1);
}

#[test]
fn the_apex_keeps_its_start_and_its_last_server() {
    let mut server = server(Updates::Any);
    let apex = "corp.example";
    let lines = [
        Line(apex, Class::ANY, Rtype::ANY, 0, Vec::new()),
        remove_set(apex, Rtype::SOA),
        remove_set(apex, Rtype::NS),
        remove(apex, &Data::server(&at("dc1.corp.example"))),
    ];
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    assert_eq!(ask(&mut server, apex, Rtype::SOA).len(), 1);
    assert_eq!(ask(&mut server, apex, Rtype::NS).len(), 1);
    assert!(
        ask(&mut server, apex, Rtype::A).is_empty(),
        "the rest may go"
    );
}

#[test]
fn an_alias_and_other_data_exclude_each_other_and_the_newcomer_is_ignored() {
    let mut server = with_addresses(&[1]);
    let alias = [add(VS1, 60, &Data::alias(&at("dc1.corp.example")))];
    assert_eq!(change(&mut server, &[], &alias), Rcode::NOERROR);
    assert!(ask(&mut server, VS1, Rtype::CNAME).is_empty());
    let lines = [
        remove_set(VS1, Rtype::A),
        alias[0].clone(),
        add(VS1, 60, &address(2)),
        add(VS1, 60, &Data::alias(&at("corp.example"))),
    ];
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    assert_eq!(
        ask(&mut server, VS1, Rtype::CNAME),
        ["vs1.corp.example 60 CNAME corp.example"]
    );
}

#[test]
fn the_answer_echoes_the_sections_of_the_request() {
    let mut server = server(Updates::Any);
    let bytes = update_bytes(
        "corp.example",
        &[absent(VS1, Rtype::CNAME)],
        &[add(VS1, 60, &address(1))],
    );
    let answer = send(&mut server, &bytes).messages.remove(0);
    assert_eq!(answer[12..], bytes[12..]);
    assert_eq!(answer[4..12], bytes[4..12]);
    assert_eq!(answer[2] & 0x80, 0x80);
}

#[test]
fn zones_of_others_and_wrong_questions_are_refused() {
    let mut server = server(Updates::Any);
    let elsewhere = update_bytes("example.net", &[], &[]);
    assert_eq!(code(&send(&mut server, &elsewhere)), Rcode::NOTAUTH);
    let mut wrong = update_bytes("corp.example", &[], &[]);
    let rtype = wrong.len() - 3;
    wrong[rtype] = 1;
    assert_eq!(code(&send(&mut server, &wrong)), Rcode::FORMERR);
    for line in [
        Line(VS1, Class::ANY, Rtype::A, 5, Vec::new()),
        Line(VS1, Class::CH, Rtype::A, 0, vec![1, 2, 3, 4]),
        Line(VS1, Class::IN, Rtype::A, 0, Vec::new()),
        Line(VS1, Class::IN, Rtype::from_int(252), 0, vec![1]),
    ] {
        assert_eq!(change(&mut server, &[], &[line]), Rcode::FORMERR);
    }
}

#[test]
fn an_unsigned_update_of_a_secure_or_fixed_zone_is_refused() {
    for updates in [Updates::Secure, Updates::None] {
        let mut server = server(updates);
        let lines = [add(VS1, 60, &address(1))];
        assert_eq!(change(&mut server, &[], &lines), Rcode::REFUSED);
        assert!(ask(&mut server, VS1, Rtype::A).is_empty());
    }
}

#[test]
fn what_is_kept_brings_the_zone_back() {
    let mut server = with_addresses(&[1, 2]);
    let answer = send(
        &mut server,
        &update_bytes("corp.example", &[], &[remove_set(VS1, Rtype::A)]),
    );
    let mut copy = super::server(Updates::Any);
    server
        .kept()
        .iter()
        .for_each(|change| copy.restore(change).unwrap());
    assert_eq!(copy.kept(), server.kept());
    let mut late = with_addresses(&[1, 2]);
    answer
        .changes
        .iter()
        .for_each(|change| late.restore(change).unwrap());
    assert_eq!(late.kept(), server.kept());
    let mut damaged = answer.changes[0].clone();
    damaged.sets.push(ChangedSet {
        rtype: 1,
        ttl: 1,
        records: vec!["zz".into()],
    });
    assert!(late.restore(&damaged).is_err());
}

#[test]
fn faults_refuse_or_forget_updates_or_silence_the_server() {
    let mut server = server(Updates::Any);
    let lines = [add(VS1, 60, &address(1))];
    server.set_fault(Some(Fault::RefuseUpdates));
    assert_eq!(change(&mut server, &[], &lines), Rcode::REFUSED);
    server.set_fault(Some(Fault::LoseUpdates));
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    assert!(ask(&mut server, VS1, Rtype::A).is_empty());
    server.set_fault(Some(Fault::Down));
    assert!(
        send(&mut server, &query_bytes(VS1, Rtype::A))
            .messages
            .is_empty()
    );
    server.set_fault(None);
    assert_eq!(change(&mut server, &[], &lines), Rcode::NOERROR);
    assert_eq!(ask(&mut server, VS1, Rtype::A).len(), 1);
}
