//! The accounts between their store, its file and the services that ask them.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::Entropy;
use accounts::gss::{Acceptor, Context, Step};
use accounts::kerberos;
use accounts::store::{Call, Caller, Domain, Fault, Guid, NewObject, Store};
use base::WallTime;
use directory::dns::Transport;
use directory::{GssAcceptor, GssContext, GssStep};

use crate::events::{Event, Listener};
use crate::journal::{self, Journal};
use crate::options::{Options, UserOption};
use crate::server::{StartError, wall_time};
use crate::sockets::Answers;

/// The accounts' file in the state folder.
const FILE: &str = "accounts.der";

/// The store, its file, and who hears of trouble.
pub(crate) struct Accounts {
    store: Mutex<Store>,
    journal: Journal,
    listener: Listener,
    /// How far the directory's clock is off, in milliseconds.
    skew: AtomicI64,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// The machine's random source.
struct Random;

impl Entropy for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        // Without a random source no key may be made at all.
        assert!(
            getrandom::fill(bytes).is_ok(),
            "the machine has no random source"
        );
    }
}

impl Accounts {
    /// The accounts as they were when the directory last ran, or a new domain's.
    pub(crate) fn open(options: &Options, listener: Listener) -> Result<Self, StartError> {
        let path = options.state.join(FILE);
        let failed = |error| StartError::State(path.clone(), error);
        let kept = journal::read(&path).map_err(failed)?;
        let mut store = match kept.is_empty() {
            true => fresh(options),
            false => again(options, &kept).map_err(|why| StartError::Damaged(path.clone(), why))?,
        };
        for user in &options.users {
            put(&mut store, user).map_err(StartError::Name)?;
        }
        let journal = Journal::create(&path, &store.snapshot()).map_err(failed)?;
        // What it would say is in the snapshot.
        drop(store.take_journal());
        let store = Mutex::new(store);
        Ok(Self {
            store,
            journal,
            listener,
            skew: AtomicI64::new(0),
        })
    }

    /// The directory's time, which a fault may put off the machine's.
    pub(crate) fn now(&self) -> WallTime {
        let now = wall_time();
        WallTime(
            now.0
                .saturating_add_signed(self.skew.load(Ordering::Relaxed)),
        )
    }

    /// Puts the directory's clock ahead.
    pub(crate) fn set_skew(&self, ahead: Duration) {
        let millis = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        self.skew.store(millis, Ordering::Relaxed);
    }

    /// Makes a fault happen.
    pub(crate) fn fail(&self, fault: &Fault) -> Result<(), String> {
        let now = self.now();
        let done = self
            .ask(|store, entropy| store.fail(fault, &mut Call::new(Caller::System, now, entropy)));
        done.ok_or("it could not be kept")?
            .map_err(|why| why.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the store and keeps what that has changed; nothing when it cannot be kept.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&mut Store, &mut dyn Entropy) -> T) -> Option<T> {
        let mut store = self.lock();
        let answer = ask(&mut store, &mut Random);
        let records = store.take_journal();
        let written = (!records.is_empty()).then(|| self.journal.write(&records));
        drop(store);
        match written.map_or(Ok(()), |written| self.journal.sync(written?)) {
            Ok(()) => Some(answer),
            Err(error) => {
                self.tell(&error);
                None
            }
        }
    }

    fn tell(&self, error: &io::Error) {
        let why = format!("a change of an account was not kept: {error}");
        (self.listener)(&Event::Failed { why });
    }

    /// Answers a request for a ticket.
    pub(crate) fn tickets(&self, transport: Transport, asked: &[u8]) -> Answers {
        let transport = match transport {
            Transport::Datagram => kerberos::Transport::Datagram,
            Transport::Stream => kerberos::Transport::Stream,
        };
        let now = self.now();
        let answer =
            self.ask(|store, entropy| kerberos::answer(store, asked, transport, now, entropy));
        Answers::of(answer.flatten())
    }

    /// Answers a request to change a password, which came to this address.
    pub(crate) fn passwords(&self, local: IpAddr, asked: &[u8]) -> Answers {
        let now = self.now();
        let answer =
            self.ask(|store, entropy| kerberos::answer_password(store, asked, local, now, entropy));
        Answers::of(answer.flatten())
    }

    /// The identifiers of the domain and of its controller's directory service.
    pub(crate) fn guids(&self) -> (String, String) {
        let store = self.lock();
        let domain = store.domain();
        (domain.guid.to_string(), domain.service.to_string())
    }

