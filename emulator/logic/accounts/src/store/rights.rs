//! Who asks, and what they may do with which object.
//!
//! A small model of the product's access control: administrators, the object itself, its creator,
//! and grants on an object and all below it. Deliberately not done here: security descriptors as
//! clients read and write them (nTSecurityDescriptor).

use super::Store;
use super::identity::Guid;
use super::object::Object;
use crate::Entropy;
use base::WallTime;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody who has not said who they are.
    Anonymous,
    /// An account that has proven itself.
    Account(Guid),
    /// The lab itself: provisioning and faults.
    System,
}

/// One request: who asks, when, how it is protected, and where random bytes come from.
pub struct Call<'a> {
    /// Who asks.
    pub caller: Caller,
    /// The directory's time.
    pub now: WallTime,
    /// The request came encrypted, as passwords must (reference, 4.6).
    pub sealed: bool,
    /// Adding what is there and deleting what is not are no errors (control …1413).
    pub permissive: bool,
    /// Random bytes for keys and identifiers.
    pub entropy: &'a mut dyn Entropy,
}

impl<'a> Call<'a> {
    /// A request that came encrypted.
    pub fn new(caller: Caller, now: WallTime, entropy: &'a mut dyn Entropy) -> Self {
        Self {
            caller,
            now,
            sealed: true,
            permissive: false,
            entropy,
        }
    }
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({:?} at {:?})", self.caller, self.now)
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights(pub u32);

impl Rights {
    /// Create computer objects below.
    pub const CREATE_COMPUTER: Self = Self(1);
    /// Delete.
    pub const DELETE: Self = Self(2);
    /// Write any attribute that callers may write.
    pub const WRITE: Self = Self(4);
    /// Write service principal names that fit the object.
    pub const OWN_SERVICE_NAMES: Self = Self(8);
    /// Write a host name that fits the object.
    pub const OWN_HOST_NAME: Self = Self(16);
    /// Set a new password without the old one.
    pub const RESET_PASSWORD: Self = Self(32);
    /// Give rights to others.
    pub const PERMISSIONS: Self = Self(64);
    /// Write `userAccountControl`.
    pub const ACCOUNT_CONTROL: Self = Self(128);
    /// Write `msDS-SupportedEncryptionTypes`.
    pub const ENCRYPTION_TYPES: Self = Self(256);
    /// Everything: Full Control.
    pub const ALL: Self = Self(511);
    /// What a request that creates by quota may set.
    pub(super) const BY_QUOTA: Self = Self(8 | 16 | 32 | 128);

    /// True when all of `needed` are in here.
    #[must_use]
    pub fn include(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }
}

/// Rights of one account on an object and all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whose rights they are.
    pub trustee: Guid,
    /// Which.
    pub rights: Rights,
}

impl Store {
    /// Everything `caller` may do with `object`.
    #[must_use]
    pub fn rights(&self, caller: Caller, object: &Object) -> Rights {
        let account = match caller {
            Caller::System => return Rights::ALL,
            Caller::Anonymous => return Rights(0),
            Caller::Account(guid) => guid,
        };
        if self.is_administrator(account) || object.owner == Some(account) {
            return Rights::ALL;
        }
        let own = self.rights_of_self(account, object) | self.rights_of_creator(account, object);
        Rights(own | self.granted(account, object))
    }

    fn rights_of_self(&self, account: Guid, object: &Object) -> u32 {
        if account != object.guid || !object.is("computer") {
            return 0;
        }
        let types = if self.policy.own_encryption_types {
            Rights::ENCRYPTION_TYPES.0
        } else {
            0
        };
        Rights::OWN_SERVICE_NAMES.0 | Rights::OWN_HOST_NAME.0 | types
    }

    /// What the quota leaves to whom created the object by it (Samba gives the same; 4.4).
    fn rights_of_creator(&self, account: Guid, object: &Object) -> u32 {
        let creator = object.values("mS-DS-CreatorSID").first();
        let asks = self
            .object(account)
            .and_then(Object::sid)
            .map(|sid| sid.bytes());
        if creator.is_none() || creator != asks.as_ref() {
            return 0;
        }
        let own = Rights::OWN_SERVICE_NAMES.0 | Rights::OWN_HOST_NAME.0;
        own | Rights::RESET_PASSWORD.0 | Rights::DELETE.0
    }

    fn granted(&self, account: Guid, object: &Object) -> u32 {
        let mut rights = 0;
        let mut at = Some(object);
        while let Some(object) = at {
            let ours = object
                .grants
                .iter()
                .filter(|grant| grant.trustee == account);
            rights |= ours.fold(0, |sum, grant| sum | grant.rights.0);
            at = object.name.parent().and_then(|name| self.by_name(&name));
        }
        rights
    }

    /// True for the built-in administrator and the members of Domain Admins.
    #[must_use]
    pub fn is_administrator(&self, account: Guid) -> bool {
        let Some(object) = self.object(account) else {
            return false;
        };
        let built_in = object.sid().and_then(|sid| sid.rid) == Some(500);
        built_in || self.groups_of(object).contains(&512)
    }

    /// Relative identifiers of the groups that list the account directly, its primary one first.
    #[must_use]
    pub fn groups_of(&self, object: &Object) -> Vec<u32> {
        let primary = object
            .number("primaryGroupID")
            .and_then(|id| u32::try_from(id).ok());
        let listed = self
            .memberships(object)
            .filter_map(|group| group.sid()?.rid);
        primary.into_iter().chain(listed).collect()
    }

    /// The groups whose `member` names the object.
    pub fn memberships<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = &'a Object> {
        let key = object.name.key();
        self.groups
            .iter()
            .filter_map(|guid| self.object(*guid))
            .filter(move |group| {
                group
                    .texts("member")
                    .filter_map(super::Name::parse)
                    .any(|name| name.key() == key)
            })
    }

    /// Gives an account rights on an object and all below it; none take all away again.
    pub fn grant(&mut self, object: Guid, grant: Grant) {
        let Some(mut object) = self.object(object).cloned() else {
            return;
        };
        object.grants.retain(|old| old.trustee != grant.trustee);
        if grant.rights != Rights(0) {
            object.grants.push(grant);
        }
        self.commit(object);
    }

    /// Takes every right from everybody who is not an administrator (fault "without rights").
    pub fn strip_rights(&mut self, object: Guid) {
        let Some(mut object) = self.object(object).cloned() else {
            return;
        };
        object.grants.clear();
        object.owner = None;
        object.set("mS-DS-CreatorSID", Vec::new());
        self.commit(object);
    }
}
