//! Starting and stopping: sockets first, then one task a socket.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base::WallTime;
use directory::dns::Transport;
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Runtime};

use crate::control::Control;
use crate::dns::Dns;
use crate::events::Listener;
use crate::files;
use crate::options::Options;
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
}

impl Server {
    /// Starts a directory; when this returns, every service listens.
    ///
    /// # Errors
    /// When a name is wrong, a port is taken or the state folder cannot be used.
    pub fn start(options: &Options, listener: Listener) -> Result<Self, StartError> {
        let failed = |error| StartError::State(options.state.clone(), error);
        fs::create_dir_all(&options.state).map_err(failed)?;
        let dns = Arc::new(Dns::open(options, listener)?);
        files::write(options)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_io()
            .enable_time()
            .build()?;
        let addresses = runtime.block_on(listen(options, &dns))?;
        let control = match &options.control {
            None => None,
            Some(path) => Some(Control::listen(path, &dns).map_err(failed)?),
        };
        Ok(Self {
            runtime: Some(runtime),
            addresses,
            _control: control,
        })
    }

    /// Where each service listens.
    #[must_use]
    pub fn addresses(&self) -> &[(&'static str, SocketAddr)] {
        &self.addresses
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

async fn listen(
    options: &Options,
    dns: &Arc<Dns>,
) -> Result<Vec<(&'static str, SocketAddr)>, StartError> {
    let ports = options.ports();
    let dns_at = SocketAddr::new(options.listen, ports.dns);
    let udp = bind_udp("DNS", dns_at).await?;
    let tcp = bind_tcp("DNS", dns_at).await?;
    tokio::spawn(datagrams(udp, dns_service(dns, Transport::Datagram)));
    let service = dns_service(dns, Transport::Stream);
    tokio::spawn(accept(tcp, move |stream, peer| {
        framed(stream, peer, Prefix::Two, Arc::clone(&service))
    }));
    Ok(vec![("dns", dns_at)])
}

fn dns_service(dns: &Arc<Dns>, transport: Transport) -> Service {
    let dns = Arc::clone(dns);
    Arc::new(move |peer, asked| dns.answer(peer, transport, asked))
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
