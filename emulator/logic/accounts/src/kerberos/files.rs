//! Files that clients of the realm need: a key table and a configuration.

use crate::crypto::{EncryptionType, Key};
use crate::store::{Guid, Store};
use std::net::SocketAddr;

/// One line of a key table.
#[derive(Clone, Debug)]
pub struct KeyTableEntry {
    /// Principal without realm, its components divided by `/`.
    pub principal: String,
    /// Key version.
    pub version: u32,
    /// The key.
    pub key: Key,
}

impl Store {
    /// The entries of an account's key table: its logon name and service names, every type.
    pub fn key_table_entries(&mut self, account: Guid) -> Vec<KeyTableEntry> {
        let Some(object) = self.object(account) else {
            return Vec::new();
        };
        let version = object.secrets().map_or(0, |secrets| secrets.version);
        let logon = object.account_name().into_iter();
        let services = object.texts("servicePrincipalName");
        let names: Vec<String> = logon.chain(services).map(str::to_owned).collect();
        let kinds = EncryptionType::ALL.into_iter();
        let keys: Vec<Key> = kinds.filter_map(|kind| self.key(account, kind)).collect();
        let entry = |principal: &String, key: &Key| KeyTableEntry {
            principal: principal.clone(),
            version,
            key: key.clone(),
        };
        names
            .iter()
            .flat_map(|name| keys.iter().map(move |key| entry(name, key)))
            .collect()
    }
}

/// A key table in the format that MIT and Heimdal read, version 0x0502.
#[must_use]
pub fn key_table(realm: &str, entries: &[KeyTableEntry], written: u32) -> Vec<u8> {
    let mut table = vec![5, 2];
    for entry in entries {
        let record = record(realm, entry, written);
        table.extend(length(record.len()).to_be_bytes());
        table.extend(record);
    }
    table
}

fn record(realm: &str, entry: &KeyTableEntry, written: u32) -> Vec<u8> {
    let parts: Vec<&str> = entry.principal.split('/').collect();
    let mut record = short(parts.len()).to_be_bytes().to_vec();
    for text in std::iter::once(realm).chain(parts) {
        counted(&mut record, text.as_bytes());
    }
    record.extend(1_u32.to_be_bytes());
    record.extend(written.to_be_bytes());
    record.push(entry.version.to_be_bytes()[3]);
    let number = u16::try_from(entry.key.kind().number()).unwrap_or(0);
    record.extend(number.to_be_bytes());
    counted(&mut record, entry.key.bytes());
    record.extend(entry.version.to_be_bytes());
    record
}

fn counted(record: &mut Vec<u8>, bytes: &[u8]) {
    record.extend(short(bytes.len()).to_be_bytes());
    record.extend_from_slice(bytes);
}

fn short(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A `krb5.conf` with which MIT and Heimdal clients find the realm on these sockets.
#[must_use]
pub fn configuration(store: &Store, kerberos: SocketAddr, password: SocketAddr) -> String {
    let realm = store.domain().realm();
    let dns = &store.domain().dns;
    format!(
        "[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true

[realms]
  {realm} = {{
    kdc = {kerberos}
    admin_server = {kerberos}
    kpasswd_server = {password}
  }}

[domain_realm]
  .{dns} = {realm}
  {dns} = {realm}
"
    )
}
