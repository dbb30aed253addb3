//! Listening, and a thread for every connection.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use control::Control;
use scsi::iscsi::login::Policy;
use scsi::iscsi::negotiation::Parameters;
use scsi::{InitiatorPort, Isid, Lun, Status};
use target::{
    Config, ConfigError, Connection, Fault, ImageError, Intrusion, Obligation, PortId, Portal,
    Target, UnitConfig, Vault,
};

use crate::cache::fates;
use crate::control::{LostPath, perform};
use crate::events::{Event, Listener};
use crate::file_store::FileStore;
use crate::options::{Options, UnitOptions};
use crate::registry::Registry;
use crate::session::Session;
use crate::vault::FileVault;

/// Why a target does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state folder cannot be used.
    #[error("cannot use the state folder {path}: {error}")]
    State {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Something that is no folder has the state folder's name.
    #[error("the state folder {0} is a file: name a folder, which is made if it does not exist")]
    NoFolder(String),
    /// Another target uses the state folder.
    #[error("another target uses the state folder {0}: stop it, or give this one its own")]
    InUse(String),
    /// A unit's file cannot be used.
    #[error("cannot use {path} for LUN {lun}: {error}")]
    Disk {
        /// The unit.
        lun: u16,
        /// Its file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A unit has neither a size nor a file that has one.
    #[error("LUN {lun} needs a size: write {lun}=1GiB, or name an existing file")]
    Size {
        /// The unit.
        lun: u16,
    },
    /// The units cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Saved reservations cannot be read back.
    #[error(
        "the saved reservations of LUN {lun} cannot be used, so that nobody could say who may \
         write: {error}. Put the file back from a copy, or remove it if nobody uses the unit"
    )]
    Reservations {
        /// The unit.
        lun: u16,
        /// Why.
        error: ImageError,
    },
    /// The control socket cannot be listened on.
    #[error("cannot listen for faults at {path}: {error}. Is another target using it?")]
    Control {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// What all connections share behind one lock.
pub(crate) struct Core {
    pub target: Target<FileStore>,
    pub vault: FileVault,
    /// Counts restarts with power loss: nexus numbers of before mean nothing after.
    pub generation: u32,
}

/// What all threads share.
pub(crate) struct Shared {
    core: Mutex<Core>,
    pub registry: Registry,
    listener: Listener,
    stopping: AtomicBool,
    next_handle: AtomicU16,
    options: Options,
    /// Faults of units that stand, by number. Locked before the core where both are.
    faults: Mutex<BTreeMap<u64, Fault>>,
    latencies: Mutex<BTreeMap<Lun, Duration>>,
    paths: Mutex<Vec<LostPath>>,
}

impl Shared {
    /// A thread that panicked held the lock for one command; the target checks itself.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults of units that stand.
    pub(crate) fn faults(&self) -> MutexGuard<'_, BTreeMap<u64, Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How late units answer, where a fault makes them.
    pub(crate) fn latencies(&self) -> MutexGuard<'_, BTreeMap<Lun, Duration>> {
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The paths that faults have taken away.
    pub(crate) fn paths(&self) -> MutexGuard<'_, Vec<LostPath>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The portal with this number; they count from zero in the order they were given in.
    pub(crate) fn portal(&self, number: &str) -> Result<PortId, String> {
        let count = self.options.listen.len();
        let known = number.parse().ok().filter(|it| usize::from(*it) < count);
        known
            .map(PortId)
            .ok_or_else(|| format!("there is no portal `{number}`: they are 0 to {}", count - 1))
    }

    /// Takes a path away: its sessions end and cannot come back.
    pub(crate) fn drop_path(&self, lost: LostPath) {
        self.paths().push(lost.clone());
        self.registry
            .close_sessions(|port, initiator| lost.is_of(port, initiator));
    }

    /// Someone from outside takes or clears a reservation.
    pub(crate) fn intrude(&self, name: &str, lun: Lun, what: Intrusion) -> Result<(), String> {
        let core = &mut *self.core();
        let outsider = InitiatorPort::new(name, Isid::default());
        let nexus = core
            .target
            .attach(&outsider, PortId(0))
            .ok_or("too many initiators")?;
        let response = core.target.intrude(nexus, lun, what);
        core.target.detach(nexus);
        if let Obligation::Save(lun, record) = &response.obligation
            && core.vault.save(*lun, record).is_err()
        {
            core.target.save_failed(*lun);
            return Err("the reservations could not be saved; the unit has failed closed".into());
        }
        match response.status {
            Status::Good => Ok(()),
            status => Err(format!(
                "the target answered {status:?} {:?}",
                response.sense
            )),
        }
    }

    /// The target restarts: sessions end. With power loss it starts from what was saved, and the
    /// seed decides what becomes of writes that can tear; without it everything but the sessions
    /// stays.
    pub(crate) fn restart(&self, power_loss: Option<u64>) -> Result<(), String> {
        let mut standing = self.faults();
        let mut core = self.core();
        self.registry.close_all();
        if let Some(seed) = power_loss {
            standing.clear();
            let mut fate = fates(seed);
            for lun in core.target.luns() {
                if let Some(store) = core.target.store_mut(lun) {
                    store
                        .lose_power(&mut fate)
                        .map_err(|error| error.to_string())?;
                }
            }
            let new = open(&self.options).map_err(|error| error.to_string())?;
            core.target = new.target;
            core.generation += 1;
        } else {
            core.target.restart();
        }
        Ok(())
    }

    pub(crate) fn tell(&self, event: &Event) {
        (self.listener)(event);
    }
}

impl StartError {
    /// Whether what was asked for can be nowhere, rather than not here and now.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Size { .. } | Self::Config(_))
    }
}

