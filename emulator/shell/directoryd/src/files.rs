//! Files that make a client of the directory: Kerberos and resolver configuration, and keys.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::accounts::Accounts;
use crate::options::Options;

/// Writes what clients read into the state folder, and where else it was asked for.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(options: &Options, accounts: &Accounts) -> io::Result<()> {
    let ports = options.ports();
    let at = |port: u16| SocketAddr::new(options.listen, port);
    let krb5 = accounts.configuration(at(ports.kerberos), at(ports.kpasswd));
    put(&options.state.join("krb5.conf"), krb5.as_bytes())?;
    if let Some(path) = &options.krb5_conf {
        put(path, krb5.as_bytes())?;
    }
    if let Some(path) = &options.export_keytab {
        put(path, &accounts.key_table(&options.users))?;
    }
    let Options { listen, domain, .. } = options;
    let resolver = format!("search {domain}\nnameserver {listen}\n");
    put(&options.state.join("resolv.conf"), resolver.as_bytes())
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let named = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("cannot write {}: {error}", path.display()),
        )
    };
    fs::write(path, bytes).map_err(named)
}
