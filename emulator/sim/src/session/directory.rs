//! Faults of the directory in the lab file as faults of the world.

use base::ResourceId;
use file::model;
use top::rcm::ResourceParameters;

use super::{Session, Unfit};
use crate::hosts::{AccountFault, DirectoryFault};
use crate::stage::Stage;

impl<W: Stage> Session<W> {
    pub(super) fn directory(&self, fault: &model::DirectoryFault) -> Result<DirectoryFault, Unfit> {
        Ok(match fault {
            model::DirectoryFault::Dns(fault) => of_dns(*fault),
            model::DirectoryFault::ControllerDown => DirectoryFault::ControllerDown,
            model::DirectoryFault::Skew(by) => DirectoryFault::Skew(*by),
            model::DirectoryFault::Quota(count) => DirectoryFault::Quota(*count),
            model::DirectoryFault::Account { name, fault } => {
                DirectoryFault::Account(self.network_name(name)?, of_account(*fault))
            }
            model::DirectoryFault::NetbiosDown => DirectoryFault::WinsDown,
            model::DirectoryFault::NetbiosTaken { name } => {
                DirectoryFault::NameTaken(self.network_name(name)?)
            }
        })
    }

    /// The resource of a network name.
    fn network_name(&self, name: &str) -> Result<ResourceId, Unfit> {
        let is_it = |parameters: &ResourceParameters| match parameters {
            ResourceParameters::NetworkName { name: own, .. } => own.eq_ignore_ascii_case(name),
            _ => false,
        };
        let mut resources = self.world.plan().model.resources.iter();
        let found = resources.find(|(_, settings)| is_it(&settings.parameters));
        let unknown = || Unfit::Unknown(format!("network name `{name}`"));
        found.map(|(id, _)| *id).ok_or_else(unknown)
    }
}

fn of_dns(fault: model::DnsFault) -> DirectoryFault {
    use directory::dns::Fault;
    DirectoryFault::Dns(match fault {
        model::DnsFault::Down => Fault::Down,
        model::DnsFault::RefuseUpdates => Fault::RefuseUpdates,
        model::DnsFault::LoseUpdates => Fault::LoseUpdates,
        model::DnsFault::Slow(by) => return DirectoryFault::DnsSlow(by),
    })
}

fn of_account(fault: model::AccountFault) -> AccountFault {
    match fault {
        model::AccountFault::Disabled => AccountFault::Disabled,
        model::AccountFault::Deleted => AccountFault::Deleted,
        model::AccountFault::WithoutRights => AccountFault::WithoutRights,
        model::AccountFault::PasswordOutOfStep => AccountFault::PasswordOutOfStep,
        model::AccountFault::Taken => AccountFault::Taken,
    }
}
