//! A host's own names: registering, refreshing, defending and releasing them.
//!
//! RFC 1001 sections 10 and 15, RFC 1002 section 5.1; facts 5.1 to 5.3. A name in conflict stays
//! silent until it is released.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use base::Timestamp;

use super::name::NetbiosName;
use super::packet::{GROUP, Operation, Packet, Record, bit, rcode, rtype};
use super::{Outgoing, TRIES, Timing, status};

/// What a host asks for (seconds); a name server grants what it likes.
const TTL_SECONDS: u32 = 300_000;

/// How a host makes names known (RFC 1001 section 10). The number is that of the name flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeType {
    /// By broadcast.
    Broadcast,
    /// At a name server.
    PointToPoint(Ipv4Addr),
    /// At a name server; by broadcast while it is silent.
    Hybrid(Ipv4Addr),
}

impl NodeType {
    fn flags(self) -> u16 {
        match self {
            Self::Broadcast => 0,
            Self::PointToPoint(_) => 0x2000,
            Self::Hybrid(_) => 0x6000,
        }
    }

    fn server(self) -> Option<Ipv4Addr> {
        match self {
            Self::Broadcast => None,
            Self::PointToPoint(server) | Self::Hybrid(server) => Some(server),
        }
    }
}

/// How far a name has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameState {
    /// Wanted, and nobody has objected so far.
    Registering,
    /// The host's.
    Registered,
    /// Another host's. It was not registered, or is silent.
    Conflict,
}

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is the host's.
    Registered(NetbiosName),
    /// Another host has it.
    Taken(NetbiosName),
    /// The name server says nothing; the name is used all the same, and asked for again.
    ServerSilent(NetbiosName),
}

#[derive(Debug, Clone)]
struct Own {
    state: NameState,
    address: Ipv4Addr,
    is_group: bool,
    id: u16,
    tries: u32,
    /// The server has been given up for this registration.
    by_broadcast: bool,
    due: Timestamp,
}

/// A host's names.
#[derive(Debug)]
pub struct Host {
    node_type: NodeType,
    port: u16,
    timing: Timing,
    names: BTreeMap<(NetbiosName, Ipv4Addr), Own>,
    next_id: u16,
}

/// How long a name server that was silent is left alone.
const RETRY: Duration = Duration::from_secs(600);
/// When to refresh what was granted without a time.
const REFRESH: Duration = Duration::from_secs(TTL_SECONDS as u64 / 2);

impl Host {
    /// A host without names. `first_id` sets its packets apart from those of its earlier lives.
    #[must_use]
    pub fn new(node_type: NodeType, port: u16, timing: Timing, first_id: u16) -> Self {
        Self {
            node_type,
            port,
            timing,
            names: BTreeMap::new(),
            next_id: first_id,
        }
    }

    /// Wants a name at one of the host's addresses.
    pub fn register(
        &mut self,
        now: Timestamp,
        name: NetbiosName,
        is_group: bool,
        address: Ipv4Addr,
    ) -> (Vec<Outgoing>, Vec<Outcome>) {
        self.next_id = self.next_id.wrapping_add(1);
        let own = Own {
            state: NameState::Registering,
            address,
            is_group,
            id: self.next_id,
            tries: 0,
            by_broadcast: self.node_type == NodeType::Broadcast,
            due: now,
        };
        self.names.insert((name, address), own);
        self.expire(now)
    }

    /// Gives a name back, at every address.
    pub fn release(&mut self, name: &NetbiosName) -> Vec<Outgoing> {
        let keys: Vec<_> = self
            .names
            .keys()
            .filter(|(it, _)| it == name)
            .cloned()
            .collect();
        let mut sent = Vec::new();
        for key in keys {
            let Some(own) = self.names.remove(&key) else {
                continue;
            };
            if own.state != NameState::Conflict {
                sent.push(self.packet(name, &own, Operation::Release, 0));
            }
        }
        sent
    }

