//! The directory of the world: network names live there by their computer objects, DNS records and
//! NetBIOS names, and clients ask it.
//!
//! Duty: what the hosts of a Network Name resource do in the directory when it comes online, once a
//! day, when it is looked at and when it goes offline. The handlers are those that `looksalive
//! directory` runs. Facts: directory fact sheet, sections 1 to 3, 5 and 8; decision 0039.

mod account;
mod fault;
mod health;
mod netbios;
mod record;
mod services;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use base::{Generation, NodeId, ResourceId, Timestamp, WallTime};
use directory::dns::Updates;
use directory::netbios::NodeType;
use file::model::{Directory, NetbiosMode};
use plan::Plan;
use top::rcm::ResourceParameters;
use top::restype::{NameEvent, NameReport, NameSettings};

pub use fault::{AccountFault, DirectoryFault};
pub use services::{HOST, Services};

use crate::FaultId;
use crate::clock::{Clock, WALL_START};
use crate::net::{Networks, Station};
use account::{Accounts, At};
use netbios::{Netbios, Owner, Registered};
use record::Registration;
use services::InMemory;

/// The domain of labs whose file names none.
const DOMAIN: &str = "cluster.example";

/// When the records of a name that is online are registered again. The interval of 24 hours is the
/// usual statement and not confirmed.
pub const REGISTRATION_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// How long an answer of the name server is waited for; unsourced.
const DNS_PATIENCE: Duration = Duration::from_secs(15);
/// ERROR_TIMEOUT
const TIMEOUT: u32 = 1460;
/// ERROR_DUP_NAME: another system has the name.
const DUPLICATE_NAME: u32 = 52;
/// The NetBIOS name is another system's.
const NETBIOS_TAKEN: u16 = 1214;
/// The name server of NetBIOS was not told.
const WINS_FAILED: u16 = 1078;

/// What clocks show when somebody does something in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The clock of whoever asks.
    pub node: WallTime,
    /// The right time, which the domain goes by.
    pub directory: WallTime,
    /// Time that only goes forward.
    pub mono: Timestamp,
}

impl Clocks {
    /// What all clocks of a simulated world show that are right.
    #[must_use]
    pub fn right(now: Timestamp) -> Self {
        let right = Clock::default().read(now);
        Self {
            node: right.wall,
            directory: right.wall,
            mono: now,
        }
    }
}

/// Whose name it is, and from where the directory is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The Network Name resource.
    pub resource: ResourceId,
    /// The first of its addresses that the node serves.
    pub address: Option<Ipv4Addr>,
    /// Packets of its node get to the directory and back.
    pub reaches: bool,
    /// What the clocks show.
    pub clocks: Clocks,
}

/// What coming online has led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Why the name does not come online; the product's number.
    pub refused: Option<u32>,
    /// What its host reports.
    pub report: NameReport,
    /// How much later it can report.
    pub delay: Duration,
}

/// The directory of the world.
#[derive(Debug)]
pub struct Names {
    services: Box<dyn Services>,
    domain: String,
    generation: Generation,
    /// The computer objects, where the lab has a domain.
    accounts: Option<Accounts>,
    /// The machine that is the domain controller, where the lab has one.
    controller: Option<Station>,
    /// The NetBIOS names, where the generation has them.
    netbios: Option<Netbios>,
    /// What the network names of the lab are called.
    labels: BTreeMap<ResourceId, String>,
    /// Names whose records were taken at least once.
    published: BTreeSet<ResourceId>,
    /// What the last look at a name found wrong.
    seen: BTreeMap<ResourceId, Vec<NameEvent>>,
    next_id: u16,
    /// What is wrong with the directory now, the latest last.
    faults: Vec<(FaultId, DirectoryFault)>,
    /// The lab has a directory that it may look at for days.
    is_declared: bool,
}

impl Default for Names {
    fn default() -> Self {
        let services = InMemory::new(DOMAIN, None, Updates::Any, WALL_START);
        Self::bare(DOMAIN, Box::new(services))
    }
}

impl Names {
    fn bare(domain: &str, services: Box<dyn Services>) -> Self {
        Self {
            services,
            domain: domain.to_owned(),
            generation: Generation::default(),
            accounts: None,
            controller: None,
            netbios: None,
            labels: BTreeMap::new(),
            published: BTreeSet::new(),
            seen: BTreeMap::new(),
            next_id: 0,
            faults: Vec::new(),
            is_declared: false,
        }
    }

