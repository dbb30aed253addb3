//! A zone: names, what stands at them, and who registered it.
//!
//! RFC 1034 section 4.2, RFC 2181 section 5 (one time to live a set). The rules of updates are in
//! `update`, those of answers in `lookup`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;

use domain::base::Serial;
use domain::base::iana::Rtype;
use domain::base::name::{ToLabelIter, ToName};
use domain::rdata::Soa;

use super::data::Data;
use super::{Change, ChangedSet, Name};

/// Most names in a zone, so that a client cannot fill the memory.
const NAMES_MAX: usize = 65_536;

/// Records of one type at one name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RecordSet {
    pub(super) ttl: u32,
    pub(super) data: BTreeSet<Data>,
}

/// What stands at a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Node {
    /// Who registered the name in a secure zone, as `name@REALM` or the name of a key.
    pub(super) owner: Option<String>,
    pub(super) sets: BTreeMap<Rtype, RecordSet>,
}

impl Node {
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}

/// Who may update a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Updates {
    /// Nobody.
    None,
    /// Who signs; a name then belongs to whoever registered it first.
    #[default]
    Secure,
    /// Anybody.
    Any,
}

/// How long a name's records may be kept by who has asked, where nothing else is said (seconds).
const TTL_SECONDS: u32 = 3600;

/// A zone.
#[derive(Debug, Clone)]
pub struct Zone {
    apex: Name,
    updates: Updates,
    nodes: BTreeMap<Name, Node>,
}

impl Zone {
    /// A zone with its start and its only server. The refresh, retry and expiry times are those
    /// that a domain controller gives a new zone.
    #[must_use]
    pub fn new(apex: Name, server: &Name, updates: Updates) -> Self {
        let mut zone = Self {
            apex: apex.clone(),
            updates,
            nodes: BTreeMap::new(),
        };
        let seconds = domain::base::Ttl::from_secs;
        let mailbox = super::data::name("hostmaster").unwrap_or_else(|_| apex.clone());
        let mailbox = joined(&mailbox, &zone.apex).unwrap_or(mailbox);
        let times = [900, 600, 86_400, TTL_SECONDS].map(seconds);
        let [refresh, retry, expire, minimum] = times;
        let serial = Serial::from(1);
        let soa = Soa::new(server, &mailbox, serial, refresh, retry, expire, minimum);
        zone.add(&apex, TTL_SECONDS, Data::start(&soa));
        zone.add(&apex, TTL_SECONDS, Data::server(server));
        zone
    }

    /// Where the zone starts.
    #[must_use]
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// Who may update it.
    #[must_use]
    pub fn updates(&self) -> Updates {
        self.updates
    }

    /// Whether a name lies in the zone.
    #[must_use]
    pub fn covers(&self, name: &Name) -> bool {
        name.ends_with(&self.apex)
    }

    /// Adds a record without asking anybody; the set takes over its time to live.
    pub fn add(&mut self, name: &Name, ttl: u32, data: Data) {
        let node = self.nodes.entry(name.clone()).or_default();
        let set = node.sets.entry(data.rtype()).or_default();
        set.ttl = ttl;
        set.data.replace(data);
    }

    pub(super) fn replace_addresses(&mut self, name: &Name, addresses: &[IpAddr]) {
        let node = self.nodes.entry(name.clone()).or_default();
        let ttl = node.sets.get(&Rtype::A).map_or(TTL_SECONDS, |set| set.ttl);
        node.sets
            .retain(|rtype, _| !matches!(*rtype, Rtype::A | Rtype::AAAA));
        addresses
            .iter()
            .for_each(|address| self.add(name, ttl, Data::address(*address)));
    }

    pub(super) fn node(&self, name: &Name) -> Option<&Node> {
        self.nodes.get(name)
    }

