//! The node's end of the lab's networks, and of the file server of the witness share.
//!
//! The fabric is another process that carries datagrams between nodes and breaks them as the lab
//! file says. A node without a fabric has no network at all, so it ends when the fabric does. On a
//! machine with adapters of its own, their agent stands here in the fabric's place and says the
//! same words; between the agent and the fabric the words are those for whole machines.

use std::io;
use std::path::Path;

use base::{IoId, NetworkId, NodeId, NodeSet};
use bottom::netft::tunnel::VirtualAdapter;
use bottom::share::{ShareOutcome, ShareRequest};
use node::Event;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::driver::Input;
use crate::stream;

/// From a node to the fabric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToFabric {
    /// First: who this is.
    Hello {
        /// The node.
        node: NodeId,
    },
    /// Carry these bytes to other nodes.
    Send {
        /// On this network.
        network: NetworkId,
        /// To whom.
        to: NodeSet,
        /// A datagram.
        bytes: Vec<u8>,
    },
    /// A request to the file server of the witness share.
    Share {
        /// Answered under this number.
        io: IoId,
        /// What.
        request: ShareRequest,
    },
    /// The machine's virtual adapter is to have these addresses. A machine without adapters of its
    /// own ignores it.
    Adapter(VirtualAdapter),
    /// A packet for the machine, through its virtual adapter.
    Packet(Vec<u8>),
    /// First, instead of `Hello`: the adapters of a whole machine.
    Machine {
        /// Its place among the lab's machines, members first.
        station: u8,
    },
    /// Carry an Ethernet frame.
    Ethernet {
        /// On this network.
        network: NetworkId,
        /// From destination to payload, without a checksum.
        frame: Vec<u8>,
    },
}

/// From the fabric to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromFabric {
    /// A datagram came in.
    Datagram {
        /// On this network.
        network: NetworkId,
        /// As it was sent.
        bytes: Vec<u8>,
    },
    /// The link of an adapter came or went.
    Link {
        /// On this network.
        network: NetworkId,
        /// Whether there is one now.
        up: bool,
    },
    /// The answer of the file server.
    Share {
        /// To this request.
        io: IoId,
        /// What became of it.
        outcome: ShareOutcome,
    },
    /// The machine sends a packet through its virtual adapter.
    Packet(Vec<u8>),
    /// An Ethernet frame came in.
    Ethernet {
        /// On this network.
        network: NetworkId,
        /// As it was sent.
        frame: Vec<u8>,
    },
}

wire::codec!(enum ToFabric {
    0 = Hello { node },
    1 = Send { network, to, bytes },
    2 = Share { io, request },
    3 = Adapter(addresses),
    4 = Packet(packet),
    5 = Machine { station },
    6 = Ethernet { network, frame },
});
wire::codec!(enum FromFabric {
    0 = Datagram { network, bytes },
    1 = Link { network, up },
    2 = Share { io, outcome },
    3 = Packet(packet),
    4 = Ethernet { network, frame },
});

/// Datagrams that wait for the fabric; more are lost, as on a full network card.
const QUEUE_MAX: usize = 1_024;

/// The node's end.
#[derive(Debug)]
pub(crate) struct Port {
    queue: mpsc::Sender<ToFabric>,
}

impl Port {
    /// Connects to the fabric; what comes in goes to `inbox`.
    pub(crate) async fn connect(
        path: &Path,
        node: NodeId,
        inbox: mpsc::Sender<Input>,
    ) -> io::Result<Self> {
        let (reader, mut writer) = UnixStream::connect(path).await?.into_split();
        stream::write(&mut writer, &ToFabric::Hello { node }).await?;
        let (queue, outgoing) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(send(writer, outgoing));
        tokio::spawn(receive(reader, inbox));
        Ok(Self { queue })
    }

    /// Sends something. Datagrams are lost when the fabric does not keep up.
    pub(crate) fn send(&self, message: ToFabric) {
        let _lost = self.queue.try_send(message);
    }
}

async fn send(mut writer: OwnedWriteHalf, mut outgoing: mpsc::Receiver<ToFabric>) {
    while let Some(message) = outgoing.recv().await {
        if stream::write(&mut writer, &message).await.is_err() {
            // The reader tells the driver that the fabric is gone.
            return;
        }
    }
}

async fn receive(mut reader: OwnedReadHalf, inbox: mpsc::Sender<Input>) {
    while let Ok(Some(message)) = stream::read(&mut reader).await {
        let Some(input) = input(message) else {
            continue;
        };
        if inbox.send(input).await.is_err() {
            return;
        }
    }
    let _ended = inbox.send(Input::FabricGone).await;
}

/// What a message is to the driver; nothing for what only a machine's adapters have use for.
fn input(message: FromFabric) -> Option<Input> {
    Some(match message {
        FromFabric::Datagram { network, bytes } => Input::Bytes(network, bytes),
        FromFabric::Link { network, up } => Input::Event(Event::Interface { network, up }),
        FromFabric::Share { io, outcome } => Input::Event(Event::Share { io, outcome }),
        FromFabric::Packet(packet) => Input::Packet(packet),
        FromFabric::Ethernet { .. } => return None,
    })
}
