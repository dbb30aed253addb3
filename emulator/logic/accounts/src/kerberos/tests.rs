//! A small client, and what the service answers it.

use super::error::Code;
use super::messages::*;
use super::password::answer as answer_password;
use super::ticket::bits;
use super::*;
use crate::crypto::{EncryptionType, Key, Usage};
use crate::der;
use crate::store::object::control;
use crate::store::{Call, Caller, Change, Domain, Guid, Name, NewObject};
use base::Rng;
use proptest::prelude::*;
use rasn::types::Integer;
use rasn_kerberos::{
    ApOptions, ApRep, ApReq, AsRep, Checksum, EtypeInfo2, KdcOptions, KdcRep, KerberosTime,
    KrbError, KrbPriv, MethodData, PaData, PaEncTsEnc, PrincipalName, TgsRep, Ticket,
};

const NOW: WallTime = WallTime(1_800_000_000_000);
const HOUR: u64 = 3_600_000;

/// A domain with the user alice and the computer VS1, both with the password `Secret.123`.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) store: Store,
    pub(crate) rng: Rng,
    pub(crate) now: WallTime,
    pub(crate) alice: Guid,
    pub(crate) vs1: Guid,
    /// What the client puts into its requests.
    options: u32,
    types: Vec<i32>,
    nonce: i64,
}