/// A running target.
pub struct Server {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
    /// Held for as long as the target runs.
    control: Option<Control>,
    /// Held for as long as the target runs: no other may use the state folder.
    _lock: fs::File,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Opens disks, reads reservations back, and listens.
    ///
    /// # Errors
    /// When any of it is not possible; nothing runs then.
    pub fn start(options: &Options, listener: Listener) -> Result<Self, StartError> {
        let lock = lock(options)?;
        let core = open(options)?;
        let mut sockets = Vec::new();
        for address in &options.listen {
            let socket = TcpListener::bind(address);
            sockets.push(socket.map_err(|error| StartError::Listen {
                address: *address,
                error,
            })?);
        }
        let addresses: Vec<SocketAddr> = sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect();
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            registry: Registry::default(),
            listener,
            stopping: AtomicBool::new(false),
            next_handle: AtomicU16::new(1),
            options: options.clone(),
            faults: Mutex::default(),
            latencies: Mutex::default(),
            paths: Mutex::default(),
        });
        let mut server = Self {
            shared,
            addresses,
            threads: Vec::new(),
            control: None,
            _lock: lock,
        };
        for (at, socket) in (0_u16..).zip(sockets) {
            server.listen(options, PortId(at), socket);
        }
        if let Some(path) = &options.control {
            let control = Control::listen(path, {
                let shared = Arc::clone(&server.shared);
                move |words| perform(&shared, words)
            });
            server.control = Some(control.map_err(|error| StartError::Control {
                path: path.display().to_string(),
                error,
            })?);
        }
        let shared = Arc::clone(&server.shared);
        server
            .threads
            .push(thread::spawn(move || sanitize(&shared)));
        Ok(server)
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn listen(&mut self, options: &Options, port: PortId, socket: TcpListener) {
        let portal = portal(options, port, &self.addresses);
        let shared = Arc::clone(&self.shared);
        shared.tell(&Event::Listening {
            address: self.addresses[usize::from(port.0)],
        });
        self.threads
            .push(thread::spawn(move || accept(&shared, &portal, &socket)));
    }

    /// Closes all connections, stops listening, and makes everything durable.
    pub fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.control = None;
        self.shared.registry.close_for_good();
        for address in &self.addresses {
            // Wakes the thread that waits for a connection.
            let _woken = TcpStream::connect_timeout(address, Duration::from_secs(1));
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on standard error.
            let _ended = thread.join();
        }
        let mut core = self.shared.core();
        for lun in core.target.luns() {
            if let Some(store) = core.target.store_mut(lun) {
                let _synced = store.sync();
            }
        }
    }
}

