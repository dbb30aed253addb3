//! The topology manager: networks and interfaces of the cluster (seed 001, Topology Manager;
//! reference sections 1.3, 6.1 and 9).
//!
//! Duty: tell netft whom to watch over which network and how patiently; hear from it which routes
//! work; let all nodes know what each sees of its own interfaces, by global updates and only where
//! something is wrong, so that every node works out the same states; and pass on to resource
//! control when an interface fails here, which is what an IP Address resource's health rests on.
//!
//! Reads settings, view, object table and `ready`. Deliberately not done here: asking failed routes
//! again (netft never stops), choosing among working routes (netft, by metric), judging
//! administrators' requests for roles and metrics (resource control takes them in).

mod messages;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use base::{
    InterfaceState, Manager, NetworkId, NetworkState, NodeId, NodeSet, Notice, Outbox,
    ServiceEvent, Timers, Timestamp, ViewId,
};
use bottom::netft::{Network, Peer};

pub use messages::{Input, Output};
use state::Segment;

use crate::database::Change;
use crate::object::{InterfaceRow, StateChange};
use crate::settings::NetworkRole;
use crate::{Context, Facts};

/// What is wrong has to last so long before it is reported: most of the time a lost node is behind
/// it, and the next view says so. Unsourced: a setting of this emulator, asserted nowhere.
const REPORT_AFTER: Duration = Duration::from_secs(3);

const REPORT: usize = 0;

/// Interfaces that something is wrong with.
type Rows = BTreeMap<(NodeId, NetworkId), InterfaceRow>;

/// The states of networks and interfaces that are not up, as every member works them out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Networks.
    pub networks: BTreeMap<NetworkId, NetworkState>,
    /// Interfaces.
    pub interfaces: BTreeMap<(NodeId, NetworkId), InterfaceState>,
}

/// What is not up among the networks that the cluster uses (network and interface state queries,
/// seed 001).
#[must_use]
pub fn states(facts: &Facts) -> States {
    let mut states = States::default();
    let view = facts.view.as_ref();
    let members = view.map_or(NodeSet::EMPTY, |view| view.members);
    for (network, known) in &facts.settings.networks {
        if known.role == NetworkRole::None {
            continue;
        }
        let attached = facts.settings.attached(*network);
        let segment = Segment {
            network: *network,
            members: attached.intersection(members),
            objects: &facts.objects,
        };
        // Most of the time nobody has anything to report.
        let quiet = facts.objects.interfaces.is_empty();
        for node in attached.iter() {
            let state = match members.contains(node) {
                false => InterfaceState::Unavailable,
                true if quiet => InterfaceState::Up,
                true => segment.interface(node),
            };
            if state != InterfaceState::Up {
                states.interfaces.insert((node, *network), state);
            }
        }
        if !quiet || segment.members.is_empty() {
            let state = segment.network();
            if state != NetworkState::Up {
                states.networks.insert(*network, state);
            }
        }
    }
    states
}

/// An interface of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interface {
    linked: bool,
    /// Peers whose heartbeats are answered on it.
    routes: NodeSet,
}

/// The manager's state.
#[derive(Debug, Default)]
pub struct Topology {
    interfaces: BTreeMap<NetworkId, Interface>,
    /// A report is on its way.
    proposed: bool,
    /// What the states below were worked out from.
    told: Option<(ViewId, Rows)>,
    /// States as last told to the event log.
    networks: BTreeMap<NetworkId, NetworkState>,
    states: BTreeMap<(NodeId, NetworkId), InterfaceState>,
    /// It was said that no network of the cluster is left.
    left_over: bool,
    timers: Timers<1>,
}

impl Topology {
    /// The manager of a machine with interfaces on these networks, all of them linked.
    #[must_use]
    pub fn new(interfaces: &[NetworkId]) -> Self {
        let interface = Interface {
            linked: true,
            routes: NodeSet::EMPTY,
        };
        Self {
            interfaces: interfaces.iter().map(|it| (*it, interface)).collect(),
            ..Self::default()
        }
    }

    fn configure(&self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let settings = &cx.facts.settings;
        let peer = |node: NodeId| {
            let beat = settings.heartbeat(cx.facts.me, node);
            Peer {
                node,
                delay: beat.delay,
                threshold: beat.threshold,
            }
        };
        let used = settings.networks.iter().filter(|(network, known)| {
            known.role != NetworkRole::None && self.interfaces.contains_key(network)
        });
        let networks = used.map(|(network, known)| Network {
            network: *network,
            metric: known.metric,
            nodes: settings.peers_over(cx.facts.me, *network),
        });
        out.push(Output::Configure {
            peers: settings.nodes.keys().copied().map(peer).collect(),
            networks: networks.collect(),
        });
    }

    /// Looks again soon at what this node has to report.
    fn arm(&mut self, cx: &Context<'_>) {
        if cx.facts.ready && !self.proposed && !self.timers.is_set(REPORT) {
            self.timers.set(REPORT, cx.now.mono + REPORT_AFTER);
        }
    }

