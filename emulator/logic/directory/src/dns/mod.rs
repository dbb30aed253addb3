//! The domain name server: one request in, its answers out, and what of it must be kept.
//!
//! Serves the seeds' clauses on dynamic DNS and facts 3.1 to 3.6. Authoritative only; scavenging
//! of old records is off, as the product has it by default, and there is no switch for it.

mod data;
mod domain;
mod lookup;
mod message;
mod negotiate;
#[cfg(test)]
mod tests;
mod tkey;
mod transfer;
mod tsig;
mod update;
mod zone;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ::domain::base::iana::{Opcode, Rcode, Rtype};
use base::WallTime;
use serde::{Deserialize, Serialize};

pub use data::{Data, name, text};
pub use domain::{Domain, Ports, reverse, reverse_zones, zone as domain_zone};
pub use tsig::Algorithm;
pub use zone::{Updates, Zone};

use crate::GssAcceptor;
use message::{Refusal, Reply, Request, bare, echo};
use negotiate::Keys;
use tsig::{Flaw, Signer};
use update::Asker;

/// A name, compared without regard to case.
pub type Name = ::domain::base::Name<Vec<u8>>;

/// What stands at a name after a change. To keep a zone, keep these in order; each replaces the
/// one before for its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The zone's apex.
    pub zone: String,
    /// The name.
    pub name: String,
    /// Who registered it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its records; none, and the name is gone.
    pub sets: Vec<ChangedSet>,
}

/// Records of one type in a [`Change`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedSet {
    /// The type's number.
    pub rtype: u16,
    /// Time to live (seconds).
    pub ttl: u32,
    /// Record data in hexadecimal digits.
    pub records: Vec<String>,
}

/// How a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram each way.
    Datagram,
    /// A stream, which carries long answers and transfers.
    Stream,
}

/// What goes wrong with the server on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers nothing.
    Down,
    /// Every update is refused.
    RefuseUpdates,
    /// Updates are acknowledged and forgotten.
    LoseUpdates,
}

/// Something that whoever runs the server may want to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An update was made.
    Updated {
        /// Its zone.
        zone: String,
        /// By whom, if signed.
        by: Option<String>,
    },
    /// An update was not made.
    Refused {
        /// Its zone.
        zone: String,
        /// By whom, if signed.
        by: Option<String>,
        /// The code of the answer, as RFCs name it.
        code: String,
    },
    /// A client has proven who it is.
    Established {
        /// Who.
        principal: String,
    },
}

/// What a request leads to.
#[derive(Debug, Default)]
pub struct Answer {
    /// Messages to send, in order; several only on a stream.
    pub messages: Vec<Vec<u8>>,
    /// What to make durable before any message is sent.
    pub changes: Vec<Change>,
    /// What has happened.
    pub events: Vec<Event>,
}

