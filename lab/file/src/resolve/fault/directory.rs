//! Faults of the directory: one of its services, and what can happen to it.

use super::Breaking;
use crate::diagnostic::Diagnostic;
use crate::model::{AccountFault, DirectoryFault, DnsFault, Lab, ResourceKind};
use crate::rule::Rule;
use crate::syntax::{Decoder, DirectoryWord, FaultWord};

const DNS: &[&str] = &["down", "refuse-updates", "lose-updates", "slow"];
const AD: &[&str] = &[
    "down",
    "skew",
    "quota",
    "disable",
    "delete",
    "strip-rights",
    "change-password",
    "take-name",
];
const NETBIOS: &[&str] = &["down", "take-name"];

impl Breaking<'_> {
    pub(super) fn of_service(
        &self,
        service: DirectoryWord,
        decoder: &mut Decoder<'_>,
    ) -> Option<DirectoryFault> {
        match service {
            DirectoryWord::Dns => self.of_dns(decoder).map(DirectoryFault::Dns),
            DirectoryWord::Ad => self.of_domain(decoder),
            DirectoryWord::Netbios => match self.word("NetBIOS name server", NETBIOS, decoder)? {
                FaultWord::Down => Some(DirectoryFault::NetbiosDown),
                FaultWord::TakeName => {
                    let name = self.network_name(decoder)?;
                    Some(DirectoryFault::NetbiosTaken { name })
                }
                _ => self.wrong_word("NetBIOS name server", NETBIOS, decoder),
            },
        }
    }

    fn of_dns(&self, decoder: &mut Decoder<'_>) -> Option<DnsFault> {
        Some(match self.word("name server", DNS, decoder)? {
            FaultWord::Down => DnsFault::Down,
            FaultWord::RefuseUpdates => DnsFault::RefuseUpdates,
            FaultWord::LoseUpdates => DnsFault::LoseUpdates,
            FaultWord::Slow => {
                let latency = self.needed(self.spec.latency.as_ref(), "latency", decoder)?;
                DnsFault::Slow(latency.value)
            }
            _ => return self.wrong_word("name server", DNS, decoder),
        })
    }

    fn of_domain(&self, decoder: &mut Decoder<'_>) -> Option<DirectoryFault> {
        let fault = match self.word("domain", AD, decoder)? {
            FaultWord::Down => return Some(DirectoryFault::ControllerDown),
            FaultWord::Skew => {
                let offset = self.needed(self.spec.offset.as_ref(), "offset", decoder)?;
                return Some(DirectoryFault::Skew(offset.value));
            }
            FaultWord::Quota => {
                let count = self.needed(self.spec.count.as_ref(), "count", decoder)?;
                return Some(DirectoryFault::Quota(count.value.0));
            }
            FaultWord::Disable => AccountFault::Disabled,
            FaultWord::Delete => AccountFault::Deleted,
            FaultWord::StripRights => AccountFault::WithoutRights,
            FaultWord::ChangePassword => AccountFault::PasswordOutOfStep,
            FaultWord::TakeName => AccountFault::Taken,
            _ => return self.wrong_word("domain", AD, decoder),
        };
        let name = self.network_name(decoder)?;
        Some(DirectoryFault::Account { name, fault })
    }

    /// The network name that is meant.
    fn network_name(&self, decoder: &mut Decoder<'_>) -> Option<String> {
        let account = self.needed(self.spec.account.as_ref(), "account", decoder)?;
        let name = &account.value.0;
        let names = network_names(self.selecting.lab);
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Some(name.clone());
        }
        let message = format!("nothing in the cluster is called `{name}`");
        decoder.sink.report(
            Diagnostic::error(Rule::BadFault, account.span, message)
                .hint(format!("network names: {}", names.join(", "))),
        );
        None
    }
}

fn network_names(lab: &Lab) -> Vec<&str> {
    let resources = lab.cluster.groups.iter().flat_map(|group| &group.resources);
    let names = resources.filter_map(|resource| match &resource.kind {
        ResourceKind::NetworkName { name } => Some(name.as_str()),
        _ => None,
    });
    let cluster = (!lab.cluster.addresses.is_empty()).then_some(lab.cluster.name.as_str());
    cluster.into_iter().chain(names).collect()
}
