//! The keys of one account, worked out from its password when they are first needed.

use crate::Entropy;
use crate::crypto::{EncryptionType, Key, nt_hash};
use std::collections::BTreeMap;

/// What an account proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// Key version, raised by each change of the password.
    pub version: u32,
    /// Salt of the AES keys, told to clients.
    pub salt: String,
    pub(super) hash: Vec<u8>,
    pub(super) keys: BTreeMap<EncryptionType, Key>,
    /// The password, kept only until the slow keys have been worked out from it.
    pub(super) pending: Option<String>,
}

impl Secrets {
    /// Secrets of a password. Quick: the AES keys follow when somebody asks for them.
    #[must_use]
    pub fn of_password(version: u32, password: &str, salt: String) -> Self {
        let hash = nt_hash(password);
        let quick = Key::new(EncryptionType::Rc4, &hash);
        let keys = quick
            .map(|key| (EncryptionType::Rc4, key))
            .into_iter()
            .collect();
        let pending = Some(password.to_owned());
        Self {
            version,
            salt,
            hash,
            keys,
            pending,
        }
    }

    /// Random keys that no password stands behind, as krbtgt has.
    #[must_use]
    pub fn random(version: u32, salt: String, entropy: &mut dyn Entropy) -> Self {
        let keys: BTreeMap<_, _> = EncryptionType::ALL
            .into_iter()
            .map(|kind| (kind, Key::random(kind, entropy)))
            .collect();
        let hash = keys
            .get(&EncryptionType::Rc4)
            .map(|key| key.bytes().to_vec());
        let hash = hash.unwrap_or_default();
        Self {
            version,
            salt,
            hash,
            keys,
            pending: None,
        }
    }

    /// The key of that type, and whether it had to be worked out now.
    pub fn key(&mut self, kind: EncryptionType) -> Option<(Key, bool)> {
        if let Some(key) = self.keys.get(&kind) {
            return Some((key.clone(), false));
        }
        let password = self.pending.as_ref()?;
        let key = Key::from_password(kind, password, self.salt.as_bytes());
        self.keys.insert(kind, key.clone());
        if EncryptionType::ALL
            .iter()
            .all(|kind| self.keys.contains_key(kind))
        {
            self.pending = None;
        }
        Some((key, true))
    }

    /// True when `password` is the account's.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        !self.hash.is_empty() && self.hash == nt_hash(password)
    }
}
