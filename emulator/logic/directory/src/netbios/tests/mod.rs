//! Hosts and a name server on a network of their own.

mod registration;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use base::Timestamp;

use super::*;

const WINS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn at(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn named(text: &str) -> NetbiosName {
    NetbiosName::new(text, 0x20)
}

/// A network that loses nothing, except for hosts that are cut off.
struct Network {
    now: Timestamp,
    server: Server,
    hosts: BTreeMap<Ipv4Addr, Host>,
    cut_off: Vec<Ipv4Addr>,
    outcomes: Vec<(Ipv4Addr, Outcome)>,
}

impl Network {
    fn new(node_type: NodeType, hosts: &[u8]) -> Self {
        let mut server = Server::new(WINS, PORT, Timing::WINDOWS);
        server.own(NetbiosName::new("DC1", 0), false);
        server.own(NetbiosName::new("CORP", 0), true);
        let host = |last: &u8| (at(*last), Host::new(node_type, PORT, Timing::WINDOWS, 0));
        let hosts = hosts.iter().map(host).collect();
        let (cut_off, outcomes) = (Vec::new(), Vec::new());
        Self {
            now: Timestamp::ZERO,
            server,
            hosts,
            cut_off,
            outcomes,
        }
    }

    fn host(&mut self, last: u8) -> &mut Host {
        self.hosts.get_mut(&at(last)).unwrap()
    }

    fn register(&mut self, last: u8, name: NetbiosName, is_group: bool) {
        let now = self.now;
        let (sent, outcomes) = self.host(last).register(now, name, is_group, at(last));
        self.outcomes
            .extend(outcomes.into_iter().map(|it| (at(last), it)));
        self.deliver(at(last), sent);
    }

    fn release(&mut self, last: u8, name: &NetbiosName) {
        let sent = self.host(last).release(name);
        self.deliver(at(last), sent);
    }

    fn deliver(&mut self, from: Ipv4Addr, sent: Vec<Outgoing>) {
        let mut queue: VecDeque<_> = sent.into_iter().map(|it| (from, it)).collect();
        while let Some((from, outgoing)) = queue.pop_front() {
            let everybody = || self.hosts.keys().copied().chain([WINS]).collect::<Vec<_>>();
            let to = match outgoing.to {
                Destination::Host(peer) => vec![*peer.ip()],
                Destination::Network(..) => everybody(),
            };
            let is_cut_off = |it: &Ipv4Addr| self.cut_off.contains(it);
            for address in to.into_iter().filter(|it| *it != from) {
                if is_cut_off(&from) || is_cut_off(&address) {
                    continue;
                }
                let peer = SocketAddrV4::new(from, PORT);
                let answers = if address == WINS {
                    self.server.handle(self.now, peer, &outgoing.bytes)
                } else if let Some(host) = self.hosts.get_mut(&address) {
                    let (sent, outcomes) = host.handle(self.now, peer, &outgoing.bytes);
                    self.outcomes
                        .extend(outcomes.into_iter().map(|it| (address, it)));
                    sent
                } else {
                    Vec::new()
                };
                queue.extend(answers.into_iter().map(|it| (address, it)));
            }
        }
    }

    /// Lets so many seconds pass.
    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let hosts = self.hosts.values().filter_map(Host::deadline);
            let due = hosts
                .chain(self.server.deadline())
                .min()
                .filter(|due| *due <= end);
            let Some(due) = due else { break };
            self.now = due;
            let sent = self.server.expire(due);
            self.deliver(WINS, sent);
            for address in self.hosts.keys().copied().collect::<Vec<_>>() {
                let Some(host) = self.hosts.get_mut(&address) else {
                    continue;
                };
                let (sent, outcomes) = host.expire(due);
                self.outcomes
                    .extend(outcomes.into_iter().map(|it| (address, it)));
                self.deliver(address, sent);
            }
        }
        self.now = end;
    }

    fn found(&mut self, name: &NetbiosName) -> Vec<Ipv4Addr> {
        let now = self.now;
        self.server.find(now, name)
    }
}
