//! Keys of Kerberos: encryption, checksums and keys from passwords.
//!
//! Serves RFC 3961 (simplified profile), RFC 3962 (AES with SHA-1) and RFC 4757 (RC4) with the
//! ciphers and digests of RustCrypto; docs/adr/0029 says why the profile on top is our own.
//! Deliberately not done here: DES and triple DES, which no supported generation uses.

mod aes_cts;
mod arcfour;
mod nfold;
mod profile;
#[cfg(test)]
mod tests;

use crate::Entropy;

/// An encryption type of RFC 3961's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EncryptionType {
    /// `rc4-hmac`, 23.
    Rc4,
    /// `aes128-cts-hmac-sha1-96`, 17.
    Aes128,
    /// `aes256-cts-hmac-sha1-96`, 18.
    Aes256,
}

impl EncryptionType {
    /// All that are known, strongest first.
    pub const ALL: [Self; 3] = [Self::Aes256, Self::Aes128, Self::Rc4];

    /// The registered number.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Aes128 => 17,
            Self::Aes256 => 18,
            Self::Rc4 => 23,
        }
    }

    /// The type behind a registered number, if it is one of ours.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its bit in `msDS-SupportedEncryptionTypes` (reference, 4.4).
    #[must_use]
    pub fn support_bit(self) -> u32 {
        match self {
            Self::Rc4 => 4,
            Self::Aes128 => 8,
            Self::Aes256 => 0x10,
        }
    }

    /// Length of a key in bytes.
    #[must_use]
    pub fn key_bytes(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Aes128 | Self::Rc4 => 16,
        }
    }

    /// Number of the checksum that goes with it.
    #[must_use]
    pub fn checksum_number(self) -> i32 {
        match self {
            Self::Aes128 => 15,
            Self::Aes256 => 16,
            Self::Rc4 => -138,
        }
    }

    /// Length of its checksum in bytes.
    #[must_use]
    pub fn checksum_bytes(self) -> usize {
        match self {
            Self::Rc4 => 16,
            Self::Aes128 | Self::Aes256 => 12,
        }
    }
}

/// What a key is used for: RFC 4120 section 7.5.1 and RFC 4121 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage(pub u32);

impl Usage {
    /// Timestamp of the pre-authentication.
    pub const PREAUTH_TIMESTAMP: Self = Self(1);
    /// Encrypted part of a ticket.
    pub const TICKET: Self = Self(2);
    /// Encrypted part of an AS reply.
    pub const AS_REPLY: Self = Self(3);
    /// Checksum over the body of a TGS request.
    pub const TGS_CHECKSUM: Self = Self(6);
    /// Authenticator of a TGS request.
    pub const TGS_AUTHENTICATOR: Self = Self(7);
    /// TGS reply under the session key.
    pub const TGS_REPLY_SESSION: Self = Self(8);
    /// TGS reply under the authenticator's subkey.
    pub const TGS_REPLY_SUBKEY: Self = Self(9);
    /// Authenticator of an application request.
    pub const AP_AUTHENTICATOR: Self = Self(11);
    /// Encrypted part of an application reply.
    pub const AP_REPLY: Self = Self(12);
    /// Encrypted part of a private message.
    pub const PRIVATE: Self = Self(13);
    /// Signatures inside a privilege attribute certificate.
    pub const PAC_SIGNATURE: Self = Self(17);
    /// Tokens sealed by the acceptor of a context.
    pub const ACCEPTOR_SEAL: Self = Self(22);
    /// Tokens signed by the acceptor of a context.
    pub const ACCEPTOR_SIGN: Self = Self(23);
    /// Tokens sealed by the initiator of a context.
    pub const INITIATOR_SEAL: Self = Self(24);
    /// Tokens signed by the initiator of a context.
    pub const INITIATOR_SIGN: Self = Self(25);
}

/// A ciphertext or a checksum that this key did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes were not made with this key, or were changed on the way")]
pub struct IntegrityError;

