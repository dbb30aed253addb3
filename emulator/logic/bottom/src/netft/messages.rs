//! What netft hears, says and puts on the wire.

use std::time::Duration;

use base::{Incarnation, NetworkId, NodeId, NodeSet, Timestamp};

/// The heartbeat datagram: a request, or the reply to one (reference section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The sender's life.
    pub incarnation: Incarnation,
    /// When the request was sent, by the clock of its sender; a reply brings it back unread.
    pub asked: Timestamp,
    /// Whether this answers a request.
    pub reply: bool,
    /// In a reply: how often the sender has declared this route down. A peer that still holds it
    /// for up learns from a new number that it is not.
    pub losses: u32,
}

/// A peer and how to watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other node.
    pub node: NodeId,
    /// Time between heartbeats.
    pub delay: Duration,
    /// Missed ones until a route is down.
    pub threshold: u32,
}

/// A cluster network that this node shares with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Which.
    pub network: NetworkId,
    /// The lowest metric is preferred.
    pub metric: u32,
    /// Nodes with an interface on it.
    pub nodes: NodeSet,
}

/// What netft hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From the router: peers and networks, at boot and whenever settings change.
    Configure {
        incarnation: Incarnation,
        peers: Vec<Peer>,
        networks: Vec<Network>,
    },
    /// From the wire.
    Heartbeat {
        network: NetworkId,
        from: NodeId,
        heartbeat: Heartbeat,
    },
    /// From host: the connection with this life of the peer is secured, so it may have routes.
    Admit { peer: NodeId, life: Incarnation },
    /// From the shell: an interface of this node changed its link.
    Interface { network: NetworkId, up: bool },
}

/// What netft says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the shell.
    Send {
        network: NetworkId,
        to: NodeSet,
        heartbeat: Heartbeat,
    },
    /// To host: a life that was not admitted sends heartbeats. Said with each of them.
    Stranger {
        network: NetworkId,
        peer: NodeId,
        life: Incarnation,
    },
    /// To the event log: a route came up.
    RouteUp { network: NetworkId, peer: NodeId },
    /// To the event log: a route went down.
    RouteDown {
        network: NetworkId,
        peer: NodeId,
        last_heard: Timestamp,
    },
    /// To membership: a first route to the peer is up.
    PeerFound { peer: NodeId },
    /// To membership: the last route to the peer is down. `last_heard` is its last reply,
    /// `last_seen` its last datagram of either kind.
    PeerLost {
        peer: NodeId,
        last_heard: Timestamp,
        last_seen: Timestamp,
    },
    /// To the facts: a peer that is lost still sends.
    PeerSeen { peer: NodeId, at: Timestamp },
    /// To the facts: the reachable set changed.
    Publish { reachable: NodeSet },
}

wire::codec!(struct Heartbeat { incarnation, asked, reply, losses });
