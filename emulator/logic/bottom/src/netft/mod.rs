//! The cluster network driver: heartbeats and routes over every cluster network.
//!
//! Duty: find out which peers can be reached over which networks, and say so when the first route
//! to a peer comes up or the last one goes down. Serves seed 001 (NetFT under Topology Manager)
//! and reference section 6.1: a heartbeat is a request with its reply; `threshold` missed replies
//! mark one route down; a node is lost only with its last route.
//!
//! A reply counts for the moment at which its request was sent: one that comes late proves that the
//! peer was there once, not that it is. So however long datagrams are under way, a node believes in
//! a peer for no longer than its detection takes after the peer last saw it; what waits for a lost
//! node to end rests on that.
//!
//! Both ends agree on whether a route is up: whoever calls it down says so in its replies, because
//! a route that loses a part of its datagrams may fail for one end alone. The product's own way is
//! not documented.
//!
//! Only an admitted life of a peer has routes: host hears of every other and opens a connection to
//! it first.
//!
//! Publishes `reachable`. Deliberately not done here: deciding who is a member (membership).

mod messages;
mod routes;
#[cfg(test)]
mod tests;
pub mod tunnel;

use base::limits::NODES_MAX;
use base::{Incarnation, Manager, NetworkId, NodeId, NodeSet, Outbox, Timestamp};
use std::time::Duration;

pub use messages::{Heartbeat, Input, Network, Output, Peer};
use routes::{Link, Route};

use crate::Context;

/// Peers that share a heartbeat rhythm.
#[derive(Clone, Debug)]
struct Rhythm {
    delay: Duration,
    threshold: u32,
    peers: NodeSet,
    next: Timestamp,
}

/// Lives of one peer.
#[derive(Clone, Copy, Debug, Default)]
struct Lives {
    /// Which one was admitted.
    admitted: Option<Incarnation>,
    /// Which one answers.
    answers: Option<Incarnation>,
}

/// The driver's state.
#[derive(Debug, Default)]
pub struct Netft {
    incarnation: Incarnation,
    rhythms: Vec<Rhythm>,
    links: Vec<Link>,
    /// What is known of each peer's lives, by node index.
    lives: Vec<Lives>,
    reachable: NodeSet,
}

impl Netft {
    fn is_configured(&self, node: NodeId) -> bool {
        self.rhythms.iter().any(|it| it.peers.contains(node))
    }

    /// The network with the lowest metric whose route to `peer` is up.
    #[must_use]
    pub fn best_route(&self, peer: NodeId) -> Option<NetworkId> {
        self.links
            .iter()
            .filter(|link| link.up && link.route(peer).is_some_and(|route| route.up))
            .min_by_key(|link| (link.metric, link.network))
            .map(|link| link.network)
    }

