//! The keys of one secured connection, and what they do to frames.
//!
//! A protected frame is header, body and tag. The header names the level, the level that the
//! sender itself is set to, and a number that no two frames of one direction share. Signed: the
//! tag is HMAC-SHA-256 over header and body, cut to 16 bytes. Encrypted: the body is sealed with
//! ChaCha20-Poly1305, the header as associated data, the number as nonce.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::messages::{Refusal, SecurityLevel};

/// Bytes of a tag.
pub(super) const TAG_LEN: usize = 16;
/// Frames that may overtake each other; what comes later than that counts as a repetition.
const WINDOW: u64 = 128;

/// Keys of one direction.
#[derive(Clone)]
struct Keys {
    sign: [u8; 32],
    seal: [u8; 32],
}

/// Which numbers have come in.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// The highest.
    highest: u64,
    /// Bit n: number `highest - n` has come.
    seen: u128,
}

impl Window {
    fn is_new(self, number: u64) -> bool {
        if number > self.highest {
            return true;
        }
        let back = self.highest - number;
        number > 0 && back < WINDOW && self.seen & (1 << back) == 0
    }

    fn mark(&mut self, number: u64) {
        if number > self.highest {
            let ahead = u32::try_from(number - self.highest).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = number;
        } else {
            self.seen |= 1 << (self.highest - number);
        }
    }
}

/// One secured connection.
#[derive(Clone)]
pub(super) struct Session {
    out: Keys,
    into: Keys,
    sent: u64,
    window: Window,
    /// The level that the peer says it is set to.
    pub(super) peer_level: SecurityLevel,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("sent", &self.sent)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// What all proofs and keys of a connection are made from.
pub(super) struct Transcript {
    pub(super) secret: [u8; 32],
    /// Both ends, their names and both nonces, as bytes.
    pub(super) facts: Vec<u8>,
}

impl Transcript {
    /// 32 bytes for this purpose that nobody without the secret can make.
    pub(super) fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut bytes = [0; 32];
        let label = [purpose.as_bytes(), &[0], &self.facts].concat();
        let expanded = Hkdf::<Sha256>::new(None, &self.secret).expand(&label, &mut bytes);
        assert!(expanded.is_ok(), "32 bytes are within what HKDF can give");
        bytes
    }

    fn keys(&self, from: &str) -> Keys {
        Keys {
            sign: self.derive(&format!("sign from {from}")),
            seal: self.derive(&format!("seal from {from}")),
        }
    }
}

impl Session {
    pub(super) fn new(transcript: &Transcript, is_connector: bool, level: SecurityLevel) -> Self {
        let connector = transcript.keys("connector");
        let acceptor = transcript.keys("acceptor");
        let (out, into) = if is_connector {
            (connector, acceptor)
        } else {
            (acceptor, connector)
        };
        Self {
            out,
            into,
            sent: 0,
            window: Window::default(),
            peer_level: level,
        }
    }

    /// The number of the next frame.
    pub(super) fn count(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    /// Body and tag as they travel behind this header.
    pub(super) fn protect(
        &self,
        level: SecurityLevel,
        header: &[u8],
        number: u64,
        body: &[u8],
    ) -> Vec<u8> {
        if level == SecurityLevel::Encrypt {
            let payload = Payload {
                msg: body,
                aad: header,
            };
            let sealed = cipher(&self.out.seal).encrypt(&nonce(number), payload);
            return sealed.unwrap_or_else(|_| unreachable!("a frame is far below the limit"));
        }
        let tag = sign(&self.out.sign, &[header, body]);
        [body, &tag].concat()
    }

    /// The body behind this header, if all is well.
    pub(super) fn verify(
        &mut self,
        level: SecurityLevel,
        header: &[u8],
        number: u64,
        rest: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let body = self.unprotect(level, header, number, rest)?;
        // Only a genuine frame moves the window; a forged one would shut it.
        if !self.window.is_new(number) {
            return Err(Refusal::Replayed);
        }
        self.window.mark(number);
        Ok(body)
    }

    fn unprotect(
        &self,
        level: SecurityLevel,
        header: &[u8],
        number: u64,
        rest: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        if level == SecurityLevel::Encrypt {
            let payload = Payload {
                msg: rest,
                aad: header,
            };
            let opened = cipher(&self.into.seal).decrypt(&nonce(number), payload);
            return opened.map_err(|_| Refusal::Tampered);
        }
        let body = rest.len().checked_sub(TAG_LEN);
        let (body, tag) = body
            .and_then(|len| rest.split_at_checked(len))
            .ok_or(Refusal::Malformed)?;
        is_signed(&self.into.sign, &[header, body], tag)
            .then(|| body.to_vec())
            .ok_or(Refusal::Tampered)
    }
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(Key::from_slice(key))
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

fn hash(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    let made = <Hmac<Sha256> as Mac>::new_from_slice(key);
    let mut hash = made.unwrap_or_else(|_| unreachable!("a key of any length will do"));
    parts.iter().for_each(|part| hash.update(part));
    hash
}

fn sign(key: &[u8; 32], parts: &[&[u8]]) -> [u8; TAG_LEN] {
    let whole: [u8; 32] = hash(key, parts).finalize().into_bytes().into();
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&whole[..TAG_LEN]);
    tag
}

/// Compared in constant time.
fn is_signed(key: &[u8; 32], parts: &[&[u8]], tag: &[u8]) -> bool {
    hash(key, parts).verify_truncated_left(tag).is_ok()
}

/// Whether two proofs are equal; compared in constant time.
pub(super) fn is_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_counts_once_in_whatever_order(
            numbers in prop::collection::vec(0..400_u64, 0..300),
        ) {
            let mut window = Window::default();
            let mut taken = std::collections::BTreeSet::new();
            for number in numbers {
                let highest = taken.last().copied().unwrap_or(0);
                let fresh = number > 0 && !taken.contains(&number) && number + WINDOW > highest;
                prop_assert_eq!(window.is_new(number), fresh, "{} after {}", number, highest);
                if fresh {
                    window.mark(number);
                    taken.insert(number);
                }
            }
        }
    }
}
