//! The router: carries every output to its reader, first in, first out.
//!
//! `up` carries what the tiers say upward and outward as facts and needs; `down` carries requests.
//! No arm decides anything: it writes one fact and tells one or more managers. Every output of
//! every manager has exactly one arm.

mod down;
mod standing;
mod up;

use base::limits::HOPS_MAX;
use base::{HostId, NetworkId, NodeId, NodeSet};
use bottom::{clusdisk, csvfs, netft, partmgr, security, share, txlog};
use middle::{database, gum, host, membership, messaging, object, quorum, resilience, topology};
use top::rcm::HostReport;
use top::{checkpoint, eventlog, rcm};

use crate::{Effect, Event, Frame, Node, Payload};

/// Calls a manager of the bottom tier: `handle` with an input, or `expire`.
macro_rules! bottom {
    ($node:ident, $slot:ident, $call:ident $(, $input:expr)?) => {{
        let mut cx = bottom::Context {
            now: $node.now,
            me: $node.middle.me,
            facts: &$node.bottom,
            rng: &mut $node.rng,
        };
        crate::route::call!($node, cx, $slot, $call $(, $input)?);
    }};
}

/// Calls a manager of the middle tier.
macro_rules! middle {
    ($node:ident, $slot:ident, $call:ident $(, $input:expr)?) => {{
        let mut cx = middle::Context {
            now: $node.now,
            bottom: &$node.bottom,
            facts: &$node.middle,
            rng: &mut $node.rng,
        };
        crate::route::call!($node, cx, $slot, $call $(, $input)?);
    }};
}

/// Calls a manager of the top tier.
macro_rules! top {
    ($node:ident, $slot:ident, $call:ident $(, $input:expr)?) => {{
        let mut cx = top::Context {
            now: $node.now,
            me: $node.middle.me,
            bottom: &$node.bottom,
            middle: &$node.middle,
            rng: &mut $node.rng,
        };
        crate::route::call!($node, cx, $slot, $call $(, $input)?);
    }};
}

/// Calls one manager, lets it check itself in builds with assertions, and queues what it says.
macro_rules! call {
    ($node:ident, $cx:ident, $slot:ident, $call:ident $(, $input:expr)?) => {
        base::Manager::$call(&mut $node.$slot.manager, &mut $cx, $($input,)? &mut $node.$slot.out);
        if cfg!(debug_assertions) {
            base::Manager::check(&$node.$slot.manager, &$cx);
        }
        $node.hops.extend($node.$slot.out.drain().map(crate::route::Hop::from));
    };
}

pub(crate) use {bottom, call, middle, top};

macro_rules! hops {
    ($($variant:ident($output:ty)),* $(,)?) => {
        /// One output on its way.
        #[derive(Debug)]
        pub(crate) enum Hop {
            $($variant($output),)*
        }

        $(
            impl From<$output> for Hop {
                fn from(output: $output) -> Self {
                    Self::$variant(output)
                }
            }
        )*
    };
}

hops!(
    Netft(netft::Output),
    Security(security::Output),
    Host(host::Output),
    Clusdisk(clusdisk::Output),
    Partmgr(partmgr::Output),
    Csvfs(csvfs::Output),
    Share(share::Output),
    Txlog(txlog::Output),
    Membership(membership::Output),
    Messaging(messaging::Output<Payload>),
    Gum(gum::Output),
    Database(database::Output),
    Object(object::Output),
    Quorum(quorum::Output),
    Resilience(resilience::Output),
    Topology(topology::Output),
    Rcm(rcm::Output),
    Checkpoint(checkpoint::Output),
    EventLog(eventlog::Output),
);

impl Node {
    /// Opens the database; everything else follows from what it holds.
    pub(crate) fn start(&mut self) {
        middle!(self, database, handle, database::Input::Start);
    }

