//! The security manager: proof of who speaks, and protection of what is said (seed 001, Security
//! Manager; SecurityLevel, reference section 6.1).
//!
//! Duty: secure a connection by a handshake in which both ends prove that they know the cluster's
//! secret, and sign or encrypt every frame that follows. A frame has its sender's node name inside
//! as proof of validity. Frames that were changed, repeated, or protected less than the cluster
//! demands are refused and counted. No certificates are involved. The handshake is a challenge and
//! its answer both ways, proofs and keys by HKDF and HMAC-SHA-256.
//!
//! Publishes which nodes have a secured connection. Deliberately not done here: whether a node may
//! connect at all (host); heartbeats, which no key protects, so that they cost next to nothing;
//! forward secrecy (whoever learns the cluster's secret can read what was recorded).

mod envelope;
mod messages;
mod session;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base::{Incarnation, Manager, NodeId, NodeSet, Outbox, Timestamp};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use wire::Codec;

pub use envelope::{Opened, open_frame};
pub use messages::{Ends, Input, Message, Output, Refusal, Secret, SecurityLevel};
use session::{Session, Transcript, is_equal};

use crate::Context;

/// A handshake under way, seen from one end.
#[derive(Clone, Debug)]
struct Handshake {
    ends: Ends,
    /// This end's nonce, once it was drawn.
    nonce: Option<[u8; 16]>,
    /// The other end's nonce, once it is known.
    theirs: Option<[u8; 16]>,
}

/// The connections with one peer.
#[derive(Clone, Debug)]
struct Link {
    life: Incarnation,
    current: Session,
    /// The one before: frames on their way may still be of it.
    previous: Option<Session>,
}

/// The manager's state.
#[derive(Debug)]
pub struct Security {
    entropy: [u8; 32],
    drawn: u64,
    cluster: String,
    secret: Secret,
    level: SecurityLevel,
    names: BTreeMap<NodeId, String>,
    handshakes: BTreeMap<NodeId, Handshake>,
    links: BTreeMap<NodeId, Link>,
    refused: BTreeMap<Refusal, u64>,
}

