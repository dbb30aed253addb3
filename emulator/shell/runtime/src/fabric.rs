//! The node's end of the lab's networks, and of the file server of the witness share.
//!
//! The fabric is another process that carries datagrams between nodes and breaks them as the lab
//! file says. A node without a fabric has no network at all, so it ends when the fabric does.

use std::io;
use std::path::Path;

use base::{IoId, NetworkId, NodeId, NodeSet};
use bottom::share::{ShareOutcome, ShareRequest};
use node::{Datagram, Event};
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
}

wire::codec!(enum ToFabric {
    0 = Hello { node },
    1 = Send { network, to, bytes },
    2 = Share { io, request },
});
wire::codec!(enum FromFabric {
    0 = Datagram { network, bytes },
    1 = Link { network, up },
    2 = Share { io, outcome },
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
        let Some(event) = event(message) else {
            continue;
        };
        if inbox.send(Input::Event(event)).await.is_err() {
            return;
        }
    }
    let _ended = inbox.send(Input::FabricGone).await;
}

/// Bytes that are no datagram of ours are dropped.
fn event(message: FromFabric) -> Option<Event> {
    Some(match message {
        FromFabric::Datagram { network, bytes } => {
            let Datagram { from, frame } = Datagram::from_bytes(&bytes).ok()?;
            Event::Frame {
                network,
                from,
                frame,
            }
        }
        FromFabric::Link { network, up } => Event::Interface { network, up },
        FromFabric::Share { io, outcome } => Event::Share { io, outcome },
    })
}
