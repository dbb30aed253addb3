//! The host manager: who may connect (seed 001, Host Manager; port 3343, handshake time-out with
//! event 1282, events 1070, 1547, 1570 and 1571, reference sections 6.1, 6.2 and 9).
//!
//! Duty: open a connection to each life of a node that turns up, judge those that others open
//! (version, cluster name, node name), and hand what is sound to security, then to netft, which
//! hands it on to membership. Of two nodes the one with the lower number connects, so that they
//! never connect to each other at the same time (who does is unsourced). What is not secured within
//! the handshake time-out is dropped.
//!
//! Reads settings. Deliberately not done here: proofs and keys (security), sockets (shell), who
//! becomes a member (membership).

mod messages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{
    ConnectionRefusal, Incarnation, Manager, NetworkId, NodeId, Notice, Outbox, ServiceEvent,
    Timestamp,
};
use bottom::security::Ends;

pub use messages::{Input, Message, Output};

use crate::Context;

/// Version of the frames that this emulator speaks. Both ends must have the same.
pub const VERSION: u32 = 3;
/// The port that connections are opened to, TCP, and heartbeats are sent to, UDP.
pub const PORT: u16 = 3343;
/// A wish that nobody answered is repeated with the next heartbeat after so long.
const RETRY_AFTER: Duration = Duration::from_millis(900);

/// What is known of a peer's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peer {
    /// Where it was last heard.
    network: NetworkId,
    /// How often this node has asked, or been asked, for a connection between these lives.
    attempt: u64,
    /// The ends of those attempts.
    ends: Option<Ends>,
    /// The life that the connection is with. Only what was proven counts against another claim.
    secured: Option<Incarnation>,
    state: State,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing: no connection is being made.
    Idle,
    /// Security's word.
    ExpectSecured {
        /// When it has taken too long.
        until: Timestamp,
        /// When it was last asked for.
        asked: Timestamp,
    },
}

/// The manager's state.
#[derive(Debug, Default)]
pub struct Host {
    peers: BTreeMap<NodeId, Peer>,
    /// It was said in this life that the cluster does not know this node.
    disowned: bool,
    /// When the first connection has taken too long; asked for with every heartbeat.
    due: Option<Timestamp>,
    /// It was said in this life that another node refuses this one.
    told: bool,
}

impl Host {
    /// The network on which `peer` was last heard.
    #[must_use]
    pub fn path(&self, peer: NodeId) -> Option<NetworkId> {
        self.peers.get(&peer).map(|it| it.network)
    }

    fn arm(&mut self) {
        let waiting = self.peers.values().filter_map(|peer| match peer.state {
            State::ExpectSecured { until, .. } => Some(until),
            State::Idle => None,
        });
        self.due = waiting.min();
    }

    fn peer(&mut self, peer: NodeId, network: NetworkId) -> &mut Peer {
        let known = self.peers.entry(peer).or_insert(Peer {
            network,
            attempt: 0,
            ends: None,
            secured: None,
            state: State::Idle,
        });
        known.network = network;
        known
    }

    fn stranger(
        &mut self,
        cx: &Context<'_>,
        network: NetworkId,
        node: NodeId,
        life: Incarnation,
        out: &mut Outbox<Output>,
    ) {
        let me = cx.facts.me;
        let ends = Ends {
            connector: (me, cx.facts.incarnation),
            acceptor: (node, life),
        };
        if !cx.facts.settings.nodes.contains_key(&node) {
            // Whether this node itself is still one, only an active one knows.
            if cx.facts.active {
                let reason = ConnectionRefusal::NodeName;
                out.push(Output::Send {
                    network,
                    to: node,
                    message: Message::Refused { ends, reason },
                });
            }
            return;
        }
        if node < me {
            return;
        }
        let now = cx.now.mono;
        let peer = self.peer(node, network);
        let until = match peer.state {
            State::ExpectSecured { until, asked } if peer.ends == Some(ends) => {
                if now.since(asked) < RETRY_AFTER {
                    return;
                }
                until
            }
            _ => now + patience(cx),
        };
        if peer.ends != Some(ends) {
            (peer.ends, peer.attempt) = (Some(ends), 0);
        }
        peer.attempt += 1;
        peer.state = State::ExpectSecured { until, asked: now };
        let attempt = peer.attempt;
        out.push(Output::Secure { ends });
        let message = Message::Connect {
            version: VERSION,
            cluster: cx.facts.settings.cluster_name.clone(),
            name: cx.facts.settings.node_name(me),
            ends,
            attempt,
        };
        let to = node;
        out.push(Output::Send {
            network,
            to,
            message,
        });
    }