impl Security {
    /// A manager that draws its nonces from `entropy`.
    #[must_use]
    pub fn new(entropy: [u8; 32]) -> Self {
        Self {
            entropy,
            drawn: 0,
            cluster: String::new(),
            secret: Secret::default(),
            level: SecurityLevel::default(),
            names: BTreeMap::new(),
            handshakes: BTreeMap::new(),
            links: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// How many frames and handshakes were refused, by reason.
    #[must_use]
    pub fn refused(&self) -> &BTreeMap<Refusal, u64> {
        &self.refused
    }

    /// Counts a refusal; whoever decodes what was opened may refuse it too.
    pub fn count(&mut self, refusal: Refusal) -> Refusal {
        *self.refused.entry(refusal).or_default() += 1;
        refusal
    }

    /// 16 bytes that nobody can foresee who does not know the entropy; never the same twice.
    fn draw(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let made = <Hmac<Sha256> as Mac>::new_from_slice(&self.entropy);
        let mut hash = made.unwrap_or_else(|_| unreachable!("a key of any length will do"));
        hash.update(&self.drawn.to_be_bytes());
        let bytes: [u8; 32] = hash.finalize().into_bytes().into();
        std::array::from_fn(|place| bytes[place])
    }

    fn name(&self, node: NodeId) -> String {
        self.names.get(&node).cloned().unwrap_or_default()
    }

    /// What the proofs of a handshake are made from; the connector's nonce comes first.
    fn transcript(&self, ends: &Ends, connector: [u8; 16], acceptor: [u8; 16]) -> Transcript {
        let mut facts = wire::Writer::default();
        self.cluster.encode(&mut facts);
        ends.encode(&mut facts);
        self.name(ends.connector.0).encode(&mut facts);
        self.name(ends.acceptor.0).encode(&mut facts);
        facts.put(&connector);
        facts.put(&acceptor);
        Transcript {
            secret: self.secret.0,
            facts: facts.into_bytes(),
        }
    }

    /// Begins a handshake, or says its first word again. The acceptor challenges; the connector
    /// waits for that.
    fn secure(&mut self, me: NodeId, ends: Ends, out: &mut Outbox<Output>) {
        let (peer, _) = ends.peer(me);
        let known = self.handshakes.get(&peer).filter(|it| it.ends == ends);
        let mut handshake = known.cloned().unwrap_or(Handshake {
            ends,
            nonce: None,
            theirs: None,
        });
        if ends.acceptor.0 == me {
            let nonce = handshake.nonce.unwrap_or_else(|| self.draw());
            handshake.nonce = Some(nonce);
            let message = Message::Challenge { ends, nonce };
            out.push(Output::Send { to: peer, message });
        }
        self.handshakes.insert(peer, handshake);
    }

    fn message(&mut self, me: NodeId, from: NodeId, message: Message, out: &mut Outbox<Output>) {
        let (Message::Challenge { ends, .. }
        | Message::Answer { ends, .. }
        | Message::Finish { ends, .. }) = &message;
        // A word of a handshake that is over or was never begun is late, not hostile.
        let Some(handshake) = self.handshakes.get(&from).filter(|it| it.ends == *ends) else {
            return;
        };
        let (handshake, ends) = (handshake.clone(), *ends);
        let refusal = match message {
            Message::Challenge { nonce, .. } if ends.connector.0 == me => {
                self.answer(from, handshake, nonce, out);
                None
            }
            Message::Answer {
                name, nonce, proof, ..
            } if ends.acceptor.0 == me => self.finish(from, &handshake, &name, nonce, &proof, out),
            Message::Finish { name, proof, .. } if ends.connector.0 == me => {
                self.finished(from, &handshake, &name, &proof, out)
            }
            _ => Some(Refusal::Malformed),
        };
        if let Some(refusal) = refusal {
            let refusal = self.count(refusal);
            out.push(Output::Refused {
                peer: from,
                refusal,
            });
        }
    }

    /// As connector: prove knowledge of the secret and ask for the same.
    fn answer(
        &mut self,
        to: NodeId,
        mut handshake: Handshake,
        theirs: [u8; 16],
        out: &mut Outbox<Output>,
    ) {
        let ends = handshake.ends;
        let nonce = handshake.nonce.unwrap_or_else(|| self.draw());
        handshake.nonce = Some(nonce);
        handshake.theirs = Some(theirs);
        self.handshakes.insert(to, handshake);
        let proof = self
            .transcript(&ends, nonce, theirs)
            .derive("proof of connector");
        let name = self.name(ends.connector.0);
        let message = Message::Answer {
            ends,
            name,
            nonce,
            proof,
        };
        out.push(Output::Send { to, message });
    }

    /// As acceptor: judge the proof, give the own one, and use the new keys.
    fn finish(
        &mut self,
        from: NodeId,
        handshake: &Handshake,
        name: &str,
        theirs: [u8; 16],
        proof: &[u8; 32],
        out: &mut Outbox<Output>,
    ) -> Option<Refusal> {
        let ends = handshake.ends;
        let transcript = self.transcript(&ends, theirs, handshake.nonce?);
        if name != self.name(from) {
            return Some(Refusal::WrongName);
        }
        if !is_equal(proof, &transcript.derive("proof of connector")) {
            return Some(Refusal::Tampered);
        }
        let message = Message::Finish {
            ends,
            name: self.name(ends.acceptor.0),
            proof: transcript.derive("proof of acceptor"),
        };
        out.push(Output::Send { to: from, message });
        self.adopt(from, ends.connector.1, &transcript, false, out);
        None
    }

    /// As connector: judge the other end's proof and use the new keys.
    fn finished(
        &mut self,
        from: NodeId,
        handshake: &Handshake,
        name: &str,
        proof: &[u8; 32],
        out: &mut Outbox<Output>,
    ) -> Option<Refusal> {
        let ends = handshake.ends;
        let transcript = self.transcript(&ends, handshake.nonce?, handshake.theirs?);
        if name != self.name(from) {
            return Some(Refusal::WrongName);
        }
        if !is_equal(proof, &transcript.derive("proof of acceptor")) {
            return Some(Refusal::Tampered);
        }
        self.adopt(from, ends.acceptor.1, &transcript, true, out);
        None
    }

    fn adopt(
        &mut self,
        peer: NodeId,
        life: Incarnation,
        transcript: &Transcript,
        is_connector: bool,
        out: &mut Outbox<Output>,
    ) {
        // The handshake is spent: the same answer again would make the same keys again, and with
        // them the same numbers.
        self.handshakes.remove(&peer);
        let session = Session::new(transcript, is_connector, self.level);
        let previous = self.links.remove(&peer).map(|link| link.current);
        self.links.insert(
            peer,
            Link {
                life,
                current: session,
                previous,
            },
        );
        out.push(Output::Publish {
            secured: self.secured(),
        });
        out.push(Output::Secured { peer, life });
    }

    fn secured(&self) -> NodeSet {
        self.links.keys().copied().collect()
    }

    /// Which life of `peer` the connection is with.
    #[must_use]
    pub fn secured_life(&self, peer: NodeId) -> Option<Incarnation> {
        self.links.get(&peer).map(|link| link.life)
    }
}

impl Manager for Security {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Configure {
                cluster,
                secret,
                level,
                names,
            } => {
                (self.cluster, self.secret) = (cluster, secret);
                (self.level, self.names) = (level, names);
            }
            Input::Secure { ends } => self.secure(cx.me, ends, out),
            Input::Abandon { peer } => {
                self.handshakes.remove(&peer);
            }
            Input::Message { from, message } => self.message(cx.me, from, message, out),
        }
    }

    /// Host watches over the time.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, cx: &Context<'_>) {
        assert!(
            !self.links.contains_key(&cx.me) && !self.handshakes.contains_key(&cx.me),
            "a connection with itself"
        );
    }
}
