//! Several members under attack: random sends over a bad network, members lost at any moment, a
//! view that ends. What was meant to hold is kept beside and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::{NodeId, NodeSet, Rng, Timestamp};

use super::super::{Input, Multicast, Packet, Segment, Service, Stamp};
use super::{Member, Message, node, nodes, view};
use crate::Facts;
use crate::test_context::blank_facts;

/// A fault in the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    Nothing,
    /// Reports say that their sender has everything, whatever it has.
    RepairsAreBelieved,
    /// Causal multicasts depend on nothing.
    StampsAreBlank,
    /// Numbers of multicasts are swapped on the way.
    NumbersAreSwapped,
}

/// A multicast as its sender meant it.
struct Sent {
    service: Service,
    /// Multicasts that its sender had delivered.
    before: BTreeSet<Message>,
}

pub(super) struct Group {
    members: BTreeMap<NodeId, Member>,
    lost: NodeSet,
    network: Vec<(NodeId, NodeId, Segment<Message>)>,
    sent: BTreeMap<Message, Sent>,
    rng: Rng,
    now: Timestamp,
    planted: Planted,
}

impl Group {
    pub(super) fn new(seed: u64, planted: Planted) -> Self {
        let everybody = nodes(&[1, 2, 3, 4]);
        let first = Arc::new(view(1, everybody));
        let member = |me: NodeId| {
            let mut member = Member::new(me.number(), 1);
            member.facts = Facts {
                view: Some(Arc::clone(&first)),
                ..blank_facts(me)
            };
            member.tell(Timestamp::ZERO, Input::ViewInstalled);
            (me, member)
        };
        Self {
            members: everybody.iter().map(member).collect(),
            lost: NodeSet::EMPTY,
            network: Vec::new(),
            sent: BTreeMap::new(),
            rng: Rng::new(seed, 0),
            now: Timestamp::ZERO,
            planted,
        }
    }

    /// One history; an error says what did not hold.
    pub(super) fn run(mut self) -> Result<(), String> {
        let steps = self.rng.below(400);
        for payload in 0..u32::try_from(steps).unwrap_or(0) {
            if self.rng.chance(400_000) {
                self.send(payload);
            }
            self.step(true);
        }
        self.end_view()?;
        self.judge()
    }

    fn live(&self) -> NodeSet {
        let all: NodeSet = self.members.keys().copied().collect();
        all.difference(self.lost)
    }

    fn pick(&mut self) -> NodeId {
        let live: Vec<NodeId> = self.live().iter().collect();
        self.rng.pick(&live).copied().unwrap_or(node(1))
    }

    fn send(&mut self, payload: Message) {
        let service = match self.rng.below(3) {
            0 => Service::GoodEnough,
            1 => Service::Causal,
            _ => Service::Unicast,
        };
        let (from, now) = (self.pick(), self.now);
        if let Some(member) = self.members.get_mut(&from) {
            if service != Service::Unicast {
                let delivered = member.delivered.iter().map(|(_, payload)| *payload);
                let before = delivered.filter(|it| self.sent.contains_key(it)).collect();
                self.sent.insert(payload, Sent { service, before });
            }
            member.send_by(service, now, &[1, 2, 3, 4], payload);
        }
    }

    /// Lets some time pass and does something to some segments on their way.
    fn step(&mut self, lossy: bool) {
        self.now = self.now + Duration::from_millis(self.rng.below(40));
        for member in self.members.values_mut() {
            if !self.lost.contains(member.facts.me) {
                member.expire(self.now);
                let from = member.facts.me;
                let wire = member.wire.drain(..);
                self.network
                    .extend(wire.map(|(to, segment)| (from, to, segment)));
            }
        }
        for _ in 0..self.network.len() {
            if lossy && self.rng.chance(400_000) {
                continue;
            }
            let at = self.rng.below(self.network.len() as u64);
            let (from, to, segment) = self.network.swap_remove(usize::try_from(at).unwrap_or(0));
            if lossy && self.rng.chance(100_000) {
                continue;
            }
            if self.rng.chance(50_000) {
                self.network.push((from, to, segment.clone()));
            }
            self.arrive(from, to, segment);
        }
    }

