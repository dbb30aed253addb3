//! Passwords: logging on, setting, changing, and what an account's state says about it.

use super::modify::Operation;
use super::object::{Object, control};
use super::rights::{Call, Caller, Rights};
use super::{Change, Guid, Refusal, Secrets, Store};
use crate::moment;
use base::WallTime;
use rasn_ldap::ResultCode;

/// Longest password, in characters.
const MAX_PASSWORD: usize = 256;

/// Why a logon failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogonFailure {
    /// No such account.
    #[error("no such account")]
    NoAccount,
    /// Wrong password.
    #[error("wrong password")]
    WrongPassword,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The password is too old.
    #[error("the password has expired")]
    PasswordExpired,
    /// The account's time is over.
    #[error("the account has expired")]
    AccountExpired,
    /// The password must be changed first.
    #[error("the password must be changed before the first logon")]
    MustChange,
}

impl LogonFailure {
    /// The number after `data` in the text of a refused bind (reference, 4.7), a Win32 status.
    #[must_use]
    pub fn status(self) -> u32 {
        match self {
            Self::NoAccount => 0x525,
            Self::WrongPassword => 0x52e,
            Self::Disabled => 0x533,
            Self::PasswordExpired => 0x532,
            Self::AccountExpired => 0x701,
            Self::MustChange => 0x773,
        }
    }
}

impl Store {
    /// Who `name` and `password` are. The name is a logon name, a principal name, `DOMAIN\name`
    /// or a distinguished name.
    ///
    /// # Errors
    /// What is wrong with the name, the password or the account.
    pub fn authenticate(
        &self,
        name: &str,
        password: &str,
        now: WallTime,
    ) -> Result<Guid, LogonFailure> {
        let object = self.by_any_name(name).ok_or(LogonFailure::NoAccount)?;
        let secrets = object.secrets.as_ref().ok_or(LogonFailure::NoAccount)?;
        if !secrets.matches(password) {
            return Err(LogonFailure::WrongPassword);
        }
        self.usable(object, now)?;
        self.password_fresh(object, now)?;
        Ok(object.guid)
    }

    fn by_any_name(&self, name: &str) -> Option<&Object> {
        if let Some((domain, account)) = name.split_once('\\') {
            let ours = domain.eq_ignore_ascii_case(&self.domain.netbios);
            return self.by_account(account).filter(|_| ours);
        }
        let plain = || self.by_account(name);
        let object = self
            .by_user_principal(name)
            .or_else(plain)
            .or_else(|| self.resolve(name));
        object.filter(|object| !object.is_deleted())
    }

    /// Whether the account may be used at all.
    ///
    /// # Errors
    /// When it is disabled or its time is over.
    pub fn usable(&self, object: &Object, now: WallTime) -> Result<(), LogonFailure> {
        if object.control() & control::DISABLED != 0 {
            return Err(LogonFailure::Disabled);
        }
        let end = object
            .number("accountExpires")
            .and_then(|at| u64::try_from(at).ok());
        match end {
            Some(end) if end != 0 && end <= moment::file_time(now) => {
                Err(LogonFailure::AccountExpired)
            }
            _ => Ok(()),
        }
    }

    /// Whether the password may still be used.
    ///
    /// # Errors
    /// When it has to be changed, because it is too old or was set for one use.
    pub fn password_fresh(&self, object: &Object, now: WallTime) -> Result<(), LogonFailure> {
        let exempt = control::NO_EXPIRY | control::WORKSTATION | control::SERVER;
        if object.control() & exempt != 0 {
            return Ok(());
        }
        let set = object
            .number("pwdLastSet")
            .and_then(|at| u64::try_from(at).ok())
            .unwrap_or(0);
        if set == 0 {
            return Err(LogonFailure::MustChange);
        }
        match self.password_end(object) {
            Some(end) if end <= moment::file_time(now) => Err(LogonFailure::PasswordExpired),
            _ => Ok(()),
        }
    }

    /// File time at which the password gets too old (`maxPwdAge` of the domain).
    fn password_end(&self, object: &Object) -> Option<u64> {
        let age = self.by_name(&self.domain.base())?.number("maxPwdAge")?;
        let age = age.checked_neg().and_then(|age| u64::try_from(age).ok())?;
        let set = u64::try_from(object.number("pwdLastSet")?).ok()?;
        (age != 0).then(|| set.saturating_add(age))
    }

    /// Sets a password without the old one.
    ///
    /// # Errors
    /// When the caller may not, or the domain's rules forbid the password.
    pub fn set_password(
        &mut self,
        target: Guid,
        password: &str,
        call: &Call<'_>,
    ) -> Result<(), Refusal> {
        let object = self.object(target).cloned();
        let mut object = object.ok_or_else(|| Refusal::no_object(format!("no object {target}")))?;
        if !self
            .rights(call.caller, &object)
            .include(Rights::RESET_PASSWORD)
        {
            return Err(Refusal::access(format!(
                "no right to reset {}",
                object.name
            )));
        }
        self.renew(&mut object, password, call)?;
        self.commit(object);
        Ok(())
    }

