use super::*;
use crate::kerberos::tests::Lab;
use crate::store::Caller;
use proptest::prelude::*;
use rasn::types::SetOf;
use rasn_ldap::*;

/// A connection with what it asks and gets.
struct Client {
    lab: Lab,
    connection: Connection,
}

impl Client {
    fn new() -> Self {
        Self {
            lab: Lab::new(),
            connection: Connection::new(),
        }
    }

    fn as_alice() -> Self {
        let mut client = Self::new();
        let code = client.bind("alice@corp.example", "Secret.123");
        assert_eq!(code, ResultCode::Success);
        client
    }

    fn send(&mut self, bytes: &[u8]) -> Output {
        let lab = &mut self.lab;
        self.connection
            .receive(&mut lab.store, bytes, lab.now, &mut lab.rng)
    }

    fn ask(&mut self, operation: ProtocolOp) -> Vec<LdapMessage> {
        self.ask_with(operation, None)
    }

    fn ask_with(&mut self, operation: ProtocolOp, control: Option<Control>) -> Vec<LdapMessage> {
        let mut message = LdapMessage::new(1, operation);
        message.controls = control.map(|control| vec![control]);
        let output = self.send(&rasn::ber::encode(&message).unwrap());
        messages(&output.bytes)
    }

    fn bind(&mut self, name: &str, password: &str) -> ResultCode {
        let way = AuthenticationChoice::Simple(password.as_bytes().to_vec().into());
        let request = BindRequest::new(3, name.into(), way);
        match &self.ask(ProtocolOp::BindRequest(request))[0].protocol_op {
            ProtocolOp::BindResponse(response) => response.result_code,
            other => panic!("{other:?}"),
        }
    }

    /// The relative names that a filter finds below the domain.
    fn find(&mut self, filter: Filter) -> Vec<String> {
        let request = search("DC=corp,DC=example", filter);
        let found = self.ask(ProtocolOp::SearchRequest(request));
        found.iter().filter_map(short_name).collect()
    }
}

fn messages(mut bytes: &[u8]) -> Vec<LdapMessage> {
    let mut found = Vec::new();
    while let Some((message, rest)) = der::element(bytes) {
        found.push(rasn::ber::decode(message).unwrap());
        bytes = rest;
    }
    found
}

fn short_name(message: &LdapMessage) -> Option<String> {
    let ProtocolOp::SearchResEntry(entry) = &message.protocol_op else {
        return None;
    };
    let relative = entry.object_name.split(',').next()?;
    Some(relative.split_once('=')?.1.to_owned())
}

fn search(base: &str, filter: Filter) -> SearchRequest {
    let scope = SearchRequestScope::WholeSubtree;
    let deref = SearchRequestDerefAliases::NeverDerefAliases;
    SearchRequest::new(base.into(), scope, deref, 0, 0, false, filter, Vec::new())
}

fn assertion(name: &str, value: &str) -> AttributeValueAssertion {
    AttributeValueAssertion::new(name.into(), value.as_bytes().to_vec().into())
}

fn equals(name: &str, value: &str) -> Filter {
    Filter::EqualityMatch(assertion(name, value))
}

fn and(all: Vec<Filter>) -> Filter {
    Filter::And(SetOf::from_vec(all))
}

fn rule(rule: &str, name: &str, value: &str) -> Filter {
    let value = value.as_bytes().to_vec().into();
    let rule = Some(rule.into());
    Filter::ExtensibleMatch(MatchingRuleAssertion::new(
        rule,
        Some(name.into()),
        value,
        false,
    ))
}

