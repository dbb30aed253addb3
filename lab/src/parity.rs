//! The main events of a run in an order that does not rest on speed, and how two runs differ.
//!
//! A run is cut at everything that is done to the lab: faults, their ends, an administrator's
//! commands. In each piece every node and every group has a chain of main events: routes down,
//! regroup, quorum and witness for a node; move, arbitration, resources and state for a group.
//! Nodes are not told apart, because chance decides who owns what: a chain counts how many nodes
//! went through it. Deliberately not compared: times, and what happens between chains.

use std::collections::{BTreeMap, BTreeSet};

use base::{DiskId, GroupId, GroupState, NodeId, NodeSet, Notice, ResourceState};
use plan::Plan;
use sim::log::{Entry, What, WorldEvent};
use sim::{Fault, words};
use top::rcm::ResourceParameters;

/// One piece of a run: from something that is done to the lab to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What is done.
    pub title: String,
    /// The chains, each in one line, sorted.
    pub chains: Vec<String>,
}

/// A piece in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was done.
    pub title: String,
    /// Chains that only the first run has.
    pub first: Vec<String>,
    /// Chains that only the second run has.
    pub second: Vec<String>,
}

/// The pieces of a run.
#[must_use]
pub fn outline(entries: &[Entry], plan: &Plan) -> Vec<Piece> {
    let mut cuts: Vec<usize> = Vec::new();
    let mut at_once = false;
    for (place, entry) in entries.iter().enumerate() {
        match &entry.what {
            // Faults that are made at once belong together.
            What::World(WorldEvent::Fault(..)) if at_once => {}
            What::World(WorldEvent::Fault(..)) => {
                cuts.push(place);
                at_once = true;
            }
            What::World(WorldEvent::Healed(_) | WorldEvent::Asked(..)) => {
                cuts.push(place);
                at_once = false;
            }
            What::World(_) => {}
            What::Notice(..) => at_once = false,
        }
    }
    let ends = cuts.iter().skip(1).copied().chain([entries.len()]);
    let pieces = cuts.iter().zip(ends);
    pieces
        .map(|(from, to)| piece(&entries[*from..to], plan))
        .collect()
}

/// Where two runs differ; a run that ends early lacks the pieces of the other.
#[must_use]
pub fn differences(first: &[Piece], second: &[Piece]) -> Vec<Difference> {
    let count = first.len().max(second.len());
    let of = |pieces: &[Piece], place: usize| pieces.get(place).cloned();
    let pairs = (0..count).map(|place| (of(first, place), of(second, place)));
    pairs.filter_map(|(one, two)| compare(one, two)).collect()
}

fn compare(first: Option<Piece>, second: Option<Piece>) -> Option<Difference> {
    let title = first.as_ref().or(second.as_ref())?.title.clone();
    let named = |piece: Option<Piece>| {
        let piece = piece.unwrap_or_else(|| Piece {
            title: "nothing".to_owned(),
            chains: Vec::new(),
        });
        let mut lines = piece.chains;
        lines.push(format!("begins with: {}", piece.title));
        lines
    };
    let (first, second) = (named(first), named(second));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let missing = these.iter().filter(|it| !those.contains(it));
        missing.cloned().collect()
    };
    let difference = Difference {
        title,
        first: only(&first, &second),
        second: only(&second, &first),
    };
    let differs = !difference.first.is_empty() || !difference.second.is_empty();
    differs.then_some(difference)
}

fn piece(entries: &[Entry], plan: &Plan) -> Piece {
    let hit = hit(entries);
    let mut chains = groups(entries, plan);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for member in plan.members.iter().filter(|it| !hit.contains(it.id)) {
        let chain = node_chain(entries, plan, member.id);
        if !chain.is_empty() {
            *counts.entry(chain.join(", ")).or_default() += 1;
        }
    }
    let counted = counts
        .into_iter()
        .map(|(chain, count)| format!("nodes, {count}: {chain}"));
    chains.extend(counted);
    chains.sort();
    Piece {
        title: title(entries, plan),
        chains,
    }
}

/// Nodes to which it is done; they may say something before they are gone, or nothing.
fn hit(entries: &[Entry]) -> NodeSet {
    let node = |entry: &Entry| match &entry.what {
        What::World(WorldEvent::Fault(_, Fault::Machine(node, _))) => Some(*node),
        _ => None,
    };
    entries.iter().filter_map(node).collect()
}