impl Answer {
    fn of(message: Option<Vec<u8>>) -> Self {
        Self {
            messages: message.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// The zones, by apex.
#[derive(Debug, Default)]
pub(crate) struct Zones(BTreeMap<Name, Zone>);

impl Zones {
    /// The zone that a name lies in: the nearest.
    fn of(&self, name: &Name) -> Option<&Zone> {
        zone::suffixes(name).find_map(|apex| self.0.get(&apex))
    }
}

/// The domain name server.
#[derive(Debug, Default)]
pub struct Server {
    zones: Zones,
    keys: Keys,
    /// Who may change every name.
    trusted: Vec<String>,
    fault: Option<Fault>,
}

impl Server {
    /// A server of these zones. Whoever is `trusted`, as `name@REALM`, may change every name.
    #[must_use]
    pub fn new(zones: Vec<Zone>, trusted: Vec<String>) -> Self {
        let zones = zones
            .into_iter()
            .map(|zone| (zone.apex().clone(), zone))
            .collect();
        Self {
            zones: Zones(zones),
            trusted,
            ..Self::default()
        }
    }

    /// Lets whoever has this secret sign, and change every name.
    pub fn add_key(&mut self, name: &Name, algorithm: Algorithm, secret: Vec<u8>) {
        self.keys.share(name, algorithm, secret);
    }

    /// Something goes wrong from now on, or all is well again.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// The zone of this name, if it is served here.
    #[must_use]
    pub fn zone(&self, apex: &Name) -> Option<&Zone> {
        self.zones.0.get(apex)
    }

    /// Everything that stands in the zones, as changes to nothing.
    #[must_use]
    pub fn kept(&self) -> Vec<Change> {
        let all = self.zones.0.values();
        all.flat_map(|zone| zone.nodes().map(|(name, _)| zone.kept(name)))
            .collect()
    }

    /// Makes a change that was kept. A zone that is served no more is passed over.
    ///
    /// # Errors
    /// When the change is damaged.
    pub fn restore(&mut self, change: &Change) -> Result<(), String> {
        let apex = name(&change.zone)?;
        self.zones
            .0
            .get_mut(&apex)
            .map_or(Ok(()), |zone| zone.restore(change))
    }

    /// Adds a record without asking anybody; returns what to keep.
    pub fn put(&mut self, name: &Name, ttl_seconds: u32, data: Data) -> Option<Change> {
        let apex = self.zones.of(name)?.apex().clone();
        let zone = self.zones.0.get_mut(&apex)?;
        zone.add(name, ttl_seconds, data);
        Some(zone.kept(name))
    }

    /// Gives a name these addresses and no others; what else stands there stays.
    pub fn replace_addresses(&mut self, name: &Name, addresses: &[IpAddr]) -> Option<Change> {
        let apex = self.zones.of(name)?.apex().clone();
        let zone = self.zones.0.get_mut(&apex)?;
        zone.replace_addresses(name, addresses);
        Some(zone.kept(name))
    }

    /// Answers a request. `acceptor` makes the state in which a new client's tokens are judged.
    pub fn handle(
        &mut self,
        now: WallTime,
        transport: Transport,
        bytes: &[u8],
        acceptor: &mut dyn FnMut() -> Box<dyn GssAcceptor>,
    ) -> Answer {
        if self.fault == Some(Fault::Down) {
            return Answer::default();
        }
        let request = match Request::parse(bytes) {
            Ok(request) => request,
            Err(Refusal::Silence) => return Answer::default(),
            Err(Refusal::Code(code)) => return Answer::of(bare(bytes, code)),
        };
        let now_seconds = now.0 / 1000;
        let who = match self.keys.verify(&request, bytes, now_seconds) {
            Ok(who) => who,
            Err(flaw) => return self.complain(&request, bytes, flaw, now_seconds),
        };
        let asker = match &who {
            None => Asker::Anybody,
            Some(who) if who.is_shared || is_any_of(&self.trusted, &who.name) => {
                Asker::Trusted(&who.name)
            }
            Some(who) => Asker::Principal(&who.name),
        };
        let mut answer = match request.header.opcode() {
            Opcode::UPDATE => self.update(&request, bytes, asker),
            _ if request.question.rtype == Rtype::TKEY => {
                return self.negotiate(now, &request, transport, acceptor);
            }
            _ => self.query(&request, transport),
        };
        self.sign(&request, &mut answer, now_seconds, false);
        answer
    }

    fn query(&self, request: &Request, transport: Transport) -> Answer {
        let is_stream = transport == Transport::Stream;
        let mut room = request.room(is_stream);
        if let Some(signature) = &request.signature {
            room = room.saturating_sub(signature.room());
        }
        let replies = match request.question.rtype {
            _ if request.unknown_edns => vec![unknown_edns(request)],
            Rtype::AXFR | Rtype::IXFR => self.transfer(request, is_stream),
            _ => vec![lookup::answer(&self.zones, request)],
        };
        let messages = replies.iter().map(|reply| reply.encode(room)).collect();
        Answer {
            messages,
            ..Answer::default()
        }
    }

    fn transfer(&self, request: &Request, is_stream: bool) -> Vec<Reply> {
        match self.zones.0.get(&request.question.name) {
            None => vec![Reply::to(request, Rcode::NOTAUTH)],
            Some(zone) if is_stream => transfer::replies(zone, request),
            // Over UDP the start alone makes the client come again over TCP (RFC 1995 section 2).
            Some(_) if request.question.rtype == Rtype::IXFR => {
                let mut asked = request.clone();
                asked.question.rtype = Rtype::SOA;
                let mut reply = lookup::answer(&self.zones, &asked);
                reply.question = Some(request.question.clone());
                vec![reply]
            }
            Some(_) => vec![Reply::to(request, Rcode::FORMERR)],
        }
    }

    fn update(&mut self, request: &Request, bytes: &[u8], asker: Asker<'_>) -> Answer {
        let zone = text(&request.question.name);
        let by = match asker {
            Asker::Anybody => None,
            Asker::Principal(who) | Asker::Trusted(who) => Some(who.to_owned()),
        };
        let outcome = self.make(request, asker);
        let rcode = outcome
            .as_ref()
            .map_or_else(|code| *code, |_| Rcode::NOERROR);
        let event = match rcode {
            Rcode::NOERROR => Event::Updated { zone, by },
            code => Event::Refused {
                zone,
                by,
                code: code.to_string(),
            },
        };
        Answer {
            messages: echo(bytes, request.body_end, rcode).into_iter().collect(),
            changes: outcome.unwrap_or_default(),
            events: vec![event],
        }
    }

    /// Makes an update, in the order of RFC 2136 section 3.
    fn make(&mut self, request: &Request, asker: Asker<'_>) -> Result<Vec<Change>, Rcode> {
        let asked = &request.question;
        if asked.rtype != Rtype::SOA {
            return Err(Rcode::FORMERR);
        }
        let zone = self.zones.0.get_mut(&asked.name).ok_or(Rcode::NOTAUTH)?;
        if asked.class != ::domain::base::iana::Class::IN {
            return Err(Rcode::NOTAUTH);
        }
        update::prerequisites(zone, request)?;
        if self.fault == Some(Fault::RefuseUpdates) {
            return Err(Rcode::REFUSED);
        }
        update::prescan(zone, request)?;
        update::permission(zone, request, asker)?;
        if self.fault == Some(Fault::LoseUpdates) {
            return Ok(Vec::new());
        }
        let changed = update::apply(zone, request, asker);
        Ok(changed.iter().map(|name| zone.kept(name)).collect())
    }

    /// Signs the answer to a signed request.
    fn sign(&mut self, request: &Request, answer: &mut Answer, now_seconds: u64, late: bool) {
        let Some(signature) = &request.signature else {
            return;
        };
        let Some(key) = self.keys.of(&signature.key) else {
            return;
        };
        let mut signer = Signer {
            key,
            name: signature.key.clone(),
            algorithm: signature.algorithm.clone(),
            now_seconds,
            before: signature.mac.clone(),
            is_first: true,
            is_time_wrong: late,
        };
        answer
            .messages
            .iter_mut()
            .for_each(|message| signer.sign(message));
    }

    /// Answers a request whose signature does not hold.
    fn complain(
        &mut self,
        request: &Request,
        bytes: &[u8],
        flaw: Flaw,
        now_seconds: u64,
    ) -> Answer {
        let mut answer = match request.header.opcode() {
            Opcode::UPDATE => Answer::of(echo(bytes, request.body_end, Rcode::NOTAUTH)),
            _ => Answer::of(Some(Reply::to(request, Rcode::NOTAUTH).encode(UDP_ROOM))),
        };
        match (&request.signature, flaw) {
            // Only who knows the key is told the time, signed (RFC 8945 section 5.2.3).
            (Some(_), Flaw::Time) => self.sign(request, &mut answer, now_seconds, true),
            (Some(signature), _) => {
                let complain = |message: &mut Vec<u8>| tsig::complain(message, signature, flaw);
                answer.messages.iter_mut().for_each(complain);
            }
            (None, _) => {}
        }
        answer
    }
}

/// Room for a complaint.
const UDP_ROOM: usize = 512;

fn is_any_of(names: &[String], name: &str) -> bool {
    names.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Only version 0 of EDNS exists (RFC 6891 section 6.1.3).
fn unknown_edns(request: &Request) -> Reply {
    let mut reply = Reply::to(request, Rcode::NOERROR);
    reply.edns = Some(1);
    reply
}
