//! Starting and stopping: sockets first, then one task a socket.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base::WallTime;
use control::{Control, Words};
use directory::dns::Transport;
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Runtime};

use crate::accounts::Accounts;
use crate::control::perform;
use crate::dns::Dns;
use crate::events::Listener;
use crate::files;
use crate::inside::Inside;
use crate::ldap;
use crate::netbios::{Netbios, segment_of};
use crate::options::Options;
use crate::share::VirtualServers;
use crate::sockets::{Prefix, Service, accept, datagrams, framed};

/// Why the directory does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A name of the options is no name.
    #[error("{0}")]
    Name(String),
    /// A socket cannot be had.
    #[error("cannot listen on {1} for {0}: {2}. Choose --port-base, or another --listen")]
    Listen(&'static str, SocketAddr, #[source] io::Error),
    /// A file in the state folder cannot be read or written.
    #[error("cannot use {}: {}", .0.display(), .1)]
    State(PathBuf, #[source] io::Error),
    /// A file in the state folder makes no sense.
    #[error("{} is damaged: {}. Remove it to start anew", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// Something else of the machine.
    #[error(transparent)]
    Machine(#[from] io::Error),
}

/// A directory that runs. Stops when dropped.
#[derive(Debug)]
pub struct Server {
    runtime: Option<Runtime>,
    addresses: Vec<(&'static str, SocketAddr)>,
    _control: Option<Control>,
    inside: Inside,
}

impl Server {
    /// Starts a directory; when this returns, every service listens.
    ///
    /// # Errors
    /// When a name is wrong, a port is taken or the state folder cannot be used.
    pub fn start(options: &Options, listener: Listener) -> Result<Self, StartError> {
        let failed = |error| StartError::State(options.state.clone(), error);
        fs::create_dir_all(&options.state).map_err(failed)?;
        let accounts = Arc::new(Accounts::open(options, Arc::clone(&listener))?);
        files::write(options, &accounts)?;
        let netbios_listener = Arc::clone(&listener);
        let services = Arc::new(Services {
            dns: Arc::new(Dns::open(options, Arc::clone(&accounts), listener)?),
            accounts,
            netbios: Netbios::open(options, netbios_listener)?.map(Arc::new),
            shares: VirtualServers::new(options)?,
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_io()
            .enable_time()
            .build()?;
        let addresses = runtime.block_on(listen(options, &services))?;
        let control = match &options.control {
            None => None,
            Some(path) => {
                let services = Arc::downgrade(&services);
                let perform = move |words: &Words| perform(&services, words);
                Some(Control::listen(path, perform).map_err(failed)?)
            }
        };
        Ok(Self {
            runtime: Some(runtime),
            addresses,
            _control: control,
            // The control socket reaches what runs only while the server does.
            inside: Inside::new(services, options.listen, options.ports().netbios),
        })
    }

    /// Where each service listens.
    #[must_use]
    pub fn addresses(&self) -> &[(&'static str, SocketAddr)] {
        &self.addresses
    }

    /// The services for whoever runs the directory.
    #[must_use]
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    /// Stops listening. What was acknowledged is on the disk already.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Threads that serve.
const WORKERS: usize = 2;

/// What runs.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) dns: Arc<Dns>,
    pub(crate) netbios: Option<Arc<Netbios>>,
    pub(crate) shares: VirtualServers,
}

type Addresses = Vec<(&'static str, SocketAddr)>;

async fn listen(options: &Options, services: &Arc<Services>) -> Result<Addresses, StartError> {
    let ports = options.ports();
    let mut addresses = Vec::new();
    for (name, port, prefix, of) in [
        ("dns", ports.dns, Prefix::Two, Of::Dns),
        (
            "kerberos",
            ports.kerberos,
            Prefix::Four(MESSAGE_BYTES_MAX),
            Of::Kerberos,
        ),
        (
            "kpasswd",
            ports.kpasswd,
            Prefix::Four(MESSAGE_BYTES_MAX),
            Of::Passwords,
        ),
    ] {
        let at = SocketAddr::new(options.listen, port);
        let (udp, tcp) = (bind_udp(name, at).await?, bind_tcp(name, at).await?);
        tokio::spawn(datagrams(
            udp,
            service(services, of, at, Transport::Datagram),
        ));
        let stream = service(services, of, at, Transport::Stream);
        tokio::spawn(accept(tcp, move |socket, peer| {
            framed(socket, peer, prefix, Arc::clone(&stream))
        }));
        addresses.push((name, at));
    }
    addresses.push(("ldap", listen_ldap(options, services).await?));
    if let Some(netbios) = &services.netbios {
        let at = SocketAddr::new(options.listen, ports.netbios);
        let udp = bind_udp("NetBIOS names", at).await?;
        // Without it the server is found by whoever knows its address.
        let segment = match segment_of(options.listen) {
            Some(to) => UdpSocket::bind((to, ports.netbios)).await.ok(),
            None => None,
        };
        tokio::spawn(Arc::clone(netbios).serve(udp, segment));
        addresses.push(("netbios", at));
    }
    Ok(addresses)
}

/// LDAP over TCP, and its ping over UDP.
async fn listen_ldap(
    options: &Options,
    services: &Arc<Services>,
) -> Result<SocketAddr, StartError> {
    let at = SocketAddr::new(options.listen, options.ports().ldap);
    let (udp, tcp) = (bind_udp("LDAP", at).await?, bind_tcp("LDAP", at).await?);
    let accounts = Arc::clone(&services.accounts);
    let ping: Service = Arc::new(move |_, asked| ldap::ping(&accounts, asked));
    tokio::spawn(datagrams(udp, ping));
    let accounts = Arc::clone(&services.accounts);
    tokio::spawn(accept(tcp, move |stream, _| {
        ldap::serve(stream, Arc::clone(&accounts))
    }));
    Ok(at)
}

/// The longest message of Kerberos that is read.
const MESSAGE_BYTES_MAX: u32 = 64 << 10;

/// Which service answers.
#[derive(Debug, Clone, Copy)]
enum Of {
    Dns,
    Kerberos,
    Passwords,
}

fn service(services: &Arc<Services>, of: Of, at: SocketAddr, transport: Transport) -> Service {
    let (dns, accounts) = (Arc::clone(&services.dns), Arc::clone(&services.accounts));
    match of {
        Of::Dns => Arc::new(move |peer, asked| dns.answer(peer, transport, asked)),
        Of::Kerberos => Arc::new(move |_, asked| accounts.tickets(transport, asked)),
        Of::Passwords => Arc::new(move |_, asked| accounts.passwords(at.ip(), asked)),
    }
}

async fn bind_udp(service: &'static str, at: SocketAddr) -> Result<UdpSocket, StartError> {
    let socket = UdpSocket::bind(at).await;
    socket.map_err(|error| StartError::Listen(service, at, error))
}

async fn bind_tcp(service: &'static str, at: SocketAddr) -> Result<TcpListener, StartError> {
    let socket = TcpListener::bind(at).await;
    socket.map_err(|error| StartError::Listen(service, at, error))
}

/// The machine's clock.
pub(crate) fn wall_time() -> WallTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
