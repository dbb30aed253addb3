//! Signed requests: shared secrets and negotiated contexts.

use super::*;
use crate::dns::message::{Request, append};
use crate::dns::tsig::{Flaw, Key};
use crate::{GssContext, GssStep};

const VS1: &str = "vs1.corp.example";
const SECRET: &[u8] = b"a secret of both ends";

/// A client that signs.
struct Client {
    key: Key,
    name: Name,
    algorithm: Name,
}

impl Client {
    fn shared(secret: &[u8]) -> Self {
        let key = Key::Shared {
            algorithm: Algorithm::Sha256,
            secret: secret.to_vec(),
        };
        Self {
            key,
            name: at("key.corp.example"),
            algorithm: at("hmac-sha256"),
        }
    }

    fn sign(&mut self, bytes: &mut Vec<u8>, now_seconds: u64) {
        let mut signer = Signer {
            key: &mut self.key,
            name: self.name.clone(),
            algorithm: self.algorithm.clone(),
            now_seconds,
            before: Vec::new(),
            is_first: true,
            is_time_wrong: false,
        };
        signer.sign(bytes);
    }
}

fn keyed(updates: Updates) -> Server {
    let mut server = server(updates);
    server.add_key(&at("key.corp.example"), Algorithm::Sha256, SECRET.to_vec());
    server
}

fn signed(client: &mut Client, seconds: u64) -> Vec<u8> {
    let mut bytes = update_bytes("corp.example", &[], &[add(VS1, 60, &address(1))]);
    client.sign(&mut bytes, seconds);
    bytes
}

/// The error in the signature of an answer, and how long its code is.
fn signature(answer: &Answer) -> (u16, usize) {
    // Read as a request, which knows where a signature is.
    let mut bytes = answer.messages[0].clone();
    bytes[2] &= 0x7f;
    let signature = Request::parse(&bytes).unwrap().signature.unwrap();
    (signature.error, signature.mac.len())
}

#[test]
fn whoever_shares_a_secret_updates_a_secure_zone_and_gets_a_signed_answer() {
    let mut server = keyed(Updates::Secure);
    let bytes = signed(&mut Client::shared(SECRET), NOW.0 / 1000);
    let answer = send(&mut server, &bytes);
    assert_eq!(code(&answer), Rcode::NOERROR);
    assert_eq!(signature(&answer), (0, 32));
    assert_eq!(ask(&mut server, VS1, Rtype::A).len(), 1);
}

#[test]
fn a_signed_answer_is_whole_where_it_has_room() {
    let mut server = keyed(Updates::Secure);
    let mut bytes = query_bytes("nobody.corp.example", Rtype::SOA);
    Client::shared(SECRET).sign(&mut bytes, NOW.0 / 1000);
    let answer = send(&mut server, &bytes).messages.remove(0);
    let message = Message::from_slice(&answer).unwrap();
    assert!(!message.header().tc());
    assert_eq!(message.header_counts().nscount(), 1);
}

#[test]
fn wrong_secrets_keys_and_clocks_are_told_apart() {
    let mut server = keyed(Updates::Secure);
    let now = NOW.0 / 1000;
    let forged = signed(&mut Client::shared(b"another"), now);
    let answer = send(&mut server, &forged);
    assert_eq!(
        (code(&answer), signature(&answer)),
        (Rcode::NOTAUTH, (Flaw::Signature as u16, 0))
    );
    let mut stranger = Client::shared(SECRET);
    stranger.name = at("other.corp.example");
    let answer = send(&mut server, &signed(&mut stranger, now));
    assert_eq!(
        (code(&answer), signature(&answer)),
        (Rcode::NOTAUTH, (Flaw::Key as u16, 0))
    );
    let late = signed(&mut Client::shared(SECRET), now - 301);
    let answer = send(&mut server, &late);
    assert_eq!(
        (code(&answer), signature(&answer)),
        (Rcode::NOTAUTH, (Flaw::Time as u16, 32))
    );
    assert!(ask(&mut server, VS1, Rtype::A).is_empty());
}

#[test]
fn a_change_on_the_way_breaks_the_signature() {
    let good = signed(&mut Client::shared(SECRET), NOW.0 / 1000);
    for index in 12..60 {
        let mut bad = good.clone();
        bad[index] ^= 1;
        let mut server = keyed(Updates::Secure);
        send(&mut server, &bad);
        assert!(ask(&mut server, VS1, Rtype::A).is_empty(), "octet {index}");
    }
}

/// A context whose code is its number and the length of the message.
#[derive(Debug)]
struct Fake(u8);

impl GssContext for Fake {
    fn mic(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        Some(vec![self.0, u8::try_from(message.len() % 251).unwrap()])
    }

    fn verify(&mut self, message: &[u8], mic: &[u8]) -> bool {
        self.mic(message).as_deref() == Some(mic)
    }
}

/// Takes two tokens: `first`, then the name of the principal.
#[derive(Debug)]
struct Accounts {
    seen: bool,
}