/// What is done, without the names that chance has chosen.
fn title(entries: &[Entry], plan: &Plan) -> String {
    let Some(entry) = entries.first() else {
        return String::new();
    };
    match &entry.what {
        What::World(WorldEvent::Fault(_, fault @ Fault::Machine(..))) => {
            let text = words::fault_words(fault, &plan.names);
            let what = text.split_once(' ').map_or(text.as_str(), |(_, what)| what);
            format!("a node: {what}")
        }
        What::World(WorldEvent::Healed(_)) => "a fault ends".to_owned(),
        What::World(WorldEvent::Asked(..)) => "an administrator asks".to_owned(),
        _ => words::event(entry, &plan.names).text,
    }
}

/// What a node goes through. Chance decides whether it opens the regroup or is drawn into it, so a
/// regroup counts when it has led to a view.
fn node_chain(entries: &[Entry], plan: &Plan, node: NodeId) -> Vec<String> {
    let mut chain = Chain::default();
    let mut lost = BTreeSet::new();
    for entry in entries {
        let What::Notice(by, notice) = &entry.what else {
            continue;
        };
        if *by != node {
            continue;
        }
        match notice {
            Notice::RouteDown { network, peer, .. } => {
                lost.insert((*network, *peer));
                chain.replace("routes down", format!("routes down: {}", lost.len()));
                continue;
            }
            Notice::ViewInstalled { members, .. } => {
                chain.replace("regroup", format!("regroup to {}", members.len()));
            }
            Notice::QuorumCounted { held, .. } => {
                let word = if *held { "quorum held" } else { "quorum lost" };
                chain.replace("quorum", word.to_owned());
            }
            Notice::WitnessArbitrated { .. } => {
                chain.push(words::notice_words(notice, &plan.names));
            }
            Notice::Halted { reason } => chain.push(format!("ends: {}", reason.label())),
            _ => continue,
        }
        lost.clear();
    }
    chain.links
}

/// What every group goes through.
fn groups(entries: &[Entry], plan: &Plan) -> Vec<String> {
    let ids = plan.model.groups.keys();
    let chain = |id: &GroupId| {
        let chain = group_chain(entries, plan, *id);
        let name = plan.names.of_group(*id);
        (!chain.is_empty()).then(|| format!("group {name}: {}", chain.join(", ")))
    };
    ids.filter_map(chain).collect()
}

fn group_chain(entries: &[Entry], plan: &Plan, id: GroupId) -> Vec<String> {
    let resources: BTreeSet<_> = plan.model.of_group(id).map(|(id, _)| id).collect();
    let disks: BTreeSet<DiskId> = disks(plan, id).collect();
    let mut chain = Chain::default();
    let mut online = BTreeSet::new();
    let (mut owner, mut ends) = (None, None::<GroupState>);
    for entry in entries {
        let What::Notice(_, notice) = &entry.what else {
            continue;
        };
        match notice {
            // Every node tells of every move.
            Notice::GroupMoved {
                group, to, cause, ..
            } if *group == id && owner != Some(*to) => {
                owner = Some(*to);
                chain.push(format!("moves ({})", words::cause_word(*cause)));
            }
            Notice::DiskChallenged { disk } if disks.contains(disk) => {
                chain.push("arbitration".to_owned());
            }
            Notice::DiskHeld { disk } if disks.contains(disk) => {
                chain.replace("disk held", "disk held".to_owned());
            }
            Notice::ResourceState { resource, to, .. } if resources.contains(resource) => {
                let name = plan.names.of_resource(*resource);
                match to {
                    ResourceState::Online => {
                        online.insert(name);
                        let all: Vec<&str> = online.iter().map(String::as_str).collect();
                        chain.replace("online:", format!("online: {}", all.join(" ")));
                        continue;
                    }
                    ResourceState::Failed => chain.push(format!("{name} failed")),
                    _ => continue,
                }
                online.clear();
            }
            Notice::GroupState { group, state } if *group == id => ends = Some(*state),
            _ => {}
        }
    }
    chain.links.extend(ends.map(|it| format!("ends {it}")));
    chain.links
}

fn disks(plan: &Plan, group: GroupId) -> impl Iterator<Item = DiskId> {
    let disk = |parameters: &ResourceParameters| match parameters {
        ResourceParameters::PhysicalDisk { disk, .. } => Some(*disk),
        _ => None,
    };
    let of_group = plan.model.of_group(group);
    of_group.filter_map(move |(_, it)| disk(&it.parameters))
}