/// A ticket in the client's hands.
pub(crate) struct Held {
    pub(crate) ticket: Ticket,
    pub(crate) session: Key,
    part: ReplyPart,
    client: PrincipalName,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let mut rng = Rng::new(7, 0);
        let domain = Domain::new("corp.example", "CORP", "dc1", &mut rng);
        let mut store = Store::provision(domain, NOW, &mut rng);
        let alice = add(&mut store, &mut rng, "user", "alice", "512");
        let vs1 = add(&mut store, &mut rng, "computer", "VS1", "4096");
        let mut call = Call::new(Caller::System, NOW, &mut rng);
        let names = Change::replace("servicePrincipalName", &["HOST/VS1"]);
        store.modify(vs1, &[names], &mut call).unwrap();
        for account in [alice, vs1] {
            store.set_password(account, "Secret.123", &call).unwrap();
        }
        let (options, types, nonce) = (bits::FORWARDABLE, vec![18, 17, 23], 4711);
        Self {
            store,
            rng,
            now: NOW,
            alice,
            vs1,
            options,
            types,
            nonce,
        }
    }

    fn control(&mut self, account: Guid, bits: u32) {
        let change = Change::replace("userAccountControl", &[&bits.to_string()]);
        let mut call = Call::new(Caller::System, NOW, &mut self.rng);
        self.store.modify(account, &[change], &mut call).unwrap();
    }

    fn body(&self, client: Option<&str>, service: &[&str]) -> RequestBody {
        let till = WallTime(self.now.0 + 24 * HOUR);
        RequestBody {
            options: KdcOptions(flags(self.options)),
            cname: client.map(|client| principal(1, &[client])),
            realm: text("CORP.EXAMPLE"),
            sname: Some(principal(2, service)),
            from: None,
            till: time(till),
            rtime: None,
            nonce: self.nonce,
            etype: self.types.clone(),
            addresses: None,
            authorization_data: None,
            additional_tickets: None,
        }
    }

    fn send(&mut self, tag: u8, padata: Vec<PaData>, body: &[u8]) -> Vec<u8> {
        let kind = if tag == 0x6a { 10 } else { 12 };
        let mut fields = der::wrap(0xa1, &[2, 1, 5]);
        fields.extend(der::wrap(0xa2, &[2, 1, kind]));
        fields.extend(der::wrap(0xa3, &encode(&padata)));
        fields.extend(der::wrap(0xa4, body));
        let request = der::wrap(tag, &der::wrap(0x30, &fields));
        answer(
            &mut self.store,
            &request,
            Transport::Stream,
            self.now,
            &mut self.rng,
        )
        .unwrap()
    }

    fn stamp(&mut self, key: &Key, at: WallTime) -> Vec<PaData> {
        let stamp = PaEncTsEnc {
            patimestamp: time(at),
            pausec: Some(microseconds(at)),
        };
        let sealed = seal(&stamp, key, Usage::PREAUTH_TIMESTAMP, None, &mut self.rng);
        vec![PaData {
            r#type: 2,
            value: encode(&sealed).into(),
        }]
    }

    fn salt(client: &str) -> String {
        match client.strip_suffix('$') {
            Some(name) => format!("CORP.EXAMPLEhost{}.corp.example", name.to_lowercase()),
            None => format!("CORP.EXAMPLE{client}"),
        }
    }

    /// The AS exchange of a client that knows its salt.
    pub(crate) fn log_on(&mut self, client: &str, password: &str) -> Result<Held, Box<KrbError>> {
        self.log_on_to(client, password, &["krbtgt", "CORP.EXAMPLE"])
    }

    fn log_on_to(
        &mut self,
        who: &str,
        pass: &str,
        service: &[&str],
    ) -> Result<Held, Box<KrbError>> {
        let kind = EncryptionType::from_number(self.types[0]).unwrap();
        let key = Key::from_password(kind, pass, Self::salt(who).as_bytes());
        let padata = self.stamp(&key, self.now);
        let body = encode(&self.body(Some(who), service));
        let reply = self.send(0x6a, padata, &body);
        let reply: AsRep = rasn::der::decode(&reply).map_err(|_| Box::new(error(&reply)))?;
        Ok(held(reply.0, &key, Usage::AS_REPLY, 25))
    }

    /// An AP-REQ for a ticket; the checksum covers what the caller says.
    pub(crate) fn present(&mut self, held: &Held, usage: Usage, sum: Option<Checksum>) -> ApReq {
        let authenticator = Authenticator {
            version: Integer::from(5),
            crealm: text("CORP.EXAMPLE"),
            cname: held.client.clone(),
            checksum: sum,
            cusec: Integer::from(1),
            ctime: time(self.now),
            subkey: None,
            sequence: Some(77),
            authorization_data: None,
        };
        ApReq {
            pvno: Integer::from(5),
            msg_type: Integer::from(14),
            ap_options: ApOptions(flags(0)),
            ticket: held.ticket.clone(),
            authenticator: seal(&authenticator, &held.session, usage, None, &mut self.rng),
        }
    }

    /// The TGS exchange.
    pub(crate) fn ticket(&mut self, held: &Held, service: &[&str]) -> Result<Held, Box<KrbError>> {
        let body = encode(&self.body(None, service));
        self.ticket_with(held, &body, &body)
    }

    fn ticket_with(
        &mut self,
        held: &Held,
        sent: &[u8],
        signed: &[u8],
    ) -> Result<Held, Box<KrbError>> {
        let sum = Checksum {
            r#type: held.session.kind().checksum_number(),
            checksum: held.session.checksum(Usage::TGS_CHECKSUM, signed).into(),
        };
        let proof = self.present(held, Usage::TGS_AUTHENTICATOR, Some(sum));
        let padata = vec![PaData {
            r#type: 1,
            value: encode(&proof).into(),
        }];
        let reply = self.send(0x6c, padata, sent);
        let reply: TgsRep = rasn::der::decode(&reply).map_err(|_| Box::new(error(&reply)))?;
        let mut got = self::held(reply.0, &held.session, Usage::TGS_REPLY_SESSION, 26);
        got.client = held.client.clone();
        Ok(got)
    }
}

fn add(store: &mut Store, rng: &mut Rng, kind: &str, name: &str, bits: &str) -> Guid {
    let name = Name::of_domain("corp.example")
        .child("CN", "Users")
        .child("CN", name);
    let attribute = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let attributes = vec![
        attribute("objectClass", kind),
        attribute("userAccountControl", bits),
    ];
    let mut call = Call::new(Caller::System, NOW, rng);
    store
        .create(&NewObject { name, attributes }, &mut call)
        .unwrap()
}

fn error(reply: &[u8]) -> KrbError {
    rasn::der::decode(reply).unwrap()
}

