//! The keys that clients sign with: shared secrets, and contexts that they have negotiated.
//!
//! RFC 8945, RFC 2930, RFC 3645. Contexts are bounded in number and go when they expire.

use std::collections::BTreeMap;

use base::WallTime;

use super::message::Request;
use super::tkey::{KeyError, KeyRecord, MODE_DELETE, MODE_GSS};
use super::tsig::{Algorithm, Flaw, Key, Signer, verify};
use super::{Answer, Event, Name, Server, Transport};
use crate::{GssAcceptor, GssStep};

/// Most negotiated keys, half-open ones included; the oldest goes.
const KEYS_MAX: usize = 1024;

/// A key and what is known about who holds it.
#[derive(Debug)]
struct Held {
    key: Key,
    /// The key's name for a shared secret, else the principal.
    name: String,
    is_shared: bool,
    expires: WallTime,
}

/// Who has signed.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) is_shared: bool,
}

/// The keys of a server.
#[derive(Debug, Default)]
pub(super) struct Keys {
    held: BTreeMap<Name, Held>,
    half_open: BTreeMap<Name, Box<dyn GssAcceptor>>,
}

impl Keys {
    pub(super) fn share(&mut self, name: &Name, algorithm: Algorithm, secret: Vec<u8>) {
        let held = Held {
            key: Key::Shared { algorithm, secret },
            name: super::text(name),
            is_shared: true,
            expires: WallTime(u64::MAX),
        };
        self.held.insert(name.clone(), held);
    }

    pub(super) fn of(&mut self, name: &Name) -> Option<&mut Key> {
        self.held.get_mut(name).map(|held| &mut held.key)
    }

    /// Who has signed a request, if anybody.
    pub(super) fn verify(
        &mut self,
        request: &Request,
        bytes: &[u8],
        now_seconds: u64,
    ) -> Result<Option<Who>, Flaw> {
        let Some(signature) = &request.signature else {
            return Ok(None);
        };
        let held = self.held.get_mut(&signature.key).ok_or(Flaw::Key)?;
        if held.expires.0 / 1000 < now_seconds {
            return Err(Flaw::Key);
        }
        verify(&mut held.key, signature, bytes, now_seconds)?;
        Ok(Some(Who {
            name: held.name.clone(),
            is_shared: held.is_shared,
        }))
    }

    /// Makes room for one more.
    fn make_room(&mut self, now: WallTime) {
        self.held
            .retain(|_, held| held.is_shared || held.expires > now);
        while self.held.len() + self.half_open.len() >= KEYS_MAX {
            let negotiated = self.held.iter().filter(|(_, held)| !held.is_shared);
            let soonest = negotiated
                .min_by_key(|(_, held)| held.expires)
                .map(|(name, _)| name);
            let gone = match (self.half_open.pop_first(), soonest.cloned()) {
                (Some(_), _) => true,
                (None, Some(name)) => self.held.remove(&name).is_some(),
                (None, None) => false,
            };
            if !gone {
                return;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.held.len() + self.half_open.len()
    }

    fn is_taken(&self, name: &Name) -> bool {
        self.held.contains_key(name)
    }
}

impl Server {
    /// Answers a request for a key.
    pub(super) fn negotiate(
        &mut self,
        now: WallTime,
        request: &Request,
        transport: Transport,
        acceptor: &mut dyn FnMut() -> Box<dyn GssAcceptor>,
    ) -> Answer {
        let room = request.room(transport == Transport::Stream);
        let Some(mut record) = KeyRecord::of(request) else {
            let code = ::domain::base::iana::Rcode::FORMERR;
            return Answer::of(Some(super::Reply::to(request, code).encode(room)));
        };
        let mut events = Vec::new();
        let stands = match record.mode {
            MODE_GSS => self.judge(now, request, &mut record, &mut events, acceptor),
            MODE_DELETE => self.delete(request, &mut record),
            _ => {
                record.error = KeyError::BadMode;
                false
            }
        };
        let mut message = record.reply(request).encode(room);
        // The answer that completes a context is signed with it; the request had no signature.
        if let Some(key) = self.keys.of(&request.question.name).filter(|_| stands) {
            let mut signer = Signer {
                key,
                name: request.question.name.clone(),
                algorithm: record.algorithm.clone(),
                now_seconds: now.0 / 1000,
                before: Vec::new(),
                is_first: true,
                is_time_wrong: false,
            };
            signer.sign(&mut message);
        }
        Answer {
            messages: vec![message],
            changes: Vec::new(),
            events,
        }
    }

    /// Judges a token; true when the context stands.
    fn judge(
        &mut self,
        now: WallTime,
        request: &Request,
        record: &mut KeyRecord,
        events: &mut Vec<Event>,
        acceptor: &mut dyn FnMut() -> Box<dyn GssAcceptor>,
    ) -> bool {
        let name = &request.question.name;
        let is_gss = super::tsig::GSS_NAMES
            .into_iter()
            .any(|text| super::name(text).is_ok_and(|it| it == record.algorithm));
        let token = std::mem::take(&mut record.token);
        if !is_gss || self.keys.is_taken(name) {
            record.error = KeyError::BadKey;
            return false;
        }
        let judge = self.keys.half_open.remove(name).unwrap_or_else(acceptor);
        match judge.accept(now, &token) {
            GssStep::Rejected => {
                record.error = KeyError::BadKey;
                false
            }
            GssStep::Continue { half_open, token } => {
                self.keys.make_room(now);
                self.keys.half_open.insert(name.clone(), half_open);
                record.token = token;
                false
            }
            GssStep::Established {
                context,
                principal,
                token,
                expires,
            } => {
                events.push(Event::Established {
                    principal: principal.clone(),
                });
                self.keys.make_room(now);
                let held = Held {
                    key: Key::Context(context),
                    name: principal,
                    is_shared: false,
                    expires,
                };
                self.keys.held.insert(name.clone(), held);
                record.inception = u32::try_from(now.0 / 1000).unwrap_or(u32::MAX);
                record.expiration = u32::try_from(expires.0 / 1000).unwrap_or(u32::MAX);
                record.token = token;
                true
            }
        }
    }

    /// Forgets a key; only with its own signature (RFC 2930 section 4.2).
    fn delete(&mut self, request: &Request, record: &mut KeyRecord) -> bool {
        let name = &request.question.name;
        let is_own = request.signature.as_ref().is_some_and(|it| it.key == *name);
        let is_negotiated = self.keys.held.get(name).is_some_and(|held| !held.is_shared);
        if is_own && is_negotiated {
            self.keys.held.remove(name);
        } else {
            record.error = KeyError::BadKey;
        }
        false
    }
}
