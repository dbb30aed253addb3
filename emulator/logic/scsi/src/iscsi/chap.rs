//! CHAP (RFC 7143 12.1.3, RFC 1994) with MD5, which every iSCSI end must have, and with SHA-256,
//! which is registered beside it (IANA, PPP authentication algorithms, number 7).

use md5::{Digest, Md5};
use sha2::Sha256;

/// Who one is and what proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// CHAP_N.
    pub name: String,
    /// The shared secret.
    pub secret: String,
}

impl std::fmt::Debug for Credentials {
    /// The secret stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How long a challenge is that we make.
pub const CHALLENGE_BYTES: usize = 16;

/// What a response is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 5.
    Md5,
    /// 7.
    Sha256,
}

impl Algorithm {
    /// All that we know, best first, as CHAP_A offers them.
    pub const OFFER: &str = "7,5";

    /// The number that names it in CHAP_A.
    pub const fn number(self) -> &'static str {
        match self {
            Self::Md5 => "5",
            Self::Sha256 => "7",
        }
    }

    /// The algorithm with this number.
    pub fn from_number(number: &str) -> Option<Self> {
        let known = [Self::Sha256, Self::Md5];
        known.into_iter().find(|it| it.number() == number)
    }

    /// The first one of a list that we know: the list is in the order of its sender's preference.
    pub fn choose(offer: &str) -> Option<Self> {
        offer.split(',').find_map(Self::from_number)
    }

    /// The response to a challenge.
    pub fn response(self, identifier: u8, secret: &str, challenge: &[u8]) -> Vec<u8> {
        let parts = [&[identifier], secret.as_bytes(), challenge];
        match self {
            Self::Md5 => digest::<Md5>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
        }
    }
}

fn digest<D: Digest>(parts: [&[u8]; 3]) -> Vec<u8> {
    let mut digest = D::new();
    parts.into_iter().for_each(|part| digest.update(part));
    digest.finalize().to_vec()
}

/// Whether two responses are equal, in time that does not tell where they differ.
pub fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_is_the_digest_of_identifier_secret_and_challenge() {
        // Of the single byte 1, as `printf '\001' | md5sum` and `sha256sum` have it.
        let md5 = [
            0x55, 0xa5, 0x40, 0x08, 0xad, 0x1b, 0xa5, 0x89, 0xaa, 0x21, 0x0d, 0x26,
        ];
        assert_eq!(Algorithm::Md5.response(1, "", &[])[..12], md5);
        let sha256 = [
            0x4b, 0xf5, 0x12, 0x2f, 0x34, 0x45, 0x54, 0xc5, 0x3b, 0xde, 0x2e, 0xbb,
        ];
        let response = Algorithm::Sha256.response(1, "", &[]);
        assert_eq!((&response[..12], response.len()), (&sha256[..], 32));
        assert!(is_equal(&[1, 2], &[1, 2]) && !is_equal(&[1, 2], &[1, 3]) && !is_equal(&[1], &[]));
    }

    #[test]
    fn the_first_algorithm_that_is_known_is_chosen() {
        assert_eq!(Algorithm::choose("8,7,5"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::choose("5,7"), Some(Algorithm::Md5));
        assert_eq!(Algorithm::choose("6,,55"), None);
        assert_eq!(Algorithm::choose(Algorithm::OFFER), Some(Algorithm::Sha256));
    }
}