fn code(messages: &[LdapMessage]) -> ResultCode {
    match &messages.last().unwrap().protocol_op {
        ProtocolOp::SearchResDone(done) => done.0.result_code,
        ProtocolOp::AddResponse(done) => done.0.result_code,
        ProtocolOp::ModifyResponse(done) => done.0.result_code,
        ProtocolOp::ExtendedResp(done) => done.result_code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_has_not_bound_sees_the_root_alone() {
    let mut client = Client::new();
    let mut root = search("", Filter::Present("objectClass".into()));
    root.scope = SearchRequestScope::BaseObject;
    assert_eq!(client.ask(ProtocolOp::SearchRequest(root)).len(), 2);
    let below = search("DC=corp,DC=example", Filter::Present("objectClass".into()));
    let refused = client.ask(ProtocolOp::SearchRequest(below));
    assert_eq!(code(&refused), ResultCode::OperationsError);
    assert_eq!(
        client.bind("alice@corp.example", "wrong"),
        ResultCode::InvalidCredentials
    );
    assert_eq!(client.connection.caller(), Caller::Anonymous);
}

#[test]
fn every_kind_of_filter_finds_what_it_says() {
    let mut client = Client::as_alice();
    let initial = SubstringChoice::Initial(b"VS".to_vec().into());
    let substrings = SubstringFilter::new("cn".into(), vec![initial]);
    let bits = "1.2.840.113556.1.4.803";
    let either = "1.2.840.113556.1.4.804";
    let computer = || equals("objectCategory", "computer");
    let cases = [
        (equals("sAMAccountName", "vs1$"), vec!["VS1"]),
        (equals("servicePrincipalName", "host/vs1"), vec!["VS1"]),
        (Filter::Substrings(substrings), vec!["VS1"]),
        (rule(bits, "userAccountControl", "8192"), vec!["DC1"]),
        (
            and(vec![computer(), rule(either, "userAccountControl", "4097")]),
            vec!["VS1"],
        ),
        (and(vec![computer(), !equals("cn", "DC1")]), vec!["VS1"]),
        (
            and(vec![computer(), Filter::Present("dNSHostName".into())]),
            vec!["DC1"],
        ),
        (
            Filter::GreaterOrEqual(assertion("userAccountControl", "500000")),
            vec!["DC1"],
        ),
        (
            and(vec![computer(), !equals("noSuchAttribute", "x")]),
            vec![],
        ),
        (rule("1.2.3", "userAccountControl", "1"), vec![]),
    ];
    for (filter, names) in cases {
        assert_eq!(client.find(filter.clone()), names, "{filter:?}");
    }
}

#[test]
fn pages_give_every_object_once() {
    let mut client = Client::as_alice();
    let all = client.find(Filter::Present("objectClass".into())).len();
    let (mut seen, mut cookie) = (Vec::new(), Vec::new());
    loop {
        let page = controls::Page {
            size: 4,
            cookie: cookie.into(),
        };
        let value = rasn::ber::encode(&page).unwrap();
        let kind = controls::PAGING.as_bytes().to_vec();
        let control = Control::new(kind.into(), true, Some(value.into()));
        let request = search("DC=corp,DC=example", Filter::Present("objectClass".into()));
        let found = client.ask_with(ProtocolOp::SearchRequest(request), Some(control));
        assert!(found.len() <= 5);
        seen.extend(found.iter().filter_map(short_name));
        let answer = &found.last().unwrap().controls.as_ref().unwrap()[0];
        let answer = answer.control_value.as_ref().unwrap();
        let next: controls::Page = rasn::ber::decode(answer).unwrap();
        cookie = next.cookie.to_vec();
        if cookie.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), all);
}

#[test]
fn passwords_are_not_written_in_the_clear_and_unknown_critical_controls_refuse() {
    let mut client = Client::as_alice();
    let value = b"\"\0x\0\"\0".to_vec();
    let modification = PartialAttribute::new("unicodePwd".into(), vec![value.into()].into());
    let changes = vec![ModifyRequestChanges {
        operation: ChangeOperation::Replace,
        modification,
    }];
    let object = "CN=VS1,CN=Users,DC=corp,DC=example".into();
    let refused = client.ask(ProtocolOp::ModifyRequest(ModifyRequest { object, changes }));
    assert_eq!(code(&refused), ResultCode::UnwillingToPerform);
    let control = Control::new(b"1.2.3".to_vec().into(), true, None);
    let request = search("DC=corp,DC=example", Filter::Present("cn".into()));
    let refused = client.ask_with(ProtocolOp::SearchRequest(request), Some(control));
    assert_eq!(code(&refused), ResultCode::UnavailableCriticalExtension);
}

#[test]
fn a_missing_base_is_told_with_what_is_above_it() {
    let mut client = Client::as_alice();
    let request = search(
        "CN=x,CN=Users,DC=corp,DC=example",
        Filter::Present("cn".into()),
    );
    let found = client.ask(ProtocolOp::SearchRequest(request));
    let ProtocolOp::SearchResDone(done) = &found[0].protocol_op else {
        panic!("{found:?}")
    };
    assert_eq!(done.0.result_code, ResultCode::NoSuchObject);
    assert_eq!(*done.0.matched_dn, "CN=Users,DC=corp,DC=example");
}

#[test]
fn messages_may_come_in_pieces_and_several_at_once() {
    let mut client = Client::as_alice();
    let request_name = connection::WHO_AM_I.as_bytes().to_vec().into();
    let who = ExtendedRequest {
        request_name,
        request_value: None,
    };
    let one = rasn::ber::encode(&LdapMessage::new(9, ProtocolOp::ExtendedReq(who))).unwrap();
    let two = [one.clone(), one].concat();
    let mut answers = Vec::new();
    for byte in two {
        answers.extend(client.send(&[byte]).bytes);
    }
    let answers = messages(&answers);
    assert_eq!(answers.len(), 2);
    let ProtocolOp::ExtendedResp(answer) = &answers[1].protocol_op else {
        panic!()
    };
    assert_eq!(
        &answer.response_value.as_ref().unwrap()[..],
        b"u:CORP\\alice"
    );
}

#[test]
fn giants_and_deep_nests_end_the_connection() {
    let mut deep = vec![5, 0];
    for _ in 0..(der::MAX_DEPTH + 5) {
        deep = der::wrap(0xa0, &deep);
    }
    let giant = vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2];
    for bytes in [deep, giant, vec![0x30, 0x80, 0, 0]] {
        let output = Client::new().send(&bytes);
        assert!(output.close);
        assert_eq!(code(&messages(&output.bytes)), ResultCode::ProtocolError);
    }
}