    /// How far a name has come at an address.
    #[must_use]
    pub fn state(&self, name: &NetbiosName, address: Ipv4Addr) -> Option<NameState> {
        self.names
            .get(&(name.clone(), address))
            .map(|own| own.state)
    }

    /// Whether a name is still asked for.
    #[must_use]
    pub fn is_registering(&self) -> bool {
        let waits = |own: &Own| own.state == NameState::Registering;
        self.names.values().any(waits)
    }

    /// When [`Self::expire`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let busy = self
            .names
            .values()
            .filter(|own| own.state != NameState::Conflict);
        busy.map(|own| own.due).min()
    }

    /// Does what is due: asks again, or takes what nobody has objected to.
    pub fn expire(&mut self, now: Timestamp) -> (Vec<Outgoing>, Vec<Outcome>) {
        let (mut sent, mut outcomes) = (Vec::new(), Vec::new());
        let is_due = |own: &Own| own.due <= now && own.state != NameState::Conflict;
        let due = self.names.iter().filter(|(_, own)| is_due(own));
        let due: Vec<_> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            let Some(mut own) = self.names.remove(&key) else {
                continue;
            };
            self.turn(now, &key.0, &mut own, &mut sent, &mut outcomes);
            self.names.insert(key, own);
        }
        (sent, outcomes)
    }

    fn turn(
        &self,
        now: Timestamp,
        name: &NetbiosName,
        own: &mut Own,
        sent: &mut Vec<Outgoing>,
        outcomes: &mut Vec<Outcome>,
    ) {
        if own.tries < TRIES {
            let operation = match own.state {
                NameState::Registered => Operation::Refresh,
                _ => Operation::Register,
            };
            own.tries += 1;
            own.due = now
                + if own.by_broadcast {
                    self.timing.broadcast
                } else {
                    self.timing.unicast
                };
            sent.push(self.packet(name, own, operation, bit::RECURSION_DESIRED));
        } else if own.by_broadcast {
            // Nobody has objected: the name is claimed aloud (RFC 1002 section 5.1.1.1).
            if own.state == NameState::Registering {
                sent.push(self.packet(name, own, Operation::Register, 0));
                outcomes.push(Outcome::Registered(name.clone()));
            }
            self.hold(now, own, REFRESH);
        } else if let (NodeType::Hybrid(_), NameState::Registering) = (self.node_type, own.state) {
            (own.by_broadcast, own.tries) = (true, 0);
            self.turn(now, name, own, sent, outcomes);
        } else {
            if own.state == NameState::Registering {
                outcomes.push(Outcome::ServerSilent(name.clone()));
            }
            self.hold(now, own, RETRY);
        }
    }

    fn hold(&self, now: Timestamp, own: &mut Own, until: Duration) {
        own.state = NameState::Registered;
        own.tries = 0;
        own.by_broadcast = self.node_type == NodeType::Broadcast;
        own.due = now + until;
    }

    fn packet(&self, name: &NetbiosName, own: &Own, operation: Operation, bits: u16) -> Outgoing {
        let ttl = if operation == Operation::Release {
            0
        } else {
            TTL_SECONDS
        };
        let wanted = Record::of(name, ttl, self.flags(own), &[own.address]);
        let request = |bits| Packet::request(own.id, operation, bits, name, Some(wanted));
        match self.node_type.server().filter(|_| !own.by_broadcast) {
            Some(server) => Outgoing::to(SocketAddrV4::new(server, self.port), &request(bits)),
            None => Outgoing::broadcast(own.address, self.port, &request(bits | bit::BROADCAST)),
        }
    }

    fn flags(&self, own: &Own) -> u16 {
        self.node_type.flags() | if own.is_group { GROUP } else { 0 }
    }

    /// Hears a packet.
    pub fn handle(
        &mut self,
        now: Timestamp,
        from: SocketAddrV4,
        bytes: &[u8],
    ) -> (Vec<Outgoing>, Vec<Outcome>) {
        let Some(packet) = Packet::decode(bytes) else {
            return Default::default();
        };
        if packet.is_response() {
            return (Vec::new(), self.heard(now, &packet).into_iter().collect());
        }
        let answer = self
            .asked(&packet)
            .map(|response| Outgoing::to(from, &response));
        (answer.into_iter().collect(), Vec::new())
    }

    /// The answer to one of the host's own requests, or somebody's objection.
    fn heard(&mut self, now: Timestamp, packet: &Packet) -> Option<Outcome> {
        let answer = packet.answer.as_ref()?;
        let operation = packet.operation()?;
        let code = packet.rcode();
        let asked = |(key, own): &(&(NetbiosName, Ipv4Addr), &Own)| {
            key.0 == answer.name && (own.id == packet.id || code == rcode::CONFLICT)
        };
        let key = self.names.iter().find(asked).map(|(key, _)| key.clone())?;
        let own = self.names.get_mut(&key)?;
        match (operation, code) {
            (Operation::Wait, _) => {
                own.due = now + Duration::from_secs(u64::from(answer.ttl.clamp(1, 60)));
                None
            }
            (Operation::Register | Operation::Refresh, rcode::OK) if !own.by_broadcast => {
                let was = own.state;
                own.state = NameState::Registered;
                own.tries = 0;
                own.due = now + Duration::from_secs(u64::from(answer.ttl.max(2) / 2));
                (was == NameState::Registering).then_some(Outcome::Registered(key.0))
            }
            (Operation::Register | Operation::Refresh, code) if code != rcode::OK => {
                let was = std::mem::replace(&mut own.state, NameState::Conflict);
                (was != NameState::Conflict).then_some(Outcome::Taken(key.0))
            }
            _ => None,
        }
    }

    /// What the host says to a question or to a claim of another.
    fn asked(&self, packet: &Packet) -> Option<Packet> {
        let (name, asked) = packet.question.as_ref()?;
        let operation = packet.operation()?;
        let is_active = |own: &Own| own.state != NameState::Conflict;
        let owned: Vec<&Own> = self
            .names
            .iter()
            .filter(|((it, _), own)| it == name && is_active(own))
            .map(|(_, own)| own)
            .collect();
        let first = owned.first();
        match operation {
            Operation::Query if *asked == rtype::STATUS => {
                let names = self
                    .names
                    .iter()
                    .map(|((name, _), own)| (name, self.flags(own)));
                let record = Record {
                    name: name.clone(),
                    rtype: rtype::STATUS,
                    ttl: 0,
                    data: status::data(names),
                };
                let is_asked = name.is_any() || first.is_some();
                is_asked.then(|| Packet::response(packet.id, operation, rcode::OK, record))
            }
            Operation::Query => {
                let Some(own) = first else {
                    let nothing = Record {
                        name: name.clone(),
                        rtype: rtype::NULL,
                        ttl: 0,
                        data: Vec::new(),
                    };
                    let negative = Packet::response(packet.id, operation, rcode::NAME, nothing);
                    return (!packet.is_broadcast()).then_some(negative);
                };
                let addresses: Vec<_> = owned.iter().map(|own| own.address).collect();
                let record = Record::of(name, TTL_SECONDS, self.flags(own), &addresses);
                Some(Packet::response(packet.id, operation, rcode::OK, record))
            }
            Operation::Register | Operation::RegisterMultihomed | Operation::Refresh => {
                let wanted = packet.additional.as_ref()?.entries().first().copied()?;
                let own = first.filter(|own| !own.is_group)?;
                let is_own = owned.iter().any(|own| own.address == wanted.1);
                let record = Record::of(name, 0, self.flags(own), &[own.address]);
                (!is_own).then(|| Packet::response(packet.id, operation, rcode::ACTIVE, record))
            }
            _ => None,
        }
    }
}