impl GssAcceptor for Accounts {
    fn accept(self: Box<Self>, now: WallTime, token: &[u8]) -> GssStep {
        match (self.seen, token) {
            (false, b"first") => GssStep::Continue {
                half_open: Box::new(Self { seen: true }),
                token: b"more".to_vec(),
            },
            (true, name) => GssStep::Established {
                context: Box::new(Fake(5)),
                principal: String::from_utf8(name.to_vec()).unwrap(),
                token: b"done".to_vec(),
                expires: WallTime(now.0 + 3_600_000),
            },
            _ => GssStep::Rejected,
        }
    }
}

fn token(server: &mut Server, key: &str, token: &[u8]) -> Answer {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(3);
    let mut question = builder.question();
    question.push((at(key), Rtype::TKEY, Class::ANY)).unwrap();
    let mut bytes = question.finish();
    let mut data = at("gss-tsig").into_octets();
    data.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0]);
    data.extend_from_slice(&u16::try_from(token.len()).unwrap().to_be_bytes());
    data.extend_from_slice(token);
    data.extend_from_slice(&[0, 0]);
    append(
        &mut bytes,
        &at(key),
        Class::ANY.to_int(),
        Rtype::TKEY,
        &data,
    );
    let mut accounts = || -> Box<dyn GssAcceptor> { Box::new(Accounts { seen: false }) };
    server.handle(NOW, Transport::Stream, &bytes, &mut accounts)
}

fn establish(server: &mut Server, key: &str, principal: &str) -> Client {
    let more = token(server, key, b"first");
    assert!(more.events.is_empty() && contains(&more, b"more"));
    let done = token(server, key, principal.as_bytes());
    assert_eq!(
        done.events,
        [Event::Established {
            principal: principal.into()
        }]
    );
    assert!(contains(&done, b"done"));
    assert_eq!(signature(&done), (0, 2), "the last answer is signed");
    Client {
        key: Key::Context(Box::new(Fake(5))),
        name: at(key),
        algorithm: at("gss-tsig"),
    }
}

fn contains(answer: &Answer, part: &[u8]) -> bool {
    answer.messages[0].windows(part.len()).any(|it| it == part)
}

#[test]
fn a_name_in_a_secure_zone_belongs_to_whoever_registered_it() {
    let mut server = server(Updates::Secure);
    let now = NOW.0 / 1000;
    let mut owner = establish(&mut server, "1.sig-dc1", "CLU1$@CORP.EXAMPLE");
    let mut other = establish(&mut server, "2.sig-dc1", "other@CORP.EXAMPLE");
    let mut administrator = establish(&mut server, "3.sig-dc1", "Administrator@CORP.EXAMPLE");
    assert_eq!(
        code(&send(&mut server, &signed(&mut owner, now))),
        Rcode::NOERROR
    );
    let mut removal = update_bytes("corp.example", &[], &[remove_set(VS1, Rtype::A)]);
    let unsigned = removal.clone();
    other.sign(&mut removal, now);
    assert_eq!(code(&send(&mut server, &removal)), Rcode::REFUSED);
    let mut apex = update_bytes("corp.example", &[], &[remove_set("corp.example", Rtype::A)]);
    owner.sign(&mut apex, now);
    assert_eq!(
        code(&send(&mut server, &apex)),
        Rcode::REFUSED,
        "the apex is the controller's"
    );
    let mut removal = unsigned;
    administrator.sign(&mut removal, now);
    assert_eq!(code(&send(&mut server, &removal)), Rcode::NOERROR);
}

#[test]
fn a_token_that_proves_nothing_makes_no_key() {
    let mut server = server(Updates::Secure);
    let answer = token(&mut server, "1.sig-dc1", b"nonsense");
    assert_eq!(code(&answer), Rcode::NOERROR, "the error is in the record");
    let message = Message::from_slice(&answer.messages[0]).unwrap();
    assert_eq!(message.header_counts().arcount(), 0, "unsigned");
    let mut client = Client {
        key: Key::Context(Box::new(Fake(5))),
        name: at("1.sig-dc1"),
        algorithm: at("gss-tsig"),
    };
    let answer = send(&mut server, &signed(&mut client, NOW.0 / 1000));
    assert_eq!(
        (code(&answer), signature(&answer).0),
        (Rcode::NOTAUTH, Flaw::Key as u16)
    );
}

#[test]
fn negotiated_keys_expire_and_are_bounded_in_number() {
    let mut server = server(Updates::Secure);
    let mut client = establish(&mut server, "1.sig-dc1", "CLU1$@CORP.EXAMPLE");
    let later = NOW.0 / 1000 + 3_700;
    let bytes = signed(&mut client, later);
    let answer = server.handle(
        WallTime(later * 1000),
        Transport::Datagram,
        &bytes,
        &mut || Box::new(NoAccounts),
    );
    assert_eq!(code(&answer), Rcode::NOTAUTH);
    for number in 0..1100 {
        token(&mut server, &format!("{number}.sig-dc1"), b"first");
    }
    assert!(server.keys.count() <= 1024);
}
