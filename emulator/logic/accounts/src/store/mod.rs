//! The account store: users, computers, groups and containers of one domain.
//!
//! Duty: keep objects with their rules (names, service principal names, quota, rights, passwords,
//! tombstones) and say what must be written down so that they come back ([`Store::take_journal`]).
//! Serves reference rows 1.1, 4.4 to 4.7 and 6.2. Deliberately not done here: replication, more
//! than one domain, security descriptors.

mod create;
mod domain;
mod fault;
mod identity;
mod journal;
mod modify;
mod name;
pub mod object;
mod password;
mod principal_name;
mod provision;
mod refusal;
mod remove;
mod rights;
pub mod schema;
mod secrets;
#[cfg(test)]
mod tests;

pub use create::NewObject;
pub use domain::{Domain, Policy};
pub use fault::Fault;
pub use identity::{Guid, Sid};
pub use journal::Damage;
pub(crate) use modify::equal;
pub use modify::{Change, Operation};
pub use name::Name;
pub use object::Object;
pub use password::LogonFailure;
pub use principal_name::{ServiceName, mapped_to_host};
pub use refusal::Refusal;
pub use rights::{Call, Caller, Grant, Rights};
pub use secrets::Secrets;

use crate::crypto::{EncryptionType, Key};
use std::collections::{BTreeMap, BTreeSet};

/// Most objects a store holds.
pub const MAX_OBJECTS: usize = 50_000;

/// The objects of a domain and the ways to find them.
#[derive(Clone, Debug)]
pub struct Store {
    domain: Domain,
    /// What the domain allows.
    pub policy: Policy,
    objects: BTreeMap<Guid, Object>,
    names: BTreeMap<String, Guid>,
    accounts: BTreeMap<String, Guid>,
    services: BTreeMap<String, Guid>,
    groups: BTreeSet<Guid>,
    next_rid: u32,
    sequence: u64,
    journal: Vec<u8>,
}

impl Store {
    fn empty(domain: Domain) -> Self {
        Self {
            domain,
            policy: Policy::default(),
            objects: BTreeMap::new(),
            names: BTreeMap::new(),
            accounts: BTreeMap::new(),
            services: BTreeMap::new(),
            groups: BTreeSet::new(),
            next_rid: 1_100,
            sequence: 0,
            journal: Vec::new(),
        }
    }

    /// The domain it serves.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Number of the last change (`highestCommittedUSN`).
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The object with that GUID, tombstones too.
    #[must_use]
    pub fn object(&self, guid: Guid) -> Option<&Object> {
        self.objects.get(&guid)
    }

