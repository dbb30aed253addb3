//! AES in CBC mode with ciphertext stealing, zero initial vector (RFC 3962 section 5).
//!
//! The last two blocks are always exchanged, also when the last one is full.

use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};

/// Bytes of a block.
pub(super) const BLOCK: usize = 16;

/// A key schedule of either length.
pub(super) enum Cipher {
    Short(Box<Aes128>),
    Long(Box<Aes256>),
}

impl Cipher {
    /// A schedule for 32 bytes, else for the first 16 (missing ones are zero).
    pub(super) fn new(key: &[u8]) -> Self {
        if let Ok(cipher) = Aes256::new_from_slice(key) {
            return Self::Long(Box::new(cipher));
        }
        let mut short = [0; BLOCK];
        for (to, from) in short.iter_mut().zip(key) {
            *to = *from;
        }
        Self::Short(Box::new(Aes128::new(&short.into())))
    }

    pub(super) fn encrypt_block(&self, block: &mut [u8; BLOCK]) {
        let mut cells = Block::from(*block);
        match self {
            Self::Short(cipher) => cipher.encrypt_block(&mut cells),
            Self::Long(cipher) => cipher.encrypt_block(&mut cells),
        }
        *block = cells.into();
    }

    fn decrypt_block(&self, block: &mut [u8; BLOCK]) {
        let mut cells = Block::from(*block);
        match self {
            Self::Short(cipher) => cipher.decrypt_block(&mut cells),
            Self::Long(cipher) => cipher.decrypt_block(&mut cells),
        }
        *block = cells.into();
    }

    /// Encrypts one block or more; shorter input is filled up to one block.
    pub(super) fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let mut last = [0; BLOCK];
        let mut blocks = Vec::new();
        for piece in plain.chunks(BLOCK) {
            let mut block = padded(piece);
            exclusive_or(&mut block, &last);
            self.encrypt_block(&mut block);
            blocks.push(block);
            last = block;
        }
        swap_last(&mut blocks);
        let mut sealed = blocks.concat();
        sealed.truncate(plain.len().max(BLOCK));
        sealed
    }

    /// Decrypts what [`Cipher::encrypt`] made; nothing when it is shorter than a block.
    pub(super) fn decrypt(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        if sealed.len() < BLOCK {
            return None;
        }
        let mut blocks: Vec<[u8; BLOCK]> = sealed.chunks(BLOCK).map(padded).collect();
        self.restore_last(&mut blocks, sealed.len());
        let mut last = [0; BLOCK];
        for block in &mut blocks {
            let cipher = *block;
            self.decrypt_block(block);
            exclusive_or(block, &last);
            last = cipher;
        }
        let mut plain = blocks.concat();
        plain.truncate(sealed.len());
        Some(plain)
    }

    /// Puts the last two blocks in CBC order, with the stolen bytes given back.
    fn restore_last(&self, blocks: &mut [[u8; BLOCK]], length: usize) {
        let [.., full, short] = blocks else { return };
        let kept = length - (length - 1) / BLOCK * BLOCK;
        let mut stolen = *full;
        self.decrypt_block(&mut stolen);
        for (to, from) in short.iter_mut().zip(stolen).skip(kept) {
            *to = from;
        }
        std::mem::swap(full, short);
    }
}

fn swap_last(blocks: &mut [[u8; BLOCK]]) {
    if let [.., before, last] = blocks {
        std::mem::swap(before, last);
    }
}

fn padded(piece: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(piece) {
        *to = *from;
    }
    block
}

fn exclusive_or(block: &mut [u8; BLOCK], with: &[u8; BLOCK]) {
    for (to, from) in block.iter_mut().zip(with) {
        *to ^= from;
    }
}