fn held(reply: KdcRep, key: &Key, usage: Usage, tag: u8) -> Held {
    let plain = key.decrypt(usage, &reply.enc_part.cipher).unwrap();
    let (inner, _) = der::expect(&plain, 0x60 | tag).unwrap();
    let part: ReplyPart = rasn::der::decode(inner).unwrap();
    let session = key_of(&part.key).unwrap();
    Held {
        ticket: reply.ticket,
        session,
        part,
        client: reply.cname,
    }
}

fn code(result: Result<Held, Box<KrbError>>) -> i32 {
    result.err().map_or(0, |error| error.error_code)
}

#[test]
fn every_type_of_key_gets_a_ticket_and_the_nonce_back_even_a_negative_one() {
    for types in [vec![18], vec![17], vec![23]] {
        let mut lab = Lab::new();
        lab.types = types.clone();
        lab.nonce = -5;
        let held = lab.log_on("alice", "Secret.123").unwrap();
        assert_eq!(held.part.nonce, -5);
        assert_eq!(held.part.key.r#type, types[0]);
        let flags = flags_of(&held.part.flags.0);
        let wanted = bits::FORWARDABLE | bits::INITIAL | bits::PREAUTHENTICATED;
        assert_eq!(flags, wanted);
        assert!(held.part.renew_till.is_none());
    }
}

#[test]
fn without_rc4_in_the_policy_a_client_that_knows_nothing_else_is_refused() {
    let mut lab = Lab::new();
    lab.store.policy.rc4 = false;
    lab.types = vec![23];
    assert_eq!(
        code(lab.log_on("alice", "Secret.123")),
        Code::NoEncryptionType as i32
    );
}

#[test]
fn the_first_answer_tells_the_salt() {
    let mut lab = Lab::new();
    let body = encode(&lab.body(Some("VS1$"), &["krbtgt", "CORP.EXAMPLE"]));
    let refusal = error(&lab.send(0x6a, Vec::new(), &body));
    assert_eq!(refusal.error_code, Code::PreauthenticationRequired as i32);
    let offers: MethodData = rasn::der::decode(&refusal.e_data.unwrap()).unwrap();
    let info: EtypeInfo2 = rasn::der::decode(&offers[0].value).unwrap();
    let kinds: Vec<i32> = info.iter().map(|entry| entry.etype).collect();
    assert_eq!(kinds, [18, 17, 23]);
    assert_eq!(info[0].salt, Some(text("CORP.EXAMPLEhostvs1.corp.example")));
}

#[test]
fn each_reason_not_to_log_on_has_its_error() {
    let mut lab = Lab::new();
    let wrong = lab.log_on("alice", "secret.123");
    assert_eq!(code(wrong), Code::PreauthenticationFailed as i32);
    assert_eq!(code(lab.log_on("nobody", "x")), Code::ClientUnknown as i32);
    lab.control(lab.alice, control::NORMAL | control::DISABLED);
    assert_eq!(
        code(lab.log_on("alice", "Secret.123")),
        Code::Revoked as i32
    );
    lab.control(lab.alice, control::NORMAL);
    lab.now = WallTime(NOW.0 + 43 * 24 * HOUR);
    assert_eq!(
        code(lab.log_on("alice", "Secret.123")),
        Code::KeyExpired as i32
    );
    assert_eq!(code(lab.log_on("VS1$", "Secret.123")), 0);
    let changes = lab.log_on_to("alice", "Secret.123", &["kadmin", "changepw"]);
    assert_eq!(code(changes), 0);
}

#[test]
fn a_clock_that_is_six_minutes_off_is_told_so_and_four_minutes_pass() {
    let mut lab = Lab::new();
    let salt = Lab::salt("alice");
    let key = Key::from_password(EncryptionType::Aes256, "Secret.123", salt.as_bytes());
    let body = encode(&lab.body(Some("alice"), &["krbtgt", "CORP.EXAMPLE"]));
    let early = lab.stamp(&key, WallTime(NOW.0 - 6 * 60_000));
    let refusal = error(&lab.send(0x6a, early, &body));
    assert_eq!(refusal.error_code, Code::Skew as i32);
    assert_eq!(moment_of(&refusal.stime), NOW);
    let late = lab.stamp(&key, WallTime(NOW.0 + 4 * 60_000));
    let reply = lab.send(0x6a, late, &body);
    assert!(rasn::der::decode::<AsRep>(&reply).is_ok());
}

#[test]
fn services_are_found_in_any_case_through_host_and_by_logon_name() {
    let mut lab = Lab::new();
    let held = lab.log_on("alice", "Secret.123").unwrap();
    for service in [
        &["host", "vs1"][..],
        &["cifs", "VS1"],
        &["HTTP", "Vs1"],
        &["VS1$"],
    ] {
        let got = lab.ticket(&held, service).unwrap();
        assert_eq!(got.ticket.enc_part.kvno, Some(1), "{service:?}");
    }
    let missing = lab.ticket(&held, &["MSSQLSvc", "VS1"]);
    assert_eq!(code(missing), Code::ServerUnknown as i32);
}

#[test]
fn a_request_that_was_changed_on_the_way_is_refused() {
    let mut lab = Lab::new();
    let held = lab.log_on("alice", "Secret.123").unwrap();
    let sent = encode(&lab.body(None, &["host", "VS1"]));
    let signed = encode(&lab.body(None, &["host", "DC1"]));
    let changed = lab.ticket_with(&held, &sent, &signed);
    assert_eq!(code(changed), Code::Modified as i32);
}

#[test]
fn tickets_end_and_renewable_ones_are_renewed_until_they_end_for_good() {
    let mut lab = Lab::new();
    lab.options = bits::RENEWABLE;
    let held = lab.log_on("alice", "Secret.123").unwrap();
    assert_eq!(
        moment_of(held.part.renew_till.as_ref().unwrap()).0,
        NOW.0 + MAX_RENEW_MILLIS
    );
    lab.options = bits::RENEW;
    lab.now = WallTime(NOW.0 + 9 * HOUR);
    let renewed = lab.ticket(&held, &["krbtgt", "CORP.EXAMPLE"]).unwrap();
    assert_eq!(moment_of(&renewed.part.end_time).0, NOW.0 + 19 * HOUR);
    lab.now = WallTime(NOW.0 + 11 * HOUR);
    let expired = lab.ticket(&held, &["krbtgt", "CORP.EXAMPLE"]);
    assert_eq!(code(expired), Code::TicketExpired as i32);
    assert!(lab.ticket(&renewed, &["krbtgt", "CORP.EXAMPLE"]).is_ok());
}

#[test]
fn a_ticket_of_an_account_that_was_switched_off_or_deleted_is_worth_nothing() {
    let mut lab = Lab::new();
    let held = lab.log_on("VS1$", "Secret.123").unwrap();
    lab.control(lab.vs1, control::WORKSTATION | control::DISABLED);
    assert_eq!(
        code(lab.ticket(&held, &["host", "DC1"])),
        Code::Revoked as i32
    );
    let call = Call::new(Caller::System, NOW, &mut lab.rng);
    lab.store.delete(lab.vs1, false, &call).unwrap();
    assert_eq!(
        code(lab.ticket(&held, &["host", "DC1"])),
        Code::TicketRevoked as i32
    );
}

#[test]
fn a_password_is_changed_with_a_ticket_for_that() {
    let mut lab = Lab::new();
    let held = lab
        .log_on_to("alice", "Secret.123", &["kadmin", "changepw"])
        .unwrap();
    let (outcome, _) = change(&mut lab, &held, "Another.456");
    assert_eq!(outcome, 0);
    assert!(lab.log_on("alice", "Another.456").is_ok());
    let held = lab
        .log_on_to("alice", "Another.456", &["kadmin", "changepw"])
        .unwrap();
    let (outcome, text) = change(&mut lab, &held, "short");
    assert_eq!((outcome, text.contains("7 to")), (4, true));
}

fn change(lab: &mut Lab, held: &Held, password: &str) -> (u16, String) {
    let proof = encode(&lab.present(held, Usage::AP_AUTHENTICATOR, None));
    let address = der::wrap(0x30, &[0xa0, 3, 2, 1, 2, 0xa1, 6, 4, 4, 127, 0, 0, 1]);
    let mut part = der::wrap(0xa0, &der::wrap(4, password.as_bytes()));
    part.extend(der::wrap(0xa4, &address));
    let plain = der::wrap(0x7c, &der::wrap(0x30, &part));
    let cipher = held.session.encrypt(Usage::PRIVATE, &plain, &mut lab.rng);
    let private = encode(&KrbPriv {
        pvno: Integer::from(5),
        msg_type: Integer::from(21),
        enc_part: rasn_kerberos::EncryptedData {
            etype: 18,
            kvno: None,
            cipher: cipher.into(),
        },
    });
    let short = |count: usize| u16::try_from(count).unwrap().to_be_bytes();
    let total = short(6 + proof.len() + private.len());
    let request = [&total[..], &[0, 1], &short(proof.len()), &proof, &private].concat();
    let local = std::net::Ipv4Addr::LOCALHOST.into();
    let reply = answer_password(&mut lab.store, &request, local, lab.now, &mut lab.rng).unwrap();
    let length = usize::from(u16::from_be_bytes([reply[4], reply[5]]));
    assert!(rasn::der::decode::<ApRep>(&reply[6..6 + length]).is_ok());
    let answer: KrbPriv = rasn::der::decode(&reply[6 + length..]).unwrap();
    let plain = held
        .session
        .decrypt(Usage::PRIVATE, &answer.enc_part.cipher)
        .unwrap();
    let (inner, _) = der::expect(&plain, 0x7c).unwrap();
    let (fields, _) = der::expect(inner, 0x30).unwrap();
    let (data, _) = der::expect(der::expect(fields, 0xa0).unwrap().0, 4).unwrap();
    let text = String::from_utf8(data[2..].to_vec()).unwrap();
    (u16::from_be_bytes([data[0], data[1]]), text)
}

#[test]
fn a_reply_that_does_not_fit_a_datagram_is_asked_for_again() {
    let long = vec![0; MAX_DATAGRAM_BYTES + 1];
    assert_eq!(
        fitting(long.clone(), Transport::Datagram).unwrap_err().code,
        Code::TooBig
    );
    assert_eq!(fitting(long.clone(), Transport::Stream).unwrap(), long);
}

#[test]
fn frames_are_taken_off_one_by_one_and_giants_are_refused() {
    let mut buffer = [frame(b"one"), frame(b"two")].concat();
    buffer.pop();
    assert_eq!(take_frame(&mut buffer), Ok(Some(b"one".to_vec())));
    assert_eq!(take_frame(&mut buffer), Ok(None));
    buffer.push(b'o');
    assert_eq!(take_frame(&mut buffer), Ok(Some(b"two".to_vec())));
    assert_eq!(
        take_frame(&mut vec![0x7f, 0, 0, 0]),
        Err(TooLong(0x7f00_0000))
    );
}

#[test]
fn a_key_table_has_a_line_for_every_name_and_key() {
    let mut lab = Lab::new();
    let entries = lab.store.key_table_entries(lab.vs1);
    assert_eq!(entries.len(), 2 * 3);
    let table = key_table("CORP.EXAMPLE", &entries, 0);
    assert_eq!(table[..2], [5, 2]);
    let name = b"VS1$";
    assert!(table.windows(name.len()).any(|window| window == name));
}

#[test]
fn a_time_of_1970_means_as_long_as_possible() {
    let unlimited: KerberosTime = time(WallTime(0));
    assert_eq!(ticket::wanted_end(&unlimited, 5), WallTime(5));
}

#[test]
fn no_bytes_make_the_services_panic() {
    let lab = Lab::new();
    let local = std::net::Ipv4Addr::LOCALHOST.into();
    proptest!(|(mut bytes in prop::collection::vec(any::<u8>(), 1..300))| {
        let mut lab = lab.clone();
        for tag in [0x6a, 0x6c] {
            bytes[0] = tag;
            answer(&mut lab.store, &bytes, Transport::Datagram, NOW, &mut lab.rng);
        }
        answer_password(&mut lab.store, &bytes, local, NOW, &mut lab.rng);
    });
}
