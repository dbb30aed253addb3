use super::*;
use crate::crypto::{Key, Usage};
use crate::kerberos::tests::{Held, Lab};
use base::Rng;
use proptest::prelude::*;
use rasn_kerberos::Checksum;

const ALL_FLAGS: u32 = Flags::MUTUAL | Flags::CONFIDENTIALITY | Flags::INTEGRITY;

/// The client's end of a context.
#[derive(Clone)]
struct Initiator {
    key: Key,
    sequence: u64,
}

impl Initiator {
    fn header(&mut self, kind: [u8; 2], flags: u8, middle: [u8; 4]) -> [u8; 16] {
        let mut header = [0xff; 16];
        header[..2].copy_from_slice(&kind);
        header[2] = flags;
        header[4..8].copy_from_slice(&middle);
        header[8..].copy_from_slice(&self.sequence.to_be_bytes());
        self.sequence += 1;
        header
    }

    fn mic(&mut self, message: &[u8]) -> Vec<u8> {
        let header = self.header([4, 4], 0, [0xff; 4]);
        let sum = self
            .key
            .checksum(Usage::INITIATOR_SIGN, &[message, &header].concat());
        [&header[..], &sum].concat()
    }

    /// A sealed message, with its end turned to the front as some clients do.
    fn seal(&mut self, message: &[u8], filler: u8, turn: u16, rng: &mut Rng) -> Vec<u8> {
        let mut header = self.header([5, 4], 2, [0, filler, 0, 0]);
        let fill = vec![0; usize::from(filler)];
        let plain = [message, &fill, &header].concat();
        let mut cipher = self.key.encrypt(Usage::INITIATOR_SEAL, &plain, rng);
        let length = cipher.len();
        cipher.rotate_right(usize::from(turn) % length);
        header[6..8].copy_from_slice(&turn.to_be_bytes());
        [&header[..], &cipher].concat()
    }

    fn sign(&mut self, message: &[u8]) -> Vec<u8> {
        let mut header = self.header([5, 4], 0, [0; 4]);
        let sum = self
            .key
            .checksum(Usage::INITIATOR_SEAL, &[message, &header].concat());
        header[5] = 12;
        [&header[..], message, &sum].concat()
    }
}

/// Alice's ticket for a service, and her first token for it.
fn token(lab: &mut Lab, service: &[&str], flags: u32) -> (Held, Vec<u8>) {
    let held = lab.log_on("alice", "Secret.123").unwrap();
    let held = lab.ticket(&held, service).unwrap();
    let sum = [&16_u32.to_le_bytes()[..], &[0; 16], &flags.to_le_bytes()].concat();
    let sum = Checksum {
        r#type: 0x8003,
        checksum: sum.into(),
    };
    let request = lab.present(&held, Usage::AP_AUTHENTICATOR, Some(sum));
    (held, framed([1, 0], &encode(&request)))
}

fn accept(lab: &mut Lab, token: &[u8]) -> Step {
    let service = lab.store.controller().unwrap();
    Acceptor::new(service).accept(&mut lab.store, token, lab.now, &mut lab.rng)
}

fn established(step: Step) -> Established {
    match step {
        Step::Established(established) => *established,
        other => panic!("no context: {other:?}"),
    }
}

fn pair(lab: &mut Lab) -> (Context, Initiator) {
    let (held, token) = token(lab, &["ldap", "DC1"], ALL_FLAGS);
    let context = established(accept(lab, &token)).context;
    (
        context,
        Initiator {
            key: held.session,
            sequence: 77,
        },
    )
}

#[test]
fn a_ticket_for_the_service_makes_a_context_and_one_for_another_does_not() {
    let mut lab = Lab::new();
    let (_, good) = token(&mut lab, &["ldap", "DC1"], ALL_FLAGS);
    let context = established(accept(&mut lab, &good));
    assert_eq!(context.principal, "alice@CORP.EXAMPLE");
    assert_eq!(context.account, lab.alice);
    assert!(context.token.is_some());
    let (_, quiet) = token(&mut lab, &["ldap", "DC1"], Flags::INTEGRITY);
    assert!(established(accept(&mut lab, &quiet)).token.is_none());
    let (_, other) = token(&mut lab, &["host", "VS1"], ALL_FLAGS);
    let reason = match accept(&mut lab, &other) {
        Step::Rejected { reason, .. } => reason,
        step => panic!("{step:?}"),
    };
    assert_eq!(reason, Rejection::Kerberos(Code::NotUs));
}

