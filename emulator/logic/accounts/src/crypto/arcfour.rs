//! RC4 with HMAC-MD5 (RFC 4757), for accounts whose policy still allows it.

use super::{IntegrityError, Usage, same};
use crate::Entropy;
use hmac::{Hmac, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::consts::U16;
use rc4::{KeyInit, Rc4, StreamCipher};

const DIGEST: usize = 16;
const CONFOUNDER: usize = 8;

pub(super) fn from_password(password: &str) -> Vec<u8> {
    let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Md4::digest(wide).to_vec()
}

pub(super) fn encrypt(
    key: &[u8],
    usage: Usage,
    plain: &[u8],
    entropy: &mut dyn Entropy,
) -> Vec<u8> {
    let base = digest(key, &[&salt(usage)]);
    let mut message = vec![0; CONFOUNDER];
    entropy.fill(&mut message);
    message.extend_from_slice(plain);
    let proof = digest(&base, &[&message]);
    apply(&digest(&base, &[&proof]), &mut message);
    [proof, message].concat()
}

pub(super) fn decrypt(key: &[u8], usage: Usage, sealed: &[u8]) -> Result<Vec<u8>, IntegrityError> {
    if sealed.len() < DIGEST + CONFOUNDER {
        return Err(IntegrityError);
    }
    let (proof, cipher) = sealed.split_at(DIGEST);
    let base = digest(key, &[&salt(usage)]);
    let mut message = cipher.to_vec();
    apply(&digest(&base, &[proof]), &mut message);
    same(&digest(&base, &[&message]), proof)?;
    Ok(message.split_off(CONFOUNDER))
}

pub(super) fn checksum(key: &[u8], usage: Usage, message: &[u8]) -> Vec<u8> {
    let signing = digest(key, &[b"signaturekey\0"]);
    let inner = Md5::new()
        .chain_update(salt(usage))
        .chain_update(message)
        .finalize();
    digest(&signing, &[&inner])
}

/// Usages that RFC 4757 section 3 maps to others: 3 and 9 to 8, 23 to 13.
fn salt(usage: Usage) -> [u8; 4] {
    let number = match usage.0 {
        3 | 9 => 8,
        23 => 13,
        other => other,
    };
    number.to_le_bytes()
}

fn digest(key: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <Hmac<Md5> as Mac>::new_from_slice(key) else {
        return Vec::new();
    };
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().to_vec()
}

fn apply(key: &[u8], message: &mut [u8]) {
    if let Ok(mut cipher) = Rc4::<U16>::new_from_slice(key) {
        cipher.apply_keystream(message);
    }
}