    /// Hands an event to the manager that it is for.
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Frame {
                network,
                from,
                frame,
            } => self.frame(network, from, frame),
            Event::Disk { io, outcome } => {
                bottom!(self, txlog, handle, txlog::Input::DiskDone { io, outcome });
            }
            Event::Scsi { io, outcome } => {
                bottom!(
                    self,
                    clusdisk,
                    handle,
                    clusdisk::Input::Done { io, outcome }
                );
            }
            Event::Share { io, outcome } => {
                bottom!(self, share, handle, share::Input::Done { io, outcome });
            }
            Event::Interface { network, up } => self.interface(network, up),
            Event::Host { host, report } => self.host_report(host, report),
            Event::Admin { request, command } => {
                top!(self, rcm, handle, rcm::Input::Command { request, command });
            }
            Event::Stop => self.stop(),
        }
    }

    fn host_report(&mut self, host: HostId, report: HostReport) {
        match report {
            HostReport::Restored { .. } | HostReport::Saved { .. } => {
                top!(
                    self,
                    checkpoint,
                    handle,
                    checkpoint::Input::Host { host, report }
                );
            }
            report => top!(self, rcm, handle, rcm::Input::Host { host, report }),
        }
    }

    fn frame(&mut self, network: NetworkId, from: NodeId, frame: Frame) {
        if !frame.is_open() && !self.bottom.secured.contains(from) {
            return;
        }
        match frame {
            Frame::Heartbeat(heartbeat) => self.heartbeat(network, from, heartbeat),
            Frame::Host(message) => {
                let message = (*message).clone();
                let input = host::Input::Message {
                    network,
                    from,
                    message,
                };
                middle!(self, host, handle, input);
            }
            Frame::Security(message) => {
                let message = (*message).clone();
                let input = security::Input::Message { from, message };
                bottom!(self, security, handle, input);
            }
            Frame::Membership(message) => {
                let message = (*message).clone();
                middle!(
                    self,
                    membership,
                    handle,
                    membership::Input::Message { from, message }
                );
            }
            Frame::Segment(segment) => {
                middle!(
                    self,
                    messaging,
                    handle,
                    messaging::Input::Segment { from, segment }
                );
            }
        }
    }

    /// The short way for heartbeats: replies go straight out, only changes are routed.
    pub(crate) fn heartbeat(
        &mut self,
        network: NetworkId,
        from: NodeId,
        heartbeat: netft::Heartbeat,
    ) {
        let input = netft::Input::Heartbeat {
            network,
            from,
            heartbeat,
        };
        let mut cx = bottom::Context {
            now: self.now,
            me: self.middle.me,
            facts: &self.bottom,
            rng: &mut self.rng,
        };
        base::Manager::handle(&mut self.netft.manager, &mut cx, input, &mut self.netft.out);
        for output in self.netft.out.drain() {
            match output {
                netft::Output::Send {
                    network,
                    to,
                    heartbeat,
                } => {
                    let frame = Frame::Heartbeat(heartbeat);
                    self.effects.push(Effect::Send { network, to, frame });
                }
                other => self.hops.push_back(Hop::Netft(other)),
            }
        }
    }

    /// Carries outputs until none is left.
    pub(crate) fn route(&mut self) {
        for _ in 0..HOPS_MAX {
            let Some(hop) = self.hops.pop_front() else {
                return;
            };
            match hop {
                Hop::Netft(output) => self.carry_netft(output),
                Hop::Security(output) => self.carry_security(output),
                Hop::Host(output) => self.carry_host(output),
                Hop::Clusdisk(output) => self.carry_clusdisk(output),
                Hop::Partmgr(output) => self.carry_partmgr(output),
                Hop::Csvfs(output) => self.carry_csvfs(output),
                Hop::Share(output) => self.carry_share(output),
                Hop::Txlog(output) => self.carry_txlog(output),
                Hop::Membership(output) => self.carry_membership(output),
                Hop::Messaging(output) => self.carry_messaging(output),
                Hop::Gum(output) => self.carry_gum(output),
                Hop::Database(output) => self.carry_database(output),
                Hop::Object(output) => self.carry_object(output),
                Hop::Quorum(output) => self.carry_quorum(output),
                Hop::Resilience(output) => self.carry_resilience(output),
                Hop::Topology(output) => self.carry_topology(output),
                Hop::Rcm(output) => self.carry_rcm(output),
                Hop::Checkpoint(output) => self.carry_checkpoint(output),
                Hop::EventLog(output) => self.carry_eventlog(output),
            }
        }
        unreachable!("the router did not settle: managers talk in a circle");
    }

    /// Sends a frame to each of `to` over every route to it: membership must get through while a
    /// route that has just failed still counts as up.
    pub(crate) fn send_everywhere(&mut self, to: NodeSet, frame: &Frame) {
        for (network, peers) in self.netft.manager.routes() {
            let to = to.intersection(peers);
            if !to.is_empty() {
                let frame = frame.clone();
                self.effects.push(Effect::Send { network, to, frame });
            }
        }
    }

    /// Sends a frame to each of `to` over the best route to it, one datagram per network.
    pub(crate) fn send(&mut self, to: NodeSet, frame: &Frame) {
        let mut rest = to.without(self.middle.me);
        while let Some(first) = rest.first() {
            let Some(network) = self.netft.manager.best_route(first) else {
                rest.remove(first);
                continue;
            };
            let same = |node: &NodeId| self.netft.manager.best_route(*node) == Some(network);
            let together: NodeSet = rest.iter().filter(same).collect();
            rest = rest.difference(together);
            self.effects.push(Effect::Send {
                network,
                to: together,
                frame: frame.clone(),
            });
        }
    }
}
