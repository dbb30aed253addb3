//! The lab's networks: a switch for datagrams and frames that breaks them as the lab file says.
//!
//! One thread carries what nodes send over their Unix sockets: datagrams between nodes, or the
//! Ethernet frames of whole machines. What is wrong with a network is the simulator's own model;
//! what it delays waits on the wall clock. A machine that does not take what comes in loses it, as
//! a frozen machine's network card would.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use base::{NetworkId, NodeId, NodeSet};
use nic::router::{Routed, Routers};
use plan::Plan;
use rhs::frames;
use runtime::Clock;
use runtime::fabric::{FromFabric, ToFabric};
use sim::net::{Arrival, Networks, Station, Stations};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

use super::input::Input;
use crate::nic_start;

/// Messages that wait for one node; more are lost.
const QUEUE_MAX: usize = 1_024;
/// Datagrams that a network holds back at a time; more are lost.
const DELAYED_MAX: usize = 1 << 16;

/// The running switch.
#[derive(Clone, Debug)]
pub(crate) struct Fabric {
    switch: Arc<Mutex<Switch>>,
    clock: Clock,
}

#[derive(Debug)]
struct Switch {
    networks: Networks,
    ports: BTreeMap<Station, Port>,
    /// Where Ethernet addresses were last seen.
    stations: BTreeMap<(NetworkId, [u8; 6]), Station>,
    routers: Routers,
    connections: u64,
}

#[derive(Debug)]
struct Port {
    connection: u64,
    queue: mpsc::Sender<Arc<[u8]>>,
}