#[test]
fn signatures_hold_for_their_message_and_direction_only() {
    let mut lab = Lab::new();
    let (mut context, mut client) = pair(&mut lab);
    let mic = client.mic(b"hello");
    assert_eq!(context.verify(b"hello", &mic), Ok(()));
    assert_eq!(context.verify(b"hullo", &mic), Err(BadToken));
    let own = context.mic(b"hello");
    assert_eq!(own[..8], [4, 4, 1, 0xff, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(own[8..16], 77_u64.to_be_bytes());
    assert_eq!(context.verify(b"hello", &own), Err(BadToken));
    let sum = client
        .key
        .checksum(Usage::ACCEPTOR_SIGN, &[&b"hello"[..], &own[..16]].concat());
    assert_eq!(own[16..], sum);
}

#[test]
fn wrapped_messages_come_out_once() {
    let mut lab = Lab::new();
    let (mut context, mut client) = pair(&mut lab);
    let first = client.seal(b"one", 0, 0, &mut lab.rng);
    let second = client.sign(b"two");
    let out = context.unwrap(&first).unwrap();
    assert_eq!((&out.message[..], out.sealed), (&b"one"[..], true));
    let out = context.unwrap(&second).unwrap();
    assert_eq!((&out.message[..], out.sealed), (&b"two"[..], false));
    assert_eq!(context.unwrap(&first), Err(BadToken));
}

#[test]
fn what_the_acceptor_wraps_has_the_form_of_rfc_4121() {
    let mut lab = Lab::new();
    let (mut context, client) = pair(&mut lab);
    let sealed = context.wrap(b"text", true, &mut lab.rng);
    assert_eq!(sealed[..8], [5, 4, 3, 0xff, 0, 0, 0, 0]);
    let plain = client
        .key
        .decrypt(Usage::ACCEPTOR_SEAL, &sealed[16..])
        .unwrap();
    assert_eq!(plain, [&b"text"[..], &sealed[..16]].concat());
    let signed = context.wrap(b"text", false, &mut lab.rng);
    assert_eq!(signed[..8], [5, 4, 1, 0xff, 0, 12, 0, 0]);
    let mut bare = signed[..16].to_vec();
    bare[5] = 0;
    let sum = client
        .key
        .checksum(Usage::ACCEPTOR_SEAL, &[&b"text"[..], &bare].concat());
    assert_eq!(signed[16..], [&b"text"[..], &sum].concat());
}

/// NegTokenInit with these mechanisms and a token.
fn init(mechanisms: &[&[u8]], token: Option<&[u8]>) -> Vec<u8> {
    let list: Vec<u8> = mechanisms
        .iter()
        .flat_map(|one| der::wrap(6, one))
        .collect();
    let mut fields = der::wrap(0xa0, &der::wrap(0x30, &list));
    if let Some(token) = token {
        fields.extend(der::wrap(0xa2, &der::wrap(4, token)));
    }
    let inner = der::wrap(0xa0, &der::wrap(0x30, &fields));
    let name = der::wrap(6, &[0x2b, 6, 1, 5, 5, 2]);
    der::wrap(0x60, &[name, inner].concat())
}

#[test]
fn the_mechanism_comes_back_under_the_number_it_was_offered_by() {
    let mut lab = Lab::new();
    for number in [KERBEROS, KERBEROS_TOO] {
        let (_, inner) = token(&mut lab, &["ldap", "DC1"], ALL_FLAGS);
        let reply = established(accept(&mut lab, &init(&[number], Some(&inner))))
            .token
            .unwrap();
        assert!(reply.windows(number.len()).any(|window| window == number));
        assert_eq!(reply[..9].last(), Some(&0), "accept-completed");
    }
}

#[test]
fn a_mechanism_that_is_not_the_first_is_asked_for_and_the_list_signed() {
    let mut lab = Lab::new();
    let other: &[u8] = &[0x2b, 6, 1, 4, 1];
    let service = lab.store.controller().unwrap();
    let mut acceptor = Acceptor::new(service);
    let first = init(&[other, KERBEROS], Some(b"not ours"));
    let step = acceptor.accept(&mut lab.store, &first, lab.now, &mut lab.rng);
    assert!(matches!(step, Step::Continue(_)));
    let (held, inner) = token(&mut lab, &["ldap", "DC1"], ALL_FLAGS);
    let fields = der::wrap(0xa2, &der::wrap(4, &inner));
    let second = der::wrap(0xa1, &der::wrap(0x30, &fields));
    let step = acceptor.accept(&mut lab.store, &second, lab.now, &mut lab.rng);
    let (_, mic) = spnego::response(&established(step).token.unwrap()).unwrap();
    let mic = mic.unwrap();
    let list = der::wrap(
        0x30,
        &[der::wrap(6, other), der::wrap(6, KERBEROS)].concat(),
    );
    let sum = held
        .session
        .checksum(Usage::ACCEPTOR_SIGN, &[&list, &mic[..16]].concat());
    assert_eq!(mic[16..], sum);
    let none = accept(&mut lab, &init(&[other], None));
    assert!(matches!(
        none,
        Step::Rejected {
            reason: Rejection::NoMechanism,
            ..
        }
    ));
}

#[test]
fn an_empty_token_is_told_what_is_on_offer() {
    let mut lab = Lab::new();
    let Step::Continue(hint) = accept(&mut lab, &[]) else {
        panic!("no hint")
    };
    assert_eq!(spnego::Offer::parse(&hint).unwrap().is_first(), Some(true));
}

#[test]
fn turned_and_filled_messages_come_out_whole() {
    let mut lab = Lab::new();
    let (context, client) = pair(&mut lab);
    let messages = prop::collection::vec(any::<u8>(), 0..60);
    proptest!(|(message in messages, filler in 0..20_u8, turn in any::<u16>())| {
        let (mut context, mut client) = (context.clone(), client.clone());
        let token = client.seal(&message, filler, turn, &mut Rng::new(1, 0));
        prop_assert_eq!(context.unwrap(&token).unwrap().message, message);
    });
}

#[test]
fn no_bytes_make_a_context_or_a_panic() {
    let mut lab = Lab::new();
    let (context, _) = pair(&mut lab);
    proptest!(|(bytes in prop::collection::vec(any::<u8>(), 1..120))| {
        let step = accept(&mut lab.clone(), &bytes);
        prop_assert!(!matches!(step, Step::Established(_)));
        prop_assert!(context.clone().unwrap(&bytes).is_err());
        prop_assert!(context.verify(b"x", &bytes).is_err());
    });
}
