//! One object of the directory.

use super::identity::{Guid, Sid};
use super::name::Name;
use super::rights::Grant;
use super::secrets::Secrets;
use std::collections::BTreeMap;

/// Bits of `userAccountControl` (reference, 4.4).
pub mod control {
    /// Nobody can log on.
    pub const DISABLED: u32 = 0x2;
    /// An empty password is allowed.
    pub const PASSWORD_NOT_REQUIRED: u32 = 0x20;
    /// A user.
    pub const NORMAL: u32 = 0x200;
    /// A member computer.
    pub const WORKSTATION: u32 = 0x1000;
    /// A domain controller.
    pub const SERVER: u32 = 0x2000;
    /// The password never expires.
    pub const NO_EXPIRY: u32 = 0x1_0000;
    /// Tickets are given without pre-authentication.
    pub const NO_PREAUTHENTICATION: u32 = 0x40_0000;
    /// Set by the directory when the password has expired.
    pub const PASSWORD_EXPIRED: u32 = 0x80_0000;
}

/// An object: what identifies it, its attributes, and what is never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Identifies the object for good.
    pub guid: Guid,
    /// Where it is.
    pub name: Name,
    pub(super) attributes: BTreeMap<&'static str, Vec<Vec<u8>>>,
    pub(super) secrets: Option<Secrets>,
    pub(super) grants: Vec<Grant>,
    /// Who created it with a right of its own on the container, and so may do everything with it.
    pub(super) owner: Option<Guid>,
}

impl Object {
    pub(super) fn new(guid: Guid, name: Name) -> Self {
        let mut object = Self {
            guid,
            name,
            attributes: BTreeMap::new(),
            secrets: None,
            grants: Vec::new(),
            owner: None,
        };
        object.set("objectGUID", vec![guid.0.to_vec()]);
        object
    }

    /// The stored values of an attribute, by its schema spelling.
    #[must_use]
    pub fn values(&self, attribute: &str) -> &[Vec<u8>] {
        self.attributes
            .get(attribute)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// All stored attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &[Vec<u8>])> {
        self.attributes
            .iter()
            .map(|(name, values)| (*name, values.as_slice()))
    }

    /// The first value as text.
    #[must_use]
    pub fn text(&self, attribute: &str) -> Option<&str> {
        std::str::from_utf8(self.values(attribute).first()?).ok()
    }

    /// All values that are text.
    pub fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        self.values(attribute)
            .iter()
            .filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value as a number.
    #[must_use]
    pub fn number(&self, attribute: &str) -> Option<i64> {
        self.text(attribute)?.parse().ok()
    }

    /// True when `class` is one of its object classes.
    #[must_use]
    pub fn is(&self, class: &str) -> bool {
        self.texts("objectClass")
            .any(|own| own.eq_ignore_ascii_case(class))
    }

    /// True for a tombstone.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.text("isDeleted") == Some("TRUE")
    }

    /// The logon name, `VS1$`.
    #[must_use]
    pub fn account_name(&self) -> Option<&str> {
        self.text("sAMAccountName")
    }

    /// The logon name without the computer's `$`.
    #[must_use]
    pub fn short_name(&self) -> Option<&str> {
        self.account_name()
            .map(|name| name.strip_suffix('$').unwrap_or(name))
    }

    /// `userAccountControl`, zero when it has none.
    #[must_use]
    pub fn control(&self) -> u32 {
        let number = self.number("userAccountControl").unwrap_or(0);
        u32::try_from(number).unwrap_or(0)
    }

    /// The security identifier.
    #[must_use]
    pub fn sid(&self) -> Option<Sid> {
        Sid::from_bytes(self.values("objectSid").first()?)
    }

    /// The keys, where the object is an account.
    #[must_use]
    pub fn secrets(&self) -> Option<&Secrets> {
        self.secrets.as_ref()
    }

    /// Replaces all values; no values remove the attribute.
    pub(super) fn set(&mut self, attribute: &'static str, values: Vec<Vec<u8>>) {
        if values.is_empty() {
            self.attributes.remove(attribute);
        } else {
            self.attributes.insert(attribute, values);
        }
    }

    pub(super) fn set_text(&mut self, attribute: &'static str, value: impl ToString) {
        self.set(attribute, vec![value.to_string().into_bytes()]);
    }
}
