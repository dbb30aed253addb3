//! What of the name server outlives its process: who has registered which name until when.
//!
//! Without it a name would be unknown after a restart until its owner refreshes, days later.

use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Now, Timestamp, WallTime};
use serde::{Deserialize, Serialize};

use super::name::NetbiosName;
use super::wins::Server;

/// A name as it is after a change. To keep a table, keep these in order; each replaces the one
/// before for its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptName {
    /// The name as it stands in packets, in hexadecimal digits.
    pub name: String,
    /// The name flags that it was registered with.
    pub flags: u16,
    /// Its addresses, each with the time at which it is forgotten (milliseconds since 1970); none,
    /// and the name is nobody's.
    pub addresses: Vec<(Ipv4Addr, u64)>,
}

impl Server {
    /// Puts back what was kept, and remembers from now on what changes.
    ///
    /// # Errors
    /// When a name is damaged.
    pub fn restore(&mut self, now: Now, kept: &[KeptName]) -> Result<(), String> {
        for one in kept {
            let damaged = || format!("`{}` is no name", one.name);
            let name = unhex(&one.name)
                .and_then(|bytes| NetbiosName::decode(&bytes, 0))
                .ok_or_else(damaged)?
                .0;
            let until =
                |until: u64| now.mono + Duration::from_millis(until.saturating_sub(now.wall.0));
            let addresses = one.addresses.iter().map(|(it, at)| (*it, until(*at)));
            let addresses = addresses.filter(|(_, until)| *until > now.mono);
            self.table.restore(name, one.flags, addresses.collect());
        }
        self.table.remember();
        Ok(())
    }

    /// Everything that is registered.
    #[must_use]
    pub fn kept(&self, now: Now) -> Vec<KeptName> {
        let names = self.table.names();
        names.map(|name| self.keep(name, now)).collect()
    }

    /// What has changed since this was asked last; nothing before [`Self::restore`].
    pub fn take_changes(&mut self, now: Now) -> Vec<KeptName> {
        let changed = self.table.take_changed();
        changed.iter().map(|name| self.keep(name, now)).collect()
    }

    fn keep(&self, name: &NetbiosName, now: Now) -> KeptName {
        let entry = self.table.entry(name);
        let until = |(address, until): &(Ipv4Addr, Timestamp)| (*address, wall(*until, now).0);
        let mut bytes = Vec::new();
        name.encode(&mut bytes);
        KeptName {
            name: bytes.iter().map(|it| format!("{it:02x}")).collect(),
            flags: entry.map_or(0, |it| it.flags),
            addresses: entry.map_or_else(Vec::new, |it| it.addresses.iter().map(until).collect()),
        }
    }
}

fn wall(at: Timestamp, now: Now) -> WallTime {
    let left = u64::try_from(at.since(now.mono).as_millis()).unwrap_or(u64::MAX);
    WallTime(now.wall.0.saturating_add(left))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(pair).collect()
}
