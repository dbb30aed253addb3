//! The acceptor's side of GSS-API: raw Kerberos tokens and SPNEGO around them.
//!
//! Duty: turn a client's tokens into a context that signs and seals ([`Context`]), for SASL in
//! LDAP and for GSS-TSIG in DNS. Serves RFC 4121, RFC 4178 and reference row 6.4. Deliberately not
//! done here: NTLM, channel bindings, delegated credentials, and contexts with RC4 keys, whose
//! tokens have another form.

mod context;
mod spnego;
#[cfg(test)]
mod tests;

pub use context::{BadToken, Context, Unwrapped};

use crate::Entropy;
use crate::crypto::EncryptionType;
use crate::der;
use crate::kerberos::Code;
use crate::kerberos::messages::{components, encode};
use crate::kerberos::ticket::{Presented, present};
use crate::store::{Guid, Store};
use base::WallTime;
use rasn::types::Integer;
use rasn_kerberos::ApReq;

/// Longest token that is read.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// The Kerberos mechanism, 1.2.840.113554.1.2.2, as contents of an object identifier.
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// The same under the number that the product gave it by mistake, 1.2.840.48018.1.2.2.
const KERBEROS_TOO: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];

/// What a client asked of the context (RFC 4121 section 4.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// Wants the acceptor's proof.
    pub const MUTUAL: u32 = 2;
    /// Wants to seal.
    pub const CONFIDENTIALITY: u32 = 0x10;
    /// Wants to sign.
    pub const INTEGRITY: u32 = 0x20;

    /// True when the flag is set.
    #[must_use]
    pub fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
}

/// What one token led to.
#[derive(Debug)]
pub enum Step {
    /// Send this token and wait for another.
    Continue(Vec<u8>),
    /// The client is who it says.
    Established(Box<Established>),
    /// It is not. The token, if there is one, tells it why.
    Rejected {
        /// Answer for the client.
        token: Option<Vec<u8>>,
        /// What was wrong.
        reason: Rejection,
    },
}

/// A client that has proven itself.
#[derive(Debug)]
pub struct Established {
    /// Last token for the client, if it wants one.
    pub token: Option<Vec<u8>>,
    /// Its account.
    pub account: Guid,
    /// Its principal, `VS1$@CORP.EXAMPLE`.
    pub principal: String,
    /// What signs and seals from now on.
    pub context: Context,
}

/// Why a client was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The bytes are no token of a mechanism known here.
    #[error("the token cannot be read")]
    Malformed,
    /// None of the mechanisms offered is known here.
    #[error("no mechanism in common")]
    NoMechanism,
    /// Kerberos says no.
    #[error("the ticket was refused: {0:?}")]
    Kerberos(Code),
}

/// Accepts one client, token by token.
#[derive(Debug)]
pub struct Acceptor {
    service: Guid,
    /// SPNEGO: the mechanisms the client listed and the one that was chosen from behind.
    chosen: Option<spnego::Offer>,
}

impl Acceptor {
    /// An acceptor that takes tickets for this account's services.
    #[must_use]
    pub fn new(service: Guid) -> Self {
        Self {
            service,
            chosen: None,
        }
    }

    /// Takes the client's next token. An empty one asks what is on offer.
    pub fn accept(
        &mut self,
        store: &mut Store,
        token: &[u8],
        now: WallTime,
        entropy: &mut dyn Entropy,
    ) -> Step {
        if token.is_empty() {
            return Step::Continue(spnego::hint());
        }
        if token.len() > MAX_TOKEN_BYTES || !der::is_shallow(token) {
            return rejected(Rejection::Malformed);
        }
        if let Some(offer) = spnego::Offer::parse(token) {
            return self.negotiate(store, offer, now, entropy);
        }
        if let Some(offer) = self.chosen.take() {
            let Some((inner, mic)) = spnego::response(token) else {
                return rejected(Rejection::Malformed);
            };
            let step = self.kerberos(store, &inner, now, entropy);
            return offer.answer(step, mic.as_deref(), true);
        }
        self.kerberos(store, token, now, entropy)
    }

