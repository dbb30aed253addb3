//! Votes of the four models for one to six nodes: how many there are, how many are needed, and
//! exactly how many nodes can be lost at one moment.
//!
//! Votes are fixed here (2012 and later: dynamic quorum off), so the arithmetic is the model's.

use super::{EVENTUALLY, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::Observation;
use crate::trial::Trial;
use base::{Generation, HaltReason, Notice, QuorumModel};

/// The models count alike in all generations; one without dynamic quorum and one with it off.
const GENERATIONS: &[Generation] = &[Generation::V2008, Generation::V2022];

const SIZES: std::ops::RangeInclusive<u8> = 1..=6;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for nodes in SIZES {
        cases.extend([
            node_majority(nodes),
            node_and_disk(nodes),
            node_and_share(nodes),
        ]);
        cases.push(disk_only(nodes));
    }
    for nodes in SIZES {
        let falls = [
            node_majority_falls(nodes),
            node_and_disk_falls(nodes),
            node_and_share_falls(nodes),
        ];
        cases.extend(falls.into_iter().flatten());
    }
    cases
}

/// A model with its arithmetic, worked out here apart from the product's own code.
#[derive(Clone, Copy)]
struct Count {
    witness: Witness,
    nodes: u8,
}

impl Count {
    fn model(self) -> QuorumModel {
        match self.witness {
            Witness::None => QuorumModel::NodeMajority,
            Witness::Disk => QuorumModel::NodeAndDiskMajority,
            Witness::Share => QuorumModel::NodeAndFileShareMajority,
            Witness::Cloud => QuorumModel::NodeMajority,
            Witness::DiskOnly => QuorumModel::DiskOnly,
        }
    }

    fn total(self) -> u32 {
        match self.witness {
            Witness::None => u32::from(self.nodes),
            Witness::Disk | Witness::Share | Witness::Cloud => u32::from(self.nodes) + 1,
            Witness::DiskOnly => 1, // the disk's alone
        }
    }

    fn needed(self) -> u32 {
        self.total() / 2 + 1
    }

    /// Nodes that can be lost at one moment while the witness works.
    fn spare(self) -> u8 {
        match (self.witness, self.nodes) {
            (Witness::DiskOnly, nodes) => nodes - 1,
            (Witness::None, 1 | 2) | (Witness::Disk | Witness::Share | Witness::Cloud, 1) => 0,
            (Witness::None, 3 | 4) | (Witness::Disk | Witness::Share | Witness::Cloud, 2 | 3) => 1,
            (Witness::None, 5 | 6) | (Witness::Disk | Witness::Share | Witness::Cloud, 4 | 5) => 2,
            (Witness::Disk | Witness::Share | Witness::Cloud, 6) => 3,
            (_, nodes) => unreachable!("the table ends at six nodes, not {nodes}"),
        }
    }

    fn slug(self, what: &str) -> String {
        let model = match self.witness {
            Witness::None => "node-majority",
            Witness::Disk => "node-and-disk",
            Witness::Share => "node-and-share",
            Witness::Cloud => "node-and-cloud",
            Witness::DiskOnly => "disk-only",
        };
        format!("quorum-arithmetic/{model}-{}-{what}", self.nodes)
    }

    fn survival_title(self) -> String {
        let (model, needed, total) = (self.model().label(), self.needed(), self.total());
        let spare = self.spare();
        format!(
            "{model}, nodes: {}: {needed} of {total} votes, {spare} lost at once",
            self.nodes
        )
    }

    fn fall_title(self) -> String {
        let (model, lost) = (self.model().label(), self.spare() + 1);
        format!(
            "{model}, nodes: {}: losing {lost} at once ends the cluster service",
            self.nodes
        )
    }

    /// Whether some node is left to see the cluster fall.
    fn can_fall(self) -> bool {
        self.spare() + 1 < self.nodes
    }
}

fn node_majority(nodes: u8) -> Case {
    let count = Count {
        witness: Witness::None,
        nodes,
    };
    Case {
        id: count.slug("survives"),
        title: count.survival_title(),
        clauses: &["QRM-1", "QRM-7"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| survives(trial, count)),
    }
}

fn node_and_disk(nodes: u8) -> Case {
    let count = Count {
        witness: Witness::Disk,
        nodes,
    };
    Case {
        id: count.slug("survives"),
        title: count.survival_title(),
        clauses: &["QRM-1", "QRM-8"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| survives(trial, count)),
    }
}

fn node_and_share(nodes: u8) -> Case {
    let count = Count {
        witness: Witness::Share,
        nodes,
    };
    Case {
        id: count.slug("survives"),
        title: count.survival_title(),
        clauses: &["QRM-1", "QRM-9"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| survives(trial, count)),
    }
}

fn disk_only(nodes: u8) -> Case {
    let count = Count {
        witness: Witness::DiskOnly,
        nodes,
    };
    Case {
        id: count.slug("survives"),
        title: count.survival_title(),
        clauses: &["QRM-1", "QRM-10"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| survives(trial, count)),
    }
}

