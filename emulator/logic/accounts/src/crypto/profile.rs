//! The simplified profile of RFC 3961 section 5.3 for AES (RFC 3962).

use super::aes_cts::{BLOCK, Cipher};
use super::nfold::nfold;
use super::{IntegrityError, Usage, same};
use crate::Entropy;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// Bytes of the truncated digest.
const DIGEST: usize = 12;
const ENCRYPTION: u8 = 0xaa;
const INTEGRITY: u8 = 0x55;
const CHECKSUM: u8 = 0x99;

pub(super) fn encrypt(
    key: &[u8],
    usage: Usage,
    plain: &[u8],
    entropy: &mut dyn Entropy,
) -> Vec<u8> {
    let mut message = vec![0; BLOCK];
    entropy.fill(&mut message);
    message.extend_from_slice(plain);
    let mut sealed = Cipher::new(&derived(key, usage, ENCRYPTION)).encrypt(&message);
    sealed.extend(digest(&derived(key, usage, INTEGRITY), &message));
    sealed
}

pub(super) fn decrypt(key: &[u8], usage: Usage, sealed: &[u8]) -> Result<Vec<u8>, IntegrityError> {
    let body = sealed.len().checked_sub(DIGEST).ok_or(IntegrityError)?;
    let (cipher, proof) = sealed.split_at(body);
    let message = Cipher::new(&derived(key, usage, ENCRYPTION)).decrypt(cipher);
    let message = message.ok_or(IntegrityError)?;
    same(&digest(&derived(key, usage, INTEGRITY), &message), proof)?;
    Ok(message.get(BLOCK..).unwrap_or_default().to_vec())
}

pub(super) fn checksum(key: &[u8], usage: Usage, message: &[u8]) -> Vec<u8> {
    digest(&derived(key, usage, CHECKSUM), message)
}

/// PBKDF2 with HMAC-SHA-1, then the derivation with the constant `kerberos` (RFC 3962 section 4).
pub(super) fn from_password(password: &str, salt: &[u8], rounds: u32, length: usize) -> Vec<u8> {
    let mut seed = vec![0; length];
    pbkdf2::pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, rounds, &mut seed);
    derive(&seed, b"kerberos")
}

fn derived(key: &[u8], usage: Usage, purpose: u8) -> Vec<u8> {
    let [a, b, c, d] = usage.0.to_be_bytes();
    derive(key, &[a, b, c, d, purpose])
}

/// DR and DK: the folded constant encrypted again and again until there are enough bytes.
fn derive(key: &[u8], constant: &[u8]) -> Vec<u8> {
    let cipher = Cipher::new(key);
    let mut block = [0; BLOCK];
    block.copy_from_slice(&nfold(constant, BLOCK));
    let mut derived = Vec::with_capacity(key.len());
    while derived.len() < key.len() {
        cipher.encrypt_block(&mut block);
        derived.extend_from_slice(&block);
    }
    derived.truncate(key.len());
    derived
}

fn digest(key: &[u8], message: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(message);
    mac.finalize().into_bytes()[..DIGEST].to_vec()
}
