//! The agent: a task for each device and socket, and what they share.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::NetworkId;
use bottom::netft::tunnel::{TUNNEL_MTU, VirtualAdapter};
use runtime::fabric::{FromFabric, ToFabric};
use runtime::stream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::addresses::Claims;
use crate::arp::{self, Mac};
use crate::datagrams::Datagrams;
use crate::device::{Device, FRAME_MAX};
use crate::links::{Index, Links};
use crate::{Adapter, Options, VIRTUAL_ADAPTER, addresses, echo, namespace, node_side};

/// Frames that wait for the fabric, or packets for the cluster service; more are lost, as on a
/// full network card.
const QUEUE_MAX: usize = 1_024;

/// An adapter that is open.
pub(crate) struct Tap {
    pub(crate) adapter: Adapter,
    pub(crate) index: Index,
    pub(crate) mac: Mac,
    device: Device,
}

/// What the tasks share.
pub(crate) struct Machine {
    pub(crate) options: Options,
    pub(crate) links: Links,
    pub(crate) taps: BTreeMap<NetworkId, Tap>,
    pub(crate) claims: Claims,
    pub(crate) datagrams: Datagrams,
    tun: Device,
    tun_index: Index,
    fabric: mpsc::Sender<ToFabric>,
    /// The cluster service, while it runs.
    node: Mutex<Option<mpsc::Sender<FromFabric>>>,
    /// Networks whose cable is not there.
    unplugged: Mutex<BTreeSet<NetworkId>>,
}

/// Serves a machine until the fabric ends, and with it all networks. `ready` is called once the
/// adapters are there.
///
/// # Errors
/// When the machine's adapters cannot be made, or the fabric cannot be reached.
pub fn run(options: Options, ready: impl FnOnce()) -> io::Result<()> {
    if options.own_namespace {
        namespace::leave().map_err(said("make a network namespace"))?;
    }
    let driver = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    driver.block_on(serve(options, ready))
}

async fn serve(options: Options, ready: impl FnOnce()) -> io::Result<()> {
    let (node, resources) = (listen(&options.node)?, listen(&options.addresses)?);
    let stream = UnixStream::connect(&options.fabric).await;
    let (reader, writer) = stream.map_err(said("reach the fabric"))?.into_split();
    let (fabric, outgoing) = mpsc::channel(QUEUE_MAX);
    let machine = Arc::new(Machine::open(options, fabric).await?);
    let station = machine.options.station;
    tokio::spawn(write(writer, ToFabric::Machine { station }, outgoing));
    machine.start();
    echo::serve().await.map_err(said("serve echo"))?;
    tokio::spawn(node_side::serve(Arc::clone(&machine), node));
    tokio::spawn(addresses::serve(Arc::clone(&machine), resources));
    ready();
    machine.hear(reader).await;
    Ok(())
}

impl Machine {
    async fn open(options: Options, fabric: mpsc::Sender<ToFabric>) -> io::Result<Self> {
        let links = Links::open()?;
        let loopback = links.find("lo").await?;
        links.switch_on(loopback, None, None).await?;
        answer_for_own_addresses_only();
        let mut taps = BTreeMap::new();
        for adapter in &options.adapters {
            let tap = Tap::open(&links, adapter, options.station).await;
            let tap = tap.map_err(said(&format!("make the adapter `{}`", adapter.name)))?;
            let routes = options.routes.get(&adapter.network);
            for (base, prefix) in routes.into_iter().flatten() {
                let added = links.add_route(tap.index, *base, *prefix).await;
                added.map_err(said(&format!("route to {base}/{prefix}")))?;
            }
            taps.insert(adapter.network, tap);
        }
        let tun = Device::tun(VIRTUAL_ADAPTER).map_err(said("make the virtual adapter"))?;
        let tun_index = links.find(VIRTUAL_ADAPTER).await?;
        make_no_addresses_up(VIRTUAL_ADAPTER);
        let datagrams = Datagrams::open(&options)?;
        Ok(Self {
            options,
            links,
            taps,
            claims: Claims::default(),
            datagrams,
            tun,
            tun_index,
            fabric,
            node: Mutex::default(),
            unplugged: Mutex::default(),
        })
    }

    fn start(self: &Arc<Self>) {
        for network in self.taps.keys().copied() {
            tokio::spawn(Arc::clone(self).carry_frames(network));
            tokio::spawn(Arc::clone(self).carry_datagrams(network));
        }
        tokio::spawn(Arc::clone(self).carry_packets());
    }

    /// What the kernel sends on an adapter goes to the fabric.
    async fn carry_frames(self: Arc<Self>, network: NetworkId) {
        let Some(tap) = self.taps.get(&network) else {
            return;
        };
        let mut buffer = vec![0; FRAME_MAX];
        while let Ok(len) = tap.device.receive(&mut buffer).await {
            self.send_frame(network, buffer.get(..len).unwrap_or_default().to_vec());
        }
    }

    /// What the kernel sends on the virtual adapter goes to the cluster service.
    async fn carry_packets(self: Arc<Self>) {
        let mut buffer = vec![0; FRAME_MAX];
        while let Ok(len) = self.tun.receive(&mut buffer).await {
            let packet = buffer.get(..len).unwrap_or_default().to_vec();
            self.tell_node(FromFabric::Packet(packet));
        }
    }