    fn negotiate(
        &mut self,
        store: &mut Store,
        offer: spnego::Offer,
        now: WallTime,
        entropy: &mut dyn Entropy,
    ) -> Step {
        let Some(first) = offer.is_first() else {
            return Step::Rejected {
                token: Some(spnego::reject()),
                reason: Rejection::NoMechanism,
            };
        };
        match &offer.token {
            Some(token) if first => {
                let step = self.kerberos(store, token, now, entropy);
                offer.answer(step, None, false)
            }
            _ => {
                let token = offer.ask();
                self.chosen = Some(offer);
                Step::Continue(token)
            }
        }
    }

    fn kerberos(
        &self,
        store: &mut Store,
        token: &[u8],
        now: WallTime,
        entropy: &mut dyn Entropy,
    ) -> Step {
        let Some(request) = request(token) else {
            return rejected(Rejection::Malformed);
        };
        let presented = present(store, &request, crate::crypto::Usage::AP_AUTHENTICATOR, now);
        let checked = presented.and_then(|presented| self.check(store, presented, now));
        match checked {
            Ok(presented) => established(&presented, entropy),
            Err(code) => Step::Rejected {
                token: Some(failure(store, code, &request, now)),
                reason: Rejection::Kerberos(code),
            },
        }
    }

    fn check(&self, store: &Store, presented: Presented, now: WallTime) -> Result<Presented, Code> {
        if presented.service != self.service {
            return Err(Code::NotUs);
        }
        let key = presented
            .subkey()
            .unwrap_or_else(|| presented.session.clone());
        if key.kind() == EncryptionType::Rc4 {
            return Err(Code::NoEncryptionType);
        }
        let client = store.object(presented.client).ok_or(Code::TicketRevoked)?;
        store.usable(client, now).map_err(|_| Code::Revoked)?;
        Ok(presented)
    }
}

fn rejected(reason: Rejection) -> Step {
    Step::Rejected {
        token: None,
        reason,
    }
}

/// The AP-REQ in a token of the mechanism (RFC 4121 section 4.1).
fn request(token: &[u8]) -> Option<ApReq> {
    let (contents, _) = der::expect(token, 0x60)?;
    let (mechanism, rest) = der::expect(contents, 0x06)?;
    if mechanism != KERBEROS && mechanism != KERBEROS_TOO {
        return None;
    }
    rasn::der::decode(rest.strip_prefix(&[1, 0])?).ok()
}

/// A token of the mechanism around a message.
fn framed(kind: [u8; 2], message: &[u8]) -> Vec<u8> {
    let mechanism = der::wrap(0x06, KERBEROS);
    der::wrap(0x60, &[&mechanism, &kind[..], message].concat())
}

fn established(presented: &Presented, entropy: &mut dyn Entropy) -> Step {
    let flags = flags(presented);
    let context = Context::accepted(presented, flags);
    let reply = flags
        .has(Flags::MUTUAL)
        .then(|| framed([2, 0], &context.proof(presented, entropy)));
    let name = components(&presented.ticket.cname).join("/");
    let realm = String::from_utf8_lossy(presented.ticket.crealm.as_bytes());
    Step::Established(Box::new(Established {
        token: reply,
        account: presented.client,
        principal: format!("{name}@{realm}"),
        context,
    }))
}

/// The flags in the authenticator's checksum of type 0x8003; none without it.
fn flags(presented: &Presented) -> Flags {
    let checksum = presented.authenticator.checksum.as_ref();
    let bytes = checksum.filter(|checksum| checksum.r#type == 0x8003);
    let word = bytes.and_then(|checksum| checksum.checksum.get(20..24));
    let word = word
        .and_then(|word| word.try_into().ok())
        .map(u32::from_le_bytes);
    Flags(word.unwrap_or(0))
}

/// A token with the Kerberos error, from which a client learns the directory's time.
fn failure(store: &Store, code: Code, request: &ApReq, now: WallTime) -> Vec<u8> {
    use crate::kerberos::messages::{microseconds, text, time};
    let error = rasn_kerberos::KrbError {
        pvno: Integer::from(5),
        msg_type: Integer::from(30),
        ctime: None,
        cusec: None,
        stime: time(now),
        susec: microseconds(now),
        error_code: code as i32,
        crealm: None,
        cname: None,
        realm: text(&store.domain().realm()),
        sname: request.ticket.sname.clone(),
        e_text: None,
        e_data: None,
    };
    framed([3, 0], &encode(&error))
}