    /// The directory that a lab file describes, in memory; one that takes everything if it
    /// describes none.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let labels = labels(plan);
        match &plan.directory {
            None => Self {
                labels,
                ..Self::default()
            },
            Some(directory) => {
                let services = in_memory(directory);
                Self {
                    labels,
                    controller: controller(plan),
                    ..Self::with(
                        directory,
                        &plan.settings.cluster_name,
                        plan.generation,
                        services,
                    )
                }
            }
        }
    }

    /// The directory of a lab whose services run elsewhere.
    #[must_use]
    pub fn behind(plan: &Plan, directory: &Directory, services: Box<dyn Services>) -> Self {
        Self {
            labels: labels(plan),
            controller: controller(plan),
            ..Self::with(
                directory,
                &plan.settings.cluster_name,
                plan.generation,
                services,
            )
        }
    }

    /// The directory of a cluster of this name.
    fn with(
        directory: &Directory,
        cluster: &str,
        generation: Generation,
        services: Box<dyn Services>,
    ) -> Self {
        let accounts = directory.has_accounts.then(|| Accounts {
            cluster: cluster.to_uppercase(),
            domain: directory.domain.clone(),
            generation,
            setup: None,
        });
        Self {
            generation,
            accounts,
            netbios: node_type(directory.netbios, generation).map(Netbios::new),
            is_declared: true,
            ..Self::bare(&directory.domain, services)
        }
    }

    /// A directory that a lab file describes by its domain alone.
    #[cfg(test)]
    pub(super) fn declared() -> Self {
        let directory = tests::described();
        Self::with(&directory, "CLU1", Generation::V2022, in_memory(&directory))
    }

    /// Whether packets of a node get to the directory and back. Without a machine of its own the
    /// directory is everywhere.
    pub(super) fn is_reached(&self, node: NodeId, networks: &Networks) -> bool {
        let exchanges = |it| networks.exchange(Station::from(node), it);
        self.controller.is_none_or(exchanges)
    }

    /// When a name that came online is registered again.
    #[must_use]
    pub fn registered_again_after(&self) -> Option<Duration> {
        self.is_declared.then_some(REGISTRATION_INTERVAL)
    }

    /// What a name does in the directory when it comes online: its computer object, its NetBIOS
    /// names, its records (reference, 2).
    pub(super) fn online(&mut self, asker: &Asker, parameters: &ResourceParameters) -> Outcome {
        let ResourceParameters::NetworkName {
            name,
            addresses,
            settings,
        } = parameters
        else {
            return Outcome::default();
        };
        let mut outcome = Outcome::default();
        self.enter_domain(asker, name, settings, &mut outcome);
        if outcome.refused.is_none() {
            self.register_netbios(asker, name, &mut outcome);
        }
        if outcome.refused.is_none() {
            self.publish(asker, name, addresses, settings, &mut outcome);
        }
        outcome
    }

    /// What a name that is online does once a day: its records again, and a new password when the
    /// old one is due.
    pub(super) fn again(&mut self, asker: &Asker, parameters: &ResourceParameters) -> Outcome {
        let mut outcome = Outcome::default();
        if let ResourceParameters::NetworkName {
            name,
            addresses,
            settings,
        } = parameters
        {
            self.renew_password(asker, name, settings, &mut outcome);
            self.publish(asker, name, addresses, settings, &mut outcome);
        }
        outcome
    }

    /// A name goes offline in order: its NetBIOS names are released, its records and its computer
    /// object stay.
    pub(super) fn offline(&mut self, asker: &Asker, parameters: &ResourceParameters) {
        if let (ResourceParameters::NetworkName { name, .. }, Some(netbios)) =
            (parameters, &mut self.netbios)
        {
            let owner = Owner::Resource(asker.resource);
            match asker.reaches {
                true => netbios.release(self.services.as_mut(), asker.clocks.mono, owner, name),
                false => netbios.forget(owner),
            }
        }
    }

    /// The node of a name is gone without a word.
    pub(super) fn forget(&mut self, resource: ResourceId) {
        if let Some(netbios) = &mut self.netbios {
            netbios.forget(Owner::Resource(resource));
        }
    }

    fn at(&self, asker: &Asker, name: &str) -> At {
        let ahead = u64::try_from(self.skew().as_millis()).unwrap_or(u64::MAX);
        let directory = WallTime(asker.clocks.directory.0.saturating_add(ahead));
        At {
            clocks: Clocks {
                directory,
                ..asker.clocks
            },
            is_silent: self.is_silent() || !asker.reaches,
            in_use: self.netbios.as_ref().is_some_and(|it| it.is_taken(name)),
        }
    }

    fn enter_domain(
        &mut self,
        asker: &Asker,
        name: &str,
        settings: &NameSettings,
        outcome: &mut Outcome,
    ) {
        let at = self.at(asker, name);
        let Some(accounts) = self.accounts.as_mut().filter(|it| it.wants(settings)) else {
            return;
        };
        let lived = accounts.online(self.services.as_mut(), name, &settings.account, &at);
        let report = &mut outcome.report;
        report.kerberos = Some(lived.failed.map_or(0, |event| event.status));
        report.account = (lived.account != settings.account).then_some(lived.account);
        if let Some(event) = lived.failed {
            outcome.refused = Some(event.status);
            report.events.push(account::event(event));
        }
    }

    fn renew_password(
        &mut self,
        asker: &Asker,
        name: &str,
        settings: &NameSettings,
        outcome: &mut Outcome,
    ) {
        let at = self.at(asker, name);
        let Some(accounts) = self.accounts.as_mut().filter(|it| it.wants(settings)) else {
            return;
        };
        let services = self.services.as_mut();
        let Some(lived) = accounts.rotate(services, name, &settings.account, &at) else {
            return;
        };
        let report = &mut outcome.report;
        report.kerberos = Some(lived.failed.map_or(0, |event| event.status));
        report.account = (lived.account != settings.account).then_some(lived.account);
        let event = lived.failed.map_or_else(account::renewed, account::event);
        report.events.push(event);
    }

    fn register_netbios(&mut self, asker: &Asker, name: &str, outcome: &mut Outcome) {
        let (Some(netbios), Some(address)) = (&mut self.netbios, asker.address) else {
            return;
        };
        let owner = Owner::Resource(asker.resource);
        let services = self.services.as_mut();
        let registered = match asker.reaches {
            true => netbios.register(services, asker.clocks.mono, owner, name, address),
            false => Registered::ServerSilent,
        };
        let (status, event) = match registered {
            Registered::Fully => (0, None),
            Registered::ServerSilent => (TIMEOUT, Some(WINS_FAILED)),
            Registered::Taken => (DUPLICATE_NAME, Some(NETBIOS_TAKEN)),
        };
        outcome.report.netbios = Some(status);
        let told = event.map(|number| NameEvent { number, status });
        outcome.report.events.extend(told);
        if registered == Registered::Taken {
            netbios.forget(owner);
            outcome.refused = Some(status);
        }
    }

    fn publish(
        &mut self,
        asker: &Asker,
        name: &str,
        addresses: &[String],
        settings: &NameSettings,
        outcome: &mut Outcome,
    ) {
        let latency = self.dns_latency();
        self.next_id = self.next_id.wrapping_add(2);
        let again = self.published.contains(&asker.resource);
        let mut registration = Registration {
            services: self.services.as_mut(),
            now: asker.clocks.directory,
            is_cut: !asker.reaches || latency > DNS_PATIENCE,
            id: self.next_id,
        };
        let made = registration.publish(name, &self.domain, addresses, settings, again);
        outcome.delay = latency.min(DNS_PATIENCE);
        if made.status == 0 {
            self.published.insert(asker.resource);
        }
        let report = &mut outcome.report;
        // Without a directory in the lab file nothing but trouble is worth an update.
        if self.is_declared || made.status != 0 {
            report.dns = Some(made.status);
            report.updated = (made.status == 0).then_some(asker.clocks.node);
        }
        report.events.extend(made.event);
        if settings.require_dns && made.status != 0 {
            outcome.refused = Some(made.status);
        }
    }

    /// What a client of the domain gets for a name; nothing when there is none, or no answer.
    #[must_use]
    pub fn resolve(&self, label: &str) -> Vec<String> {
        record::resolve(self.services.as_ref(), label, &self.domain)
    }
}

