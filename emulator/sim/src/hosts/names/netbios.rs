//! The NetBIOS names of virtual servers: registered at the provider addresses of whoever owns the
//! name, defended there, and released when it goes offline.
//!
//! Facts: directory fact sheet, 5.1 to 5.4. Packets go to and fro between the hosts' own handlers
//! and the name server until nobody says anything more; the time that a silent server is waited
//! for does not pass for anybody else. Suffixes beyond <00> and <20> are not confirmed.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use base::{ResourceId, Timestamp};
use directory::netbios::{
    Destination, Host, NameState, NetbiosName, NodeType, Outcome, Outgoing, PORT, Timing,
};

use super::Services;

/// Workstation and file server.
const SUFFIXES: [u8; 2] = [0x00, 0x20];
/// More packets than any registration of ours takes.
const PACKETS_MAX: usize = 256;
/// More often than a host asks, a server makes it wait and an owner is challenged.
const TURNS_MAX: usize = 32;

/// Somebody who has NetBIOS names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A network name of the cluster.
    Resource(ResourceId),
    /// A machine that has nothing to do with the cluster and took a name on purpose.
    Stranger(Ipv4Addr),
}

/// What became of the names of a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    /// They are its own.
    Fully,
    /// The name server is silent; the names are used all the same.
    ServerSilent,
    /// Another system has one of them.
    Taken,
}

/// The hosts that have names, each at one address: names of several addresses are registered at the
/// first that is online.
#[derive(Debug)]
pub(super) struct Netbios {
    node_type: fn(Ipv4Addr) -> NodeType,
    hosts: BTreeMap<Owner, (Host, Ipv4Addr)>,
    lives: u16,
}

/// Packets that go to and fro.
struct Exchange<'a> {
    services: &'a mut dyn Services,
    at: Timestamp,
    /// Whose registration it is.
    owner: Owner,
    under_way: VecDeque<(Ipv4Addr, Outgoing)>,
    /// What the owner has heard.
    outcomes: Vec<Outcome>,
}

impl Exchange<'_> {
    fn send(&mut self, from: Ipv4Addr, sent: Vec<Outgoing>) {
        self.under_way.extend(sent.into_iter().map(|it| (from, it)));
    }
}

impl Netbios {
    /// Nobody has a name yet. Hosts make names known as this tells for the address of the server.
    pub(super) fn new(node_type: fn(Ipv4Addr) -> NodeType) -> Self {
        Self {
            node_type,
            hosts: BTreeMap::new(),
            lives: 0,
        }
    }

    /// Registers a label at an address.
    pub(super) fn register(
        &mut self,
        services: &mut dyn Services,
        at: Timestamp,
        owner: Owner,
        label: &str,
        address: Ipv4Addr,
    ) -> Registered {
        let wins = services.wins();
        self.lives = self.lives.wrapping_add(0x100);
        let node_type = (self.node_type)(*wins.ip());
        let mut host = Host::new(node_type, wins.port(), Timing::WINDOWS, self.lives);
        let mut exchange = Exchange {
            services,
            at,
            owner,
            under_way: VecDeque::new(),
            outcomes: Vec::new(),
        };
        for suffix in SUFFIXES {
            let name = NetbiosName::new(label, suffix);
            let (sent, outcomes) = host.register(at, name, false, address);
            exchange.send(address, sent);
            exchange.outcomes.extend(outcomes);
        }
        self.hosts.insert(owner, (host, address));
        self.settle(&mut exchange);
        self.wait(&mut exchange);
        judge(&exchange.outcomes)
    }

    /// Gives the names of a virtual server back.
    pub(super) fn release(
        &mut self,
        services: &mut dyn Services,
        at: Timestamp,
        owner: Owner,
        label: &str,
    ) {
        let Some((mut host, address)) = self.hosts.remove(&owner) else {
            return;
        };
        let mut exchange = Exchange {
            services,
            at,
            owner,
            under_way: VecDeque::new(),
            outcomes: Vec::new(),
        };
        for suffix in SUFFIXES {
            let sent = host.release(&NetbiosName::new(label, suffix));
            exchange.send(address, sent);
        }
        self.settle(&mut exchange);
    }

    /// A host is gone without a word.
    pub(super) fn forget(&mut self, owner: Owner) {
        self.hosts.remove(&owner);
    }

    /// Whether a stranger has this label.
    pub(super) fn is_taken(&self, label: &str) -> bool {
        let name = NetbiosName::new(label, SUFFIXES[0]);
        self.hosts.iter().any(|(owner, (host, address))| {
            let has = host.state(&name, *address) == Some(NameState::Registered);
            matches!(owner, Owner::Stranger(_)) && has
        })
    }

    /// Lets the host ask again as often as it does, until all its names have come to an end.
    fn wait(&mut self, exchange: &mut Exchange<'_>) {
        for _ in 0..TURNS_MAX {
            let Some((host, address)) = self.hosts.get_mut(&exchange.owner) else {
                return;
            };
            if !host.is_registering() {
                return;
            }
            let due = host.deadline().unwrap_or(exchange.at);
            exchange.at = due.max(exchange.at);
            let (sent, outcomes) = host.expire(exchange.at);
            exchange.outcomes.extend(outcomes);
            exchange.send(*address, sent);
            self.settle(exchange);
        }
    }

    /// Carries packets until nobody answers any more.
    fn settle(&mut self, exchange: &mut Exchange<'_>) {
        let wins = exchange.services.wins();
        for _ in 0..PACKETS_MAX {
            let Some((from, packet)) = exchange.under_way.pop_front() else {
                return;
            };
            let sender = SocketAddrV4::new(from, PORT);
            match packet.to {
                Destination::Host(to) if to == wins => {
                    let answers = exchange
                        .services
                        .netbios(exchange.at, sender, &packet.bytes);
                    exchange.send(*wins.ip(), answers);
                }
                Destination::Host(to) => {
                    self.deliver(exchange, sender, &packet.bytes, |it| it == *to.ip());
                }
                Destination::Network(..) => {
                    self.deliver(exchange, sender, &packet.bytes, |it| it != from);
                }
            }
        }
    }

    fn deliver(
        &mut self,
        exchange: &mut Exchange<'_>,
        sender: SocketAddrV4,
        packet: &[u8],
        hears: impl Fn(Ipv4Addr) -> bool,
    ) {
        for (owner, (host, address)) in &mut self.hosts {
            if !hears(*address) {
                continue;
            }
            let (answers, outcomes) = host.handle(exchange.at, sender, packet);
            exchange.send(*address, answers);
            if *owner == exchange.owner {
                exchange.outcomes.extend(outcomes);
            }
        }
    }
}

fn judge(outcomes: &[Outcome]) -> Registered {
    let has = |wanted: fn(&Outcome) -> bool| outcomes.iter().any(wanted);
    if has(|it| matches!(it, Outcome::Taken(_))) {
        Registered::Taken
    } else if has(|it| matches!(it, Outcome::ServerSilent(_))) {
        Registered::ServerSilent
    } else {
        Registered::Fully
    }
}
