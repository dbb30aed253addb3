//! A host that serves names for others: its own names, the table, and the challenge of owners.
//!
//! RFC 1001 section 15, RFC 1002 section 5.1.4; facts 5.2 to 5.4. An owner is asked as often and
//! as long as a client asks; who does not answer has lost the name.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use base::Timestamp;

use super::name::NetbiosName;
use super::packet::{GROUP, Operation, Packet, Record, bit, rcode, rtype};
use super::table::{Met, TTL, Table};
use super::{Outgoing, TRIES, Timing, status};

/// Most owners that are asked at a time; more registrations are refused until some have answered.
const CHALLENGES_MAX: usize = 256;

/// A registration that waits for the owner to be heard.
#[derive(Debug, Clone)]
struct Challenge {
    applicant: SocketAddrV4,
    /// The applicant's packet.
    id: u16,
    operation: Operation,
    name: NetbiosName,
    flags: u16,
    address: Ipv4Addr,
    owners: Vec<Ipv4Addr>,
    tries: u32,
    due: Timestamp,
}

/// The name server of a subnet.
#[derive(Debug)]
pub struct Server {
    /// Names of the server's own host, with their flags.
    own: BTreeMap<NetbiosName, u16>,
    address: Ipv4Addr,
    port: u16,
    timing: Timing,
    table: Table,
    challenges: BTreeMap<u16, Challenge>,
    next_id: u16,
    is_down: bool,
}

impl Server {
    /// A server at this address. Owners of names are asked at `port`, 137 where nothing is
    /// shifted.
    #[must_use]
    pub fn new(address: Ipv4Addr, port: u16, timing: Timing) -> Self {
        Self {
            own: BTreeMap::new(),
            address,
            port,
            timing,
            table: Table::default(),
            challenges: BTreeMap::new(),
            next_id: 1,
            is_down: false,
        }
    }

    /// Takes a name for the server's own host.
    pub fn own(&mut self, name: NetbiosName, is_group: bool) {
        self.own.insert(name, if is_group { GROUP } else { 0 });
    }

    /// It answers nothing from now on, or does again.
    pub fn set_down(&mut self, is_down: bool) {
        self.is_down = is_down;
    }

    /// The addresses that a name is registered with, its own names included.
    pub fn find(&mut self, now: Timestamp, name: &NetbiosName) -> Vec<Ipv4Addr> {
        match self.own.contains_key(name) {
            true => vec![self.address],
            false => {
                let entry = self.table.find(now, name);
                entry
                    .into_iter()
                    .flat_map(|it| &it.addresses)
                    .map(|(it, _)| *it)
                    .collect()
            }
        }
    }

