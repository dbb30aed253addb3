//! An established context: signatures and wrapped messages (RFC 4121 section 4.2).

use super::Flags;
use crate::Entropy;
use crate::crypto::{Key, Usage};
use crate::kerberos::ProofPart;
use crate::kerberos::messages::{encode, moment_of, seal};
use crate::kerberos::ticket::Presented;
use base::WallTime;
use rasn::types::Integer;
use rasn_kerberos::ApRep;

const HEADER: usize = 16;
const MIC: [u8; 2] = [4, 4];
const WRAP: [u8; 2] = [5, 4];
const BY_ACCEPTOR: u8 = 1;
const SEALED: u8 = 2;

/// A signature or a wrapped message that is not the peer's, or comes a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not from the other end of this context, or was used before")]
pub struct BadToken;

/// A message taken out of its wrapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped {
    /// The message.
    pub message: Vec<u8>,
    /// It was encrypted.
    pub sealed: bool,
}

/// Keys and counters of an established context.
#[derive(Clone, Debug)]
pub struct Context {
    key: Key,
    flags: Flags,
    next_sent: u64,
    next_received: u64,
    expires: WallTime,
}

impl Context {
    pub(super) fn accepted(presented: &Presented, flags: Flags) -> Self {
        let sequence = presented.authenticator.sequence.unwrap_or(0);
        // A negative number is a large one that a client encoded wrongly.
        let sequence = u64::from(sequence.to_be_bytes()[4..].iter().fold(0_u32, fold_byte));
        Self {
            key: presented
                .subkey()
                .unwrap_or_else(|| presented.session.clone()),
            flags,
            next_sent: sequence,
            next_received: sequence,
            expires: moment_of(&presented.ticket.end_time),
        }
    }

    /// The acceptor's proof. It names no key of its own, so that the initiator's stays in use.
    pub(super) fn proof(&self, presented: &Presented, entropy: &mut dyn Entropy) -> Vec<u8> {
        let part = ProofPart {
            ctime: presented.authenticator.ctime.clone(),
            cusec: presented.authenticator.cusec.clone(),
            subkey: None,
            sequence: i64::try_from(self.next_sent).ok(),
        };
        encode(&ApRep {
            pvno: Integer::from(5),
            msg_type: Integer::from(15),
            enc_part: seal(&part, &presented.session, Usage::AP_REPLY, None, entropy),
        })
    }

    /// What the client asked for.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// When the ticket behind the context ends.
    #[must_use]
    pub fn expires(&self) -> WallTime {
        self.expires
    }

    /// Signs a message that travels beside the signature.
    pub fn mic(&mut self, message: &[u8]) -> Vec<u8> {
        let header = header(MIC, BY_ACCEPTOR, [0xff; 4], self.count());
        let sum = self
            .key
            .checksum(Usage::ACCEPTOR_SIGN, &[message, &header].concat());
        [&header[..], &sum].concat()
    }

    /// Checks the client's signature. Signed datagrams may overtake each other, so order is not
    /// asked for.
    ///
    /// # Errors
    /// When it is none of this message.
    pub fn verify(&self, message: &[u8], mic: &[u8]) -> Result<(), BadToken> {
        let (header, sum) = mic.split_at_checked(HEADER).ok_or(BadToken)?;
        if header[..2] != MIC || header[2] & (BY_ACCEPTOR | SEALED) != 0 {
            return Err(BadToken);
        }
        let signed = [message, header].concat();
        self.key
            .verify(Usage::INITIATOR_SIGN, &signed, sum)
            .map_err(|_| BadToken)
    }

    /// Wraps a message, sealed or only signed.
    pub fn wrap(&mut self, message: &[u8], sealed: bool, entropy: &mut dyn Entropy) -> Vec<u8> {
        let sequence = self.count();
        if sealed {
            let header = header(WRAP, BY_ACCEPTOR | SEALED, [0; 4], sequence);
            let plain = [message, &header].concat();
            let cipher = self.key.encrypt(Usage::ACCEPTOR_SEAL, &plain, entropy);
            return [&header[..], &cipher].concat();
        }
        let bare = header(WRAP, BY_ACCEPTOR, [0; 4], sequence);
        let sum = self
            .key
            .checksum(Usage::ACCEPTOR_SEAL, &[message, &bare].concat());
        let length = u16::try_from(sum.len()).unwrap_or(0).to_be_bytes();
        let full = header(WRAP, BY_ACCEPTOR, [length[0], length[1], 0, 0], sequence);
        [&full[..], message, &sum].concat()
    }

    /// Takes a message of the client out of its wrapping.
    ///
    /// # Errors
    /// When the token is not the client's, was changed, or comes a second time.
    pub fn unwrap(&mut self, token: &[u8]) -> Result<Unwrapped, BadToken> {
        let (header, body) = token.split_at_checked(HEADER).ok_or(BadToken)?;
        if header[..2] != WRAP || header[2] & BY_ACCEPTOR != 0 || header[3] != 0xff {
            return Err(BadToken);
        }
        let sequence = header[8..]
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        if sequence < self.next_received {
            return Err(BadToken);
        }
        let extra = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let turned = usize::from(u16::from_be_bytes([header[6], header[7]]));
        let mut body = body.to_vec();
        let length = body.len().max(1);
        body.rotate_left(turned % length);
        let sealed = header[2] & SEALED != 0;
        let message = match sealed {
            true => self.unseal(header, &body, extra),
            false => self.unsign(header, &body, extra),
        }?;
        self.next_received = sequence.saturating_add(1);
        Ok(Unwrapped { message, sealed })
    }

    fn unseal(&self, header: &[u8], body: &[u8], extra: usize) -> Result<Vec<u8>, BadToken> {
        let plain = self
            .key
            .decrypt(Usage::INITIATOR_SEAL, body)
            .map_err(|_| BadToken)?;
        let length = plain.len().checked_sub(HEADER + extra).ok_or(BadToken)?;
        let inner = plain.get(length + extra..).ok_or(BadToken)?;
        let same = inner[..6] == header[..6] && inner[8..] == header[8..];
        let message = plain.get(..length).ok_or(BadToken)?;
        if same {
            Ok(message.to_vec())
        } else {
            Err(BadToken)
        }
    }

    fn unsign(&self, header: &[u8], body: &[u8], extra: usize) -> Result<Vec<u8>, BadToken> {
        let length = body.len().checked_sub(extra).ok_or(BadToken)?;
        let (message, sum) = body.split_at(length);
        let bare = [&header[..4], &[0; 4], &header[8..]].concat();
        let signed = [message, &bare].concat();
        self.key
            .verify(Usage::INITIATOR_SEAL, &signed, sum)
            .map_err(|_| BadToken)?;
        Ok(message.to_vec())
    }

    fn count(&mut self) -> u64 {
        let sequence = self.next_sent;
        self.next_sent = sequence.wrapping_add(1);
        sequence
    }
}

fn header(kind: [u8; 2], flags: u8, middle: [u8; 4], sequence: u64) -> [u8; HEADER] {
    let mut header = [0xff; HEADER];
    header[..2].copy_from_slice(&kind);
    header[2] = flags;
    header[4..8].copy_from_slice(&middle);
    header[8..].copy_from_slice(&sequence.to_be_bytes());
    header
}

fn fold_byte(sum: u32, byte: &u8) -> u32 {
    sum << 8 | u32::from(*byte)
}
