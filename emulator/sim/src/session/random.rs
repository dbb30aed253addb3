//! Faults that are drawn: what, where, for how long, and how soon the next one.

use std::time::Duration;

use base::{NodeId, NodeSet, Timestamp};
use file::model::{
    Fault, FaultKind, Impairment, LunFault, LunRef, NodeFault, Partition, Probability, RandomFault,
    RandomFaults, ResourceFault, ResourceKind, Selector, UpDown,
};
use file::position::Position;

use super::Session;
use crate::stage::Stage;

/// How far a clock jumps.
const JUMP: Duration = Duration::from_secs(60);
/// What an impaired network adds and loses.
const IMPAIRMENT: Impairment = Impairment {
    delay: Duration::from_millis(50),
    jitter: Duration::from_millis(50),
    loss: Probability {
        per_million: 100_000,
    },
    duplicate: Probability { per_million: 0 },
    reorder: Probability { per_million: 0 },
};

/// A draw under way.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// When no more faults begin.
    until: Timestamp,
    /// When the next one begins.
    next: Timestamp,
    /// When the last one has healed.
    healed: Timestamp,
    /// What the backend has no way to make.
    left_out: Vec<RandomFault>,
    /// Members that a fault has taken away, and until when.
    disturbed: Vec<(NodeId, Timestamp)>,
}

/// A fault that was drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Which of those that may happen.
    pub what: RandomFault,
    /// The fault.
    pub fault: Fault,
    /// The fault in the lab file's words.
    pub text: String,
}

impl Drawing {
    /// When it has to be looked at again.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        if self.next < self.until {
            self.next
        } else {
            self.until.max(self.healed)
        }
    }

    /// Whether no fault begins any more and all have healed.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.next >= self.until && now >= self.until.max(self.healed)
    }

    /// Whether a fault is due.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next < self.until && now >= self.next
    }

    /// Draws no more of these, which the backend has no way to make.
    pub fn leave_out(&mut self, what: RandomFault) {
        self.left_out.push(what);
    }
}

impl<W: Stage> Session<W> {
    /// Begins to draw.
    pub fn begin_drawing(&mut self, random: &RandomFaults) -> Drawing {
        let now = self.world.now();
        Drawing {
            until: now + random.lasts,
            next: now + self.span(random.every),
            healed: now,
            left_out: Vec::new(),
            disturbed: Vec::new(),
        }
    }

    /// Draws the next fault, which begins now; none if nothing can be broken at the moment.
    pub fn draw_fault(&mut self, random: &RandomFaults, drawing: &mut Drawing) -> Option<Drawn> {
        let now = self.world.now();
        drawing.next = now + self.span(random.every);
        drawing.disturbed.retain(|(_, until)| *until > now);
        let lasts = self.span(random.heals_after);
        let what = self.draw_kind(random, drawing)?;
        let victim = what.is_of_member().then(|| self.victim(random, drawing));
        let victim = match victim {
            Some(None) => return None,
            Some(Some(node)) => Some(node),
            None => None,
        };
        let (kind, text) = self.kind(what, victim)?;
        if let Some(node) = victim {
            drawing.disturbed.push((node, now + lasts));
        }
        drawing.healed = drawing.healed.max(now + lasts);
        let lasting = file::span_words(lasts);
        Some(Drawn {
            what,
            fault: Fault {
                position: Position::default(),
                kind,
                heal_after: Some(lasts),
            },
            text: format!("{{ {text}, for: {lasting} }}"),
        })
    }

