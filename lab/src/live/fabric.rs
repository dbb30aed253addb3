//! The lab's networks: a switch for datagrams that breaks them as the lab file says.
//!
//! One thread carries what nodes send over their Unix sockets. What is wrong with a network is the
//! simulator's own model; a datagram that it delays waits on the wall clock. A node that does not
//! take its datagrams loses them, as a frozen machine's network card would.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use base::{NetworkId, NodeId, NodeSet};
use rhs::frames;
use runtime::fabric::{FromFabric, ToFabric};
use sim::net::{Arrival, Networks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

use super::input::Input;

/// Messages that wait for one node; more are lost.
const QUEUE_MAX: usize = 1_024;
/// Datagrams that a network holds back at a time; more are lost.
const DELAYED_MAX: usize = 1 << 16;

/// The running switch.
#[derive(Clone, Debug)]
pub(crate) struct Fabric {
    switch: Arc<Mutex<Switch>>,
}

#[derive(Debug)]
struct Switch {
    networks: Networks,
    ports: BTreeMap<NodeId, Port>,
    connections: u64,
}

#[derive(Debug)]
struct Port {
    connection: u64,
    queue: mpsc::Sender<Arc<[u8]>>,
}

impl Fabric {
    /// Starts to carry datagrams.
    pub(crate) fn start(path: &Path, networks: Networks, inbox: Sender<Input>) -> io::Result<Self> {
        let switch = Switch {
            networks,
            ports: BTreeMap::new(),
            connections: 0,
        };
        let fabric = Self {
            switch: Arc::new(Mutex::new(switch)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = std::os::unix::net::UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        let served = fabric.clone();
        thread::Builder::new()
            .name("fabric".to_owned())
            .spawn(move || {
                // It ends with the process, and so do the networks.
                let _ended: io::Result<()> = runtime.block_on(served.serve(listener, inbox));
            })?;
        Ok(fabric)
    }

    /// From now on the networks are like this; nodes hear of links that came or went.
    pub(crate) fn set(&self, networks: Networks) {
        let mut switch = self.lock();
        let before = std::mem::replace(&mut switch.networks, networks);
        let nodes: Vec<NodeId> = switch.ports.keys().copied().collect();
        for node in nodes {
            for network in before.of(node.into()) {
                let up = switch.networks.is_linked(node.into(), network);
                if up != before.is_linked(node.into(), network) {
                    switch.tell(node, &FromFabric::Link { network, up });
                }
            }
        }
    }

    /// Tells a node something.
    pub(crate) fn tell(&self, node: NodeId, message: &FromFabric) {
        self.lock().tell(node, message);
    }

    async fn serve(
        self,
        listener: std::os::unix::net::UnixListener,
        inbox: Sender<Input>,
    ) -> io::Result<()> {
        let listener = UnixListener::from_std(listener)?;
        let delayed = Arc::new(Semaphore::new(DELAYED_MAX));
        loop {
            let (stream, _) = listener.accept().await?;
            let carrier = Carrier {
                fabric: self.clone(),
                inbox: inbox.clone(),
                delayed: Arc::clone(&delayed),
            };
            tokio::spawn(carrier.carry(stream));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    fn tell(&self, node: NodeId, message: &FromFabric) {
        self.put(node, &frames::encode(message).into());
    }

    fn put(&self, node: NodeId, bytes: &Arc<[u8]>) {
        if let Some(port) = self.ports.get(&node) {
            let _lost = port.queue.try_send(Arc::clone(bytes));
        }
    }
}

/// Carries what one node sends.
struct Carrier {
    fabric: Fabric,
    inbox: Sender<Input>,
    delayed: Arc<Semaphore>,
}

impl Carrier {
    async fn carry(self, stream: UnixStream) {
        let (mut reader, writer) = stream.into_split();
        let Some(ToFabric::Hello { node }) = read(&mut reader).await else {
            return;
        };
        let connection = self.plug_in(node, writer);
        while let Some(message) = read(&mut reader).await {
            match message {
                ToFabric::Hello { .. } => break,
                ToFabric::Send { network, to, bytes } => self.send(node, network, to, bytes),
                ToFabric::Share { io, request } => {
                    let input = Input::Share { node, io, request };
                    let _closing = self.inbox.send(input);
                }
            }
        }
        let mut switch = self.fabric.lock();
        // A later life of the node may have its own by now.
        if switch
            .ports
            .get(&node)
            .is_some_and(|it| it.connection == connection)
        {
            switch.ports.remove(&node);
        }
    }

    fn plug_in(&self, node: NodeId, writer: OwnedWriteHalf) -> u64 {
        let (queue, outgoing) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(deliver(writer, outgoing));
        let mut switch = self.fabric.lock();
        switch.connections += 1;
        let connection = switch.connections;
        switch.ports.insert(node, Port { connection, queue });
        let unlinked: Vec<NetworkId> = switch
            .networks
            .of(node.into())
            .filter(|network| !switch.networks.is_linked(node.into(), *network))
            .collect();
        for network in unlinked {
            switch.tell(node, &FromFabric::Link { network, up: false });
        }
        connection
    }

    fn send(&self, from: NodeId, network: NetworkId, to: NodeSet, bytes: Vec<u8>) {
        let mut arrivals = Vec::new();
        let mut switch = self.fabric.lock();
        switch.networks.route(network, from, to, &mut arrivals);
        for arrival in arrivals {
            // A router brings it to another network than the sender's.
            let network = arrival.network;
            let bytes = bytes.clone();
            let frame = frames::encode(&FromFabric::Datagram { network, bytes }).into();
            if arrival.after.is_zero() {
                arrival.to.iter().for_each(|node| switch.put(node, &frame));
            } else {
                self.send_later(arrival, frame);
            }
        }
    }

    fn send_later(&self, arrival: Arrival, frame: Arc<[u8]>) {
        let Ok(place) = Arc::clone(&self.delayed).try_acquire_owned() else {
            return;
        };
        let fabric = self.fabric.clone();
        tokio::spawn(async move {
            tokio::time::sleep(arrival.after).await;
            let switch = fabric.lock();
            arrival.to.iter().for_each(|node| switch.put(node, &frame));
            drop(place);
        });
    }
}

async fn deliver(mut writer: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Arc<[u8]>>) {
    while let Some(frame) = outgoing.recv().await {
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// The next message; none when the node is gone or says nonsense.
async fn read(reader: &mut OwnedReadHalf) -> Option<ToFabric> {
    let mut head = [0; 4];
    reader.read_exact(&mut head).await.ok()?;
    let mut body = vec![0; frames::body_len(head).ok()?];
    reader.read_exact(&mut body).await.ok()?;
    frames::decode(&body).ok()
}
