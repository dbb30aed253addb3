//! Signatures of messages: by a shared secret, or by a security context of GSS.
//!
//! RFC 8945, RFC 3645; facts 3.4. Truncated codes are taken down to half their length.

use domain::base::iana::{Class, Rtype};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::Name;
use super::data::{lower, name};
use super::message::{Signature, append};
use crate::GssContext;

/// How far clocks may be apart (seconds).
const FUDGE_SECONDS: u16 = 300;

/// What signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `hmac-md5.sig-alg.reg.int`
    Md5,
    /// `hmac-sha1`
    Sha1,
    /// `hmac-sha224`
    Sha224,
    /// `hmac-sha256`
    Sha256,
    /// `hmac-sha384`
    Sha384,
    /// `hmac-sha512`
    Sha512,
}

const ALGORITHMS: [(Algorithm, &str); 6] = [
    (Algorithm::Md5, "hmac-md5.sig-alg.reg.int"),
    (Algorithm::Sha1, "hmac-sha1"),
    (Algorithm::Sha224, "hmac-sha224"),
    (Algorithm::Sha256, "hmac-sha256"),
    (Algorithm::Sha384, "hmac-sha384"),
    (Algorithm::Sha512, "hmac-sha512"),
];

/// The names under which GSS signs: of the RFC, and of older Windows.
pub(super) const GSS_NAMES: [&str; 2] = ["gss-tsig", "gss.microsoft.com"];

impl Algorithm {
    /// The algorithm of a name, such as `hmac-sha256`; `hmac-md5` is short for its long name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('.').to_ascii_lowercase();
        let is_named = |long: &str| long == text || long.split('.').next() == Some(text.as_str());
        ALGORITHMS
            .into_iter()
            .find(|(_, long)| is_named(long))
            .map(|(algorithm, _)| algorithm)
    }

    fn mac(self, secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => mac::<Hmac<Md5>>(secret, parts),
            Self::Sha1 => mac::<Hmac<Sha1>>(secret, parts),
            Self::Sha224 => mac::<Hmac<Sha224>>(secret, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(secret, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(secret, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(secret, parts),
        }
    }
}

fn mac<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // Secrets of every length are taken.
    let Ok(mut mac) = <M as Mac>::new_from_slice(secret) else {
        return Vec::new();
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Whether two codes are the same, in a time that does not tell where they differ.
fn is_same(code: &[u8], given: &[u8]) -> bool {
    let differing = code
        .iter()
        .zip(given)
        .fold(0, |all, (one, other)| all | (one ^ other));
    differing == 0
}

/// What a key of this server signs and verifies with.
#[derive(Debug)]
pub(super) enum Key {
    Shared {
        algorithm: Algorithm,
        secret: Vec<u8>,
    },
    Context(Box<dyn GssContext>),
}

impl Key {
    /// Whether the key goes with an algorithm of this name.
    pub(super) fn is_for(&self, algorithm: &Name) -> bool {
        let is = |text: &str| name(text).is_ok_and(|it| it == *algorithm);
        match self {
            Self::Shared { algorithm, .. } => ALGORITHMS
                .iter()
                .any(|(it, text)| it == algorithm && is(text)),
            Self::Context(_) => GSS_NAMES.into_iter().any(is),
        }
    }

    fn sign(&mut self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        match self {
            Self::Shared { algorithm, secret } => Some(algorithm.mac(secret, parts)),
            Self::Context(context) => context.mic(&parts.concat()),
        }
    }

    fn verifies(&mut self, parts: &[&[u8]], given: &[u8]) -> bool {
        match self {
            Self::Shared { algorithm, secret } => {
                let code = algorithm.mac(secret, parts);
                let shortest = (code.len() / 2).max(10);
                (shortest..=code.len()).contains(&given.len()) && is_same(&code, given)
            }
            Self::Context(context) => context.verify(&parts.concat(), given),
        }
    }
}

/// What is wrong with a signature (RFC 8945 section 5.2), as the code in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Signature = 16,
    Key = 17,
    Time = 18,
}

/// Checks the signature of a request.
pub(super) fn verify(
    key: &mut Key,
    signature: &Signature,
    request: &[u8],
    now_seconds: u64,
) -> Result<(), Flaw> {
    if !key.is_for(&signature.algorithm) {
        return Err(Flaw::Key);
    }
    let mut message = request
        .get(..signature.start)
        .ok_or(Flaw::Signature)?
        .to_vec();
    restore(&mut message, signature.original_id).ok_or(Flaw::Signature)?;
    let variables = Variables::of(signature).bytes();
    if !key.verifies(&[&message, &variables], &signature.mac) {
        return Err(Flaw::Signature);
    }
    if signature.time.abs_diff(now_seconds) > u64::from(signature.fudge_seconds) {
        return Err(Flaw::Time);
    }
    Ok(())
}

/// The header as it was before the signature was added.
fn restore(message: &mut [u8], original_id: u16) -> Option<()> {
    message
        .get_mut(..2)?
        .copy_from_slice(&original_id.to_be_bytes());
    let count = message.get_mut(10..12)?;
    let records = u16::from_be_bytes([*count.first()?, *count.get(1)?]).checked_sub(1)?;
    count.copy_from_slice(&records.to_be_bytes());
    Some(())
}

/// The fields of a signature that are signed with the message.
struct Variables<'a> {
    key: &'a Name,
    algorithm: &'a Name,
    time: u64,
    fudge_seconds: u16,
    error: u16,
    other: &'a [u8],
}