    /// A span in whole milliseconds.
    fn span(&mut self, (shortest, longest): (Duration, Duration)) -> Duration {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.rng.between(millis(shortest), millis(longest)))
    }

    fn draw_kind(&mut self, random: &RandomFaults, drawing: &Drawing) -> Option<RandomFault> {
        let left = random.picks.iter();
        let left = left.filter(|(what, _)| !drawing.left_out.contains(what));
        let tickets: Vec<(RandomFault, u32)> = left.copied().collect();
        let all: u64 = tickets.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut ticket = self.rng.below(all.max(1));
        for (what, weight) in tickets {
            match ticket.checked_sub(weight.into()) {
                Some(rest) => ticket = rest,
                None => return Some(what),
            }
        }
        None
    }

    /// A member that is not disturbed yet, if enough others stay.
    fn victim(&mut self, random: &RandomFaults, drawing: &Drawing) -> Option<NodeId> {
        let gone: NodeSet = drawing.disturbed.iter().map(|(node, _)| *node).collect();
        let calm = self.world.plan().all().difference(gone);
        let calm_count = usize::try_from(calm.len()).unwrap_or(usize::MAX);
        if calm_count <= random.keep_members {
            return None;
        }
        let calm: Vec<NodeId> = calm.iter().collect();
        self.rng.pick(&calm).copied()
    }

    /// The fault in the lab file's terms and words.
    fn kind(&mut self, what: RandomFault, node: Option<NodeId>) -> Option<(FaultKind, String)> {
        let name = node.map(|node| self.world.plan().names.of_node(node));
        Some(match (what, name) {
            (RandomFault::NetworkDown | RandomFault::Impair, _) => self.of_network(what)?,
            (RandomFault::LunOffline, _) => {
                let luns = self.luns();
                let lun = self.rng.pick(&luns)?.clone();
                let text = format!("lun: {lun}, do: offline");
                let fault = LunFault::Offline;
                (FaultKind::Lun { lun, fault }, text)
            }
            (RandomFault::ResourceFail, _) => {
                let all = self.resources();
                let (group, resource) = self.rng.pick(&all)?.clone();
                let text = format!("resource: {group}/{resource}, do: fail");
                let fault = ResourceFault::Fail;
                let kind = FaultKind::Resource {
                    group,
                    resource,
                    fault,
                };
                (kind, text)
            }
            (RandomFault::WitnessUnreachable, _) => {
                let from = Selector::All;
                let text = "witness: all, do: unreachable".to_owned();
                (FaultKind::WitnessUnreachable { from }, text)
            }
            (RandomFault::Partition, Some(name)) => {
                let node = node?;
                let others = self.world.plan().all().without(node);
                let others = others.iter().map(|it| self.world.plan().names.of_node(it));
                let others: Vec<String> = others.collect();
                let text = format!(
                    "partition: {{ between: [{name}, [{}]] }}",
                    others.join(", ")
                );
                let others = others.into_iter().map(Selector::Name).collect();
                let between = vec![Selector::Name(name), Selector::List(others)];
                let networks = None;
                (FaultKind::Partition(Partition { between, networks }), text)
            }
            (_, Some(name)) => of_node(what, name)?,
            (_, None) => return None,
        })
    }

    fn of_network(&mut self, what: RandomFault) -> Option<(FaultKind, String)> {
        let names: Vec<String> = self.lab.networks.iter().map(|it| it.name.clone()).collect();
        let name = self.rng.pick(&names)?.clone();
        let networks = Selector::Name(name.clone());
        Some(if what == RandomFault::NetworkDown {
            let to = UpDown::Down;
            let text = format!("network: {name}, do: down");
            (FaultKind::Network { networks, to }, text)
        } else {
            let text =
                format!("network: {name}, impair: {{ delay: 50ms, jitter: 50ms, loss: 10% }}");
            let impairment = IMPAIRMENT;
            let kind = FaultKind::ImpairNetwork {
                networks,
                impairment,
            };
            (kind, text)
        })
    }

    /// Logical units of the cluster's groups.
    fn luns(&self) -> Vec<LunRef> {
        let groups = self.lab.cluster.groups.iter();
        let resources = groups.flat_map(|group| &group.resources);
        let lun = |it: &file::model::Resource| match &it.kind {
            ResourceKind::PhysicalDisk { lun } | ResourceKind::ClusterSharedVolume { lun } => {
                Some(lun.clone())
            }
            _ => None,
        };
        resources.filter_map(lun).collect()
    }

    /// Every resource that the file has, by group and name.
    fn resources(&self) -> Vec<(String, String)> {
        let groups = self.lab.cluster.groups.iter();
        let named = |group: &file::model::Group| {
            let of_group = group.resources.iter();
            let named = of_group.map(|it| (group.name.clone(), it.name.clone()));
            named.collect::<Vec<_>>()
        };
        groups.flat_map(named).collect()
    }
}

fn of_node(what: RandomFault, name: String) -> Option<(FaultKind, String)> {
    let (fault, more) = match what {
        RandomFault::Crash => (NodeFault::Crash, ""),
        RandomFault::Pause => (NodeFault::Pause, ""),
        RandomFault::KillService => (NodeFault::KillService, ""),
        RandomFault::KillMonitors => (NodeFault::KillMonitors, ""),
        RandomFault::ClockJump => (NodeFault::ClockJump { offset: JUMP }, ", offset: 1m"),
        _ => return None,
    };
    let text = format!("node: {name}, do: {}{more}", what.label());
    let nodes = Selector::Name(name);
    Some((FaultKind::Node { nodes, fault }, text))
}
