//! The NetBIOS name server on its socket: packets, and the time that owners have to answer.

use std::future::pending;
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::Timestamp;
use directory::netbios::{Destination, NetbiosName, Outgoing, Server, Timing};
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::options::Options;

/// The longest packet: name, record and up to 25 addresses leave room.
const PACKET_BYTES_MAX: usize = 4096;

/// The server and the clock that it lives by.
#[derive(Debug)]
pub(crate) struct Netbios {
    server: Mutex<Server>,
    started: Instant,
}

impl Netbios {
    /// The server of a domain's controller; absent where there is no IPv4.
    pub(crate) fn open(options: &Options) -> Option<Self> {
        let IpAddr::V4(address) = options.listen else {
            return None;
        };
        let mut server = Server::new(address, options.ports().netbios, Timing::WINDOWS);
        let controller = &options.controller;
        for (name, suffix, is_group) in [
            (controller, 0x00, false),
            (controller, 0x20, false),
            (&options.netbios, 0x00, true),
            (&options.netbios, 0x1b, false),
            (&options.netbios, 0x1c, true),
        ] {
            server.own(NetbiosName::new(name, suffix), is_group);
        }
        Some(Self {
            server: Mutex::new(server),
            started: Instant::now(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.lock().set_down(is_down);
    }

    /// Serves until the task is ended.
    pub(crate) async fn serve(self: Arc<Self>, socket: UdpSocket) {
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        loop {
            let sent = tokio::select! {
                received = socket.recv_from(&mut buffer) => self.hear(received, &buffer),
                () = self.due() => self.lock().expire(self.now()),
            };
            for outgoing in sent {
                send(&socket, outgoing).await;
            }
        }
    }

    fn hear(&self, received: std::io::Result<(usize, SocketAddr)>, buffer: &[u8]) -> Vec<Outgoing> {
        // What a peer that has gone away leaves behind is no reason to stop.
        let Ok((length, SocketAddr::V4(from))) = received else {
            return Vec::new();
        };
        let packet = buffer.get(..length).unwrap_or_default();
        self.lock().handle(self.now(), from, packet)
    }

    async fn due(&self) {
        let deadline = self.lock().deadline();
        match deadline {
            Some(deadline) => sleep(deadline.since(self.now()).max(Duration::from_millis(1))).await,
            None => pending().await,
        }
    }
}

async fn send(socket: &UdpSocket, outgoing: Outgoing) {
    let to = match outgoing.to {
        Destination::Host(peer) => peer,
        // A name server never broadcasts; if one did, its own network would be the place.
        Destination::Network(_, port) => SocketAddrV4::new(std::net::Ipv4Addr::BROADCAST, port),
    };
    let _lost_on_the_way = socket.send_to(&outgoing.bytes, to).await;
}
