//! The Kerberos service: bytes of a request in, bytes of the reply out.
//!
//! Duty: tickets for passwords and keys (AS), tickets for services and renewals (TGS), password
//! changes (RFC 3244), key tables and the client's configuration file. Serves RFC 4120 and
//! reference rows 6.1 to 6.3. Deliberately not done here: FAST, public keys, user-to-user,
//! delegation (S4U), other realms, a replay cache, and the privilege attribute certificate, which
//! the tools of the suites do not need.

mod authentication;
mod error;
mod files;
mod granting;
pub(crate) mod messages;
mod password;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod ticket;

pub use error::Code;
pub use files::{KeyTableEntry, configuration, key_table};
pub(crate) use password::ProofPart;
pub use password::answer as answer_password;
pub use ticket::{MAX_LIFE_MILLIS, MAX_RENEW_MILLIS, MAX_SKEW_MILLIS};

use crate::Entropy;
use crate::store::Store;
use base::WallTime;
use error::Failure;
use messages::Request;

/// Longest request that is read, on a stream or as a datagram.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Longest reply in a datagram; longer ones are asked for again over a stream.
pub const MAX_DATAGRAM_BYTES: usize = 1_465;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Datagram,
    /// TCP, its length prefix taken off.
    Stream,
}

/// Answers one request on port 88; nothing for bytes that are none.
pub fn answer(
    store: &mut Store,
    request: &[u8],
    transport: Transport,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Option<Vec<u8>> {
    let tag = *request.first()?;
    if !matches!(tag, 0x6a | 0x6c) || !crate::der::is_shallow(request) {
        return None;
    }
    let parsed = Request::parse(request, tag)?;
    let answered = match tag {
        0x6a => authentication::answer(store, &parsed, now, entropy),
        _ => granting::answer(store, &parsed, now, entropy),
    };
    let limited = answered.and_then(|reply| fitting(reply, transport));
    let server = || {
        parsed
            .body
            .sname
            .clone()
            .unwrap_or_else(|| ticket::granting_service(store))
    };
    let refused = |failure| error::message(store, failure, server(), now);
    Some(limited.unwrap_or_else(refused))
}

fn fitting(reply: Vec<u8>, transport: Transport) -> Result<Vec<u8>, Failure> {
    match transport {
        Transport::Datagram if reply.len() > MAX_DATAGRAM_BYTES => Err(Code::TooBig.into()),
        _ => Ok(reply),
    }
}

/// A stream announced more than is ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request of {0} bytes was announced; {MAX_REQUEST_BYTES} are the most: close the connection"
)]
pub struct TooLong(pub usize);

/// Takes one whole message with its four-byte length off the front of a stream's buffer.
///
/// # Errors
/// When the length is beyond [`MAX_REQUEST_BYTES`].
pub fn take_frame(buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>, TooLong> {
    let Some(digits) = buffer.get(..4) else {
        return Ok(None);
    };
    let length = digits
        .iter()
        .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
    if length > MAX_REQUEST_BYTES {
        return Err(TooLong(length));
    }
    if buffer.len() < 4 + length {
        return Ok(None);
    }
    let rest = buffer.split_off(4 + length);
    let frame = std::mem::replace(buffer, rest).split_off(4);
    Ok(Some(frame))
}

/// A message with its four-byte length in front.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), message].concat()
}
