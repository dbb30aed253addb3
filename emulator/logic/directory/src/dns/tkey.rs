//! Keys by negotiation: tokens of GSS in TKEY records, until a security context stands.
//!
//! RFC 2930 (modes 3 and 5), RFC 3645 section 4; facts 3.4.

use domain::base::Name as AnyName;
use domain::base::iana::{Class, Rcode, Rtype};
use domain::dep::octseq::Parser;

use super::Name;
use super::message::{Entry, Reply, Request};

/// The RFC has no name of its own for these modes in the code.
pub(super) const MODE_GSS: u16 = 3;
pub(super) const MODE_DELETE: u16 = 5;

/// What is wrong with a token or a key, in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyError {
    None = 0,
    BadKey = 17,
    BadMode = 19,
}

/// The record of a negotiation.
#[derive(Debug, Clone)]
pub(super) struct KeyRecord {
    pub(super) algorithm: Name,
    pub(super) inception: u32,
    pub(super) expiration: u32,
    pub(super) mode: u16,
    pub(super) error: KeyError,
    pub(super) token: Vec<u8>,
}

impl KeyRecord {
    /// The record of a request: additional, or in the answer section as older Windows sends it.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let mut entries = request.additional.iter().chain(&request.answer);
        let is_it = |it: &&Entry| it.rtype == Rtype::TKEY && it.name == request.question.name;
        Self::parse(entries.find(is_it)?.data.as_ref()?.bytes())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut parser = Parser::from_ref(bytes);
        let algorithm = AnyName::<&[u8]>::parse(&mut parser).ok()?;
        let algorithm = Name::from_octets(algorithm.as_slice().to_vec()).ok()?;
        let inception = parser.parse_u32_be().ok()?;
        let expiration = parser.parse_u32_be().ok()?;
        let mode = parser.parse_u16_be().ok()?;
        let _error = parser.parse_u16_be().ok()?;
        let length = usize::from(parser.parse_u16_be().ok()?);
        let token = parser.parse_octets(length).ok()?.to_vec();
        Some(Self {
            algorithm,
            inception,
            expiration,
            mode,
            error: KeyError::None,
            token,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.algorithm.as_slice().to_vec();
        bytes.extend_from_slice(&self.inception.to_be_bytes());
        bytes.extend_from_slice(&self.expiration.to_be_bytes());
        bytes.extend_from_slice(&self.mode.to_be_bytes());
        bytes.extend_from_slice(&(self.error as u16).to_be_bytes());
        let length = u16::try_from(self.token.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.token);
        bytes.extend_from_slice(&[0, 0]);
        bytes
    }

    /// The reply that carries this record: in the answer section, of class ANY.
    pub(super) fn reply(&self, request: &Request) -> Reply {
        let mut reply = Reply::to(request, Rcode::NOERROR);
        let data = super::Data::from_bytes(Rtype::TKEY, &self.bytes());
        let name = request.question.name.clone();
        let record = |data| super::message::Record {
            name,
            class: Class::ANY,
            ttl: 0,
            data,
        };
        reply.answer.extend(data.map(record));
        reply
    }
}
