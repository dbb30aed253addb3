//! The networks: segments, what is wrong with them, and how long a datagram takes.
//!
//! Faults are a list of rules, each under the number of the fault that made it, so that healing
//! takes exactly its own rules away. What the rules amount to is worked out when they change and
//! never while datagrams flow.

mod across;
mod frames;
mod impairment;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base::{NetworkId, NodeId, NodeSet, Rng};

pub use impairment::{Burst, Impairment};

use crate::FaultId;
use impairment::Fate;

/// A machine on the networks: members of the cluster first, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Station(pub u8);

impl From<NodeId> for Station {
    fn from(node: NodeId) -> Self {
        Self(node.number() - 1)
    }
}

/// A set of machines; the low 64 bits are the members as in [`NodeSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stations(pub u128);

impl Stations {
    /// Every machine.
    pub const ALL: Self = Self(u128::MAX);

    /// The machines in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Station> {
        (0..128).map(Station).filter(move |it| self.contains(*it))
    }

    /// Just this one.
    #[must_use]
    pub fn one(station: Station) -> Self {
        Self(1 << station.0)
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn contains(self, station: Station) -> bool {
        self.0 & (1 << station.0) != 0
    }

    /// Those in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn members(self) -> NodeSet {
        NodeSet(u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or(0))
    }
}

impl From<NodeSet> for Stations {
    fn from(nodes: NodeSet) -> Self {
        Self(u128::from(nodes.0))
    }
}

impl FromIterator<Station> for Stations {
    fn from_iter<I: IntoIterator<Item = Station>>(stations: I) -> Self {
        stations
            .into_iter()
            .fold(Self::default(), |set, it| set.union(Self::one(it)))
    }
}

/// One thing that is wrong with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The segment is dead; every adapter on it sees that.
    NetworkDown(NetworkId),
    /// An adapter has no link.
    NicDown(Station, NetworkId),
    /// Nothing gets from here to there; nobody sees it but by silence.
    Cut {
        /// Senders.
        from: Stations,
        /// Receivers.
        to: Stations,
        /// Where.
        network: NetworkId,
    },
    /// What gets from here to there suffers.
    Impair {
        /// Senders.
        from: Stations,
        /// Receivers.
        to: Stations,
        /// Where.
        network: NetworkId,
        /// How.
        impairment: Impairment,
    },
}

/// A network segment when nothing is wrong.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Machines with an adapter on it.
    pub attached: Stations,
    /// How long a datagram takes.
    pub delay: Duration,
}

/// What joins segments of one role.
#[derive(Clone, Debug)]
pub struct Router {
    /// The segments.
    pub joins: Vec<NetworkId>,
    /// What always happens to datagrams that cross it.
    pub link: Impairment,
}

/// One or more receivers that a datagram reaches after the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The receivers' end.
    pub network: NetworkId,
    /// Who.
    pub to: NodeSet,
    /// After how long.
    pub after: Duration,
}

/// All networks of the world.
#[derive(Clone, Debug)]
pub struct Networks {
    segments: Vec<Segment>,
    routers: Vec<Router>,
    rules: Vec<(FaultId, Rule)>,
    /// Whom each machine reaches, by network and sender.
    reach: Vec<Vec<Stations>>,
    /// Whether some rule impairs the network.
    impaired: Vec<bool>,
    /// Adapters with a link, by network.
    linked: Vec<Stations>,
    bursts: Vec<bool>,
    rng: Rng,
}

impl Networks {
    /// Networks without faults; a network's number is its place.
    #[must_use]
    pub fn new(segments: Vec<Segment>, rng: Rng) -> Self {
        Self::routed(segments, Vec::new(), rng)
    }

    /// Networks without faults, with what joins them.
    #[must_use]
    pub fn routed(segments: Vec<Segment>, routers: Vec<Router>, rng: Rng) -> Self {
        let count = segments.len();
        let mut networks = Self {
            segments,
            routers,
            rules: Vec::new(),
            reach: Vec::new(),
            impaired: vec![false; count],
            linked: Vec::new(),
            bursts: vec![false; count],
            rng,
        };
        networks.work_out();
        networks
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.segments.len()
    }

