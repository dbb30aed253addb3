//! What the host manager hears, says and puts on the wire.

use base::{ConnectionRefusal, Incarnation, NetworkId, NodeId, Notice};
use bottom::security::{Ends, Refusal};

/// What opens a connection; in the product a TCP connection to port 3343.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A node asks to be connected.
    Connect {
        /// Version of the frames that it speaks.
        version: u32,
        /// The cluster that it belongs to.
        cluster: String,
        /// Its node name.
        name: String,
        /// Both ends, as far as it knows.
        ends: Ends,
        /// Counts its wishes towards the same end: a copy that comes late is told by it.
        attempt: u64,
    },
    /// It may not, and why.
    Refused {
        ends: Ends,
        reason: ConnectionRefusal,
    },
}

/// What the host manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From netft: a life of `peer` is on the network that was not admitted; said with each of its
    /// heartbeats.
    Stranger {
        network: NetworkId,
        peer: NodeId,
        life: Incarnation,
    },
    /// From the wire.
    Message {
        network: NetworkId,
        from: NodeId,
        message: Message,
    },
    /// From security: the connection with this life of `peer` is secured.
    Secured { peer: NodeId, life: Incarnation },
    /// From security: `peer` could not prove itself.
    Unproven { peer: NodeId, refusal: Refusal },
}

/// What the host manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the peer, over the network on which it was heard.
    Send {
        network: NetworkId,
        to: NodeId,
        message: Message,
    },
    /// To security, first: secure this connection.
    Secure { ends: Ends },
    /// To security: the handshake with this peer has taken too long.
    Abandon { peer: NodeId },
    /// To netft, second: this life of the peer may have routes. Netft tells membership, third, when
    /// the first route is up.
    Admit { peer: NodeId, life: Incarnation },
    /// To the event log.
    Notice(Notice),
}

wire::codec!(enum Message {
    0 = Connect { version, cluster, name, ends, attempt },
    1 = Refused { ends, reason },
});
