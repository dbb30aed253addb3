//! LDAP: one connection as a pure machine, and the connectionless ping.
//!
//! Duty: binds, searches and changes on the store, with the layers that SASL puts around them.
//! Serves RFC 4511, RFC 4513, MS-ADTS and reference rows 4.1 to 4.7. Deliberately not done here:
//! TLS, referrals, the schema as data, sorting of results and security descriptors.

mod answer;
mod bind;
mod connection;
mod controls;
mod entry;
mod filter;
mod netlogon;
mod root;
mod search;
#[cfg(test)]
mod tests;
mod write;

pub use connection::{Connection, Output};

use crate::der;
use crate::store::Store;
use base::WallTime;
use rasn_ldap::{LdapMessage, ProtocolOp};

/// Longest message, encrypted or not, that is read.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Answers a datagram: searches of the root and its `netlogon` ping (MS-ADTS 6.3.3). Nothing for
/// bytes that are none, and for pings about another domain.
#[must_use]
pub fn datagram(store: &Store, request: &[u8], now: WallTime) -> Option<Vec<u8>> {
    let message = decode(request)?;
    let ProtocolOp::SearchRequest(search) = &message.protocol_op else {
        return None;
    };
    let answers = search::of_root(store, search, now);
    Some(answer::encode_all(message.message_id, answers, None))
}

/// One message, unless it is nested too deeply or is none.
fn decode(bytes: &[u8]) -> Option<LdapMessage> {
    if bytes.len() > MAX_MESSAGE_BYTES || !der::is_shallow(bytes) {
        return None;
    }
    rasn::ber::decode(bytes).ok()
}
