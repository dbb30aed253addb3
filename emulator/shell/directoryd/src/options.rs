//! What a directory is started with.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use directory::dns::{Algorithm, Name, Updates, name};

/// What a directory is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens, and what the controller's name resolves to.
    pub listen: IpAddr,
    /// The domain, such as `corp.example`.
    pub domain: String,
    /// The domain's NetBIOS name, such as `CORP`.
    pub netbios: String,
    /// The controller's first label.
    pub controller: String,
    /// The folder for everything that must outlive the process.
    pub state: PathBuf,
    /// What is added to the number of every port.
    pub port_base: u16,
    /// Who may update the zones.
    pub updates: Updates,
    /// Further zones to serve.
    pub zones: Vec<String>,
    /// Secrets with which updates may be signed.
    pub keys: Vec<KeyOption>,
    /// Accounts to have beside those that the state folder knows.
    pub users: Vec<UserOption>,
    /// Where to write the keys of the controller's services for clients and services.
    pub export_keytab: Option<PathBuf>,
    /// Where to write another copy of the configuration of Kerberos clients.
    pub krb5_conf: Option<PathBuf>,
    /// Where to listen for faults.
    pub control: Option<PathBuf>,
}

impl Options {
    /// The domain's name in upper case.
    #[must_use]
    pub fn realm(&self) -> String {
        self.domain.to_uppercase()
    }

    /// Where the services listen.
    #[must_use]
    pub fn ports(&self) -> ServicePorts {
        let at = |port: u16| self.port_base.saturating_add(port);
        ServicePorts {
            dns: at(53),
            kerberos: at(88),
            netbios: at(137),
            ldap: at(389),
            smb: at(445),
            kpasswd: at(464),
        }
    }
}

/// Where the services listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServicePorts {
    /// DNS, over UDP and TCP.
    pub dns: u16,
    /// Kerberos, over UDP and TCP.
    pub kerberos: u16,
    /// NetBIOS name service, over UDP.
    pub netbios: u16,
    /// LDAP over TCP, its ping over UDP.
    pub ldap: u16,
    /// Shares, over TCP.
    pub smb: u16,
    /// Password changes, over UDP and TCP.
    pub kpasswd: u16,
}

/// A text that is not what an option wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(String);

/// A secret with which updates may be signed, as `[ALGORITHM:]NAME:BASE64`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyOption {
    /// The key's name.
    pub name: Name,
    /// What it signs with; HMAC-SHA256 where nothing is said.
    pub algorithm: Algorithm,
    /// What both ends know.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for KeyOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name, algorithm, ..
        } = self;
        f.debug_struct("KeyOption")
            .field("name", name)
            .field("algorithm", algorithm)
            .finish()
    }
}

impl FromStr for KeyOption {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let wrong = |why: &str| OptionsError(format!("{why}: write [ALGORITHM:]NAME:BASE64"));
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let (algorithm, key, secret) = match parts.as_slice() {
            [algorithm, key, secret] => (*algorithm, *key, *secret),
            [key, secret] => ("hmac-sha256", *key, *secret),
            _ => return Err(wrong("a key needs a name and a secret")),
        };
        let known = Algorithm::named(algorithm);
        let unknown = || wrong(&format!("`{algorithm}` is no algorithm for signing"));
        Ok(Self {
            name: name(key).map_err(OptionsError)?,
            algorithm: known.ok_or_else(unknown)?,
            secret: base64(secret).ok_or_else(|| wrong("the secret is not Base64"))?,
        })
    }
}

/// An account, as `NAME:PASSWORD`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserOption {
    /// The account's name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for UserOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserOption")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl FromStr for UserOption {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() && !password.is_empty() => Ok(Self {
                name: name.to_owned(),
                password: password.to_owned(),
            }),
            _ => Err(OptionsError("write NAME:PASSWORD".to_owned())),
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Octets from Base64 (RFC 4648 section 4).
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes();
    let values = digits.map(|it| DIGITS.iter().position(|digit| *digit == it));
    let values: Vec<usize> = values.collect::<Option<_>>()?;
    let mut bytes = Vec::new();
    for group in values.chunks(4) {
        let word =
            group.iter().fold(0, |word, value| word << 6 | *value) << (6 * (4 - group.len()));
        let [.., a, b, c] = word.to_be_bytes();
        bytes.extend_from_slice([a, b, c].get(..group.len().checked_sub(1)?)?);
    }
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_an_algorithm_and_a_secret() {
        let key: KeyOption = "hmac-sha512:a.example:aGVsbG8=".parse().unwrap();
        assert_eq!(
            (key.algorithm, key.secret),
            (Algorithm::Sha512, b"hello".to_vec())
        );
        let key: KeyOption = "a.example:aGVsbG8gd29ybGQh".parse().unwrap();
        assert_eq!(key.secret, b"hello world!");
        for wrong in [
            "a.example",
            "a.example:?",
            "rot13:a:aGVs",
            "a..b:aGVs",
            "a:",
        ] {
            assert!(wrong.parse::<KeyOption>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let key: KeyOption = "a.example:aGVsbG8=".parse().unwrap();
        let user: UserOption = "anna:hello".parse().unwrap();
        assert!(!format!("{key:?}{user:?}").contains("ello"));
    }
}
