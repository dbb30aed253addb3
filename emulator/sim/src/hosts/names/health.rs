//! What a look at a name that is online finds: its computer object, and what clients are told of
//! its addresses.
//!
//! Facts: fact sheet of the directory, 1.3 (CHECK_AD_STATE), 2 and 8; reference section 2 (checks
//! of computer objects from 2016 on, events 1683 to 1688). Nothing of this fails the resource.
//! Which of the numbers 1684 to 1688 stands for which finding is inferred: `docs/directory.md`.

use accounts::computer::status;
use accounts::store::Guid;
use accounts::store::object::control;
use base::Generation;
use top::rcm::ResourceParameters;
use top::restype::{NameEvent, NameReport, NameSettings};

use super::{Asker, Names};

/// No domain controller is reached.
const NO_CONTROLLER: u16 = 1683;
/// The object of a virtual server, or of the cluster's own name, is missing.
const MISSING: [u16; 2] = [1684, 1686];
/// It is disabled.
const DISABLED: [u16; 2] = [1685, 1687];
/// The name resolves to addresses that are not its own.
const FOREIGN_ADDRESSES: u16 = 1589;

impl Names {
    /// What is to be reported of a name that is online: findings that the last look did not have.
    pub(in crate::hosts) fn examine(
        &mut self,
        asker: &Asker,
        parameters: &ResourceParameters,
    ) -> NameReport {
        let ResourceParameters::NetworkName {
            name,
            addresses,
            settings,
        } = parameters
        else {
            return NameReport::default();
        };
        let mut found = self.object_state(asker, name, settings);
        found.extend(self.foreign_addresses(asker, name, addresses));
        let before = self.seen.insert(asker.resource, found.clone());
        let before = before.unwrap_or_default();
        found.retain(|event| !before.contains(event));
        NameReport {
            events: found,
            ..NameReport::default()
        }
    }

    fn object_state(
        &mut self,
        asker: &Asker,
        name: &str,
        settings: &NameSettings,
    ) -> Vec<NameEvent> {
        let Some(accounts) = &self.accounts else {
            return Vec::new();
        };
        if self.generation < Generation::V2016 {
            return Vec::new();
        }
        if self.is_silent() || !asker.reaches {
            return vec![event(NO_CONTROLLER, status::NO_SUCH_DOMAIN)];
        }
        let kind = usize::from(name.eq_ignore_ascii_case(&accounts.cluster));
        let Some(guid) = Guid::parse(&settings.account.object_guid) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        self.services.accounts(&mut |store, _| {
            let object = store.object(guid).filter(|it| !it.is_deleted());
            match object.map(|it| it.control() & control::DISABLED != 0) {
                None => found.push(event(MISSING[kind], status::NO_SUCH_OBJECT)),
                Some(true) => found.push(event(DISABLED[kind], status::ACCOUNT_DISABLED)),
                Some(false) => {}
            }
        });
        found
    }

    fn foreign_addresses(
        &self,
        asker: &Asker,
        name: &str,
        addresses: &[String],
    ) -> Option<NameEvent> {
        let looks = self.is_declared && asker.reaches && self.generation >= Generation::V2008;
        let told = if looks {
            self.resolve(name)
        } else {
            Vec::new()
        };
        let is_foreign = |address: &String| !addresses.contains(address);
        told.iter()
            .any(is_foreign)
            .then(|| event(FOREIGN_ADDRESSES, status::SUCCESS))
    }
}

fn event(number: u16, status: u32) -> NameEvent {
    NameEvent { number, status }
}