impl Fabric {
    /// Starts to carry datagrams.
    pub(crate) fn start(
        path: &Path,
        plan: &Plan,
        networks: Networks,
        clock: Clock,
        inbox: Sender<Input>,
    ) -> io::Result<Self> {
        let switch = Switch {
            networks,
            ports: BTreeMap::new(),
            stations: BTreeMap::new(),
            routers: nic_start::routers(plan),
            connections: 0,
        };
        let fabric = Self {
            switch: Arc::new(Mutex::new(switch)),
            clock,
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
        let stations: Vec<Station> = switch.ports.keys().copied().collect();
        for station in stations {
            for network in before.of(station) {
                let up = switch.networks.is_linked(station, network);
                if up != before.is_linked(station, network) {
                    switch.tell(station, &FromFabric::Link { network, up });
                }
            }
        }
    }

    /// Tells a node something.
    pub(crate) fn tell(&self, node: NodeId, message: &FromFabric) {
        self.lock().tell(node.into(), message);
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
    fn tell(&self, station: Station, message: &FromFabric) {
        self.put(station, &frames::encode(message).into());
    }

    fn put(&self, station: Station, bytes: &Arc<[u8]>) {
        if let Some(port) = self.ports.get(&station) {
            let _lost = port.queue.try_send(Arc::clone(bytes));
        }
    }

    fn put_all(&self, arrival: &Arrived, bytes: &Arc<[u8]>) {
        arrival.to.iter().for_each(|it| self.put(it, bytes));
    }

    /// Where a frame goes: to the machine with its destination's address, or to everybody.
    fn receivers(&mut self, from: Station, network: NetworkId, frame: &[u8]) -> Stations {
        let all = self.networks.attached(network);
        let Some((to, rest)) = frame.split_first_chunk::<6>() else {
            return Stations::default();
        };
        if let Some(source) = rest.first_chunk::<6>()
            && source[0] & GROUP == 0
            && self.stations.len() < ADDRESSES_MAX
        {
            self.stations.insert((network, *source), from);
        }
        match self.stations.get(&(network, *to)) {
            Some(station) => Stations::one(*station),
            None => all,
        }
    }
}

/// Something on its way to machines, all of which it reaches after the same time.
struct Arrived {
    to: Stations,
    after: Duration,
}

/// The bit of an Ethernet address that more than one machine may listen to.
const GROUP: u8 = 1;
/// Ethernet addresses that the switch remembers; frames to others go to everybody.
const ADDRESSES_MAX: usize = 1 << 12;

/// Carries what one node sends.
struct Carrier {
    fabric: Fabric,
    inbox: Sender<Input>,
    delayed: Arc<Semaphore>,
}

impl Carrier {
    async fn carry(self, stream: UnixStream) {
        let (mut reader, writer) = stream.into_split();
        let station = match read(&mut reader).await {
            Some(ToFabric::Hello { node }) => Station::from(node),
            Some(ToFabric::Machine { station }) if station < STATIONS_MAX => Station(station),
            _ => return,
        };
        let connection = self.plug_in(station, writer);
        while let Some(message) = read(&mut reader).await {
            match (message, node_of(station)) {
                (ToFabric::Hello { .. } | ToFabric::Machine { .. }, _) => break,
                (ToFabric::Send { network, to, bytes }, Some(node)) => {
                    self.send(node, network, to, bytes);
                }
                (ToFabric::Share { io, request }, Some(node)) => {
                    let input = Input::Share { node, io, request };
                    let _closing = self.inbox.send(input);
                }
                (ToFabric::Ethernet { network, frame }, _) => {
                    self.switch(station, network, frame);
                }
                // What goes to the virtual adapter has none to go to without an agent; a machine
                // that is no member has no cluster service.
                (
                    ToFabric::Adapter(_)
                    | ToFabric::Packet(_)
                    | ToFabric::Send { .. }
                    | ToFabric::Share { .. },
                    _,
                ) => {}
            }
        }
        let mut switch = self.fabric.lock();
        // A later life of the machine may have its own by now.
        let ports = &mut switch.ports;
        if ports
            .get(&station)
            .is_some_and(|it| it.connection == connection)
        {
            ports.remove(&station);
        }
    }

    fn plug_in(&self, station: Station, writer: OwnedWriteHalf) -> u64 {
        let (queue, outgoing) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(deliver(writer, outgoing));
        let mut switch = self.fabric.lock();
        switch.connections += 1;
        let connection = switch.connections;
        switch.ports.insert(station, Port { connection, queue });
        let unlinked: Vec<NetworkId> = switch
            .networks
            .of(station)
            .filter(|network| !switch.networks.is_linked(station, *network))
            .collect();
        for network in unlinked {
            switch.tell(station, &FromFabric::Link { network, up: false });
        }
        connection
    }

    fn send(&self, from: NodeId, network: NetworkId, to: NodeSet, bytes: Vec<u8>) {
        let mut arrivals = Vec::new();
        let mut switch = self.fabric.lock();
        switch.networks.route(network, from, to, &mut arrivals);
        for Arrival { network, to, after } in arrivals {
            // A router brings it to another network than the sender's.
            let bytes = bytes.clone();
            let message = frames::encode(&FromFabric::Datagram { network, bytes }).into();
            let to = to.into();
            self.put(&switch, Arrived { to, after }, message);
        }
    }

    fn switch(&self, from: Station, network: NetworkId, frame: Vec<u8>) {
        let mut switch = self.fabric.lock();
        match switch.routers.look(network, from.0, &frame) {
            Routed::Stays => {}
            Routed::Lost => return,
            Routed::Answered(answer) => return self.answer(&switch, from, network, answer),
            Routed::Onward {
                network: far,
                station,
                frame,
            } => {
                let to = Station(station);
                let ways = switch.networks.switch_across((network, far), from, to);
                let arrivals = ways.into_iter().map(|after| (to, after)).collect();
                return self.put_frame(&switch, far, frame, arrivals);
            }
        }
        let to = switch.receivers(from, network, &frame);
        let arrivals = switch.networks.switch(network, from, to);
        self.put_frame(&switch, network, frame, arrivals);
    }

    /// A router answers at once, on a segment that it reaches.
    fn answer(&self, switch: &Switch, to: Station, network: NetworkId, frame: Vec<u8>) {
        if switch.networks.is_linked(to, network) {
            self.put_frame(switch, network, frame, vec![(to, Duration::ZERO)]);
        }
    }

    fn put_frame(
        &self,
        switch: &Switch,
        network: NetworkId,
        frame: Vec<u8>,
        arrivals: Vec<(Station, Duration)>,
    ) {
        let message: Arc<[u8]> = frames::encode(&FromFabric::Ethernet { network, frame }).into();
        for (to, after) in arrivals {
            let to = Stations::one(to);
            self.put(switch, Arrived { to, after }, Arc::clone(&message));
        }
    }

    fn put(&self, switch: &Switch, arrived: Arrived, message: Arc<[u8]>) {
        if arrived.after.is_zero() {
            switch.put_all(&arrived, &message);
        } else {
            self.put_later(arrived, message);
        }
    }

    fn put_later(&self, arrived: Arrived, message: Arc<[u8]>) {
        let Ok(place) = Arc::clone(&self.delayed).try_acquire_owned() else {
            return;
        };
        let fabric = self.fabric.clone();
        tokio::spawn(async move {
            tokio::time::sleep(fabric.clock.real(arrived.after)).await;
            fabric.lock().put_all(&arrived, &message);
            drop(place);
        });
    }
}

/// Machines that a lab may have.
const STATIONS_MAX: u8 = 128;

/// The member of the cluster that a machine is.
fn node_of(station: Station) -> Option<NodeId> {
    NodeId::new(station.0 + 1)
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