fn open(options: &Options) -> Result<Core, StartError> {
    let vault = FileVault::new(&options.state);
    let mut units = Vec::new();
    let mut stores = Vec::new();
    for unit in &options.units {
        let (config, store) = open_unit(options, unit)?;
        units.push(config);
        stores.push(store);
    }
    let groups = u16::try_from(options.listen.len()).unwrap_or(u16::MAX);
    let port_groups = (1..=groups).collect();
    let config = Config {
        name: options.name.clone(),
        port_groups,
        units,
    };
    let mut target = Target::new(config, stores)?;
    for lun in target.luns() {
        let record = vault.load(lun);
        let record = record.map_err(|error| state_error(options, error))?;
        target
            .restore(lun, &record)
            .map_err(|error| StartError::Reservations { lun: lun.0, error })?;
    }
    Ok(Core {
        target,
        vault,
        generation: 0,
    })
}

/// Makes the state folder ours.
fn lock(options: &Options) -> Result<fs::File, StartError> {
    let unusable = |error| state_error(options, error);
    if fs::metadata(&options.state).is_ok_and(|it| !it.is_dir()) {
        return Err(StartError::NoFolder(options.state.display().to_string()));
    }
    fs::create_dir_all(&options.state).map_err(unusable)?;
    let file = fs::File::create(options.state.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(StartError::InUse(options.state.display().to_string()))
        }
        Err(fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}

fn state_error(options: &Options, error: io::Error) -> StartError {
    StartError::State {
        path: options.state.display().to_string(),
        error,
    }
}

fn open_unit(options: &Options, unit: &UnitOptions) -> Result<(UnitConfig, FileStore), StartError> {
    if unit.null {
        let bytes = unit.bytes.ok_or(StartError::Size { lun: unit.lun.0 })?;
        return Ok((unit.config(&options.name, bytes), FileStore::Null));
    }
    let own = options.state.join(format!("lun-{}.disk", unit.lun.0));
    let path = unit.file.clone().unwrap_or(own);
    let existing = fs::metadata(&path).map(|it| it.len()).ok();
    let bytes = unit
        .bytes
        .or(existing)
        .ok_or(StartError::Size { lun: unit.lun.0 })?;
    let store =
        FileStore::open(&path, bytes, unit.read_only).map_err(|error| StartError::Disk {
            lun: unit.lun.0,
            path: path.display().to_string(),
            error,
        })?;
    Ok((unit.config(&options.name, bytes), store))
}

fn portal(options: &Options, port: PortId, addresses: &[SocketAddr]) -> Portal {
    let told = addresses.iter().zip(1_u16..);
    Portal {
        port,
        policy: Policy {
            target_name: options.name.clone(),
            portal_group: port.relative(),
            initiator: options.chap.clone(),
            target: options.mutual_chap.clone(),
            parameters: Parameters::default(),
        },
        addresses: told
            .map(|(address, group)| format!("{address},{group}"))
            .collect(),
    }
}

fn accept(shared: &Arc<Shared>, portal: &Portal, socket: &TcpListener) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let accepted = socket.accept();
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors most likely: give others time to close some.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let (shared, portal) = (Arc::clone(shared), portal.clone());
        threads.push(thread::spawn(move || serve(&shared, portal, stream, peer)));
    }
    for thread in threads {
        let _ended = thread.join();
    }
}

/// How often a part of a sanitize is done.
const SANITIZE_PAUSE: Duration = Duration::from_millis(100);

fn sanitize(shared: &Shared) {
    while !shared.stopping.load(Ordering::SeqCst) {
        shared.core().target.sanitize_slice();
        thread::sleep(SANITIZE_PAUSE);
    }
}

fn serve(shared: &Shared, portal: Portal, stream: TcpStream, peer: SocketAddr) {
    shared.tell(&Event::Connected { peer });
    let Some(id) = stream
        .try_clone()
        .ok()
        .and_then(|it| shared.registry.add(it))
    else {
        return;
    };
    let handle = shared.next_handle.fetch_add(1, Ordering::Relaxed);
    let why = match entropy() {
        Ok(entropy) => {
            let connection = Connection::new(portal, handle, entropy);
            // A statement of its own, so that the lock is free again before the session runs.
            let generation = shared.core().generation;
            Session {
                shared,
                id,
                connection,
                stream,
                hurried: false,
                generation,
            }
            .run()
            .to_string()
        }
        Err(error) => format!("no entropy for a login: {error}"),
    };
    shared.registry.remove(id);
    shared.tell(&Event::Closed { peer, why });
}

fn entropy() -> io::Result<[u8; 17]> {
    let mut bytes = [0; 17];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
