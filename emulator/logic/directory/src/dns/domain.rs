//! The zones of a domain: what a client must find to find its controllers.
//!
//! Facts 3.6 (MS-ADTS 6.3.2).

use std::net::IpAddr;

use domain::base::name::ToName;

use super::Name;
use super::data::{Data, name};
use super::zone::{Updates, Zone, joined};

/// Times to live as a controller registers them (seconds).
const SERVICE_TTL_SECONDS: u32 = 600;
const HOST_TTL_SECONDS: u32 = 3600;

/// A domain and its controller.
#[derive(Debug, Clone)]
pub struct Domain {
    /// `corp.example`
    pub name: String,
    /// The controller's first label.
    pub controller: String,
    /// The controller's addresses.
    pub addresses: Vec<IpAddr>,
    /// The site that the controller is in.
    pub site: String,
    /// The domain's GUID, in its dashed form.
    pub guid: String,
    /// The GUID under which controllers replicate from this one.
    pub controller_guid: String,
    /// Ports of LDAP, Kerberos and password changes, shifted or not.
    pub ports: Ports,
}

/// Where the controller's services listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// LDAP, 389.
    pub ldap: u16,
    /// Kerberos, 88.
    pub kerberos: u16,
    /// Password changes, 464.
    pub kpasswd: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            ldap: 389,
            kerberos: 88,
            kpasswd: 464,
        }
    }
}

/// Port of the global catalogue.
const GLOBAL_CATALOGUE_PORT: u16 = 3268;

/// The domain's zone, with the records of its controller.
///
/// # Errors
/// When a part of the domain's name is no name.
pub fn zone(domain: &Domain, updates: Updates) -> Result<Zone, String> {
    let apex = name(&domain.name)?;
    let below = |text: &str| {
        let whole = joined(&name(text)?, &apex);
        whole.ok_or_else(|| format!("`{text}.{}` is longer than a name may be", domain.name))
    };
    let host = below(&domain.controller)?;
    let mut zone = Zone::new(apex.clone(), &host, updates);
    for address in &domain.addresses {
        zone.add(&apex, SERVICE_TTL_SECONDS, Data::address(*address));
        zone.add(&host, HOST_TTL_SECONDS, Data::address(*address));
    }
    for (service, port) in services(domain) {
        zone.add(
            &below(&service)?,
            SERVICE_TTL_SECONDS,
            Data::service(port, &host),
        );
    }
    let replica = below(&format!("{}._msdcs", domain.controller_guid))?;
    zone.add(&replica, SERVICE_TTL_SECONDS, Data::alias(&host));
    Ok(zone)
}

fn services(domain: &Domain) -> Vec<(String, u16)> {
    let Ports {
        ldap,
        kerberos,
        kpasswd,
    } = domain.ports;
    let Domain { site, guid, .. } = domain;
    let catalogue = GLOBAL_CATALOGUE_PORT;
    let fixed = [
        ("_ldap._tcp", ldap),
        ("_ldap._tcp.dc._msdcs", ldap),
        ("_ldap._tcp.pdc._msdcs", ldap),
        ("_ldap._tcp.gc._msdcs", catalogue),
        ("_gc._tcp", catalogue),
        ("_kerberos._tcp", kerberos),
        ("_kerberos._udp", kerberos),
        ("_kerberos._tcp.dc._msdcs", kerberos),
        ("_kpasswd._tcp", kpasswd),
        ("_kpasswd._udp", kpasswd),
    ];
    let mut all: Vec<_> = fixed
        .map(|(service, port)| (service.to_owned(), port))
        .into();
    all.push((format!("_ldap._tcp.{site}._sites"), ldap));
    all.push((format!("_ldap._tcp.{site}._sites.dc._msdcs"), ldap));
    all.push((format!("_kerberos._tcp.{site}._sites"), kerberos));
    all.push((format!("_kerberos._tcp.{site}._sites.dc._msdcs"), kerberos));
    all.push((format!("_ldap._tcp.{guid}.domains._msdcs"), ldap));
    all
}

/// Zones for the names of private and loopback addresses.
///
/// # Errors
/// When the controller's name is no name.
pub fn reverse_zones(domain: &Domain, updates: Updates) -> Result<Vec<Zone>, String> {
    let host = name(&format!("{}.{}", domain.controller, domain.name))?;
    let private = (16..32).map(|second| format!("{second}.172.in-addr.arpa"));
    let others = [
        "10.in-addr.arpa",
        "168.192.in-addr.arpa",
        "127.in-addr.arpa",
    ];
    let all = others.into_iter().map(str::to_owned).chain(private);
    let zone = |text: String| Ok(Zone::new(name(&text)?, &host, updates));
    let mut zones = all.map(zone).collect::<Result<Vec<_>, String>>()?;
    for address in &domain.addresses {
        let reverse = reverse(*address);
        for zone in zones.iter_mut().filter(|zone| zone.covers(&reverse)) {
            zone.add(&reverse, HOST_TTL_SECONDS, Data::pointer(&host));
        }
    }
    Ok(zones)
}

/// The name under which an address is asked for.
#[must_use]
pub fn reverse(address: IpAddr) -> Name {
    // A vector has room for every name.
    Name::reverse_from_addr(address)
        .unwrap_or_else(|_| Name::root_vec())
        .to_name()
}
