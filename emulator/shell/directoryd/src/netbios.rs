//! The NetBIOS name server on its socket: packets, and the time that owners have to answer.

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::{Now, Timestamp};
use directory::netbios::{Destination, KeptName, NetbiosName, Outgoing, Server, Timing};
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::events::{Event, Listener};
use crate::journal::{self, Journal};
use crate::options::Options;
use crate::server::{StartError, wall_time};

/// The longest packet: name, record and up to 25 addresses leave room.
const PACKET_BYTES_MAX: usize = 4096;

/// The server and the clock that it lives by.
pub(crate) struct Netbios {
    server: Mutex<Server>,
    started: Instant,
    journal: Journal,
    listener: Listener,
}

/// The registered names' file in the state folder.
const FILE: &str = "names.jsonl";

impl std::fmt::Debug for Netbios {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Netbios").finish_non_exhaustive()
    }
}

impl Netbios {
    /// The server of a domain's controller; absent where there is no IPv4.
    pub(crate) fn open(options: &Options, listener: Listener) -> Result<Option<Self>, StartError> {
        let IpAddr::V4(address) = options.listen else {
            return Ok(None);
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
        let path = options.state.join(FILE);
        let failed = |error| StartError::State(path.clone(), error);
        let damaged = |why| StartError::Damaged(path.clone(), why);
        let kept = read(&journal::read(&path).map_err(failed)?).map_err(damaged)?;
        let now = Now {
            mono: Timestamp::ZERO,
            wall: wall_time(),
        };
        server.restore(now, &kept).map_err(damaged)?;
        let journal = Journal::create(&path, &lines(&server.kept(now))).map_err(failed)?;
        Ok(Some(Self {
            server: Mutex::new(server),
            started: Instant::now(),
            journal,
            listener,
        }))
    }

    /// Makes durable what has changed; without that nobody is told of it.
    fn keep(&self, server: &mut Server, sent: Vec<Outgoing>) -> Vec<Outgoing> {
        let now = Now {
            mono: self.now(),
            wall: wall_time(),
        };
        let changes = server.take_changes(now);
        if changes.is_empty() {
            return sent;
        }
        let written = self.journal.write(&lines(&changes));
        match written.and_then(|written| self.journal.sync(written)) {
            Ok(()) => sent,
            Err(error) => {
                let why = format!("a registered name was not kept: {error}");
                (self.listener)(&Event::Failed { why });
                Vec::new()
            }
        }
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
    pub(crate) async fn serve(self: Arc<Self>, socket: UdpSocket, segment: Option<UdpSocket>) {
        let (mut buffer, mut aloud) = (vec![0; PACKET_BYTES_MAX], vec![0; PACKET_BYTES_MAX]);
        loop {
            let sent = tokio::select! {
                received = socket.recv_from(&mut buffer) => self.hear(received, &buffer),
                received = broadcast(segment.as_ref(), &mut aloud) => self.hear(received, &aloud),
                () = self.due() => self.expire(),
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
        tokio::task::block_in_place(|| self.take(from, packet))
    }

    /// What is sent after a packet; what it changes is on the disk by then.
    pub(crate) fn take(&self, from: SocketAddrV4, packet: &[u8]) -> Vec<Outgoing> {
        let mut server = self.lock();
        let sent = server.handle(self.now(), from, packet);
        self.keep(&mut server, sent)
    }

    fn expire(&self) -> Vec<Outgoing> {
        tokio::task::block_in_place(|| {
            let mut server = self.lock();
            let sent = server.expire(self.now());
            self.keep(&mut server, sent)
        })
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

/// What is broadcast reaches only sockets at the segment's own address.
async fn broadcast(
    segment: Option<&UdpSocket>,
    buffer: &mut [u8],
) -> std::io::Result<(usize, SocketAddr)> {
    match segment {
        Some(socket) => socket.recv_from(buffer).await,
        None => pending().await,
    }
}

/// The broadcast address of the segment that an address of this machine is on; `None` where the
/// machine has none, or does not say.
pub(crate) fn segment_of(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V4(address) = address else {
        return None;
    };
    if address.is_loopback() {
        return Some(Ipv4Addr::new(127, 255, 255, 255));
    }
    // Of the network that this thread is in, which need not be that of the whole process.
    let routes = std::fs::read_to_string("/proc/thread-self/net/route").ok()?;
    segment_in(&routes, address)
}

/// The narrowest segment without a gateway in the kernel's table of routes: destination, gateway
/// and mask are its columns 1, 2 and 7, each a number in the machine's own order.
fn segment_in(routes: &str, address: Ipv4Addr) -> Option<Ipv4Addr> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::to_ne_bytes);
    let segment = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let at = |index: usize| number(columns.get(index)?).map(u32::from_be_bytes);
        let (net, gateway, mask) = (at(1)?, at(2)?, at(7)?);
        let is_ours = mask != 0 && gateway == 0 && u32::from(address) & mask == net;
        is_ours.then_some((mask, Ipv4Addr::from(net | !mask)))
    };
    routes.lines().filter_map(segment).max().map(|it| it.1)
}

fn lines(names: &[KeptName]) -> Vec<u8> {
    let line = |it: &KeptName| serde_json::json!(it).to_string() + "\n";
    names.iter().map(line).collect::<String>().into_bytes()
}

/// The names that a file has. The last line may be torn: whoever wrote it never told anybody.
fn read(bytes: &[u8]) -> Result<Vec<KeptName>, String> {
    let text = String::from_utf8_lossy(bytes);
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))
    };
    whole.lines().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn a_segment_is_found_in_the_kernels_table() {
        let routes = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                      eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0\n\
                      eth0 0000000A 00000000 0001 0 0 0 000000FF 0 0 0\n\
                      eth1 0001000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
        let found = |text: &str| segment_in(routes, text.parse().unwrap());
        assert_eq!(found("10.0.1.7"), Some(Ipv4Addr::new(10, 0, 1, 255)));
        assert_eq!(found("10.9.9.9"), Some(Ipv4Addr::new(10, 255, 255, 255)));
        assert_eq!(found("192.0.2.1"), None);
    }

    #[test]
    fn a_torn_last_line_was_never_told_and_any_other_is_damage() {
        let name = KeptName {
            name: "20".into(),
            flags: 0,
            addresses: Vec::new(),
        };
        let mut bytes = lines(&[name.clone(), name]);
        assert_eq!(read(&bytes).unwrap().len(), 2);
        bytes.truncate(bytes.len() - 3);
        assert_eq!(read(&bytes).unwrap().len(), 1);
        assert!(read(b"no\n{}\n").unwrap_err().contains("line 1"));
    }
}