    /// All objects in the order of their GUIDs, from behind `after` on.
    pub fn objects(&self, after: Option<Guid>) -> impl Iterator<Item = &Object> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        self.objects
            .range((start, Unbounded))
            .map(|(_, object)| object)
    }

    /// The object of that distinguished name; `<GUID=…>`, `<SID=…>` and `<WKGUID=…>` go through
    /// [`Store::resolve`].
    #[must_use]
    pub fn by_name(&self, name: &Name) -> Option<&Object> {
        self.object(*self.names.get(&name.key())?)
    }

    /// The live account of that logon name, in any case.
    #[must_use]
    pub fn by_account(&self, account: &str) -> Option<&Object> {
        self.object(*self.accounts.get(&account.to_lowercase())?)
    }

    /// The live account that has exactly this service principal name, in any case.
    #[must_use]
    pub fn by_service(&self, service: &str) -> Option<&Object> {
        self.object(*self.services.get(&service.to_lowercase())?)
    }

    /// The account with that security identifier.
    #[must_use]
    pub fn by_sid(&self, sid: Sid) -> Option<&Object> {
        let bytes = sid.bytes();
        self.objects
            .values()
            .find(|object| object.values("objectSid").first() == Some(&bytes))
    }

    /// The account with that user principal name, in any case; implicit ones count.
    #[must_use]
    pub fn by_user_principal(&self, text: &str) -> Option<&Object> {
        let named = self
            .accounts
            .values()
            .filter_map(|guid| self.object(*guid))
            .find(|object| {
                object
                    .text("userPrincipalName")
                    .is_some_and(|own| own.eq_ignore_ascii_case(text))
            });
        let (account, realm) = text.rsplit_once('@')?;
        let ours = realm.eq_ignore_ascii_case(&self.domain.dns)
            || realm.eq_ignore_ascii_case(&self.domain.netbios);
        named.or_else(|| self.by_account(account).filter(|_| ours))
    }

    /// The object that a base of a search or the target of a change names.
    #[must_use]
    pub fn resolve(&self, text: &str) -> Option<&Object> {
        let Some(inner) = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'))
        else {
            return self.by_name(&Name::parse(text)?);
        };
        let (kind, value) = inner.split_once('=')?;
        match kind.to_ascii_uppercase().as_str() {
            "GUID" => self.object(Guid::parse(value)?),
            "SID" => self.by_sid(Sid::parse(value)?),
            "WKGUID" => self.well_known(value),
            _ => None,
        }
    }

    fn well_known(&self, value: &str) -> Option<&Object> {
        let (guid, base) = value.split_once(',')?;
        let holder = self.by_name(&Name::parse(base)?)?;
        let found = holder.texts("wellKnownObjects").find_map(|entry| {
            let (_, rest) = entry.split_once("B:32:")?;
            let (own, name) = rest.split_once(':')?;
            own.eq_ignore_ascii_case(guid).then(|| Name::parse(name))
        });
        self.by_name(&found??)
    }

    /// True when an object lies directly below.
    #[must_use]
    pub fn has_children(&self, name: &Name) -> bool {
        let tail = format!(",{}", name.key());
        self.names.keys().any(|key| key.ends_with(&tail))
    }

    /// The objects whose names end in `base`: `base` itself and everything below.
    pub fn within<'a>(&'a self, base: &Name) -> impl Iterator<Item = &'a Object> {
        let key = base.key();
        let tail = format!(",{key}");
        let inside = move |(name, _): &(&String, &Guid)| **name == key || name.ends_with(&tail);
        self.names
            .iter()
            .filter(inside)
            .filter_map(|(_, guid)| self.object(*guid))
    }

    /// The key of an account, worked out once and then kept.
    pub fn key(&mut self, account: Guid, kind: EncryptionType) -> Option<Key> {
        let object = self.objects.get_mut(&account)?;
        let (key, fresh) = object.secrets.as_mut()?.key(kind)?;
        if fresh {
            let object = object.clone();
            self.write_down(&object);
        }
        Some(key)
    }

    /// Puts a changed object in place of the old one, with its new change number.
    fn commit(&mut self, mut object: Object) {
        self.sequence += 1;
        if object.values("uSNCreated").is_empty() {
            object.set_text("uSNCreated", self.sequence);
        }
        object.set_text("uSNChanged", self.sequence);
        self.write_down(&object);
        self.place(object);
    }

    fn place(&mut self, object: Object) {
        if let Some(old) = self.objects.get(&object.guid).cloned() {
            self.unlist(&old);
        }
        self.list(&object);
        self.objects.insert(object.guid, object);
    }

    fn unlist(&mut self, object: &Object) {
        self.names.remove(&object.name.key());
        self.groups.remove(&object.guid);
        if let Some(account) = object.account_name() {
            remove_own(&mut self.accounts, &account.to_lowercase(), object.guid);
        }
        for service in object.texts("servicePrincipalName") {
            remove_own(&mut self.services, &service.to_lowercase(), object.guid);
        }
    }

    fn list(&mut self, object: &Object) {
        self.names.insert(object.name.key(), object.guid);
        if object.is_deleted() {
            return;
        }
        if object.is("group") {
            self.groups.insert(object.guid);
        }
        if let Some(account) = object.account_name() {
            self.accounts.insert(account.to_lowercase(), object.guid);
        }
        for service in object.texts("servicePrincipalName") {
            self.services.insert(service.to_lowercase(), object.guid);
        }
    }
}

/// Removes an entry unless another object has taken it since.
fn remove_own(index: &mut BTreeMap<String, Guid>, key: &str, owner: Guid) {
    if index.get(key) == Some(&owner) {
        index.remove(key);
    }
}