    /// Changes a password as its owner, who knows the old one.
    ///
    /// # Errors
    /// When the old one is wrong or the domain's rules forbid the new one.
    pub fn change_password(
        &mut self,
        target: Guid,
        old: Option<&str>,
        new: &str,
        call: &Call<'_>,
    ) -> Result<(), Refusal> {
        let object = self.object(target).cloned();
        let mut object = object.ok_or_else(|| Refusal::no_object(format!("no object {target}")))?;
        let proven = old.is_none() && call.caller == Caller::Account(target);
        let knows = |old: &str| object.secrets.as_ref().is_some_and(|own| own.matches(old));
        if !proven && !old.is_some_and(knows) {
            return Err(Refusal::constraint(0x56, "the old password is wrong"));
        }
        self.renew(&mut object, new, call)?;
        self.commit(object);
        Ok(())
    }

    fn renew(&self, object: &mut Object, password: &str, call: &Call<'_>) -> Result<(), Refusal> {
        let domain = self.by_name(&self.domain.base());
        let least = domain
            .and_then(|domain| domain.number("minPwdLength"))
            .unwrap_or(0);
        let length = password.chars().count();
        let short = i64::try_from(length).unwrap_or(i64::MAX) < least;
        if (short && call.caller != Caller::System) || length > MAX_PASSWORD {
            let text = format!("a password has {least} to {MAX_PASSWORD} characters");
            return Err(Refusal::constraint(0x52d, text));
        }
        let version = object.secrets.as_ref().map_or(0, |secrets| secrets.version);
        let salt = self.salt(object);
        object.secrets = Some(Secrets::of_password(
            version.saturating_add(1),
            password,
            salt,
        ));
        object.set_text("pwdLastSet", moment::file_time(call.now));
        object.set_text("whenChanged", moment::generalized(call.now));
        Ok(())
    }

    /// The salt of an account's AES keys (reference, 6.2). A user's principal name, where it has
    /// one of its own, stands for the logon name, as Samba's salt tests want it.
    pub(super) fn salt(&self, object: &Object) -> String {
        let realm = self.domain.realm();
        if object.is("computer") {
            let short = object.short_name().unwrap_or_default().to_lowercase();
            return format!("{realm}host{short}.{}", self.domain.dns);
        }
        let principal = object.text("userPrincipalName");
        let principal = principal.map(|text| text.rsplit_once('@').map_or(text, |(name, _)| name));
        let name = principal.or(object.account_name()).unwrap_or_default();
        format!("{realm}{}", name.replace('/', ""))
    }

    /// The changes of `unicodePwd` in a request: one replace resets, delete and add change.
    pub(super) fn apply_password(
        &self,
        object: &mut Object,
        changes: &[Change],
        rights: Rights,
        call: &Call<'_>,
    ) -> Result<(), Refusal> {
        let changes: Vec<&Change> = changes.iter().filter(|one| one.is_password()).collect();
        if changes.is_empty() {
            return Ok(());
        }
        if !call.sealed {
            return Err(Refusal::unwilling(
                0x1f,
                "passwords are only written when encrypted",
            ));
        }
        match changes.as_slice() {
            [reset] if reset.operation != Operation::Delete => {
                if !rights.include(Rights::RESET_PASSWORD) {
                    return Err(Refusal::access(format!(
                        "no right to reset {}",
                        object.name
                    )));
                }
                self.renew(object, &quoted(reset)?, call)
            }
            [old, new] if old.operation == Operation::Delete && new.operation == Operation::Add => {
                let secrets = object.secrets.as_ref();
                let old = quoted(old)?;
                if !secrets.is_some_and(|secrets| secrets.matches(&old)) {
                    return Err(Refusal::constraint(0x56, "the old password is wrong"));
                }
                self.renew(object, &quoted(new)?, call)
            }
            _ => Err(Refusal::unwilling(
                0x1f,
                "unicodePwd is replaced, or deleted and added",
            )),
        }
    }

    /// Writes `userAccountControl` with what follows from it: account type and primary group.
    pub(super) fn set_control(&self, object: &mut Object, bits: u32) {
        let kinds = control::NORMAL | control::WORKSTATION | control::SERVER;
        let default = if object.is("computer") {
            control::WORKSTATION
        } else {
            control::NORMAL
        };
        let bits = if bits & kinds == 0 {
            bits | default
        } else {
            bits
        };
        let (kind, group) = if bits & control::SERVER != 0 {
            (805_306_369, 516)
        } else if bits & control::WORKSTATION != 0 {
            (805_306_369, 515)
        } else {
            (805_306_368, 513)
        };
        object.set_text("userAccountControl", bits);
        object.set_text("sAMAccountType", kind);
        if object.values("primaryGroupID").is_empty() || group != 513 {
            object.set_text("primaryGroupID", group);
        }
    }
}

/// The password in a value of `unicodePwd`: UTF-16 in double quotes; `userPassword` is UTF-8.
fn quoted(change: &Change) -> Result<String, Refusal> {
    let wrong = || {
        let text = "a password is UTF-16 text in double quotes";
        Refusal::new(ResultCode::UnwillingToPerform, 0x1f, text)
    };
    let value = change.values.first().ok_or_else(wrong)?;
    if change.attribute.eq_ignore_ascii_case("userPassword") {
        return String::from_utf8(value.clone()).map_err(|_| wrong());
    }
    let units: Vec<u16> = value
        .chunks(2)
        .map(|two| two.iter().rev().fold(0, fold_byte))
        .collect();
    let text = String::from_utf16(&units).map_err(|_| wrong())?;
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.map(str::to_owned).ok_or_else(wrong)
}

fn fold_byte(sum: u16, byte: &u8) -> u16 {
    sum << 8 | u16::from(*byte)
}