    /// The configuration of Kerberos clients.
    pub(crate) fn configuration(&self, kdc: SocketAddr, kpasswd: SocketAddr) -> String {
        kerberos::configuration(&self.lock(), kdc, kpasswd)
    }

    /// The keys of the controller, of the ticket-granting service, so that tools that record can
    /// look into tickets, and of these users.
    pub(crate) fn key_table(&self, users: &[UserOption]) -> Vec<u8> {
        let mut store = self.lock();
        let named = users
            .iter()
            .filter_map(|user| Some(store.by_account(&user.name)?.guid));
        let accounts: Vec<Guid> = {
            let own = store.controller().into_iter().chain(store.krbtgt());
            own.chain(named).collect()
        };
        let entries = accounts
            .into_iter()
            .flat_map(|account| store.key_table_entries(account));
        let entries: Vec<_> = entries.collect();
        let written = u32::try_from(wall_time().0 / 1000).unwrap_or(u32::MAX);
        kerberos::key_table(&store.domain().realm(), &entries, written)
    }
}

fn fresh(options: &Options) -> Store {
    let Options {
        domain,
        netbios,
        controller,
        ..
    } = options;
    let domain = Domain::new(domain, netbios, controller, &mut Random);
    Store::provision(domain, wall_time(), &mut Random)
}

fn again(options: &Options, kept: &[u8]) -> Result<Store, String> {
    let store = Store::replay(kept).map_err(|damage| damage.to_string())?;
    match store.domain().dns.eq_ignore_ascii_case(&options.domain) {
        true => Ok(store),
        false => Err(format!("it is of the domain {}", store.domain().dns)),
    }
}

/// Gives an account this password, and makes the account if there is none.
fn put(store: &mut Store, user: &UserOption) -> Result<(), String> {
    let refused = |why: accounts::store::Refusal| format!("account `{}`: {why}", user.name);
    let mut random = Random;
    let mut call = Call::new(Caller::System, wall_time(), &mut random);
    let guid = match store.by_account(&user.name) {
        Some(object) => object.guid,
        None => {
            let value = |text: &str| vec![text.as_bytes().to_vec()];
            let new = NewObject {
                name: store
                    .domain()
                    .base()
                    .child("CN", "Users")
                    .child("CN", &user.name),
                attributes: vec![
                    ("objectClass".into(), value("user")),
                    ("sAMAccountName".into(), value(&user.name)),
                    ("userAccountControl".into(), value(NORMAL_ACCOUNT)),
                ],
            };
            store.create(&new, &mut call).map_err(refused)?
        }
    };
    let is_same = |secrets: &accounts::store::Secrets| secrets.matches(&user.password);
    let known = store.object(guid).and_then(|object| object.secrets());
    if known.is_some_and(is_same) {
        return Ok(());
    }
    store
        .set_password(guid, &user.password, &call)
        .map_err(refused)
}

/// userAccountControl of a user whose password does not expire: 0x200 and 0x10000.
const NORMAL_ACCOUNT: &str = "66048";

/// What judges the tokens of a client that wants to sign updates.
pub(crate) fn acceptor(accounts: &Arc<Accounts>) -> Box<dyn GssAcceptor> {
    let service = accounts.lock().controller();
    match service {
        Some(service) => Box::new(Tokens {
            accounts: Arc::clone(accounts),
            acceptor: Acceptor::new(service),
        }),
        None => Box::new(directory::NoAccounts),
    }
}

#[derive(Debug)]
struct Tokens {
    accounts: Arc<Accounts>,
    acceptor: Acceptor,
}

impl GssAcceptor for Tokens {
    fn accept(mut self: Box<Self>, now: WallTime, token: &[u8]) -> GssStep {
        // The name server's clock is not the one that tickets are made by.
        let now = now.max(self.accounts.now());
        let acceptor = &mut self.acceptor;
        let step = self
            .accounts
            .ask(|store, entropy| acceptor.accept(store, token, now, entropy));
        match step {
            Some(Step::Continue(token)) => GssStep::Continue {
                half_open: self,
                token,
            },
            Some(Step::Established(established)) => GssStep::Established {
                expires: established.context.expires(),
                principal: established.principal,
                token: established.token.unwrap_or_default(),
                context: Box::new(Signing(established.context)),
            },
            Some(Step::Rejected { .. }) | None => GssStep::Rejected,
        }
    }
}

#[derive(Debug)]
struct Signing(Context);

impl GssContext for Signing {
    fn mic(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.mic(message))
    }

    fn verify(&mut self, message: &[u8], mic: &[u8]) -> bool {
        self.0.verify(message, mic).is_ok()
    }
}
