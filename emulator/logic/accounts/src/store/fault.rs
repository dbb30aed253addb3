//! What can go wrong with accounts, as lab files and the control socket ask for it.

use super::modify::Change;
use super::object::{Object, control};
use super::rights::Call;
use super::{Guid, Refusal, Secrets, Store};

/// A fault of the directory's accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Somebody disabled the account.
    Disabled(String),
    /// Somebody enabled it again.
    Enabled(String),
    /// Somebody deleted the account.
    Deleted(String),
    /// Nobody but administrators has rights on the account any more.
    WithoutRights(String),
    /// The directory has another password than who uses the account.
    PasswordOutOfStep(String),
    /// The quota of computer objects is this from now on.
    Quota(usize),
}

impl Store {
    /// Makes a fault happen.
    ///
    /// # Errors
    /// When there is no such account, or the directory needs it.
    pub fn fail(&mut self, fault: &Fault, call: &mut Call<'_>) -> Result<(), Refusal> {
        match fault {
            Fault::Disabled(account) => self.switch(account, true, call),
            Fault::Enabled(account) => self.switch(account, false, call),
            Fault::Deleted(account) => {
                let target = self.named(account)?.guid;
                self.delete(target, true, call)
            }
            Fault::WithoutRights(account) => {
                let target = self.named(account)?.guid;
                self.strip_rights(target);
                Ok(())
            }
            Fault::PasswordOutOfStep(account) => self.forget_password(account, call),
            Fault::Quota(quota) => {
                let domain = self
                    .by_name(&self.domain().base())
                    .map(|object| object.guid);
                let quota = Change::replace("ms-DS-MachineAccountQuota", &[&quota.to_string()]);
                let missing = || Refusal::no_object("the domain has no object");
                self.modify(domain.ok_or_else(missing)?, &[quota], call)
            }
        }
    }

    fn named(&self, account: &str) -> Result<&Object, Refusal> {
        let computer = || self.by_account(&format!("{account}$"));
        let found = self.by_account(account).or_else(computer);
        found.ok_or_else(|| Refusal::no_object(format!("no account is called {account}")))
    }

    fn switch(&mut self, account: &str, off: bool, call: &mut Call<'_>) -> Result<(), Refusal> {
        let object = self.named(account)?;
        let (target, bits): (Guid, u32) = (object.guid, object.control() & !control::DISABLED);
        let bits = if off { bits | control::DISABLED } else { bits };
        let change = Change::replace("userAccountControl", &[&bits.to_string()]);
        self.modify(target, &[change], call)
    }

    fn forget_password(&mut self, account: &str, call: &mut Call<'_>) -> Result<(), Refusal> {
        let mut object = self.named(account)?.clone();
        let version = object.secrets.as_ref().map_or(0, |secrets| secrets.version);
        let salt = self.salt(&object);
        object.secrets = Some(Secrets::random(
            version.saturating_add(1),
            salt,
            call.entropy,
        ));
        self.commit(object);
        Ok(())
    }
}
