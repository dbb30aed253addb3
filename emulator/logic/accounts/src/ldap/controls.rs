//! Controls that change what a request does (reference, 4.7).

use super::answer;
use rasn::prelude::*;
use rasn_ldap::{Control, LdapResult, ResultCode};

pub(super) const PAGING: &str = "1.2.840.113556.1.4.319";
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
const SHOW_RECYCLED: &str = "1.2.840.113556.1.4.2064";
const EXTENDED_NAMES: &str = "1.2.840.113556.1.4.529";
const PERMISSIVE: &str = "1.2.840.113556.1.4.1413";
const TREE: &str = "1.2.840.113556.1.4.805";
/// Security descriptors, domain scope, search options, lazy commit: nothing to do for them here.
const WITHOUT_EFFECT: &[&str] = &[
    "1.2.840.113556.1.4.801",
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.1340",
    "1.2.840.113556.1.4.619",
];

/// All that the root announces.
pub(super) const SUPPORTED: &[&str] = &[
    PAGING,
    SHOW_DELETED,
    SHOW_RECYCLED,
    EXTENDED_NAMES,
    PERMISSIVE,
    TREE,
    "1.2.840.113556.1.4.801",
    "1.2.840.113556.1.4.1339",
    "1.2.840.113556.1.4.1340",
    "1.2.840.113556.1.4.619",
];

/// Size and place of a page.
#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) size: u32,
    pub(super) cookie: OctetString,
}

/// What the controls of a request ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Controls {
    pub(super) page: Option<Page>,
    pub(super) deleted: bool,
    pub(super) extended_names: bool,
    pub(super) permissive: bool,
    pub(super) tree: bool,
}

impl Controls {
    /// Reads them; a critical one that is not known refuses the request.
    pub(super) fn read(given: &[Control]) -> Result<Self, LdapResult> {
        let mut controls = Self::default();
        for control in given {
            controls.read_one(control)?;
        }
        Ok(controls)
    }

    fn read_one(&mut self, control: &Control) -> Result<(), LdapResult> {
        let kind = String::from_utf8_lossy(&control.control_type);
        match &*kind {
            PAGING => self.page = Some(page(control)?),
            SHOW_DELETED | SHOW_RECYCLED => self.deleted = true,
            EXTENDED_NAMES => self.extended_names = true,
            PERMISSIVE => self.permissive = true,
            TREE => self.tree = true,
            known if WITHOUT_EFFECT.contains(&known) => {}
            unknown if control.criticality => {
                let text = format!("control {unknown} is not known here");
                return Err(answer::result(
                    ResultCode::UnavailableCriticalExtension,
                    text,
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

fn page(control: &Control) -> Result<Page, LdapResult> {
    let value = control.control_value.as_ref();
    let page = value.and_then(|value| rasn::ber::decode(value).ok());
    page.ok_or_else(|| answer::result(ResultCode::ProtocolError, "the page cannot be read"))
}

/// The control that tells a client where the next page begins.
pub(super) fn next_page(cookie: Vec<u8>) -> Option<Control> {
    let page = Page {
        size: 0,
        cookie: cookie.into(),
    };
    let value = rasn::ber::encode(&page).ok()?;
    Some(Control::new(
        PAGING.as_bytes().to_vec().into(),
        false,
        Some(value.into()),
    ))
}
