//! The WINS server's table: who has registered which name.
//!
//! RFC 1001 section 15.1, fact 5.4.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use base::Timestamp;

use super::name::NetbiosName;

/// How long a registration holds: six days.
pub(super) const TTL: Duration = Duration::from_secs(518_400);
/// Most addresses of one name.
pub(super) const ADDRESSES_MAX: usize = 25;
/// Most names, so that a client cannot fill the memory.
const NAMES_MAX: usize = 65_536;
/// What a normal group has instead of its members' addresses.
pub(super) const EVERYBODY: Ipv4Addr = Ipv4Addr::BROADCAST;

/// What kind of name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Of one host.
    Unique,
    /// Of any number of hosts that are not listed.
    Group,
    /// Of listed hosts: the controllers of a domain.
    Internet,
    /// The master browser of a subnet: acknowledged and never stored.
    Master,
}

impl Sort {
    pub(super) fn of(name: &NetbiosName, is_group: bool) -> Self {
        match (name.suffix(), is_group) {
            (0x1c, _) => Self::Internet,
            (0x1d, _) => Self::Master,
            (_, true) => Self::Group,
            (_, false) => Self::Unique,
        }
    }
}

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) sort: Sort,
    pub(super) flags: u16,
    /// Each with the time at which it is forgotten.
    pub(super) addresses: Vec<(Ipv4Addr, Timestamp)>,
}

impl Entry {
    pub(super) fn has(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|(it, _)| *it == address)
    }
}

/// What a registration meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing: it was made.
    Done,
    /// Another host has the name, at these addresses, and must be asked.
    Owner(Vec<Ipv4Addr>),
    /// The name cannot be had at all.
    Never,
    /// There is no room.
    Full,
}

/// Who has registered which name.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(BTreeMap<NetbiosName, Entry>);

impl Table {
    /// Registers a name if nobody needs to be asked.
    pub(super) fn register(
        &mut self,
        now: Timestamp,
        name: &NetbiosName,
        flags: u16,
        address: Ipv4Addr,
    ) -> Met {
        let sort = Sort::of(name, flags & super::packet::GROUP != 0);
        self.forget(now, name);
        let Some(entry) = self.0.get(name) else {
            return self.replace(now, name, flags, address);
        };
        match (entry.sort, sort) {
            (Sort::Unique, Sort::Unique) if !entry.has(address) => Met::Owner(
                entry
                    .addresses
                    .iter()
                    .map(|(address, _)| *address)
                    .collect(),
            ),
            (Sort::Unique, Sort::Group | Sort::Internet) => Met::Owner(
                entry
                    .addresses
                    .iter()
                    .map(|(address, _)| *address)
                    .collect(),
            ),
            (Sort::Group | Sort::Internet, Sort::Unique | Sort::Master) => Met::Never,
            _ => {
                self.add(now, name, address);
                Met::Done
            }
        }
    }

    /// Registers a name whoever had it.
    pub(super) fn replace(
        &mut self,
        now: Timestamp,
        name: &NetbiosName,
        flags: u16,
        address: Ipv4Addr,
    ) -> Met {
        let sort = Sort::of(name, flags & super::packet::GROUP != 0);
        if sort == Sort::Master {
            return Met::Done;
        }
        if self.0.len() >= NAMES_MAX && !self.0.contains_key(name) {
            return Met::Full;
        }
        self.0.insert(
            name.clone(),
            Entry {
                sort,
                flags,
                addresses: Vec::new(),
            },
        );
        self.add(now, name, address);
        Met::Done
    }

    /// Adds an address to a name, or keeps it longer. The oldest goes when there are too many.
    pub(super) fn add(&mut self, now: Timestamp, name: &NetbiosName, address: Ipv4Addr) {
        let Some(entry) = self.0.get_mut(name) else {
            return;
        };
        let address = if entry.sort == Sort::Group {
            EVERYBODY
        } else {
            address
        };
        entry.addresses.retain(|(it, _)| *it != address);
        if entry.addresses.len() >= ADDRESSES_MAX {
            entry.addresses.remove(0);
        }
        entry.addresses.push((address, now + TTL));
    }

    /// Gives a name back; false when it is another host's.
    pub(super) fn release(&mut self, now: Timestamp, name: &NetbiosName, from: Ipv4Addr) -> bool {
        self.forget(now, name);
        let Some(entry) = self.0.get_mut(name) else {
            return true;
        };
        if entry.sort == Sort::Group {
            return true;
        }
        if !entry.has(from) {
            return entry.sort == Sort::Internet;
        }
        entry.addresses.retain(|(address, _)| *address != from);
        if entry.addresses.is_empty() {
            self.0.remove(name);
        }
        true
    }

    pub(super) fn find(&mut self, now: Timestamp, name: &NetbiosName) -> Option<&Entry> {
        self.forget(now, name);
        self.0.get(name)
    }

    /// Forgets what nobody has refreshed.
    fn forget(&mut self, now: Timestamp, name: &NetbiosName) {
        let Some(entry) = self.0.get_mut(name) else {
            return;
        };
        entry.addresses.retain(|(_, until)| *until > now);
        if entry.addresses.is_empty() {
            self.0.remove(name);
        }
    }
}
