//! The domain name server between its handler, its zones on the disk and its clients.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use directory::dns::{self, Domain, Fault, Ports, Transport, Zone};
use directory::{GssAcceptor, NoAccounts};

use crate::events::{Event, Listener};
use crate::journal::{self, Journal};
use crate::options::Options;
use crate::server::{StartError, wall_time};
use crate::sockets::Answers;

/// The zones' file in the state folder.
const FILE: &str = "zones.jsonl";

/// The server, its file, and who hears of what it does.
pub(crate) struct Dns {
    server: Mutex<dns::Server>,
    journal: Journal,
    listener: Listener,
    delay: Mutex<Duration>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dns {
    /// The server with the zones as they were when it last ran.
    pub(crate) fn open(options: &Options, listener: Listener) -> Result<Self, StartError> {
        let mut server = dns::Server::new(zones(options)?, trusted(options));
        for key in &options.keys {
            server.add_key(&key.name, key.algorithm, key.secret.clone());
        }
        let path = options.state.join(FILE);
        let failed = |error| StartError::State(path.clone(), error);
        for change in journal::read(&path).map_err(failed)? {
            let restored = server.restore(&change);
            restored.map_err(|why| StartError::Damaged(path.clone(), why))?;
        }
        put_controller(&mut server, options)?;
        let journal = Journal::create(&path, &server.kept()).map_err(failed)?;
        let (server, delay) = (Mutex::new(server), Mutex::default());
        Ok(Self {
            server,
            journal,
            listener,
            delay,
        })
    }

    /// Answers a request; what it changes is on the disk by then.
    pub(crate) fn answer(&self, peer: SocketAddr, transport: Transport, asked: &[u8]) -> Answers {
        let (answer, written) = {
            let mut server = lock(&self.server);
            let mut acceptor = || -> Box<dyn GssAcceptor> { Box::new(NoAccounts) };
            let answer = server.handle(wall_time(), transport, asked, &mut acceptor);
            let is_kept = !answer.changes.is_empty();
            let written = is_kept.then(|| self.journal.write(&answer.changes));
            (answer, written)
        };
        let kept = written.map_or(Ok(()), |written| self.journal.sync(written?));
        if let Err(error) = kept {
            let why = format!("a change of a zone was not kept: {error}");
            (self.listener)(&Event::Failed { why });
            return Answers::default();
        }
        answer
            .events
            .into_iter()
            .for_each(|event| self.tell(peer, event));
        Answers {
            messages: answer.messages,
            delay: *lock(&self.delay),
        }
    }

    fn tell(&self, peer: SocketAddr, event: dns::Event) {
        (self.listener)(&match event {
            dns::Event::Updated { zone, by } => Event::Updated { peer, zone, by },
            dns::Event::Refused { zone, by, code } => Event::Refused {
                peer,
                zone,
                by,
                code,
            },
            dns::Event::Established { principal } => Event::Established { peer, principal },
        });
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        lock(&self.server).set_fault(fault);
    }

    pub(crate) fn set_delay(&self, delay: Duration) {
        *lock(&self.delay) = delay;
    }
}

/// Who may change every name: the controller and the administrator.
fn trusted(options: &Options) -> Vec<String> {
    let realm = options.realm();
    let controller = options.controller.to_uppercase();
    vec![
        format!("Administrator@{realm}"),
        format!("{controller}$@{realm}"),
    ]
}

fn domain(options: &Options) -> Domain {
    let ports = options.ports();
    Domain {
        name: options.domain.clone(),
        controller: options.controller.clone(),
        addresses: vec![options.listen],
        site: SITE.to_owned(),
        guid: GUID.to_owned(),
        controller_guid: CONTROLLER_GUID.to_owned(),
        ports: Ports {
            ldap: ports.ldap,
            kerberos: ports.kerberos,
            kpasswd: ports.kpasswd,
        },
    }
}

/// The site that every domain starts with.
const SITE: &str = "Default-First-Site-Name";
/// Of this emulator; a domain that lives longer than one process would draw its own.
const GUID: &str = "6c6f6f6b-7361-4c69-8665-646f6d61696e";
const CONTROLLER_GUID: &str = "6c6f6f6b-7361-4c69-8665-636f6e74726f";

fn zones(options: &Options) -> Result<Vec<Zone>, StartError> {
    let all = || {
        let domain = domain(options);
        let mut zones = vec![dns::domain_zone(&domain, options.updates)?];
        zones.extend(dns::reverse_zones(&domain, options.updates)?);
        let host = dns::name(&format!("{}.{}", options.controller, options.domain))?;
        for apex in &options.zones {
            zones.push(Zone::new(dns::name(apex)?, &host, options.updates));
        }
        Ok(zones)
    };
    all().map_err(StartError::Name)
}

/// The controller's name resolves to where it listens now, whatever an earlier run has kept.
fn put_controller(server: &mut dns::Server, options: &Options) -> Result<(), StartError> {
    let fresh = dns::domain_zone(&domain(options), options.updates).map_err(StartError::Name)?;
    for change in dns::Server::new(vec![fresh], Vec::new()).kept() {
        if change.name != change.zone {
            server.restore(&change).map_err(StartError::Name)?;
        }
    }
    let apex = dns::name(&options.domain).map_err(StartError::Name)?;
    let _kept_with_all = server.replace_addresses(&apex, &[options.listen]);
    Ok(())
}
