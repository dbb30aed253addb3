//! The cluster service's datagrams: UDP port 3343, from the machine's address on one network to
//! others' on the same.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use base::{NetworkId, NodeSet};
use tokio::net::UdpSocket;

use crate::agent::{lock, said};
use crate::pieces::{self, Pieces};
use crate::{Adapter, Options};

/// The port of the cluster service (seed 001, Host Manager 1; reference section 13).
const PORT: u16 = 3_343;
/// Longest datagram.
const DATAGRAM_MAX: usize = 1 << 16;

/// A socket for each network.
pub(crate) struct Datagrams {
    ports: BTreeMap<NetworkId, Port>,
    /// Numbers of frames that travel in pieces.
    cut: AtomicU32,
}

struct Port {
    socket: UdpSocket,
    pieces: Mutex<Pieces>,
}

impl Datagrams {
    pub(crate) fn open(options: &Options) -> io::Result<Self> {
        let open = |adapter: &Adapter| {
            let socket = std::net::UdpSocket::bind((adapter.address, PORT))?;
            socket.set_nonblocking(true)?;
            let socket = UdpSocket::from_std(socket)?;
            let pieces = Mutex::default();
            Ok((adapter.network, Port { socket, pieces }))
        };
        let ports: io::Result<_> = options.adapters.iter().map(open).collect();
        Ok(Self {
            ports: ports.map_err(said("listen on UDP port 3343"))?,
            cut: AtomicU32::new(0),
        })
    }

    /// Sends a frame to each member of `to` on a network. Datagrams are lost when the kernel does
    /// not take them.
    pub(crate) fn send(&self, options: &Options, network: NetworkId, to: NodeSet, frame: Vec<u8>) {
        let Some(port) = self.ports.get(&network) else {
            return;
        };
        let members = options.members.get(&network);
        let address = |node| members?.get(&node).copied();
        let to: Vec<Ipv4Addr> = to.iter().filter_map(address).collect();
        let number = self.cut.fetch_add(1, Ordering::Relaxed);
        for datagram in pieces::cut(number, frame) {
            for address in &to {
                let to = SocketAddr::from((*address, PORT));
                let _lost = port.socket.try_send_to(&datagram, to);
            }
        }
    }

    /// The next frame that arrives on a network; none when its port is closed.
    pub(crate) async fn receive(&self, network: NetworkId) -> Option<Vec<u8>> {
        let port = self.ports.get(&network)?;
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            // An error is the last send's: nobody listened at the other end.
            let Ok((len, from)) = port.socket.recv_from(&mut buffer).await else {
                continue;
            };
            let datagram = buffer.get(..len).unwrap_or_default();
            if let Some(frame) = lock(&port.pieces).take(from, datagram) {
                return Some(frame);
            }
        }
    }
}
