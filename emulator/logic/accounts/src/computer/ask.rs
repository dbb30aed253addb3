//! What the life cycle asks of a directory, and a store that answers it.

use super::status;
use crate::kerberos::MAX_SKEW_MILLIS;
use crate::store::object::control;
use crate::store::{Call, Change, Guid, LogonFailure, Name, NewObject, Object, Refusal, Store};
use base::WallTime;

/// One request to the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The object that was used before.
    FindByGuid(Guid),
    /// An object of that logon name.
    FindByAccount(String),
    /// A new computer.
    Create {
        /// Where.
        name: Name,
        /// Logon name.
        account: String,
    },
    /// A password without the old one.
    ResetPassword {
        /// Whose.
        guid: Guid,
        /// The new one.
        password: String,
    },
    /// A password by who knows the old one.
    ChangePassword {
        /// Whose.
        guid: Guid,
        /// The one before.
        old: String,
        /// The new one.
        new: String,
    },
    /// Host name, service names and, where given, `userAccountControl`.
    Describe {
        /// Of which object.
        guid: Guid,
        /// dNSHostName.
        host: String,
        /// servicePrincipalName.
        services: Vec<String>,
        /// userAccountControl.
        control: Option<u32>,
    },
    /// A first ticket.
    LogOn {
        /// Logon name.
        account: String,
        /// Password.
        password: String,
    },
    /// Disable the object.
    Disable(Guid),
    /// Delete the object.
    Delete(Guid),
}

/// What is known of an object that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Identifies it.
    pub guid: Guid,
    /// Its `userAccountControl`.
    pub control: u32,
}

/// What the directory answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The object, or that there is none.
    Found(Option<Found>),
    /// The new object.
    Created(Guid),
    /// It is done.
    Done,
    /// It is not, for this Win32 status.
    Refused(u32),
}

/// Lets a store answer. `asked_at` is the time of who asks, which a logon compares with the
/// store's, `call.now`.
pub fn execute(store: &mut Store, ask: &Ask, asked_at: WallTime, call: &mut Call<'_>) -> Answer {
    match ask {
        Ask::FindByGuid(guid) => Answer::Found(store.object(*guid).and_then(seen)),
        Ask::FindByAccount(account) => Answer::Found(store.by_account(account).and_then(seen)),
        Ask::Create { name, account } => match create(store, name, account, call) {
            Ok(guid) => Answer::Created(guid),
            Err(refusal) => refused(&refusal),
        },
        Ask::ResetPassword { guid, password } => answer(store.set_password(*guid, password, call)),
        Ask::ChangePassword { guid, old, new } => {
            answer(store.change_password(*guid, Some(old), new, call))
        }
        Ask::Describe {
            guid,
            host,
            services,
            control,
        } => answer(describe(store, *guid, host, services, *control, call)),
        Ask::LogOn { account, password } => log_on(store, account, password, asked_at, call.now),
        Ask::Disable(guid) => answer(disable(store, *guid, call)),
        Ask::Delete(guid) => answer(store.delete(*guid, true, call)),
    }
}

fn seen(object: &Object) -> Option<Found> {
    let found = Found {
        guid: object.guid,
        control: object.control(),
    };
    (!object.is_deleted()).then_some(found)
}

fn answer(result: Result<(), Refusal>) -> Answer {
    match result {
        Ok(()) => Answer::Done,
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Answer {
    use rasn_ldap::ResultCode;
    Answer::Refused(match refusal.result {
        ResultCode::InsufficientAccessRights => status::ACCESS_DENIED,
        ResultCode::NoSuchObject => status::NO_SUCH_OBJECT,
        ResultCode::EntryAlreadyExists => status::ACCOUNT_EXISTS,
        _ if refusal.status == 0x56 => status::LOGON_FAILURE,
        _ => refusal.status,
    })
}

fn create(
    store: &mut Store,
    name: &Name,
    account: &str,
    call: &mut Call<'_>,
) -> Result<Guid, Refusal> {
    let attribute = |name: &str, value: &str| (name.to_owned(), vec![value.as_bytes().to_vec()]);
    let attributes = vec![
        attribute("objectClass", "computer"),
        attribute("sAMAccountName", account),
        attribute("userAccountControl", &control::WORKSTATION.to_string()),
    ];
    store.create(
        &NewObject {
            name: name.clone(),
            attributes,
        },
        call,
    )
}

fn describe(
    store: &mut Store,
    guid: Guid,
    host: &str,
    services: &[String],
    control: Option<u32>,
    call: &mut Call<'_>,
) -> Result<(), Refusal> {
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let mut changes = vec![
        Change::replace("dNSHostName", &[host]),
        Change::replace("servicePrincipalName", &services),
    ];
    changes.extend(control.map(|bits| Change::replace("userAccountControl", &[&bits.to_string()])));
    store.modify(guid, &changes, call)
}

fn log_on(store: &Store, account: &str, password: &str, asked: WallTime, now: WallTime) -> Answer {
    match store.authenticate(account, password, now) {
        Ok(_) if asked.0.abs_diff(now.0) > MAX_SKEW_MILLIS => Answer::Refused(status::TIME_SKEW),
        Ok(_) => Answer::Done,
        Err(LogonFailure::Disabled) => Answer::Refused(status::ACCOUNT_DISABLED),
        Err(_) => Answer::Refused(status::LOGON_FAILURE),
    }
}

fn disable(store: &mut Store, guid: Guid, call: &mut Call<'_>) -> Result<(), Refusal> {
    let bits = store.object(guid).map_or(0, Object::control) | control::DISABLED;
    let off = Change::replace("userAccountControl", &[&bits.to_string()]);
    store.modify(guid, &[off], call)
}
