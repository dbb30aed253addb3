//! CHAP with MD5, the one algorithm that every iSCSI end must have (RFC 7143 12.1.3, RFC 1994).

use md5::{Digest, Md5};

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

/// The only algorithm offered: MD5.
pub const ALGORITHM: &str = "5";
/// How long a challenge is that we make.
pub const CHALLENGE_BYTES: usize = 16;

/// The response to a challenge.
pub fn response(identifier: u8, secret: &str, challenge: &[u8]) -> [u8; 16] {
    let mut digest = Md5::new();
    digest.update([identifier]);
    digest.update(secret.as_bytes());
    digest.update(challenge);
    digest.finalize().into()
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
        // MD5 of the single byte 1, as `printf '\001' | md5sum` has it.
        let expected = [
            0x55, 0xa5, 0x40, 0x08, 0xad, 0x1b, 0xa5, 0x89, 0xaa, 0x21, 0x0d, 0x26,
        ];
        assert_eq!(response(1, "", &[])[..12], expected);
        assert!(is_equal(&[1, 2], &[1, 2]) && !is_equal(&[1, 2], &[1, 3]) && !is_equal(&[1], &[]));
    }
}