fn controller(plan: &Plan) -> Option<Station> {
    let place = plan.controller?;
    u8::try_from(plan.members.len() + place).ok().map(Station)
}

fn labels(plan: &Plan) -> BTreeMap<ResourceId, String> {
    let label = |settings: &top::rcm::model::ResourceSettings| match &settings.parameters {
        ResourceParameters::NetworkName { name, .. } => Some(name.clone()),
        _ => None,
    };
    let resources = plan.model.resources.iter();
    resources
        .filter_map(|(id, settings)| Some((*id, label(settings)?)))
        .collect()
}

fn in_memory(directory: &Directory) -> Box<dyn Services> {
    let updates = match directory.takes_updates {
        true => Updates::Any,
        false => Updates::None,
    };
    let netbios = directory.has_accounts.then(|| directory.netbios_domain());
    let (domain, netbios) = (&directory.domain, netbios.as_deref());
    Box::new(InMemory::new(domain, netbios, updates, WALL_START))
}

/// How hosts make NetBIOS names known: not at all from 2016 on, where it is not bound to the
/// addresses of a cluster.
fn node_type(mode: NetbiosMode, generation: Generation) -> Option<fn(Ipv4Addr) -> NodeType> {
    if generation >= Generation::V2016 {
        return None;
    }
    match mode {
        NetbiosMode::None => None,
        NetbiosMode::Broadcast => Some(|_| NodeType::Broadcast),
        NetbiosMode::PointToPoint => Some(NodeType::PointToPoint),
        NetbiosMode::Hybrid => Some(NodeType::Hybrid),
    }
}