    fn interface(
        &mut self,
        cx: &Context<'_>,
        network: NetworkId,
        up: bool,
        out: &mut Outbox<Output>,
    ) {
        if let Some(interface) = self.interfaces.get_mut(&network) {
            interface.linked = up;
            out.push(Output::Interface { network, up });
            self.arm(cx);
            self.tell_left_over(cx, out);
        }
    }

    /// Says once when no network of the cluster is left.
    fn tell_left_over(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let event = self.left_over(cx);
        let known = std::mem::replace(&mut self.left_over, event.is_some());
        if let Some(event) = event.filter(|_| !known) {
            out.push(Output::Notice(Notice::OfService { event }));
        }
    }

    /// What is wrong with the interfaces that are left, if no network of the cluster is (events
    /// 1553, 1554 and 1569).
    fn left_over(&self, cx: &Context<'_>) -> Option<ServiceEvent> {
        let networks = &cx.facts.settings.networks;
        let is_used = |network: &NetworkId| {
            let known = networks.get(network);
            known.is_some_and(|it| it.role != NetworkRole::None)
        };
        let mut left = self.interfaces.iter().filter(|(_, it)| it.linked);
        if networks.is_empty() || left.clone().any(|(network, _)| is_used(network)) {
            return None;
        }
        Some(match left.next() {
            Some(_) => ServiceEvent::OnlyRestrictedNetwork,
            None if cx.facts.active => ServiceEvent::ConnectivityLost,
            None => ServiceEvent::NoConnectivity,
        })
    }

    fn route(&mut self, cx: &Context<'_>, network: NetworkId, peer: NodeId, up: bool) {
        if let Some(interface) = self.interfaces.get_mut(&network) {
            if up {
                interface.routes.insert(peer);
            } else {
                interface.routes.remove(peer);
            }
            self.arm(cx);
        }
    }

    /// Networks that the cluster uses, with the members of the view that are attached.
    fn segments<'a>(cx: &Context<'a>) -> impl Iterator<Item = Segment<'a>> {
        let (settings, objects) = (&cx.facts.settings, &*cx.facts.objects);
        let view = cx.facts.view.as_ref();
        let members = view.map_or(NodeSet::EMPTY, |view| view.members);
        let networks = settings.networks.iter();
        let used = networks.filter(|(_, known)| known.role != NetworkRole::None);
        used.map(move |(network, _)| Segment {
            network: *network,
            members: settings.attached(*network).intersection(members),
            objects,
        })
    }

    /// Proposes what the others do not know yet.
    fn report(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        if !cx.facts.ready || self.proposed {
            return;
        }
        let me = cx.facts.me;
        let mut changes = Vec::new();
        for segment in Self::segments(cx) {
            let Some(interface) = self.interfaces.get(&segment.network) else {
                continue;
            };
            let others = segment.members.without(me);
            let unreached = if interface.linked {
                others.difference(interface.routes)
            } else {
                NodeSet::EMPTY
            };
            let row = InterfaceRow {
                linked: interface.linked,
                unreached,
            };
            if cx.facts.objects.interface(me, segment.network) != row {
                changes.push(Change::State(StateChange::Interface {
                    node: me,
                    network: segment.network,
                    row,
                }));
            }
        }
        if !changes.is_empty() {
            self.proposed = true;
            out.push(Output::Propose { changes });
        }
    }

    /// Tells the event log what has changed.
    fn tell(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(view) = cx.facts.view.as_ref().filter(|_| cx.facts.ready) else {
            return;
        };
        let rows = &cx.facts.objects.interfaces;
        // Most updates are about something else.
        if matches!(&self.told, Some((of, known)) if *of == view.id && known == rows) {
            return;
        }
        self.told = Some((view.id, rows.clone()));
        for segment in Self::segments(cx) {
            let network = segment.network;
            for node in segment.members.iter() {
                let state = segment.interface(node);
                let known = self.states.insert((node, network), state);
                if known.unwrap_or(InterfaceState::Up) != state {
                    out.push(Output::Notice(Notice::InterfaceState {
                        node,
                        network,
                        state,
                    }));
                }
            }
            let state = segment.network();
            let known = self.networks.insert(network, state);
            if known.unwrap_or(NetworkState::Up) != state {
                out.push(Output::Notice(Notice::NetworkState { network, state }));
            }
        }
    }
}

impl Manager for Topology {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::SettingsChanged => {
                self.configure(cx, out);
                self.tell_left_over(cx, out);
            }
            Input::Interface { network, up } => self.interface(cx, network, up, out),
            Input::Route { network, peer, up } => self.route(cx, network, peer, up),
            Input::Opened => {
                self.proposed = false;
                self.timers.clear(REPORT);
                self.arm(cx);
                self.tell(cx, out);
            }
            Input::ObjectsChanged => self.tell(cx, out),
            Input::Done => {
                self.proposed = false;
                self.arm(cx);
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        while self.timers.pop_due(cx.now.mono).is_some() {
            self.report(cx, out);
        }
    }

    fn check(&self, cx: &Context<'_>) {
        let mut interfaces = self.interfaces.values();
        assert!(
            interfaces.all(|it| !it.routes.contains(cx.facts.me)),
            "a route to itself"
        );
    }
}