    pub(super) fn set(&self, name: &Name, rtype: Rtype) -> Option<&RecordSet> {
        self.nodes.get(name)?.sets.get(&rtype)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (&Name, &Node)> {
        self.nodes.iter()
    }

    /// The record that starts the zone, and its time to live.
    pub(super) fn start(&self) -> Option<(u32, &Data)> {
        let set = self.set(&self.apex, Rtype::SOA)?;
        Some((set.ttl, set.data.first()?))
    }

    /// How many times the zone has changed, in a way.
    #[must_use]
    pub fn serial(&self) -> u32 {
        let serial = self.start().and_then(|(_, soa)| soa.serial());
        serial.map_or(0, Serial::into_int)
    }

    /// Whether names stand below this one though nothing stands at it.
    pub(super) fn has_below(&self, name: &Name) -> bool {
        let after = (Bound::Excluded(name), Bound::Unbounded);
        let next = self.nodes.range::<Name, _>(after).next();
        next.is_some_and(|(next, _)| next.ends_with(name))
    }

    /// Room for one name more.
    pub(super) fn has_room(&self) -> bool {
        self.nodes.len() < NAMES_MAX
    }

    /// Changes what stands at a name; a name with nothing left is gone.
    pub(super) fn change(&mut self, name: &Name, change: impl FnOnce(&mut Node) -> bool) -> bool {
        let mut node = self.nodes.get(name).cloned().unwrap_or_default();
        let changed = change(&mut node);
        match (changed, node.is_empty()) {
            (false, _) => {}
            (true, true) => drop(self.nodes.remove(name)),
            (true, false) => drop(self.nodes.insert(name.clone(), node)),
        }
        changed
    }

    pub(super) fn raise_serial(&mut self) {
        let apex = self.apex.clone();
        self.change(&apex, |node| {
            let Some(set) = node.sets.get_mut(&Rtype::SOA) else {
                return false;
            };
            let raised = std::mem::take(&mut set.data).into_iter().map(|mut soa| {
                soa.raise_serial();
                soa
            });
            set.data = raised.collect();
            true
        });
    }

    /// What stands at a name, as it is kept.
    pub(super) fn kept(&self, name: &Name) -> Change {
        let node = self.nodes.get(name).cloned().unwrap_or_default();
        let set = |(rtype, set): (Rtype, RecordSet)| ChangedSet {
            rtype: rtype.to_int(),
            ttl: set.ttl,
            records: set.data.iter().map(|data| hex(data.bytes())).collect(),
        };
        Change {
            zone: super::data::text(&self.apex),
            name: super::data::text(name),
            owner: node.owner,
            sets: node.sets.into_iter().map(set).collect(),
        }
    }

    /// Puts back what was kept.
    ///
    /// # Errors
    /// When it is not what [`Self::kept`] writes.
    pub(super) fn restore(&mut self, change: &Change) -> Result<(), String> {
        let name = super::data::name(&change.name)?;
        let mut node = Node {
            owner: change.owner.clone(),
            ..Node::default()
        };
        for kept in &change.sets {
            let rtype = Rtype::from_int(kept.rtype);
            let data = kept.records.iter().map(|record| {
                let bytes = unhex(record);
                let data = bytes.and_then(|bytes| Data::from_bytes(rtype, &bytes));
                data.ok_or_else(|| format!("`{record}` is no data of a record of type {rtype}"))
            });
            let data = data.collect::<Result<_, _>>()?;
            node.sets.insert(
                rtype,
                RecordSet {
                    ttl: kept.ttl,
                    data,
                },
            );
        }
        match node.is_empty() {
            true => drop(self.nodes.remove(&name)),
            false => drop(self.nodes.insert(name, node)),
        }
        Ok(())
    }
}

/// A name below another; nothing if it would be too long.
pub(super) fn joined(name: &Name, below: &Name) -> Option<Name> {
    let mut octets = name.as_slice().to_vec();
    octets.pop();
    octets.extend_from_slice(below.as_slice());
    Name::from_octets(octets).ok()
}

/// The names that a name lies below, nearest first, itself included.
pub(super) fn suffixes(name: &Name) -> impl Iterator<Item = Name> {
    let mut here = Some(name.clone());
    std::iter::from_fn(move || {
        let this = here.take()?;
        here = this.parent().map(|parent| parent.to_name());
        Some(this)
    })
}

/// How many labels a name has, without the root.
pub(super) fn depth(name: &Name) -> usize {
    name.iter_labels().count().saturating_sub(1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes().chunks(2).map(|pair| {
        let digits = std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?;
        u8::from_str_radix(digits, 16).ok()
    });
    bytes.collect()
}
