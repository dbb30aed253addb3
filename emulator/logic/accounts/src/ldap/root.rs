//! The root: what clients read before they bind (reference, 4.2).

use super::controls;
use crate::moment;
use crate::store::Store;
use base::WallTime;

/// Capabilities: Active Directory, of 2003, signing over what is bound, of 2008, of 2008 R2.
const CAPABILITIES: &[&str] = &[
    "1.2.840.113556.1.4.800",
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1791",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
];

/// Functional level of 2016.
const LEVEL: &str = "7";

/// An attribute of the root with its values.
pub(super) type RootAttribute = (String, Vec<Vec<u8>>);

/// All attributes of the root.
pub(super) fn attributes(store: &Store, now: WallTime) -> Vec<RootAttribute> {
    let domain = store.domain();
    let (base, schema) = (domain.base().to_string(), domain.schema().to_string());
    let configuration = domain.configuration().to_string();
    let server = domain.server();
    let service = server.child("CN", "NTDS Settings").to_string();
    let dc = domain.host.to_lowercase();
    let ldap = format!("{}:{dc}$@{}", domain.dns, domain.realm());
    let sequence = store.sequence().to_string();
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let many = |name: &str, values: &[&str]| {
        (
            name.to_owned(),
            values
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect(),
        )
    };
    vec![
        one("currentTime", &moment::generalized(now)),
        one("subschemaSubentry", &format!("CN=Aggregate,{schema}")),
        one("dsServiceName", &service),
        many("namingContexts", &[&base, &configuration, &schema]),
        one("defaultNamingContext", &base),
        one("schemaNamingContext", &schema),
        one("configurationNamingContext", &configuration),
        one("rootDomainNamingContext", &base),
        many("supportedControl", controls::SUPPORTED),
        many("supportedLDAPVersion", &["3", "2"]),
        one("highestCommittedUSN", &sequence),
        many("supportedSASLMechanisms", &["GSSAPI", "GSS-SPNEGO"]),
        one("dnsHostName", &domain.controller()),
        one("ldapServiceName", &ldap),
        one("serverName", &server.to_string()),
        many("supportedCapabilities", CAPABILITIES),
        many("supportedExtension", &[super::connection::WHO_AM_I]),
        one("isSynchronized", "TRUE"),
        one("isGlobalCatalogReady", "TRUE"),
        one("domainFunctionality", LEVEL),
        one("forestFunctionality", LEVEL),
        one("domainControllerFunctionality", LEVEL),
    ]
}