    /// What comes in on the cluster service's port goes to it.
    async fn carry_datagrams(self: Arc<Self>, network: NetworkId) {
        while let Some(bytes) = self.datagrams.receive(network).await {
            self.tell_node(FromFabric::Datagram { network, bytes });
        }
    }

    async fn hear(&self, mut fabric: OwnedReadHalf) {
        while let Ok(Some(message)) = stream::read(&mut fabric).await {
            match message {
                FromFabric::Ethernet { network, frame } => self.receive_frame(network, &frame),
                FromFabric::Link { network, up } => self.plug(network, up).await,
                FromFabric::Share { .. } => self.tell_node(message),
                // Said to machines without adapters of their own.
                FromFabric::Datagram { .. } | FromFabric::Packet(_) => {}
            }
        }
    }

    fn receive_frame(&self, network: NetworkId, frame: &[u8]) {
        if let Some(tap) = self.taps.get(&network) {
            self.claims.look(network, tap.mac, frame);
            tap.device.send(frame);
        }
    }

    /// The cable of an adapter came or went.
    async fn plug(&self, network: NetworkId, up: bool) {
        if let Some(tap) = self.taps.get(&network) {
            if let Err(error) = self.links.set_carrier(tap.index, up).await {
                eprintln!("the cable of {} cannot be shown: {error}", tap.adapter.name);
            }
            if up {
                lock(&self.unplugged).remove(&network);
            } else {
                lock(&self.unplugged).insert(network);
            }
            self.tell_node(FromFabric::Link { network, up });
        }
    }

    /// Whether an adapter has its cable.
    pub(crate) fn is_plugged(&self, network: NetworkId) -> bool {
        self.taps.contains_key(&network) && !lock(&self.unplugged).contains(&network)
    }

    /// Sends a frame of an adapter. It is lost when the fabric does not keep up.
    pub(crate) fn send_frame(&self, network: NetworkId, frame: Vec<u8>) {
        let _lost = self.fabric.try_send(ToFabric::Ethernet { network, frame });
    }

    /// Passes on what the cluster service asks of the lab.
    pub(crate) async fn ask_fabric(&self, message: ToFabric) {
        let _ended = self.fabric.send(message).await;
    }

    /// From now on the cluster service hears through this, and first of cables that are not there.
    pub(crate) fn attach(&self) -> mpsc::Receiver<FromFabric> {
        let (node, heard) = mpsc::channel(QUEUE_MAX);
        *lock(&self.node) = Some(node);
        for network in lock(&self.unplugged).iter() {
            let (network, up) = (*network, false);
            self.tell_node(FromFabric::Link { network, up });
        }
        heard
    }

    fn tell_node(&self, message: FromFabric) {
        if let Some(node) = &*lock(&self.node) {
            // Lost while nobody listens, or too slowly.
            let _lost = node.try_send(message);
        }
    }

    /// The kernel receives a packet on the virtual adapter.
    pub(crate) fn receive_packet(&self, packet: &[u8]) {
        self.tun.send(packet);
    }

    /// Gives the virtual adapter its addresses and switches it on.
    pub(crate) async fn set_virtual_adapter(&self, to: VirtualAdapter) -> io::Result<()> {
        let index = self.tun_index;
        self.links.switch_on(index, None, Some(TUNNEL_MTU)).await?;
        self.links.add(index, IpAddr::V4(to.v4), 16).await?;
        self.links.add(index, IpAddr::V6(to.v6), 64).await
    }
}

impl Tap {
    async fn open(links: &Links, adapter: &Adapter, station: u8) -> io::Result<Self> {
        let device = Device::tap(&adapter.name)?;
        let index = links.find(&adapter.name).await?;
        let mac = arp::mac_of(adapter.network.0, station);
        links.switch_on(index, Some(mac), None).await?;
        links
            .add(index, adapter.address.into(), adapter.prefix)
            .await?;
        Ok(Self {
            adapter: adapter.clone(),
            index,
            mac,
            device,
        })
    }
}

/// Each adapter answers for its own addresses only, as on the product's machines; by default this
/// kernel answers on any adapter for all of them. Without the right to say so it stays with that.
fn answer_for_own_addresses_only() {
    let _unable = std::fs::write("/proc/sys/net/ipv4/conf/all/arp_ignore", "1");
}

/// The virtual adapter has the addresses that the cluster service gives it and no other.
fn make_no_addresses_up(name: &str) {
    let setting = format!("/proc/sys/net/ipv6/conf/{name}/addr_gen_mode");
    let _unable = std::fs::write(setting, "1");
}

/// Listens at a path; what an earlier life left there is removed.
fn listen(path: &std::path::Path) -> io::Result<UnixListener> {
    let _absent = std::fs::remove_file(path);
    let listener = UnixListener::bind(path);
    listener.map_err(said(&format!("listen at {}", path.display())))
}

async fn write(
    mut writer: OwnedWriteHalf,
    hello: ToFabric,
    mut outgoing: mpsc::Receiver<ToFabric>,
) {
    let mut next = Some(hello);
    while let Some(message) = next {
        if stream::write(&mut writer, &message).await.is_err() {
            // The reader ends as well.
            return;
        }
        next = outgoing.recv().await;
    }
}

/// Says with an error what was tried.
pub(crate) fn said(what: &str) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("cannot {what}: {error}"))
}

pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
