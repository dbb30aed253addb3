//! The domain that the directory serves, and its rules.

use super::identity::{Guid, Sid};
use super::name::Name;
use crate::Entropy;

/// Names and numbers of a domain with one domain controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// DNS name in lower case, `corp.example`.
    pub dns: String,
    /// NetBIOS name in upper case, `CORP`.
    pub netbios: String,
    /// First label of the domain controller's host name, `dc1`.
    pub host: String,
    /// Site of the domain controller and of all clients.
    pub site: String,
    /// Identifies the domain.
    pub guid: Guid,
    /// Identifies the domain in security identifiers.
    pub sid: Sid,
    /// Identifies the directory service on the domain controller.
    pub service: Guid,
}

impl Domain {
    /// A new domain with random identifiers.
    #[must_use]
    pub fn new(dns: &str, netbios: &str, host: &str, entropy: &mut dyn Entropy) -> Self {
        Self {
            dns: dns.trim_end_matches('.').to_lowercase(),
            netbios: netbios.to_uppercase(),
            host: host.to_lowercase(),
            site: "Default-First-Site-Name".to_owned(),
            guid: Guid::random(entropy),
            sid: Sid::random(entropy),
            service: Guid::random(entropy),
        }
    }

    /// The Kerberos realm, `CORP.EXAMPLE`.
    #[must_use]
    pub fn realm(&self) -> String {
        self.dns.to_uppercase()
    }

    /// The domain controller's full name, `dc1.corp.example`.
    #[must_use]
    pub fn controller(&self) -> String {
        format!("{}.{}", self.host, self.dns)
    }

    /// The name of the domain object, `DC=corp,DC=example`.
    #[must_use]
    pub fn base(&self) -> Name {
        Name::of_domain(&self.dns)
    }

    /// The configuration partition.
    #[must_use]
    pub fn configuration(&self) -> Name {
        self.base().child("CN", "Configuration")
    }

    /// The schema partition.
    #[must_use]
    pub fn schema(&self) -> Name {
        self.configuration().child("CN", "Schema")
    }

    /// The container of computers that are given no other place.
    #[must_use]
    pub fn computers(&self) -> Name {
        self.base().child("CN", "Computers")
    }

    /// The server object of the domain controller in its site.
    #[must_use]
    pub fn server(&self) -> Name {
        let sites = self
            .configuration()
            .child("CN", "Sites")
            .child("CN", &self.site);
        sites
            .child("CN", "Servers")
            .child("CN", &self.host.to_uppercase())
    }
}

/// What the emulated domain allows. Settings, because sources differ or are silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// RC4 keys are issued and accepted.
    pub rc4: bool,
    /// Simple binds without encryption succeed (Samba refuses them; reference, 4.3).
    pub plain_simple_bind: bool,
    /// A computer may write its own msDS-SupportedEncryptionTypes (reference, 10.5: open).
    pub own_encryption_types: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            rc4: true,
            plain_simple_bind: true,
            own_encryption_types: true,
        }
    }
}