    /// The networks that a machine has an adapter on.
    pub fn of(&self, station: Station) -> impl Iterator<Item = NetworkId> + '_ {
        (0_u8..)
            .map(NetworkId)
            .zip(&self.segments)
            .filter(move |(_, segment)| segment.attached.contains(station))
            .map(|(network, _)| network)
    }

    /// Adds a rule of a fault.
    pub fn add(&mut self, fault: FaultId, rule: Rule) {
        self.add_all(fault, [rule]);
    }

    /// Adds several rules of a fault at once.
    pub fn add_all(&mut self, fault: FaultId, rules: impl IntoIterator<Item = Rule>) {
        self.rules
            .extend(rules.into_iter().map(|rule| (fault, rule)));
        self.work_out();
    }

    /// Takes all rules of a fault away.
    pub fn heal(&mut self, fault: FaultId) {
        self.retain(|owner, _| owner != fault);
    }

    /// Keeps only the rules that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(FaultId, &Rule) -> bool) {
        self.rules.retain(|(fault, rule)| keep(*fault, rule));
        self.work_out();
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &[(FaultId, Rule)] {
        &self.rules
    }

    /// Whether an adapter has a link.
    #[must_use]
    pub fn is_linked(&self, station: Station, network: NetworkId) -> bool {
        self.linked
            .get(usize::from(network.0))
            .is_some_and(|linked| linked.contains(station))
    }

    /// Whether a datagram can get from one machine to another.
    #[must_use]
    pub fn reaches(&self, network: NetworkId, from: Station, to: Station) -> bool {
        self.reach
            .get(usize::from(network.0))
            .and_then(|senders| senders.get(usize::from(from.0)))
            .is_some_and(|reach| reach.contains(to))
    }

    /// Whether two machines can exchange datagrams: on a common segment, or through a router.
    #[must_use]
    pub fn exchange(&self, one: Station, other: Station) -> bool {
        let common =
            |network| self.reaches(network, one, other) && self.reaches(network, other, one);
        let sends = |from, to| {
            self.of(from)
                .any(|network| self.is_across(network, from, to))
        };
        self.of(one).any(common) || (sends(one, other) && sends(other, one))
    }

    /// Members that can exchange datagrams with `node` on some network, in both directions.
    #[must_use]
    pub fn peers(&self, node: NodeId) -> NodeSet {
        let me = Station::from(node);
        let hears = |other: &NodeId| self.exchange(me, Station::from(*other));
        NodeSet(u64::MAX).iter().filter(hears).collect()
    }

    /// Where a datagram arrives, and when. Appends to `arrivals`.
    pub fn route(
        &mut self,
        network: NetworkId,
        from: NodeId,
        to: NodeSet,
        arrivals: &mut Vec<Arrival>,
    ) {
        let number = usize::from(network.0);
        let Some(senders) = self.reach.get(number) else {
            return;
        };
        let to = to.intersection(senders[from.index()].members());
        let direct = self.linked[number].members();
        for node in to.difference(direct).iter() {
            self.route_across(network, from, node, arrivals);
        }
        let to = to.intersection(direct);
        if to.is_empty() {
            return;
        }
        let after = self.segments[number].delay;
        if self.impaired[number] {
            to.iter()
                .for_each(|to| self.route_impaired(network, from, to, arrivals));
        } else {
            arrivals.push(Arrival { network, to, after });
        }
    }

    fn route_impaired(
        &mut self,
        network: NetworkId,
        from: NodeId,
        to: NodeId,
        arrivals: &mut Vec<Arrival>,
    ) {
        let number = usize::from(network.0);
        let impairment = self.impairment(network, from.into(), to.into());
        let Fate { copies, after } = impairment.draw(&mut self.bursts[number], &mut self.rng);
        for extra in after.into_iter().take(copies) {
            arrivals.push(Arrival {
                network,
                to: NodeSet::one(to),
                after: self.segments[number].delay + extra,
            });
        }
    }

    /// What all rules together do to datagrams between two machines.
    fn impairment(&self, on: NetworkId, sender: Station, receiver: Station) -> Impairment {
        self.rules
            .iter()
            .filter_map(|(_, rule)| match rule {
                Rule::Impair {
                    from,
                    to,
                    network,
                    impairment,
                } if *network == on && from.contains(sender) && to.contains(receiver) => {
                    Some(*impairment)
                }
                _ => None,
            })
            .fold(Impairment::default(), Impairment::and)
    }

    fn work_out(&mut self) {
        let numbers: Vec<NetworkId> = (0_u8..).map(NetworkId).take(self.count()).collect();
        self.linked = numbers.iter().map(|it| self.links_of(*it)).collect();
        self.reach = numbers.iter().map(|it| self.reach_of(*it)).collect();
        for network in numbers {
            self.impaired[usize::from(network.0)] = self.rules.iter().any(
                |(_, rule)| matches!(rule, Rule::Impair { network: on, .. } if *on == network),
            );
        }
    }

    fn links_of(&self, network: NetworkId) -> Stations {
        let mut linked = self.segments[usize::from(network.0)].attached;
        for (_, rule) in &self.rules {
            match rule {
                Rule::NetworkDown(down) if *down == network => linked = Stations::default(),
                Rule::NicDown(station, on) if *on == network => {
                    linked.0 &= !Stations::one(*station).0;
                }
                _ => {}
            }
        }
        linked
    }

    fn reach_of(&self, network: NetworkId) -> Vec<Stations> {
        let linked = self.linked[usize::from(network.0)];
        let sender = |number: u8| {
            let me = Station(number);
            if !linked.contains(me) {
                return Stations::default();
            }
            let mut reach = Stations(linked.0 & !Stations::one(me).0);
            for (_, rule) in &self.rules {
                if let Rule::Cut {
                    from,
                    to,
                    network: on,
                } = rule
                    && *on == network
                    && from.contains(me)
                {
                    reach.0 &= !to.0;
                }
            }
            reach.union(self.reach_across(network, me))
        };
        (0..128).map(sender).collect()
    }
}