    fn message(
        &mut self,
        cx: &Context<'_>,
        network: NetworkId,
        from: NodeId,
        message: Message,
        out: &mut Outbox<Output>,
    ) {
        match message {
            Message::Connect {
                version,
                cluster,
                name,
                ends,
                attempt,
            } => {
                let unfit = unfit(cx, from, version, &cluster, &name);
                if let Some(reason) = unfit {
                    self.refuse(network, from, ends, reason, out);
                } else {
                    self.accept(cx, network, from, ends, attempt, out);
                }
            }
            Message::Refused { ends, reason } => {
                if reason == ConnectionRefusal::NodeName {
                    self.disowned(cx, ends, out);
                }
                let known = self.peers.get_mut(&from);
                if let Some(peer) = known.filter(|peer| peer.ends == Some(ends)) {
                    peer.state = State::Idle;
                    out.push(Output::Abandon { peer: from });
                    out.push(refused(from, reason));
                    if !cx.facts.active && !std::mem::replace(&mut self.told, true) {
                        let event = ServiceEvent::JoinFailed;
                        out.push(Output::Notice(Notice::OfService { event }));
                    }
                }
            }
        }
    }

    /// A member does not know this node, whichever end it is: it was evicted, or has another name.
    fn disowned(&mut self, cx: &Context<'_>, ends: Ends, out: &mut Outbox<Output>) {
        let me = (cx.facts.me, cx.facts.incarnation);
        let mine = ends.connector == me || ends.acceptor == me;
        if mine && !cx.facts.active && !std::mem::replace(&mut self.disowned, true) {
            out.push(Output::Notice(Notice::NotAMember));
        }
    }

    fn refuse(
        &mut self,
        network: NetworkId,
        from: NodeId,
        ends: Ends,
        reason: ConnectionRefusal,
        out: &mut Outbox<Output>,
    ) {
        out.push(refused(from, reason));
        let message = Message::Refused { ends, reason };
        let to = from;
        out.push(Output::Send {
            network,
            to,
            message,
        });
    }

    /// The raw connection is sound: on to security.
    fn accept(
        &mut self,
        cx: &Context<'_>,
        network: NetworkId,
        from: NodeId,
        ends: Ends,
        attempt: u64,
        out: &mut Outbox<Output>,
    ) {
        let me = (cx.facts.me, cx.facts.incarnation);
        // Another life of this node was meant, or the wrong one of the two asks.
        if ends.acceptor != me || ends.connector.0 != from || from >= me.0 {
            return;
        }
        let now = cx.now.mono;
        let peer = self.peer(from, network);
        let older = peer.secured.is_some_and(|life| life > ends.connector.1);
        if older || (peer.ends == Some(ends) && attempt <= peer.attempt) {
            return;
        }
        if peer.ends != Some(ends) {
            out.push(Output::Notice(Notice::ConnectionAccepted { peer: from }));
        }
        (peer.ends, peer.attempt) = (Some(ends), attempt);
        if peer.state == State::Idle {
            peer.state = State::ExpectSecured {
                until: now + patience(cx),
                asked: now,
            };
        }
        out.push(Output::Secure { ends });
    }

    fn secured(&mut self, node: NodeId, life: Incarnation, out: &mut Outbox<Output>) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.state = State::Idle;
            peer.secured = Some(life);
        }
        out.push(Output::Notice(Notice::ConnectionSecured { peer: node }));
        out.push(Output::Admit { peer: node, life });
    }
}

/// How long a connection may take to be secured.
fn patience(cx: &Context<'_>) -> Duration {
    cx.facts.settings.generation.defaults().handshake_timeout
}

fn refused(peer: NodeId, reason: ConnectionRefusal) -> Output {
    Output::Notice(Notice::ConnectionRefused { peer, reason })
}

/// What speaks against a raw connection.
fn unfit(
    cx: &Context<'_>,
    from: NodeId,
    version: u32,
    cluster: &str,
    name: &str,
) -> Option<ConnectionRefusal> {
    let settings = &cx.facts.settings;
    if version != VERSION {
        return Some(ConnectionRefusal::Version);
    }
    if cluster != settings.cluster_name {
        return Some(ConnectionRefusal::ClusterName);
    }
    let known = settings.nodes.get(&from);
    let fits = known.is_some_and(|node| node.name == name);
    (!fits).then_some(ConnectionRefusal::NodeName)
}

impl Manager for Host {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Stranger {
                network,
                peer,
                life,
            } => self.stranger(cx, network, peer, life, out),
            Input::Message {
                network,
                from,
                message,
            } => self.message(cx, network, from, message, out),
            Input::Secured { peer, life } => self.secured(peer, life, out),
            Input::Unproven { peer, .. } => {
                out.push(refused(peer, ConnectionRefusal::Unproven));
            }
        }
        self.arm();
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.due
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let now = cx.now.mono;
        for (node, peer) in &mut self.peers {
            if matches!(peer.state, State::ExpectSecured { until, .. } if until <= now) {
                peer.state = State::Idle;
                out.push(Output::Abandon { peer: *node });
                out.push(Output::Notice(Notice::HandshakeTimedOut { peer: *node }));
            }
        }
        self.arm();
    }

    fn check(&self, cx: &Context<'_>) {
        assert!(
            !self.peers.contains_key(&cx.facts.me),
            "a connection with itself"
        );
    }
}
