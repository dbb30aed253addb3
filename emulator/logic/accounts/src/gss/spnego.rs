//! SPNEGO (RFC 4178): choosing the mechanism, and the envelope around its tokens.

use super::{Established, KERBEROS, KERBEROS_TOO, Step};
use crate::der;

/// 1.3.6.1.5.5.2 as contents of an object identifier.
const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];

const COMPLETED: u8 = 0;
const INCOMPLETE: u8 = 1;
const REJECTED: u8 = 2;

/// What a client's first token offers.
#[derive(Debug)]
pub(super) struct Offer {
    /// The list of mechanisms as it came: what the list's signature covers.
    list: Vec<u8>,
    mechanisms: Vec<Vec<u8>>,
    /// Token of the first mechanism, sent ahead.
    pub(super) token: Option<Vec<u8>>,
}

impl Offer {
    /// Reads a NegTokenInit in its frame, or bare as some clients send it.
    pub(super) fn parse(token: &[u8]) -> Option<Self> {
        let inner = match der::open(token)? {
            (0x60, contents, _) => {
                let (mechanism, rest) = der::expect(contents, 0x06)?;
                (mechanism == SPNEGO).then_some(rest)?
            }
            (0xa0, _, _) => token,
            _ => return None,
        };
        let (sequence, _) = der::expect(inner, 0xa0)?;
        let (mut fields, _) = der::expect(sequence, 0x30)?;
        let mut offer = Self {
            list: Vec::new(),
            mechanisms: Vec::new(),
            token: None,
        };
        while let Some((tag, contents, rest)) = der::open(fields) {
            match tag {
                0xa0 => {
                    offer.list = contents.to_vec();
                    offer.mechanisms = mechanisms(contents)?;
                }
                0xa2 => offer.token = Some(der::expect(contents, 0x04)?.0.to_vec()),
                _ => {}
            }
            fields = rest;
        }
        Some(offer)
    }

    /// Whether our mechanism is the client's first; none when it is not on the list.
    pub(super) fn is_first(&self) -> Option<bool> {
        self.mechanisms
            .iter()
            .position(|mechanism| is_ours(mechanism))
            .map(|at| at == 0)
    }

    /// The mechanism under the number by which the client offered it.
    fn chosen(&self) -> &[u8] {
        let ours = self.mechanisms.iter().find(|mechanism| is_ours(mechanism));
        ours.map_or(KERBEROS, Vec::as_slice)
    }

    /// Asks for a token of the mechanism that was chosen.
    pub(super) fn ask(&self) -> Vec<u8> {
        envelope(INCOMPLETE, Some(self.chosen()), None, None)
    }

    /// Puts what the mechanism said into its envelope. When the choice was not the client's first,
    /// `signed`, both sides sign the list, so that nobody can have shortened it.
    pub(super) fn answer(&self, step: Step, mic: Option<&[u8]>, signed: bool) -> Step {
        match step {
            Step::Established(established) => self.complete(*established, mic, signed),
            Step::Rejected { token, reason } => Step::Rejected {
                token: Some(envelope(REJECTED, None, token.as_deref(), None)),
                reason,
            },
            Step::Continue(token) => Step::Continue(envelope(
                INCOMPLETE,
                Some(self.chosen()),
                Some(&token),
                None,
            )),
        }
    }

    fn complete(&self, mut established: Established, mic: Option<&[u8]>, signed: bool) -> Step {
        if let Some(mic) = mic
            && established.context.verify(&self.list, mic).is_err()
        {
            return super::rejected(super::Rejection::Malformed);
        }
        let ours = signed.then(|| established.context.mic(&self.list));
        let token = established.token.take();
        established.token = Some(envelope(
            COMPLETED,
            Some(self.chosen()),
            token.as_deref(),
            ours.as_deref(),
        ));
        Step::Established(Box::new(established))
    }
}

fn is_ours(mechanism: &[u8]) -> bool {
    mechanism == KERBEROS || mechanism == KERBEROS_TOO
}

fn mechanisms(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut rest, _) = der::expect(list, 0x30)?;
    let mut mechanisms = Vec::new();
    while let Some((tag, contents, tail)) = der::open(rest) {
        if tag != 0x06 {
            return None;
        }
        mechanisms.push(contents.to_vec());
        rest = tail;
    }
    Some(mechanisms)
}

/// Mechanism token and signature of a NegTokenResp.
pub(super) fn response(token: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let (sequence, _) = der::expect(token, 0xa1)?;
    let (mut fields, _) = der::expect(sequence, 0x30)?;
    let (mut inner, mut mic) = (None, None);
    while let Some((tag, contents, rest)) = der::open(fields) {
        match tag {
            0xa2 => inner = Some(der::expect(contents, 0x04)?.0.to_vec()),
            0xa3 => mic = Some(der::expect(contents, 0x04)?.0.to_vec()),
            _ => {}
        }
        fields = rest;
    }
    Some((inner?, mic))
}

fn envelope(
    state: u8,
    mechanism: Option<&[u8]>,
    token: Option<&[u8]>,
    mic: Option<&[u8]>,
) -> Vec<u8> {
    let field = |tag, kind, bytes: &[u8]| der::wrap(tag, &der::wrap(kind, bytes));
    let mut fields = field(0xa0, 0x0a, &[state]);
    fields.extend(
        mechanism
            .map(|bytes| field(0xa1, 0x06, bytes))
            .unwrap_or_default(),
    );
    fields.extend(
        token
            .map(|bytes| field(0xa2, 0x04, bytes))
            .unwrap_or_default(),
    );
    fields.extend(
        mic.map(|bytes| field(0xa3, 0x04, bytes))
            .unwrap_or_default(),
    );
    der::wrap(0xa1, &der::wrap(0x30, &fields))
}

/// A refusal of everything on the list.
pub(super) fn reject() -> Vec<u8> {
    envelope(REJECTED, None, None, None)
}

/// What the acceptor offers to a client that sends nothing first (reference, 4.3).
pub(super) fn hint() -> Vec<u8> {
    let list = [der::wrap(0x06, KERBEROS_TOO), der::wrap(0x06, KERBEROS)].concat();
    let fields = der::wrap(0xa0, &der::wrap(0x30, &list));
    let init = der::wrap(0xa0, &der::wrap(0x30, &fields));
    der::wrap(0x60, &[der::wrap(0x06, SPNEGO), init].concat())
}