/// Main events in their order.
#[derive(Debug, Default)]
struct Chain {
    links: Vec<String>,
}

impl Chain {
    fn push(&mut self, link: String) {
        self.links.push(link);
    }

    /// Goes on with the last link where that is of the same kind: how many steps it took is a
    /// matter of speed.
    fn replace(&mut self, kind: &str, link: String) {
        if self.links.last().is_some_and(|it| it.starts_with(kind)) {
            self.links.pop();
        }
        self.links.push(link);
    }
}

#[cfg(test)]
mod tests {
    use sim::{Options, Session, play};

    use super::*;

    const LAB: &str = "
lab: 1
name: parity
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
nodes:
  n[1-3]: { networks: [lan] }
storage:
  san: { kind: iscsi, luns: { data: 64MiB } }
cluster:
  name: CLU1
  address: 10.10.1.100
  heartbeat: { same-subnet: { every: 100ms, missed: 5 } }
  groups:
    fs:
      resources:
        ip: { type: ip-address, address: 10.10.1.101 }
        disk: { type: physical-disk, lun: san/data, depends: ip }
scenario:
  - expect: { group: fs, is: online, within: 30s }
  - fault: { node: owner-of(fs), do: power-off }
  - expect: { group: fs, is: online, node: changed, within: 60s }
  - run: 5s
";

    /// What was said in a run, with the plan of its lab.
    fn played(seed: u64) -> (Vec<Entry>, Plan) {
        let lab = file::check("parity.lab.yaml", LAB.as_bytes()).lab.unwrap();
        let session: Session = Session::new(lab, Options::new(seed)).unwrap();
        let (report, session) = play::play_watched(session, seed, &mut |_| {}, &mut |_| true);
        assert_eq!(report.verdict, sim::report::Verdict::Passed);
        let world = session.world();
        (world.log().entries().to_vec(), world.plan().clone())
    }

    fn difference(change: impl FnOnce(&mut Vec<Entry>)) -> Vec<Difference> {
        let (entries, plan) = played(1);
        let mut changed = entries.clone();
        change(&mut changed);
        differences(&outline(&entries, &plan), &outline(&changed, &plan))
    }

    #[test]
    fn a_failover_has_its_main_events_in_order() {
        let (entries, plan) = played(1);
        let pieces = outline(&entries, &plan);
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].title, "a node: power-off");
        let expected = [
            "group Cluster Group: moves (failover), \
             online: Cluster Group/Cluster IP Address Cluster Group/Cluster Name, ends Online",
            "group fs: moves (failover), online: fs/ip, arbitration, disk held, \
             online: fs/disk fs/ip, ends Online",
            "nodes, 2: routes down: 1, regroup to 2, quorum held",
        ];
        assert_eq!(pieces[0].chains, expected);
    }

    #[test]
    fn runs_that_chance_leads_elsewhere_do_not_differ() {
        let (one, plan) = played(1);
        for seed in 2..6 {
            let (other, _) = played(seed);
            let found = differences(&outline(&one, &plan), &outline(&other, &plan));
            assert_eq!(found, []);
        }
    }

    #[test]
    fn a_disk_that_is_held_without_arbitration_is_a_difference() {
        let found = difference(|entries| {
            entries.retain(|it| !matches!(it.what, What::Notice(_, Notice::DiskChallenged { .. })));
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].first[0].contains("arbitration"), "{found:?}");
        assert!(!found[0].second[0].contains("arbitration"), "{found:?}");
    }

    #[test]
    fn quorum_that_is_counted_before_the_regroup_is_a_difference() {
        let found = difference(|entries| {
            let place = |entries: &[Entry], fits: &dyn Fn(&Notice) -> bool| {
                entries.iter().rposition(|it| match &it.what {
                    What::Notice(_, notice) => fits(notice),
                    What::World(_) => false,
                })
            };
            let counted = |it: &Notice| matches!(it, Notice::QuorumCounted { .. });
            let quorum = place(entries, &counted).unwrap();
            let entry = entries.remove(quorum);
            let faults = |it: &Entry| matches!(it.what, What::World(WorldEvent::Fault(..)));
            let fault = entries.iter().rposition(faults).unwrap();
            entries.insert(fault + 1, entry);
        });
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_run_that_ends_early_differs() {
        let found = difference(Vec::clear);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].second, ["begins with: nothing"]);
    }
}
