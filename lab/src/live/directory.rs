//! The directory of a live lab: the services of the lab's domain on sockets of this computer, and
//! what network names do there.
//!
//! Names go through the handlers behind the sockets, not through the sockets (decision 0039), so
//! that nothing of the lab ever waits for them; clients from outside use the sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use accounts::Entropy;
use accounts::store::Store;
use base::{NodeId, ResourceId, Timestamp, WallTime};
use directory::dns;
use directory::dns::Updates;
use directory::netbios::Outgoing;
use directoryd::{Inside, Options, Server, StartError, UserOption};
use file::model::Directory;
use plan::Plan;
use rhs::outside::FromLab;
use sim::hosts::{Clocks, HOST, Names, Outside, Services};
use top::rcm::{NameReport, ResourceParameters};

use super::Live;
use super::input::ConnectionId;
use super::time::Later;
use crate::{LabError, LabFolder, every_machine};

/// Where the services listen.
const LISTEN: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What is added to port numbers where the lab file says nothing: the first of these with which no
/// port is taken.
const PORT_BASES: std::ops::RangeInclusive<u16> = 20_000..=59_000;
const PORT_BASE_STEP: usize = 1_000;
/// The account that may do everything, and how long its password is.
const ADMINISTRATOR: &str = "Administrator";
const PASSWORD_BYTES: usize = 16;

/// The services of a directory that runs in this process.
#[derive(Debug)]
struct Running {
    inside: Inside,
    _server: Server,
}

impl Services for Running {
    fn dns(&mut self, _now: WallTime, message: &[u8]) -> Option<Vec<u8>> {
        self.inside.dns(message)
    }

    fn look_up(&self, question: &[u8]) -> Option<Vec<u8>> {
        self.inside.dns(question)
    }

    fn set_dns_fault(&mut self, fault: Option<dns::Fault>) {
        self.inside.set_dns_fault(fault);
    }

    fn netbios(&mut self, _now: Timestamp, from: SocketAddrV4, packet: &[u8]) -> Vec<Outgoing> {
        self.inside.netbios(from, packet)
    }

    fn set_netbios_down(&mut self, is_down: bool) {
        self.inside.set_netbios_down(is_down);
    }

    fn wins(&self) -> SocketAddrV4 {
        self.inside.wins()
    }

    fn accounts(&mut self, act: &mut dyn FnMut(&mut Store, &mut dyn Entropy)) {
        self.inside.accounts(act);
    }
}

/// A machine of the lab that has adapters of its own.
#[derive(Debug)]
struct Place {
    /// Its address, at which the services listen.
    address: IpAddr,
    /// Its network namespace.
    namespace: PathBuf,
}

/// What the lab's names register with; sockets where the lab file describes a directory: in the
/// network of the domain controller where that machine has one, on loopback otherwise.
fn start(
    plan: &Plan,
    folder: &LabFolder,
    place: Option<Place>,
    progress: fn(&str),
) -> Result<Names, LabError> {
    let Some(directory) = &plan.directory else {
        return Ok(Names::of(plan));
    };
    let at = place.as_ref().map_or(LISTEN, |place| place.address);
    let (server, base) = match place {
        Some(place) => listen_there(directory, folder, place)?,
        None => listen(directory, folder)?,
    };
    progress(&format!(
        "directory of {} on {at}, ports shifted by {base}; files for clients in {}",
        directory.domain,
        folder.directory().display()
    ));
    let running = Running {
        inside: server.inside().clone(),
        _server: server,
    };
    Ok(Names::behind(plan, directory, Box::new(running)))
}

/// Sockets stay in the network that their thread was in when it made them.
fn listen_there(
    directory: &Directory,
    folder: &LabFolder,
    place: Place,
) -> Result<(Server, u16), LabError> {
    let base = directory.port_base.unwrap_or_default();
    let options = Options {
        listen: place.address,
        port_base: base,
        ..options(directory, folder)?
    };
    let start = move || {
        rhs::enter(&place.namespace)?;
        Server::start(&options, listener())
    };
    let ended = |_| Err(StartError::Name("its thread ended early".to_owned()));
    let started = thread::spawn(start).join().unwrap_or_else(ended);
    let server = started.map_err(|error| failed(directory, &error))?;
    Ok((server, base))
}

fn failed(directory: &Directory, error: &StartError) -> LabError {
    LabError::Process {
        what: format!("the directory of {}", directory.domain),
        why: error.to_string(),
    }
}