impl<'a> Variables<'a> {
    fn of(signature: &'a Signature) -> Self {
        Self {
            key: &signature.key,
            algorithm: &signature.algorithm,
            time: signature.time,
            fudge_seconds: signature.fudge_seconds,
            error: signature.error,
            other: &signature.other,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = lower(self.key).into_octets();
        bytes.extend_from_slice(&Class::ANY.to_int().to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(lower(self.algorithm).as_slice());
        bytes.extend_from_slice(&self.timers());
        bytes.extend_from_slice(&self.error.to_be_bytes());
        bytes.extend_from_slice(&length(self.other));
        bytes.extend_from_slice(self.other);
        bytes
    }

    fn timers(&self) -> [u8; 8] {
        let [_, _, a, b, c, d, e, f] = self.time.to_be_bytes();
        let [g, h] = self.fudge_seconds.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }

    /// The record's data around a code.
    fn record(&self, mac: &[u8], id: u16) -> Vec<u8> {
        let mut data = self.algorithm.as_slice().to_vec();
        data.extend_from_slice(&self.timers());
        data.extend_from_slice(&length(mac));
        data.extend_from_slice(mac);
        data.extend_from_slice(&id.to_be_bytes());
        data.extend_from_slice(&self.error.to_be_bytes());
        data.extend_from_slice(&length(self.other));
        data.extend_from_slice(self.other);
        data
    }
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

fn id(message: &[u8]) -> u16 {
    message
        .first_chunk()
        .map_or(0, |id| u16::from_be_bytes(*id))
}

/// Signs the messages of one answer; later ones are signed with the code of the one before.
#[derive(Debug)]
pub(super) struct Signer<'a> {
    pub(super) key: &'a mut Key,
    pub(super) name: Name,
    pub(super) algorithm: Name,
    pub(super) now_seconds: u64,
    /// The code of the request, or of the message before; empty when the request had none.
    pub(super) before: Vec<u8>,
    pub(super) is_first: bool,
    /// The clocks are too far apart: the answer says so and tells its own.
    pub(super) is_time_wrong: bool,
}

impl Signer<'_> {
    /// Adds a signature; a context that can no longer sign leaves the message as it is.
    pub(super) fn sign(&mut self, message: &mut Vec<u8>) {
        let clock = self.now_seconds.to_be_bytes();
        let other = clock
            .get(2..)
            .filter(|_| self.is_time_wrong)
            .unwrap_or_default();
        let variables = Variables {
            key: &self.name,
            algorithm: &self.algorithm,
            time: self.now_seconds,
            fudge_seconds: FUDGE_SECONDS,
            error: if self.is_time_wrong {
                Flaw::Time as u16
            } else {
                0
            },
            other,
        };
        let mut before = Vec::new();
        if !self.before.is_empty() {
            before.extend_from_slice(&length(&self.before));
            before.extend_from_slice(&self.before);
        }
        let last = match self.is_first {
            true => variables.bytes(),
            false => variables.timers().to_vec(),
        };
        let Some(mac) = self.key.sign(&[&before, message, &last]) else {
            return;
        };
        let data = variables.record(&mac, id(message));
        append(message, &self.name, Class::ANY.to_int(), Rtype::TSIG, &data);
        self.is_first = false;
        self.before = mac;
    }
}

/// Adds the record that says what is wrong with a request's signature, itself without a code.
pub(super) fn complain(message: &mut Vec<u8>, signature: &Signature, flaw: Flaw) {
    let mut variables = Variables::of(signature);
    (variables.error, variables.other) = (flaw as u16, &[]);
    let data = variables.record(&[], id(message));
    append(
        message,
        &signature.key,
        Class::ANY.to_int(),
        Rtype::TSIG,
        &data,
    );
}