    /// Every network with the peers whose route over it is up.
    pub fn routes(&self) -> impl Iterator<Item = (NetworkId, NodeSet)> + '_ {
        self.links.iter().filter(|link| link.up).map(|link| {
            let up = |peer: &NodeId| link.route(*peer).is_some_and(|route| route.up);
            (link.network, link.peers.iter().filter(up).collect())
        })
    }

    /// When `peer` was last heard on any network.
    #[must_use]
    pub fn last_heard(&self, peer: NodeId) -> Timestamp {
        let heard = self.links.iter().filter_map(|link| link.route(peer));
        heard
            .map(|route| route.last_heard)
            .max()
            .unwrap_or_default()
    }

    /// When anything of `peer` last arrived on any network.
    fn last_seen(&self, peer: NodeId) -> Timestamp {
        let seen = self.links.iter().filter_map(|link| link.route(peer));
        seen.map(|route| route.last_seen).max().unwrap_or_default()
    }

    fn configure(
        &mut self,
        cx: &Context<'_>,
        peers: &[Peer],
        networks: &[Network],
        out: &mut Outbox<Output>,
    ) {
        self.lives.resize(NODES_MAX, Lives::default());
        self.rhythms.clear();
        for peer in peers.iter().filter(|peer| peer.node != cx.me) {
            let same = |r: &&mut Rhythm| (r.delay, r.threshold) == (peer.delay, peer.threshold);
            match self.rhythms.iter_mut().find(same) {
                Some(rhythm) => rhythm.peers.insert(peer.node),
                None => self.rhythms.push(Rhythm {
                    delay: peer.delay,
                    threshold: peer.threshold,
                    peers: NodeSet::one(peer.node),
                    next: cx.now.mono,
                }),
            }
        }
        self.forget_gone(networks, out);
        let known = std::mem::take(&mut self.links);
        for network in networks {
            let old = known.iter().find(|link| link.network == network.network);
            self.links.push(Link::new(network, cx.me, old));
        }
        if !self.reachable.contains(cx.me) {
            self.reachable.insert(cx.me);
            out.push(Output::Publish {
                reachable: self.reachable,
            });
        }
    }

    /// Peers that a network no longer has: their routes are down for good.
    fn forget_gone(&mut self, networks: &[Network], out: &mut Outbox<Output>) {
        for slot in 0..self.links.len() {
            let network = self.links[slot].network;
            let kept = networks.iter().find(|it| it.network == network);
            let kept = kept.map_or(NodeSet::EMPTY, |it| it.nodes);
            for peer in self.links[slot].peers.difference(kept).iter() {
                if self.links[slot].route(peer).is_some_and(|route| route.up) {
                    self.lower(slot, peer, out);
                }
                *self.links[slot].route_mut(peer) = Route::default();
            }
        }
    }

    /// Somebody who may believe to be a node of this cluster, and is none; host tells it.
    fn heard_unknown(
        &self,
        network: NetworkId,
        peer: NodeId,
        heartbeat: Heartbeat,
        out: &mut Outbox<Output>,
    ) {
        if !self.is_configured(peer) && !heartbeat.reply {
            let life = heartbeat.incarnation;
            out.push(Output::Stranger {
                network,
                peer,
                life,
            });
        }
    }

    fn heard(
        &mut self,
        cx: &Context<'_>,
        network: NetworkId,
        from: NodeId,
        heartbeat: Heartbeat,
        out: &mut Outbox<Output>,
    ) {
        let Some(slot) = self
            .links
            .iter()
            .position(|link| link.network == network && link.up)
        else {
            return;
        };
        if self.links[slot].route(from).is_none() {
            return self.heard_unknown(network, from, heartbeat, out);
        }
        let route = self.links[slot].route_mut(from);
        route.last_seen = cx.now.mono;
        let losses = route.losses;
        let told = heartbeat.reply && route.up && heartbeat.losses > route.peer_losses;
        if !heartbeat.reply {
            let heartbeat = Heartbeat {
                incarnation: self.incarnation,
                reply: true,
                losses,
                ..heartbeat
            };
            out.push(Output::Send {
                network,
                to: NodeSet::one(from),
                heartbeat,
            });
        }
        let lives = self.lives[from.index()];
        self.tell_seen(cx, from, heartbeat.incarnation, out);
        if lives
            .answers
            .is_some_and(|life| life != heartbeat.incarnation)
        {
            self.forget_life(from, heartbeat.incarnation, out);
        } else if told {
            // The peer has called this route down: what it decided since is not known here.
            self.lower(slot, from, out);
            return;
        }
        let life = heartbeat.incarnation;
        if lives.admitted != Some(life) {
            let peer = from;
            out.push(Output::Stranger {
                network,
                peer,
                life,
            });
        } else if heartbeat.reply {
            self.replied(cx, slot, from, heartbeat, out);
        }
    }

    fn replied(
        &mut self,
        cx: &Context<'_>,
        slot: usize,
        from: NodeId,
        heartbeat: Heartbeat,
        out: &mut Outbox<Output>,
    ) {
        let Some(missed) = self.missed_since(cx, from, heartbeat.asked) else {
            return;
        };
        self.lives[from.index()].answers = Some(heartbeat.incarnation);
        let route = self.links[slot].route_mut(from);
        route.missed = route.missed.min(missed);
        route.last_heard = cx.now.mono;
        if !route.up {
            route.missed = missed;
            route.peer_losses = heartbeat.losses;
            self.raise(slot, from, out);
        }
    }

    /// How many requests went to `peer` after the one of then, which is answered now; nothing if
    /// those are enough to call a route down.
    fn missed_since(&self, cx: &Context<'_>, peer: NodeId, asked: Timestamp) -> Option<u32> {
        let mut rhythms = self.rhythms.iter();
        let rhythm = rhythms.find(|rhythm| rhythm.peers.contains(peer))?;
        if asked > cx.now.mono {
            return None;
        }
        let delay = rhythm.delay.as_nanos().max(1);
        let beats = u32::try_from(cx.now.mono.since(asked).as_nanos() / delay);
        beats.ok().filter(|beats| *beats < rhythm.threshold)
    }

    /// A life that had routes still asks although it was lost: it may believe in this node for as
    /// long as it is answered.
    fn tell_seen(
        &self,
        cx: &Context<'_>,
        peer: NodeId,
        life: Incarnation,
        out: &mut Outbox<Output>,
    ) {
        if self.lives[peer.index()].admitted == Some(life) && !self.reachable.contains(peer) {
            let at = cx.now.mono;
            out.push(Output::PeerSeen { peer, at });
        }
    }

    /// A life of a peer may have routes from here on. It is asked at once, on every network.
    fn admit(
        &mut self,
        cx: &Context<'_>,
        peer: NodeId,
        life: Incarnation,
        out: &mut Outbox<Output>,
    ) {
        if let Some(lives) = self.lives.get_mut(peer.index()) {
            lives.admitted = Some(life);
        }
        let linked = self
            .links
            .iter()
            .filter(|it| it.up && it.peers.contains(peer));
        for link in linked {
            let heartbeat = self.request(cx);
            out.push(Output::Send {
                network: link.network,
                to: NodeSet::one(peer),
                heartbeat,
            });
        }
    }

    fn request(&self, cx: &Context<'_>) -> Heartbeat {
        Heartbeat {
            incarnation: self.incarnation,
            asked: cx.now.mono,
            reply: false,
            losses: 0,
        }
    }

    /// Another life of `peer` speaks: everything known of the one before is void.
    fn forget_life(&mut self, peer: NodeId, life: Incarnation, out: &mut Outbox<Output>) {
        let answers = &mut self.lives[peer.index()].answers;
        if answers.is_some_and(|known| known > life) {
            return;
        }
        *answers = None;
        for slot in 0..self.links.len() {
            if self.links[slot].route(peer).is_some_and(|route| route.up) {
                self.lower(slot, peer, out);
            }
        }
    }

    fn raise(&mut self, slot: usize, peer: NodeId, out: &mut Outbox<Output>) {
        let link = &mut self.links[slot];
        link.route_mut(peer).up = true;
        out.push(Output::RouteUp {
            network: link.network,
            peer,
        });
        if !self.reachable.contains(peer) {
            self.reachable.insert(peer);
            out.push(Output::Publish {
                reachable: self.reachable,
            });
            out.push(Output::PeerFound { peer });
        }
    }

    fn lower(&mut self, slot: usize, peer: NodeId, out: &mut Outbox<Output>) {
        let link = &mut self.links[slot];
        let route = link.route_mut(peer);
        route.up = false;
        let last_heard = route.last_heard;
        out.push(Output::RouteDown {
            network: link.network,
            peer,
            last_heard,
        });
        if self.best_route(peer).is_none() && self.reachable.contains(peer) {
            self.reachable.remove(peer);
            out.push(Output::Publish {
                reachable: self.reachable,
            });
            out.push(Output::PeerLost {
                peer,
                last_heard: self.last_heard(peer),
                last_seen: self.last_seen(peer),
            });
        }
    }

    fn interface(&mut self, network: NetworkId, up: bool, out: &mut Outbox<Output>) {
        let Some(slot) = self.links.iter().position(|link| link.network == network) else {
            return;
        };
        self.links[slot].up = up;
        if !up {
            for peer in self.links[slot].peers.iter() {
                if self.links[slot].route(peer).is_some_and(|route| route.up) {
                    self.links[slot].route_mut(peer).losses += 1;
                    self.lower(slot, peer, out);
                }
            }
        }
    }

    /// One beat: count what the last one left unanswered, then ask again.
    fn beat(&mut self, cx: &Context<'_>, index: usize, out: &mut Outbox<Output>) {
        let Rhythm {
            peers, threshold, ..
        } = self.rhythms[index];
        for slot in 0..self.links.len() {
            let asked = self.links[slot].peers.intersection(peers);
            if !self.links[slot].up || asked.is_empty() {
                continue;
            }
            for peer in asked.iter() {
                let route = self.links[slot].route_mut(peer);
                if route.miss(threshold) {
                    route.losses += 1;
                    self.lower(slot, peer, out);
                }
            }
            let heartbeat = self.request(cx);
            let network = self.links[slot].network;
            out.push(Output::Send {
                network,
                to: asked,
                heartbeat,
            });
        }
    }
}