fn listen(directory: &Directory, folder: &LabFolder) -> Result<(Server, u16), LabError> {
    let failed = |error: StartError| failed(directory, &error);
    let mut options = options(directory, folder)?;
    if let Some(base) = directory.port_base {
        options.port_base = base;
        let server = Server::start(&options, listener()).map_err(failed)?;
        return Ok((server, base));
    }
    let mut last = None;
    for base in PORT_BASES.step_by(PORT_BASE_STEP) {
        options.port_base = base;
        match Server::start(&options, listener()) {
            Ok(server) => return Ok((server, base)),
            Err(error @ StartError::Listen(..)) => last = Some(error),
            Err(error) => return Err(failed(error)),
        }
    }
    let nothing = || StartError::Name("no port base was tried".to_owned());
    Err(failed(last.unwrap_or_else(nothing)))
}

/// Trouble of the directory is in its clients' answers; nobody reads more of it here.
fn listener() -> directoryd::Listener {
    Arc::new(|_| {})
}

fn options(directory: &Directory, folder: &LabFolder) -> Result<Options, LabError> {
    let state = folder.directory();
    let updates = match directory.takes_updates {
        true => Updates::Any,
        false => Updates::None,
    };
    Ok(Options {
        listen: LISTEN,
        domain: directory.domain.clone(),
        netbios: directory.netbios_domain(),
        controller: HOST.to_owned(),
        port_base: 0,
        updates,
        zones: Vec::new(),
        keys: Vec::new(),
        users: vec![UserOption {
            name: ADMINISTRATOR.to_owned(),
            password: password()?,
        }],
        export_keytab: Some(folder.path().join("directory.keytab")),
        krb5_conf: None,
        control: None,
        state,
    })
}

/// A password of the kinds of characters that a domain asks for.
fn password() -> Result<String, LabError> {
    let mut bytes = [0_u8; PASSWORD_BYTES];
    let other = |error: getrandom::Error| std::io::Error::other(error.to_string());
    getrandom::fill(&mut bytes)
        .map_err(other)
        .map_err(LabError::system("cannot make a password"))?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("Aa.{digits}"))
}

impl Live {
    /// The domain controller's machine, if it has adapters.
    fn controller(&self) -> Option<Place> {
        let name = self.plan.directory.as_ref()?.controller.as_ref()?;
        let mut machines = every_machine(&self.plan).zip(0..);
        let (machine, station) = machines.find(|(machine, _)| machine.name == *name)?;
        Some(Place {
            address: IpAddr::V4(machine.adapters.first()?.1),
            namespace: self.sockets_of(station)?.namespace?,
        })
    }

    /// Starts the services of the directory, once machines have their adapters.
    pub(super) fn start_directory(&mut self) -> Result<(), LabError> {
        let place = self.controller();
        let names = start(&self.plan, &self.folder, place, self.options.progress)?;
        self.outside = Outside::with(names);
        Ok(())
    }

    /// What clocks show: the nodes of a live lab share that of this computer.
    pub(super) fn clocks(&self) -> Clocks {
        let now = self.clock.now();
        Clocks {
            node: now.wall,
            directory: now.wall,
            mono: now.mono,
        }
    }

    /// A network name has done something in the directory: its host reports that, and does it
    /// again a day later.
    pub(super) fn name_told(
        &mut self,
        connection: ConnectionId,
        node: NodeId,
        resource: ResourceId,
        serves: &mut Option<ResourceParameters>,
    ) {
        let Some(outcome) = self.outside.take_report(resource) else {
            return;
        };
        if let (Some(ResourceParameters::NetworkName { settings, .. }), Some(account)) =
            (serves, &outcome.report.account)
        {
            settings.account.clone_from(account);
        }
        if !outcome.report.is_empty() {
            let report = outcome.report;
            self.do_later(
                outcome.delay,
                Later::NameReport {
                    node,
                    resource,
                    report,
                },
            );
        }
        let waits = |(_, later): &(Timestamp, Later)| *later != Later::Register(connection);
        self.later.retain(waits);
        if let Some(after) = self.outside.names().registered_again_after() {
            self.do_later(after, Later::Register(connection));
        }
    }

    pub(super) fn report_name(&mut self, node: NodeId, resource: ResourceId, report: NameReport) {
        self.tell_hosts_of(node, &FromLab::Name { resource, report });
    }
}
