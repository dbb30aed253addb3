//! Files that make a client of the directory: Kerberos and resolver configuration.

use std::fs;
use std::io;
use std::path::Path;

use crate::options::Options;

/// Writes what clients read into the state folder, and where else it was asked for.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(options: &Options) -> io::Result<()> {
    let krb5 = krb5_conf(options);
    put(&options.state.join("krb5.conf"), &krb5)?;
    if let Some(path) = &options.krb5_conf {
        put(path, &krb5)?;
    }
    let Options { listen, domain, .. } = options;
    put(
        &options.state.join("resolv.conf"),
        &format!("search {domain}\nnameserver {listen}\n"),
    )
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    let named = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot write {}: {error}", path.display()),
        )
    };
    fs::write(path, text).map_err(named)
}

/// Names are not turned into addresses and back: a virtual server has the name that it says.
fn krb5_conf(options: &Options) -> String {
    let (realm, domain) = (options.realm(), options.domain.to_lowercase());
    let ports = options.ports();
    let at = |port: u16| std::net::SocketAddr::new(options.listen, port);
    let (kdc, kpasswd) = (at(ports.kerberos), at(ports.kpasswd));
    format!(
        "\
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false

[realms]
    {realm} = {{
        kdc = {kdc}
        admin_server = {kdc}
        kpasswd_server = {kpasswd}
    }}

[domain_realm]
    .{domain} = {realm}
    {domain} = {realm}
"
    )
}