impl Manager for Netft {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Configure {
                incarnation,
                peers,
                networks,
            } => {
                self.incarnation = incarnation;
                self.configure(cx, &peers, &networks, out);
            }
            Input::Heartbeat {
                network,
                from,
                heartbeat,
            } => {
                self.heard(cx, network, from, heartbeat, out);
            }
            Input::Admit { peer, life } => self.admit(cx, peer, life, out),
            Input::Interface { network, up } => self.interface(network, up, out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.rhythms.iter().map(|rhythm| rhythm.next).min()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        for index in 0..self.rhythms.len() {
            if self.rhythms[index].next <= cx.now.mono {
                // A node that was frozen beats once, not once for every beat it slept through.
                self.rhythms[index].next = cx.now.mono + self.rhythms[index].delay;
                self.beat(cx, index, out);
            }
        }
    }

    fn check(&self, cx: &Context<'_>) {
        for peer in self.reachable.without(cx.me).iter() {
            assert!(
                self.best_route(peer).is_some(),
                "{peer:?} counts as reachable, no route is up"
            );
        }
    }
}

impl Route {
    /// Counts one unanswered beat; true when the route goes down by it.
    fn miss(&mut self, threshold: u32) -> bool {
        // The first beat after a reply is answered by nothing yet: `missed` counts requests sent
        // since the last reply, and the one just about to go out is not among them.
        if self.missed >= threshold {
            return self.up;
        }
        self.missed += 1;
        false
    }
}
