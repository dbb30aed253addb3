//! The resilience manager: nodes that are lost and may come back, or came and went too often
//! (isolation and quarantine of 2016 and later; reference section 6.3).
//!
//! Duty: notice who leaves without having been asked to; let a lost node that runs virtual machines
//! keep them for ResiliencyDefaultPeriod (isolated); keep a node that left QuarantineThreshold
//! times within an hour out for QuarantineDuration (quarantined), a quarter of the nodes at most,
//! but always one. Every member counts what it sees; the view's leader has the outcome written into
//! the object table by a global update, so that a new leader goes on where the old one was.
//!
//! Publishes the isolated nodes. Deliberately not done here: refusing those in quarantine
//! (membership), what becomes of groups (rcm). Neither outlives the cluster: a cluster that forms
//! anew has forgotten both, because nothing is sourced about that.

mod messages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{
    Incarnation, Manager, NodeId, NodeSet, NodeStanding, Notice, Outbox, Timers, Timestamp,
};

pub use messages::{Input, Output};

use crate::database::{Change, Hive};
use crate::object::StateChange;
use crate::{Context, Facts};

/// The time within which departures are counted (QuarantineThreshold).
const DEPARTURES_WITHIN: Duration = Duration::from_secs(3_600);
/// One in so many nodes may be in quarantine at once; secondary sources, so not asserted.
const QUARANTINED_SHARE: usize = 4;
/// Most departures that are remembered of a node; a higher threshold is never reached.
const DEPARTURES_KEPT: usize = 64;
/// The type of resources that go on running on an isolated node.
const VIRTUAL_MACHINE: &str = "Virtual Machine";

const DUE: usize = 0;

/// The manager's state.
#[derive(Debug, Default)]
pub struct Resilience {
    /// Lives of the members of the last view that was open here, less those that have left since.
    known: BTreeMap<NodeId, Incarnation>,
    /// When each node left without having been asked to, oldest first.
    departures: BTreeMap<NodeId, VecDeque<Timestamp>>,
    /// Until when a node is isolated.
    isolated: BTreeMap<NodeId, Timestamp>,
    /// Until when a node is quarantined, from when this node heard of it.
    quarantined: BTreeMap<NodeId, Timestamp>,
    /// Standings as last told to the event log.
    told: BTreeMap<NodeId, NodeStanding>,
    /// A proposal is on its way.
    proposed: bool,
    timers: Timers<1>,
}

impl Resilience {
    /// Counts who has left since the last open view, and lets them keep their virtual machines.
    fn view_installed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(view) = cx.facts.view.as_ref().filter(|_| cx.facts.active) else {
            return;
        };
        let stays = view.active();
        let known = std::mem::take(&mut self.known).into_iter();
        let (stay, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
            known.partition(|(node, _)| stays.contains(*node));
        self.known = stay;
        let leaving = &cx.facts.objects.leaving;
        let lost = left
            .iter()
            .filter(|(node, life)| leaving.get(node) != Some(*life));
        for (node, _) in lost {
            let node = *node;
            self.departed(cx, node);
            let resiliency = &cx.facts.settings.resiliency;
            let machines = runs_machines(cx.facts, node);
            if resiliency.isolates() && machines && !view.members.contains(node) {
                self.isolated.insert(node, cx.now.mono + resiliency.period);
            }
        }
        self.publish(out);
    }

    fn departed(&mut self, cx: &Context<'_>, node: NodeId) {
        let now = cx.now.mono;
        let departures = self.departures.entry(node).or_default();
        departures.retain(|at| now.since(*at) < DEPARTURES_WITHIN);
        if departures.len() < DEPARTURES_KEPT {
            departures.push_back(now);
        }
    }

    fn publish(&self, out: &mut Outbox<Output>) {
        let isolated = self.isolated.clone();
        out.push(Output::Publish { isolated });
    }

    fn opened(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let view = cx.facts.view.as_ref();
        let lives = view.iter().flat_map(|view| &view.reports);
        self.known = lives
            .map(|(node, report)| (*node, report.incarnation))
            .collect();
        // Who is back is not isolated any more.
        let known = &self.known;
        self.isolated.retain(|node, _| !known.contains_key(node));
        self.publish(out);
        // What was proposed in the view before has ended with it.
        self.proposed = false;
        self.tend(cx, out);
    }