fn node_majority_falls(nodes: u8) -> Option<Case> {
    let count = Count {
        witness: Witness::None,
        nodes,
    };
    count.can_fall().then(|| Case {
        id: count.slug("falls"),
        title: count.fall_title(),
        clauses: &["QRM-1", "QRM-2", "QRM-7"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| falls(trial, count)),
    })
}

fn node_and_disk_falls(nodes: u8) -> Option<Case> {
    let count = Count {
        witness: Witness::Disk,
        nodes,
    };
    count.can_fall().then(|| Case {
        id: count.slug("falls"),
        title: count.fall_title(),
        clauses: &["QRM-1", "QRM-2", "QRM-8"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| falls(trial, count)),
    })
}

fn node_and_share_falls(nodes: u8) -> Option<Case> {
    let count = Count {
        witness: Witness::Share,
        nodes,
    };
    count.can_fall().then(|| Case {
        id: count.slug("falls"),
        title: count.fall_title(),
        clauses: &["QRM-1", "QRM-2", "QRM-9"],
        source: &[("4.1", Mark::Stated)],
        generations: GENERATIONS,
        run: Box::new(move |trial| falls(trial, count)),
    })
}

/// Forms the cluster and splits its nodes: the first ones are to be lost, the owner of the
/// witness among them, because that is the hardest loss.
fn formed(trial: &mut Trial<'_>, count: Count, lost: u8) -> Result<[Vec<String>; 2], Stop> {
    let lab = Lab::of(count.nodes).witness(count.witness);
    trial.form(&lab)?;
    let mut names = lab.names();
    let witness_owner = trial
        .seen()
        .witness
        .as_ref()
        .and_then(|witness| witness.owner.clone());
    names.sort_by_key(|name| Some(name) != witness_owner.as_ref());
    let left = names.split_off(usize::from(lost));
    Ok([names, left])
}

/// The survivors are one view with quorum, without the lost.
fn one_quorate_view(seen: &Observation, left: &[String]) -> bool {
    let agreed = |name| {
        seen.nodes
            .get(name)
            .is_some_and(|node| node.view.iter().eq(left))
    };
    seen.all_up(left.iter().map(String::as_str)) && left.iter().all(agreed)
}

fn survives(trial: &mut Trial<'_>, count: Count) -> Result<(), Stop> {
    let [lost, mut left] = formed(trial, count, count.spare())?;
    for name in lost.iter().chain(&left) {
        let votes = trial.seen().nodes.get(name).and_then(|node| node.votes);
        let model = votes.map(|votes| votes.model);
        trial.equal(&format!("the model of {name}"), model, Some(count.model()))?;
        // What a disk that counts alone adds to a sum of votes is nowhere documented.
        if count.witness != Witness::DiskOnly {
            let counted = votes.map(|votes| (votes.needed, votes.total));
            let expected = Some((count.needed(), count.total()));
            trial.equal(
                &format!("votes needed and total of {name}"),
                counted,
                expected,
            )?;
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    left.sort();
    trial.power_off(&lost)?;
    trial.within(EVENTUALLY, "the rest is one view with quorum", |seen| {
        one_quorate_view(seen, &left)
    })?;
    trial.stays(secs(120), "the rest keeps quorum", |seen| {
        one_quorate_view(seen, &left)
    })
}

fn falls(trial: &mut Trial<'_>, count: Count) -> Result<(), Stop> {
    let [lost, left] = formed(trial, count, count.spare() + 1)?;
    let mark = trial.mark();
    trial.power_off(&lost)?;
    trial.within(
        EVENTUALLY,
        "every service that is left ends for want of quorum",
        |seen| {
            left.iter().all(|name| {
                let wanted = Notice::Halted {
                    reason: HaltReason::QuorumLost,
                };
                seen.since(mark)
                    .any(|event| event.node == *name && event.notice == wanted)
            })
        },
    )?;
    trial.stays(secs(300), "no node claims quorum", |seen| !seen.quorate())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes nodes away one by one and counts, with the witness on the side of the rest.
    fn spare_by_counting(count: Count) -> u8 {
        let witness = u32::from(count.witness != Witness::None);
        let mut lost = 0;
        while lost + 1 < count.nodes {
            let left = u32::from(count.nodes - lost - 1) + witness;
            if left * 2 <= count.total() {
                break;
            }
            lost += 1;
        }
        lost
    }

    #[test]
    fn the_table_of_spare_nodes_agrees_with_plain_counting() {
        for nodes in SIZES {
            for witness in [
                Witness::None,
                Witness::Disk,
                Witness::Share,
                Witness::DiskOnly,
            ] {
                let count = Count { witness, nodes };
                assert_eq!(
                    count.spare(),
                    spare_by_counting(count),
                    "{witness:?} {nodes}"
                );
            }
        }
    }
}