/// A key with its type. Its bytes never show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kind: EncryptionType,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?})", self.kind)
    }
}

impl Key {
    /// A key of these bytes, if their number fits the type.
    #[must_use]
    pub fn new(kind: EncryptionType, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == kind.key_bytes()).then(|| Self {
            kind,
            bytes: bytes.to_vec(),
        })
    }

    /// A fresh random key.
    #[must_use]
    pub fn random(kind: EncryptionType, entropy: &mut dyn Entropy) -> Self {
        let mut bytes = vec![0; kind.key_bytes()];
        entropy.fill(&mut bytes);
        Self { kind, bytes }
    }

    /// The key of a password, by RFC 3962 with 4096 rounds or by RFC 4757, which takes no salt.
    ///
    /// The AES types take milliseconds: callers keep what they get.
    #[must_use]
    pub fn from_password(kind: EncryptionType, password: &str, salt: &[u8]) -> Self {
        Self::from_password_with(kind, password, salt, 4096)
    }

    fn from_password_with(kind: EncryptionType, password: &str, salt: &[u8], rounds: u32) -> Self {
        let bytes = match kind {
            EncryptionType::Rc4 => arcfour::from_password(password),
            EncryptionType::Aes128 | EncryptionType::Aes256 => {
                profile::from_password(password, salt, rounds, kind.key_bytes())
            }
        };
        Self { kind, bytes }
    }

    /// Its encryption type.
    #[must_use]
    pub fn kind(&self) -> EncryptionType {
        self.kind
    }

    /// Its bytes, for tickets and key tables.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts with a random confounder and appends what proves integrity.
    #[must_use]
    pub fn encrypt(&self, usage: Usage, plain: &[u8], entropy: &mut dyn Entropy) -> Vec<u8> {
        match self.kind {
            EncryptionType::Rc4 => arcfour::encrypt(&self.bytes, usage, plain, entropy),
            EncryptionType::Aes128 | EncryptionType::Aes256 => {
                profile::encrypt(&self.bytes, usage, plain, entropy)
            }
        }
    }

    /// Checks integrity and decrypts.
    ///
    /// # Errors
    /// When another key, another usage or other bytes were at work.
    pub fn decrypt(&self, usage: Usage, sealed: &[u8]) -> Result<Vec<u8>, IntegrityError> {
        match self.kind {
            EncryptionType::Rc4 => arcfour::decrypt(&self.bytes, usage, sealed),
            EncryptionType::Aes128 | EncryptionType::Aes256 => {
                profile::decrypt(&self.bytes, usage, sealed)
            }
        }
    }

    /// The keyed checksum that goes with the type.
    #[must_use]
    pub fn checksum(&self, usage: Usage, message: &[u8]) -> Vec<u8> {
        match self.kind {
            EncryptionType::Rc4 => arcfour::checksum(&self.bytes, usage, message),
            EncryptionType::Aes128 | EncryptionType::Aes256 => {
                profile::checksum(&self.bytes, usage, message)
            }
        }
    }

    /// Compares a checksum without telling where it differs.
    ///
    /// # Errors
    /// When the checksum is another one.
    pub fn verify(
        &self,
        usage: Usage,
        message: &[u8],
        checksum: &[u8],
    ) -> Result<(), IntegrityError> {
        same(&self.checksum(usage, message), checksum)
    }
}

/// The MD4 digest of a password in UTF-16: what simple binds compare and RC4 uses as its key.
#[must_use]
pub fn nt_hash(password: &str) -> Vec<u8> {
    arcfour::from_password(password)
}

/// Equal in a time that does not depend on where they differ.
fn same(left: &[u8], right: &[u8]) -> Result<(), IntegrityError> {
    let differs = left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b));
    if left.len() == right.len() && differs == 0 {
        Ok(())
    } else {
        Err(IntegrityError)
    }
}