    fn arrive(&mut self, from: NodeId, to: NodeId, mut segment: Segment<Message>) {
        tamper(self.planted, &mut segment);
        let lost = self.lost.contains(to);
        if let Some(member) = self.members.get_mut(&to).filter(|_| !lost) {
            member.tell(self.now, Input::Segment { from, segment });
        }
    }

    /// Up to two members are lost, now or while the others repair; the rest goes on together.
    fn end_view(&mut self) -> Result<(), String> {
        let (mut epoch, losses) = (2, self.rng.below(3));
        for _ in 0..losses {
            let lost = self.pick();
            self.lost.insert(lost);
            if self.rng.chance(500_000) {
                self.repair(epoch, 3);
                epoch += 1;
            }
        }
        self.repair(epoch, 400);
        let next = view(epoch, self.live());
        for who in self.live().iter() {
            let now = self.now;
            let Some(member) = self.members.get_mut(&who) else {
                continue;
            };
            if member.repaired != Some(next.id) {
                return Err(format!("{who:?} did not end its repair"));
            }
            member.facts.view = Some(Arc::new(next.clone()));
            member.tell(now, Input::ViewInstalled);
        }
        Ok(())
    }

    fn repair(&mut self, epoch: u64, steps: usize) {
        let members = self.live();
        let next = view(epoch, members).id;
        for who in members.iter() {
            if let Some(member) = self.members.get_mut(&who) {
                member.tell(self.now, Input::Repair { next, members });
            }
            self.step(true);
        }
        for _ in 0..steps {
            self.step(true);
        }
    }

    fn judge(&self) -> Result<(), String> {
        let live = self.live();
        let closed = |who: NodeId| self.members[&who].closed.clone();
        let first = live.first().and_then(closed);
        if let Some(other) = live.iter().find(|who| closed(*who) != first) {
            return Err(format!(
                "{other:?} closed the view otherwise than the others"
            ));
        }
        let of = |who: NodeId| self.multicasts_at(who).collect::<BTreeSet<_>>();
        let everything = live.first().map(of).unwrap_or_default();
        if let Some(other) = live.iter().find(|who| of(*who) != everything) {
            return Err(format!(
                "{other:?} delivered other multicasts than the others"
            ));
        }
        live.iter().try_for_each(|who| self.judge_order(who))
    }

    /// Multicasts that a member delivered, in its order.
    fn multicasts_at(&self, who: NodeId) -> impl Iterator<Item = Message> + '_ {
        let delivered = self.members[&who].delivered.iter();
        let payloads = delivered.map(|(_, payload)| *payload);
        payloads.filter(|payload| self.sent.contains_key(payload))
    }

    fn judge_order(&self, who: NodeId) -> Result<(), String> {
        let mut delivered = BTreeSet::new();
        for payload in self.multicasts_at(who) {
            let sent = &self.sent[&payload];
            if sent.service == Service::Causal && !sent.before.is_subset(&delivered) {
                return Err(format!("{who:?} delivered {payload} before its cause"));
            }
            if !delivered.insert(payload) {
                return Err(format!("{who:?} delivered {payload} twice"));
            }
        }
        Ok(())
    }
}

fn tamper(planted: Planted, segment: &mut Segment<Message>) {
    match (planted, segment) {
        (Planted::RepairsAreBelieved, Segment::Repair { report, .. }) => {
            report.received.clear();
        }
        (
            Planted::StampsAreBlank | Planted::NumbersAreSwapped,
            Segment::Data {
                packet: Packet::Multicast(multicast),
                ..
            },
        ) => {
            let mut forged: Multicast<Message> = (**multicast).clone();
            if planted == Planted::StampsAreBlank {
                forged.after = forged.after.map(|_| Stamp::default());
            } else {
                forged.sequence ^= u64::from(forged.sequence >= 8 && forged.sequence < 10);
            }
            *multicast = Arc::new(forged);
        }
        _ => {}
    }
}