    /// When [`Self::expire`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.challenges
            .values()
            .map(|challenge| challenge.due)
            .min()
    }

    /// Hears a packet.
    pub fn handle(&mut self, now: Timestamp, from: SocketAddrV4, bytes: &[u8]) -> Vec<Outgoing> {
        let Some(packet) = Packet::decode(bytes).filter(|_| !self.is_down) else {
            return Vec::new();
        };
        let Some(operation) = packet.operation() else {
            return Vec::new();
        };
        if packet.is_response() {
            return self.heard(now, from, &packet);
        }
        let Some((name, asked)) = packet.question.clone() else {
            return Vec::new();
        };
        let answer = match (operation, &packet.additional) {
            (Operation::Query, _) if asked == rtype::STATUS => self.status(&name),
            (Operation::Query, _) => self.query(now, &packet, &name),
            (Operation::Wait, _) | (_, None) => None,
            (Operation::Release, Some(wanted)) => self.release(now, &packet, wanted),
            (_, Some(wanted)) => return self.register(now, from, &packet, operation, wanted),
        };
        let response =
            answer.map(|(code, answer)| Packet::response(packet.id, operation, code, answer));
        response
            .into_iter()
            .map(|packet| Outgoing::to(from, &packet))
            .collect()
    }

    fn status(&self, name: &NetbiosName) -> Option<(u8, Record)> {
        let is_ours = name.is_any() || self.own.contains_key(name);
        is_ours.then(|| {
            let data = status::data(self.own.iter().map(|(name, flags)| (name, *flags)));
            (
                rcode::OK,
                Record {
                    name: name.clone(),
                    rtype: rtype::STATUS,
                    ttl: 0,
                    data,
                },
            )
        })
    }

    fn query(
        &mut self,
        now: Timestamp,
        packet: &Packet,
        name: &NetbiosName,
    ) -> Option<(u8, Record)> {
        let ttl = seconds(TTL);
        if let Some(flags) = self.own.get(name) {
            return Some((rcode::OK, Record::of(name, ttl, *flags, &[self.address])));
        }
        if packet.is_broadcast() {
            return None;
        }
        let Some(entry) = self.table.find(now, name) else {
            let nothing = Record {
                name: name.clone(),
                rtype: rtype::NULL,
                ttl: 0,
                data: Vec::new(),
            };
            return Some((rcode::NAME, nothing));
        };
        let addresses: Vec<_> = entry
            .addresses
            .iter()
            .map(|(address, _)| *address)
            .collect();
        Some((rcode::OK, Record::of(name, ttl, entry.flags, &addresses)))
    }

    fn release(
        &mut self,
        now: Timestamp,
        packet: &Packet,
        wanted: &Record,
    ) -> Option<(u8, Record)> {
        if packet.is_broadcast() {
            return None;
        }
        let (flags, address) = wanted.entries().first().copied()?;
        let is_free =
            !self.own.contains_key(&wanted.name) && self.table.release(now, &wanted.name, address);
        let code = if is_free { rcode::OK } else { rcode::ACTIVE };
        Some((code, Record::of(&wanted.name, 0, flags, &[address])))
    }

    fn register(
        &mut self,
        now: Timestamp,
        from: SocketAddrV4,
        packet: &Packet,
        operation: Operation,
        wanted: &Record,
    ) -> Vec<Outgoing> {
        let Some((flags, address)) = wanted.entries().first().copied() else {
            return Vec::new();
        };
        let answer = |code: u8| {
            let record = Record::of(&wanted.name, seconds(TTL), flags, &[address]);
            vec![Outgoing::to(
                from,
                &Packet::response(packet.id, operation, code, record),
            )]
        };
        let is_group = flags & GROUP != 0;
        if let Some(own) = self.own.get(&wanted.name) {
            let both_groups = is_group && own & GROUP != 0;
            return match (both_groups, packet.is_broadcast()) {
                (false, _) => answer(rcode::ACTIVE),
                (true, true) => Vec::new(),
                (true, false) => answer(rcode::OK),
            };
        }
        if packet.is_broadcast() {
            return Vec::new();
        }
        if wanted.name.is_too_long() {
            return answer(rcode::SERVER);
        }
        match self.table.register(now, &wanted.name, flags, address) {
            Met::Done => answer(rcode::OK),
            Met::Never => answer(rcode::ACTIVE),
            Met::Full => answer(rcode::SERVER),
            Met::Owner(_) if self.challenges.len() >= CHALLENGES_MAX => answer(rcode::SERVER),
            Met::Owner(owners) => {
                let challenge = Challenge {
                    applicant: from,
                    id: packet.id,
                    operation,
                    name: wanted.name.clone(),
                    flags,
                    address,
                    owners,
                    tries: 0,
                    due: now,
                };
                self.challenge(now, packet, challenge)
            }
        }
    }

    /// Tells the applicant to wait and asks the owner. An applicant that asks again meanwhile is
    /// met with silence: its answer is under way, and a second notice to wait confuses clients.
    fn challenge(&mut self, now: Timestamp, packet: &Packet, new: Challenge) -> Vec<Outgoing> {
        let is_same = |it: &Challenge| it.applicant == new.applicant && it.name == new.name;
        if self.challenges.values().any(is_same) {
            return Vec::new();
        }
        let wait = self.timing.unicast * TRIES + self.timing.unicast;
        let record = Record {
            name: new.name.clone(),
            rtype: rtype::NAME,
            ttl: seconds(wait).max(1),
            data: packet.flags.to_be_bytes().to_vec(),
        };
        let wack = Packet::response(new.id, Operation::Wait, rcode::OK, record);
        let mut sent = vec![Outgoing::to(new.applicant, &wack)];
        let id = self.free_id();
        self.challenges.insert(id, new);
        sent.extend(self.expire(now));
        sent
    }

    fn free_id(&mut self) -> u16 {
        loop {
            self.next_id = self.next_id.wrapping_add(1);
            if !self.challenges.contains_key(&self.next_id) {
                return self.next_id;
            }
        }
    }

    /// Does what is due: asks owners again, and gives names of silent ones away.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Outgoing> {
        let due = self.challenges.iter().filter(|(_, it)| it.due <= now);
        let due: Vec<u16> = due.map(|(id, _)| *id).collect();
        due.into_iter().flat_map(|id| self.ask(now, id)).collect()
    }

    fn ask(&mut self, now: Timestamp, id: u16) -> Vec<Outgoing> {
        let Some(challenge) = self.challenges.get_mut(&id) else {
            return Vec::new();
        };
        if challenge.tries == TRIES {
            return self.settle(now, id, &[]);
        }
        challenge.tries += 1;
        challenge.due = now + self.timing.unicast;
        let bits = bit::RECURSION_DESIRED;
        let query = Packet::request(id, Operation::Query, bits, &challenge.name, None);
        let to = |address: &Ipv4Addr| Outgoing::to(SocketAddrV4::new(*address, self.port), &query);
        challenge.owners.iter().map(to).collect()
    }

    /// An owner has answered.
    fn heard(&mut self, now: Timestamp, from: SocketAddrV4, packet: &Packet) -> Vec<Outgoing> {
        let Some(challenge) = self.challenges.get(&packet.id) else {
            return Vec::new();
        };
        let answer = packet
            .answer
            .as_ref()
            .filter(|it| it.name == challenge.name);
        let is_owner = challenge.owners.contains(from.ip());
        match (packet.operation(), answer) {
            (Some(Operation::Query), Some(answer)) if is_owner && packet.rcode() == rcode::OK => {
                let has: Vec<Ipv4Addr> = answer.entries().into_iter().map(|(_, it)| it).collect();
                self.settle(now, packet.id, &has)
            }
            (Some(Operation::Query), _) if is_owner && packet.rcode() != rcode::OK => {
                self.settle(now, packet.id, &[])
            }
            _ => Vec::new(),
        }
    }

    /// Gives the name to the applicant unless the owner still has it; an owner that lists the
    /// applicant's address is the same host.
    fn settle(&mut self, now: Timestamp, id: u16, owner_has: &[Ipv4Addr]) -> Vec<Outgoing> {
        let Some(challenge) = self.challenges.remove(&id) else {
            return Vec::new();
        };
        let Challenge {
            name,
            flags,
            address,
            ..
        } = &challenge;
        let is_same_host = owner_has.contains(address);
        let code = match (owner_has.is_empty(), is_same_host) {
            (true, _) => match self.table.replace(now, name, *flags, *address) {
                Met::Done => rcode::OK,
                _ => rcode::SERVER,
            },
            (false, true) => {
                self.table.add(now, name, *address);
                rcode::OK
            }
            (false, false) => rcode::ACTIVE,
        };
        let record = Record::of(name, seconds(TTL), *flags, &[*address]);
        let response = Packet::response(challenge.id, challenge.operation, code, record);
        vec![Outgoing::to(challenge.applicant, &response)]
    }
}

fn seconds(span: std::time::Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}
