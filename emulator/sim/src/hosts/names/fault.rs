//! What goes wrong with the directory of a lab.

use std::time::Duration;

use accounts::computer::Ask;
use accounts::store::{Call, Caller, Fault as StoreFault};
use base::ResourceId;
use directory::dns;

use super::netbios::Owner;
use super::{Clocks, Names};
use crate::FaultId;

/// Something that goes wrong with the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryFault {
    /// With the name server.
    Dns(dns::Fault),
    /// The name server answers so much later.
    DnsSlow(Duration),
    /// No domain controller answers.
    ControllerDown,
    /// The clock of the domain is so far ahead of the right time.
    Skew(Duration),
    /// Whoever has no right to create computer objects may have so many.
    Quota(u32),
    /// With the computer object of a network name.
    Account(ResourceId, AccountFault),
    /// The NetBIOS name server answers nothing.
    WinsDown,
    /// A stranger takes a network name's NetBIOS names.
    NameTaken(ResourceId),
}

/// What happens to a computer object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountFault {
    /// It is disabled; healing enables it again.
    Disabled,
    /// It is deleted.
    Deleted,
    /// Nobody but administrators has rights on it any more.
    WithoutRights,
    /// It gets a password that the cluster does not know.
    PasswordOutOfStep,
    /// An object of the name is there that the cluster has no rights on, before the cluster makes
    /// one.
    Taken,
}

/// The quota of a domain that nobody has touched (directory fact sheet, 1.1).
const QUOTA: u32 = 10;
/// Where a stranger with a virtual server's name is.
const STRANGER: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 0, 2, 66);

impl Names {
    /// Something goes wrong until it is healed.
    pub fn add_fault(&mut self, id: FaultId, fault: DirectoryFault, clocks: Clocks) {
        self.faults.push((id, fault));
        match fault {
            DirectoryFault::Quota(count) => self.set_quota(count, clocks),
            DirectoryFault::Account(resource, what) => self.fail_account(resource, what, clocks),
            DirectoryFault::NameTaken(resource) => self.take_name(resource, clocks),
            _ => {}
        }
        self.apply_faults();
    }

    /// What was made under this number is over, as far as it can be.
    pub fn heal(&mut self, id: FaultId, clocks: Clocks) {
        let faults = std::mem::take(&mut self.faults);
        let (healed, kept): (Vec<_>, Vec<_>) = faults.into_iter().partition(|(it, _)| *it == id);
        self.faults = kept;
        for (_, fault) in healed {
            self.undo(fault, clocks);
        }
        self.apply_faults();
    }

    fn undo(&mut self, fault: DirectoryFault, clocks: Clocks) {
        match fault {
            DirectoryFault::Quota(_) => self.set_quota(QUOTA, clocks),
            DirectoryFault::Account(resource, AccountFault::Disabled) => {
                if let Some(account) = self.account_of(resource) {
                    self.fail_store(&StoreFault::Enabled(account), clocks);
                }
            }
            DirectoryFault::NameTaken(resource) => {
                if let (Some(label), Some(netbios)) =
                    (self.labels.get(&resource), &mut self.netbios)
                {
                    let owner = Owner::Stranger(STRANGER);
                    netbios.release(self.services.as_mut(), clocks.mono, owner, label);
                }
            }
            _ => {}
        }
    }

    /// Faults that last stand as long as one of their kind does; of each kind the latest counts.
    fn apply_faults(&mut self) {
        let faults = || self.faults.iter().rev().map(|(_, fault)| *fault);
        let dns = faults().find_map(|fault| match fault {
            DirectoryFault::Dns(fault) => Some(fault),
            _ => None,
        });
        let wins_down = faults().any(|fault| fault == DirectoryFault::WinsDown);
        self.services.set_dns_fault(dns);
        self.services.set_netbios_down(wins_down);
    }

    /// How much later the name server answers.
    pub(super) fn dns_latency(&self) -> Duration {
        let slow = self.faults.iter().rev().find_map(|(_, fault)| match fault {
            DirectoryFault::DnsSlow(by) => Some(*by),
            _ => None,
        });
        slow.unwrap_or_default()
    }

    /// How far the domain's clock is ahead.
    pub(super) fn skew(&self) -> Duration {
        let skew = self.faults.iter().rev().find_map(|(_, fault)| match fault {
            DirectoryFault::Skew(by) => Some(*by),
            _ => None,
        });
        skew.unwrap_or_default()
    }

    /// Whether no domain controller answers.
    pub(super) fn is_silent(&self) -> bool {
        let down = |it: &(FaultId, DirectoryFault)| it.1 == DirectoryFault::ControllerDown;
        self.faults.iter().any(down)
    }

    fn account_of(&self, resource: ResourceId) -> Option<String> {
        let label = self.labels.get(&resource)?;
        Some(format!("{}$", label.to_uppercase()))
    }

    fn fail_account(&mut self, resource: ResourceId, what: AccountFault, clocks: Clocks) {
        let Some(account) = self.account_of(resource) else {
            return;
        };
        let fault = match what {
            AccountFault::Disabled => StoreFault::Disabled(account),
            AccountFault::Deleted => StoreFault::Deleted(account),
            AccountFault::WithoutRights => StoreFault::WithoutRights(account),
            AccountFault::PasswordOutOfStep => StoreFault::PasswordOutOfStep(account),
            AccountFault::Taken => return self.take_account(&account, clocks),
        };
        self.fail_store(&fault, clocks);
    }

    fn set_quota(&mut self, count: u32, clocks: Clocks) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.fail_store(&StoreFault::Quota(count), clocks);
    }

    fn fail_store(&mut self, fault: &StoreFault, clocks: Clocks) {
        self.services.accounts(&mut |store, entropy| {
            let mut call = Call::new(Caller::System, clocks.directory, entropy);
            // An account that is not there cannot be broken either.
            let _missing = store.fail(fault, &mut call);
        });
    }

    /// A computer of that name joins the domain before the cluster makes its object.
    fn take_account(&mut self, account: &str, clocks: Clocks) {
        let label = account.trim_end_matches('$');
        self.services.accounts(&mut |store, entropy| {
            let ask = Ask::Create {
                name: store.domain().computers().child("CN", label),
                account: account.to_owned(),
            };
            let mut call = Call::new(Caller::System, clocks.directory, entropy);
            let _there_already = accounts::computer::execute(store, &ask, clocks.node, &mut call);
        });
    }

    fn take_name(&mut self, resource: ResourceId, clocks: Clocks) {
        let (Some(label), Some(netbios)) = (self.labels.get(&resource), &mut self.netbios) else {
            return;
        };
        let owner = Owner::Stranger(STRANGER);
        let services = self.services.as_mut();
        let _became_of_it = netbios.register(services, clocks.mono, owner, label, STRANGER);
    }
}
