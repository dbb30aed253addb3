//! The domain name server between its handler, its zones on the disk and its clients.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use directory::GssAcceptor;
use directory::dns::{self, Change, Domain, Fault, Ports, Transport, Zone};

use crate::accounts::{self, Accounts};
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
    accounts: Arc<Accounts>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}

impl Dns {
    /// The server with the zones as they were when it last ran.
    pub(crate) fn open(
        options: &Options,
        accounts: Arc<Accounts>,
        listener: Listener,
    ) -> Result<Self, StartError> {
        let domain = domain(options, &accounts);
        let mut server = dns::Server::new(zones(options, &domain)?, trusted(options));
        for key in &options.keys {
            server.add_key(&key.name, key.algorithm, key.secret.clone());
        }
        let path = options.state.join(FILE);
        let failed = |error| StartError::State(path.clone(), error);
        let kept = journal::read(&path).map_err(failed)?;
        let damaged = |why| StartError::Damaged(path.clone(), why);
        for change in changes(&kept).map_err(damaged)? {
            server.restore(&change).map_err(damaged)?;
        }
        put_controller(&mut server, options, &domain)?;
        let journal = Journal::create(&path, &lines(&server.kept())).map_err(failed)?;
        let (server, delay) = (Mutex::new(server), Mutex::default());
        Ok(Self {
            server,
            journal,
            listener,
            delay,
            accounts,
        })
    }

    /// Answers a request; what it changes is on the disk by then.
    pub(crate) fn answer(&self, peer: SocketAddr, transport: Transport, asked: &[u8]) -> Answers {
        let (answer, written) = {
            let mut server = lock(&self.server);
            let mut acceptor = || -> Box<dyn GssAcceptor> { accounts::acceptor(&self.accounts) };
            let answer = server.handle(wall_time(), transport, asked, &mut acceptor);
            let is_kept = !answer.changes.is_empty();
            let written = is_kept.then(|| self.journal.write(&lines(&answer.changes)));
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

/// The changes in a file, a line of JSON each. The last line may be torn: whoever wrote it has
/// told nobody.
fn changes(kept: &[u8]) -> Result<Vec<Change>, String> {
    let mut lines = kept
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .peekable();
    let mut changes = Vec::new();
    while let Some((index, line)) = lines.next() {
        match serde_json::from_slice(line) {
            Ok(change) => changes.push(change),
            Err(_) if lines.peek().is_none() => {}
            Err(error) => return Err(format!("line {}: {error}", index + 1)),
        }
    }
    Ok(changes)
}

fn lines(changes: &[Change]) -> Vec<u8> {
    let mut lines = Vec::new();
    for change in changes {
        // Text of names and digits: it cannot fail.
        if let Ok(line) = serde_json::to_vec(change) {
            lines.extend(line);
            lines.push(b'\n');
        }
    }
    lines
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

fn domain(options: &Options, accounts: &Accounts) -> Domain {
    let (guid, controller_guid) = accounts.guids();
    let ports = options.ports();
    Domain {
        name: options.domain.clone(),
        controller: options.controller.clone(),
        addresses: vec![options.listen],
        site: SITE.to_owned(),
        guid,
        controller_guid,
        ports: Ports {
            ldap: ports.ldap,
            kerberos: ports.kerberos,
            kpasswd: ports.kpasswd,
        },
    }
}

/// The site that every domain starts with.
const SITE: &str = "Default-First-Site-Name";

fn zones(options: &Options, domain: &Domain) -> Result<Vec<Zone>, StartError> {
    let all = || {
        let mut zones = vec![dns::domain_zone(domain, options.updates)?];
        zones.extend(dns::reverse_zones(domain, options.updates)?);
        let host = dns::name(&format!("{}.{}", options.controller, options.domain))?;
        for apex in &options.zones {
            zones.push(Zone::new(dns::name(apex)?, &host, options.updates));
        }
        Ok(zones)
    };
    all().map_err(StartError::Name)
}

/// The controller's name resolves to where it listens now, whatever an earlier run has kept.
fn put_controller(
    server: &mut dns::Server,
    options: &Options,
    domain: &Domain,
) -> Result<(), StartError> {
    let fresh = dns::domain_zone(domain, options.updates).map_err(StartError::Name)?;
    for change in dns::Server::new(vec![fresh], Vec::new()).kept() {
        if change.name != change.zone {
            server.restore(&change).map_err(StartError::Name)?;
        }
    }
    let apex = dns::name(&options.domain).map_err(StartError::Name)?;
    let _kept_with_all = server.replace_addresses(&apex, &[options.listen]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str) -> Change {
        Change {
            zone: "a.".into(),
            name: name.into(),
            owner: None,
            sets: Vec::new(),
        }
    }

    #[test]
    fn a_torn_line_at_the_end_is_passed_over_and_one_before_others_is_told() {
        let both = [change("one"), change("two")];
        let text = lines(&both);
        assert_eq!(changes(&text).unwrap(), both);
        assert_eq!(changes(&text[..text.len() - 5]).unwrap(), [change("one")]);
        let damaged = changes(&text[1..]).unwrap_err();
        assert!(damaged.starts_with("line 1"), "{damaged}");
    }
}
