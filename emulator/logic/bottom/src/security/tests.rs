//! Who proves itself is heard, whoever tampers is not.

use std::collections::BTreeMap;

use base::{Incarnation, Manager, NodeId, Now, Outbox, Rng};
use proptest::prelude::*;

use super::{Ends, Input, Message, Output, Refusal, Secret, Security, SecurityLevel, open_frame};
use crate::{Context, Facts};

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("a valid node")
}

/// One node's security manager.
struct End {
    me: NodeId,
    security: Security,
    secured: Vec<NodeId>,
    refused: Vec<Refusal>,
}

impl End {
    fn new(me: u8, secret: u8, level: SecurityLevel) -> Self {
        let mut end = Self {
            me: node(me),
            security: Security::new([me; 32]),
            secured: Vec::new(),
            refused: Vec::new(),
        };
        end.configure(secret, level);
        end
    }

    fn configure(&mut self, secret: u8, level: SecurityLevel) {
        let names: BTreeMap<_, _> = (1..=3).map(|it| (node(it), format!("n{it}"))).collect();
        self.tell(Input::Configure {
            cluster: "CLU1".to_owned(),
            secret: Secret([secret; 32]),
            level,
            names,
        });
    }

    /// Answers what it sends.
    fn tell(&mut self, input: Input) -> Vec<Message> {
        let (facts, mut rng, mut out) = (Facts::default(), Rng::new(1, 1), Outbox::default());
        let mut cx = Context {
            now: Now::default(),
            me: self.me,
            facts: &facts,
            rng: &mut rng,
        };
        self.security.handle(&mut cx, input, &mut out);
        self.security.check(&cx);
        let mut sent = Vec::new();
        for output in out.drain() {
            match output {
                Output::Send { message, .. } => sent.push(message),
                Output::Secured { peer, .. } => self.secured.push(peer),
                Output::Refused { refusal, .. } => self.refused.push(refusal),
                Output::Publish { .. } => {}
            }
        }
        sent
    }

    fn hear(&mut self, from: NodeId, messages: Vec<Message>) -> Vec<Message> {
        let inputs = messages.into_iter();
        let inputs = inputs.map(|message| Input::Message { from, message });
        inputs.flat_map(|input| self.tell(input)).collect()
    }

    fn open(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.security.open(bytes).map(|opened| opened.body)
    }

    fn protect(&mut self, to: &Self, body: &[u8]) -> Vec<u8> {
        let protected = self.security.protect(self.me, to.me, body);
        protected.expect("a secured connection")
    }
}

/// Lets `a` connect to `b`.
fn connect(a: &mut End, b: &mut End) {
    let ends = Ends {
        connector: (a.me, Incarnation(1)),
        acceptor: (b.me, Incarnation(1)),
    };
    a.tell(Input::Secure { ends });
    let mut words = b.tell(Input::Secure { ends });
    for _ in 0..2 {
        let answers = a.hear(b.me, words);
        words = b.hear(a.me, answers);
    }
}

fn pair(level: SecurityLevel) -> (End, End) {
    let (mut a, mut b) = (End::new(1, 7, level), End::new(2, 7, level));
    connect(&mut a, &mut b);
    (a, b)
}

#[test]
fn both_ends_of_a_handshake_are_secured_once() {
    let (a, b) = pair(SecurityLevel::Sign);
    assert_eq!((a.secured, b.secured), (vec![node(2)], vec![node(1)]));
}

#[test]
fn signing_is_the_default_and_leaves_the_words_readable() {
    assert_eq!(SecurityLevel::default(), SecurityLevel::Sign);
    let (mut a, mut b) = pair(SecurityLevel::default());
    let bytes = a.protect(&b, b"gossip");
    assert!(bytes.windows(6).any(|window| window == b"gossip"));
    assert!(
        bytes.windows(2).any(|window| window == b"n1"),
        "the node name is inside"
    );
    assert_eq!(b.open(&bytes).as_deref(), Ok(&b"gossip"[..]));
}

#[test]
fn what_is_encrypted_cannot_be_read_on_the_way() {
    let (mut a, mut b) = pair(SecurityLevel::Encrypt);
    let bytes = a.protect(&b, b"gossip");
    assert!(!bytes.windows(6).any(|window| window == b"gossip"));
    assert_eq!(b.open(&bytes).as_deref(), Ok(&b"gossip"[..]));
}

#[test]
fn whoever_does_not_know_the_secret_is_refused() {
    let mut a = End::new(1, 8, SecurityLevel::Sign);
    let mut b = End::new(2, 7, SecurityLevel::Sign);
    connect(&mut a, &mut b);
    assert_eq!(b.refused, [Refusal::Tampered]);
    assert_eq!((a.secured.len(), b.secured.len()), (0, 0));
    assert_eq!(b.security.refused()[&Refusal::Tampered], 1);
}

#[test]
fn a_node_cannot_pass_itself_off_as_another() {
    let (mut a, mut b) = pair(SecurityLevel::Sign);
    let mut c = End::new(3, 7, SecurityLevel::Sign);
    connect(&mut c, &mut b);
    let mut bytes = c.protect(&b, b"gossip");
    bytes[4] = a.me.number();
    assert_eq!(b.open(&bytes), Err(Refusal::Tampered));
    let own = a.protect(&b, b"gossip");
    a.security.names.insert(a.me, "n3".to_owned());
    let named_otherwise = a.protect(&b, b"gossip");
    assert_eq!(b.open(&named_otherwise), Err(Refusal::WrongName));
    assert!(b.open(&own).is_ok());
}