    /// What the table says is new.
    fn objects_changed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let standings = &cx.facts.objects.standings;
        if *standings == self.told {
            return;
        }
        let before = std::mem::replace(&mut self.told, standings.clone());
        let nodes: NodeSet = before.keys().chain(standings.keys()).copied().collect();
        for node in nodes.iter() {
            let of = |table: &BTreeMap<NodeId, NodeStanding>| {
                table.get(&node).copied().unwrap_or_default()
            };
            let (was, is) = (of(&before), of(standings));
            if was != is {
                self.adopt(cx, node, was, is);
                let told = cx.facts.active;
                let words = notices(node, was, is).into_iter().filter(|_| told);
                words.for_each(|notice| out.push(Output::Notice(notice)));
            }
        }
        self.publish(out);
        self.arm();
    }

    fn adopt(&mut self, cx: &Context<'_>, node: NodeId, was: NodeStanding, is: NodeStanding) {
        let (now, resiliency) = (cx.now.mono, &cx.facts.settings.resiliency);
        match is {
            NodeStanding::Quarantined => {
                let duration = resiliency.quarantine_duration;
                let until = duration.map_or(Timestamp::NEVER, |span| now + span);
                self.quarantined.insert(node, until);
                // Its virtual machines are needed elsewhere.
                self.isolated.remove(&node);
            }
            NodeStanding::Isolated => {
                let until = now + resiliency.period;
                self.isolated.entry(node).or_insert(until);
            }
            NodeStanding::Normal => {
                self.isolated.remove(&node);
                if was == NodeStanding::Quarantined {
                    self.quarantined.remove(&node);
                    self.departures.remove(&node);
                }
            }
        }
    }

    /// As leader of an open view: brings the table in line with what is so.
    fn tend(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.arm();
        let facts = cx.facts;
        let view = facts.view.as_ref();
        let leads = view.is_some_and(|view| view.leader() == facts.me);
        if !leads || !facts.ready || self.proposed {
            return;
        }
        let mut room = self.room(facts);
        let configured = facts.settings.nodes.keys().copied();
        let known = facts.objects.standings.keys().copied();
        let nodes: NodeSet = configured.chain(known).collect();
        let mut changes = Vec::new();
        for node in nodes.iter() {
            let standing = self.wanted(cx, node, &mut room);
            if standing != facts.objects.standing(node) {
                let change = StateChange::NodeStanding { node, standing };
                changes.push(Change::State(change));
            }
        }
        if !changes.is_empty() {
            self.proposed = true;
            out.push(Output::Propose { changes });
        }
    }

    /// What the table ought to say of a node.
    fn wanted(&self, cx: &Context<'_>, node: NodeId, room: &mut usize) -> NodeStanding {
        let (now, facts) = (cx.now.mono, cx.facts);
        let lasts = |table: &BTreeMap<NodeId, Timestamp>| {
            table.get(&node).is_some_and(|until| now < *until)
        };
        let threshold = facts.settings.resiliency.quarantine_threshold;
        let absent = !members(facts).contains(node);
        let count = self.departures.get(&node).map_or(0, |departures| {
            let recent = |at: &&Timestamp| now.since(**at) < DEPARTURES_WITHIN;
            departures.iter().filter(recent).count()
        });
        let often = threshold > 0 && u32::try_from(count).is_ok_and(|count| count >= threshold);
        if !facts.settings.nodes.contains_key(&node) {
            NodeStanding::Normal
        } else if facts.objects.standing(node) == NodeStanding::Quarantined {
            match lasts(&self.quarantined) {
                true => NodeStanding::Quarantined,
                false => NodeStanding::Normal,
            }
        } else if absent && often && *room > 0 {
            *room -= 1;
            NodeStanding::Quarantined
        } else if absent && lasts(&self.isolated) {
            NodeStanding::Isolated
        } else {
            NodeStanding::Normal
        }
    }

    /// How many more nodes may be quarantined.
    fn room(&self, facts: &Facts) -> usize {
        let most = (facts.settings.nodes.len() / QUARANTINED_SHARE).max(1);
        let standings = facts.objects.standings.values();
        let now = standings.filter(|it| **it == NodeStanding::Quarantined);
        most.saturating_sub(now.count())
    }

    fn arm(&mut self) {
        let ends = self.isolated.values().chain(self.quarantined.values());
        self.timers.clear(DUE);
        if let Some(at) = ends.filter(|at| **at != Timestamp::NEVER).min() {
            self.timers.set(DUE, *at);
        }
    }

    /// The time of somebody is over. Those in quarantine stay in the table until the leader has
    /// taken them out.
    fn due(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let now = cx.now.mono;
        self.isolated.retain(|_, until| *until > now);
        self.quarantined.retain(|_, until| *until > now);
        self.publish(out);
        self.tend(cx, out);
    }
}

impl Manager for Resilience {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::ViewInstalled => self.view_installed(cx, out),
            Input::Opened => self.opened(cx, out),
            Input::ObjectsChanged => self.objects_changed(cx, out),
            Input::Clear { node } => {
                self.quarantined.remove(&node);
                self.tend(cx, out);
            }
            Input::Done => {
                self.proposed = false;
                self.tend(cx, out);
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.deadline()
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        while self.timers.pop_due(cx.now.mono).is_some() {
            self.due(cx, out);
        }
    }

    fn check(&self, _cx: &Context<'_>) {
        let most = self.departures.values().map(VecDeque::len).max();
        assert!(most.unwrap_or_default() <= DEPARTURES_KEPT);
    }
}

/// What is said when a node's standing changes.
fn notices(node: NodeId, was: NodeStanding, is: NodeStanding) -> Vec<Notice> {
    let ended = (was == NodeStanding::Isolated).then_some(Notice::NodeIsolationEnded { node });
    let begun = match is {
        NodeStanding::Normal => None,
        NodeStanding::Isolated => Some(Notice::NodeIsolated { node }),
        NodeStanding::Quarantined => Some(Notice::NodeQuarantined { node }),
    };
    ended.into_iter().chain(begun).collect()
}

/// Whether a node owns a group with a virtual machine in it.
fn runs_machines(facts: &Facts, node: NodeId) -> bool {
    let hive = &facts.hive;
    let owned = |key: &str| {
        let group = hive
            .dword(key, "Group")
            .and_then(|it| u16::try_from(it).ok());
        let row = group.and_then(|group| facts.objects.groups.get(&base::GroupId(group)));
        row.is_some_and(|row| row.owner == node)
    };
    let machine = |key: &str| is_machine(hive, key) && owned(key);
    hive.subkeys("Resources")
        .any(|id| machine(&format!("Resources\\{id}")))
}

fn is_machine(hive: &Hive, key: &str) -> bool {
    hive.text(key, "Type") == Some(VIRTUAL_MACHINE)
}

fn members(facts: &Facts) -> NodeSet {
    let view = facts.view.as_ref();
    view.map_or(NodeSet::EMPTY, |view| view.members)
}