#[test]
fn a_ping_about_another_domain_finds_nothing() {
    let lab = Lab::new();
    let ping = |domain: &str, user: &str| {
        let version = AttributeValueAssertion::new("NtVer".into(), vec![6, 0, 0, 0].into());
        let clauses = vec![
            equals("DnsDomain", domain),
            equals("User", user),
            Filter::EqualityMatch(version),
        ];
        let mut request = search("", and(clauses));
        request.scope = SearchRequestScope::BaseObject;
        request.attributes = vec!["netlogon".into()];
        let message = LdapMessage::new(3, ProtocolOp::SearchRequest(request));
        let bytes = rasn::ber::encode(&message).unwrap();
        messages(&datagram(&lab.store, &bytes, lab.now).unwrap())
    };
    let found = ping("CORP.example", "");
    let ProtocolOp::SearchResEntry(entry) = &found[0].protocol_op else {
        panic!("{found:?}")
    };
    let value = entry.attributes[0].vals.to_vec()[0].to_vec();
    assert_eq!(value[..8], [23, 0, 0, 0, 0xfd, 0xf3, 0, 0]);
    assert_eq!(value[8..24], lab.store.domain().guid.0);
    assert_eq!(
        value[24..],
        [
            &b"\x04corp\x07example\0\x04corp\x07example\0\x03dc1\x04corp\x07example\0"[..],
            b"\x04CORP\0\x03DC1\0\0\x17Default-First-Site-Name\0\x17Default-First-Site-Name\0",
            &[5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        ]
        .concat()
    );
    let found = ping("corp.example", "nobody");
    let ProtocolOp::SearchResEntry(entry) = &found[0].protocol_op else {
        panic!("{found:?}")
    };
    assert_eq!(entry.attributes[0].vals.to_vec()[0][0], 25);
    assert_eq!(ping("other.example", "").len(), 1);
}

#[test]
fn no_bytes_make_a_connection_panic() {
    let client = Client::as_alice();
    proptest!(|(mut bytes in prop::collection::vec(any::<u8>(), 2..200), whole in any::<bool>())| {
        if whole {
            bytes = der::wrap(0x30, &bytes);
        }
        let mut connection = Connection::new();
        let mut lab = client.lab.clone();
        connection.receive(&mut lab.store, &bytes, lab.now, &mut lab.rng);
        let _answer = datagram(&lab.store, &bytes, lab.now);
    });
}