#[test]
fn a_frame_that_comes_twice_counts_once() {
    let (mut a, mut b) = pair(SecurityLevel::Sign);
    let frames: Vec<_> = (0..200_u8).map(|it| a.protect(&b, &[it])).collect();
    assert!(b.open(&frames[5]).is_ok());
    assert!(b.open(&frames[3]).is_ok(), "overtaken is not repeated");
    assert_eq!(b.open(&frames[5]), Err(Refusal::Replayed));
    assert!(b.open(&frames[199]).is_ok());
    assert_eq!(
        b.open(&frames[4]),
        Err(Refusal::Replayed),
        "too old to tell"
    );
    assert_eq!(b.security.refused()[&Refusal::Replayed], 2);
}

#[test]
fn frames_of_the_connection_before_are_heard_while_a_new_one_begins() {
    let (mut a, mut b) = pair(SecurityLevel::Sign);
    let late = a.protect(&b, b"late");
    connect(&mut a, &mut b);
    let fresh = a.protect(&b, b"fresh");
    assert_eq!(b.open(&fresh).as_deref(), Ok(&b"fresh"[..]));
    assert_eq!(b.open(&late).as_deref(), Ok(&b"late"[..]));
    connect(&mut a, &mut b);
    assert_eq!(b.open(&late), Err(Refusal::Tampered), "two connections ago");
}

#[test]
fn a_frame_of_a_stranger_is_refused() {
    let (mut a, b) = pair(SecurityLevel::Sign);
    let mut c = End::new(3, 7, SecurityLevel::Sign);
    let bytes = a.protect(&b, b"gossip");
    assert_eq!(c.open(&bytes), Err(Refusal::NoSession));
    assert_eq!(c.security.protect(c.me, a.me, b"gossip"), None);
}

#[test]
fn the_level_can_be_raised_and_lowered_while_messages_flow() {
    use SecurityLevel::{Clear, Encrypt, Sign};
    for (from, to) in [
        (Sign, Encrypt),
        (Encrypt, Sign),
        (Sign, Clear),
        (Clear, Encrypt),
    ] {
        let (mut a, mut b) = pair(from);
        a.configure(7, to);
        let first = a.protect(&b, b"a");
        assert!(
            b.open(&first).is_ok(),
            "{from:?} to {to:?}: a demands no less than b"
        );
        let back = b.protect(&a, b"b");
        assert!(
            a.open(&back).is_ok(),
            "{from:?} to {to:?}: b does as a demands"
        );
        b.configure(7, to);
        let both = b.protect(&a, b"b");
        assert!(a.open(&both).is_ok(), "{from:?} to {to:?}");
    }
}

#[test]
fn a_cluster_that_signs_hears_no_frame_in_the_clear() {
    let (mut a, mut b) = pair(SecurityLevel::Clear);
    b.configure(7, SecurityLevel::Sign);
    let bytes = a.protect(&b, b"gossip");
    assert_eq!(b.open(&bytes), Err(Refusal::TooWeak));
}

#[test]
fn an_open_frame_says_that_it_is_open() {
    let mut b = End::new(2, 7, SecurityLevel::Sign);
    let opened = b.security.open(&open_frame(node(1), b"heartbeat"));
    assert!(opened.is_ok_and(|it| it.is_open && it.body == b"heartbeat"));
}

#[test]
fn protected_frames_look_as_documented() {
    let (mut a, b) = pair(SecurityLevel::Sign);
    let bytes = a.protect(&b, b"gossip");
    let header = [b"LAF\x02".as_slice(), &[1, 1, 1], &1_u64.to_be_bytes()].concat();
    let body = [[0, 0, 0, 2].as_slice(), b"n1", b"gossip"].concat();
    assert!(bytes.starts_with(&[header, body].concat()));
    assert_eq!(bytes.len(), 15 + 12 + 16);
    // The keys follow from the secret and what both ends were started with, so the tag is known.
    let tag: String = bytes[27..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(tag, "749815457f4b85ad649ef6cee5a68b13");
}

proptest! {
    #[test]
    fn a_frame_with_one_byte_changed_is_refused(
        level in 0..3_u32, body: Vec<u8>, at: usize, change in 1..=255_u8,
    ) {
        let level = SecurityLevel::from_number(level).expect("a level");
        let (mut a, mut b) = pair(level);
        let mut bytes = a.protect(&b, &body);
        let at = at % bytes.len();
        bytes[at] ^= change;
        prop_assert!(b.open(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>) {
        let (_, mut b) = pair(SecurityLevel::Sign);
        prop_assert!(b.open(&bytes).is_err());
    }

    #[test]
    fn any_words_of_a_handshake_secure_nothing(entropy: Vec<Vec<u8>>) {
        use wire::Sample;
        let mut b = End::new(2, 7, SecurityLevel::Sign);
        let ends = Ends {
            connector: (node(1), Incarnation(1)),
            acceptor: (node(2), Incarnation(1)),
        };
        b.tell(Input::Secure { ends });
        for entropy in entropy {
            let mut message = Message::from_entropy(&entropy);
            let (Message::Challenge { ends: own, .. }
            | Message::Answer { ends: own, .. }
            | Message::Finish { ends: own, .. }) = &mut message;
            *own = ends;
            b.tell(Input::Message { from: node(1), message });
        }
        prop_assert_eq!(b.secured.len(), 0);
    }
}
