//! Nodes that are excused for a while: a frozen machine cannot know, and one that has just thawed
//! needs the time that detection and stopping take. Where an administrator has let a side go on
//! without enough votes, there are two sides as long as the other one does not know of it: that is
//! what was asked for, so the sides are not held against each other. Each by itself is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{NodeId, NodeSet, Timestamp};
use plan::Plan;

use super::{Change, Scene, is_active};

/// Who is excused.
#[derive(Debug, Default)]
pub(super) struct Grace {
    thawed: Vec<(NodeId, Timestamp)>,
    /// The sides that each node has been on.
    sides: BTreeMap<NodeId, Vec<Side>>,
}

/// A node was active by an administrator's word; 0 where there never was one.
#[derive(Clone, Copy, Debug)]
struct Side {
    authority: u64,
    /// Until then; absent: still.
    until: Option<Timestamp>,
}

impl Side {
    fn counts(&self, now: Timestamp, bound: Duration) -> bool {
        self.until.is_none_or(|until| now.since(until) < bound)
    }
}

impl Grace {
    /// Remembers who thawed and who is on which side.
    pub(super) fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) {
        match change {
            Change::Thawed { node } => self.thawed.push((*node, scene.now)),
            Change::Ended { node, .. } => {
                self.thawed.retain(|(it, _)| it != node);
                self.takes_side(scene, *node, None);
            }
            Change::Picture(picture) => {
                let authority = is_active(picture).then(|| picture.tag.authority());
                self.takes_side(scene, picture.node, authority);
            }
            _ => {}
        }
    }

    fn takes_side(&mut self, scene: &Scene<'_>, node: NodeId, authority: Option<u64>) {
        let (now, bound) = (scene.now, stop_bound(scene.plan));
        let sides = self.sides.entry(node).or_default();
        let present = sides.iter_mut().find(|side| side.until.is_none());
        match (present, authority) {
            (Some(side), Some(authority)) if side.authority == authority => return,
            (Some(side), _) => side.until = Some(now),
            (None, _) => {}
        }
        sides.retain(|side| side.counts(now, bound));
        sides.extend(authority.map(|authority| Side {
            authority,
            until: None,
        }));
    }

    /// Nodes that are frozen or have thawed too recently.
    pub(super) fn excused(&self, scene: &Scene<'_>) -> NodeSet {
        let bound = stop_bound(scene.plan);
        let recent = |it: &&(NodeId, Timestamp)| scene.now.since(it.1) < bound;
        let recent: NodeSet = self.thawed.iter().filter(recent).map(|it| it.0).collect();
        scene.frozen.union(recent)
    }

    /// Whether these two are on different sides, or were until too recently to have stopped.
    pub(super) fn are_apart(&self, scene: &Scene<'_>, one: NodeId, other: NodeId) -> bool {
        let (one, other) = (self.sides_of(scene, one), self.sides_of(scene, other));
        !one.is_empty() && !other.is_empty() && one != other
    }

    fn sides_of(&self, scene: &Scene<'_>, node: NodeId) -> BTreeSet<u64> {
        let (now, bound) = (scene.now, stop_bound(scene.plan));
        let sides = self.sides.get(&node).into_iter().flatten();
        let counted = sides.filter(|side| side.counts(now, bound));
        counted.map(|side| side.authority).collect()
    }

    /// Those of `nodes` that do what only one node may do: none if all others are excused or on
    /// another side.
    pub(super) fn rivals(&self, scene: &Scene<'_>, nodes: NodeSet) -> NodeSet {
        let judged = nodes.difference(self.excused(scene));
        if judged.len() < 2 {
            return NodeSet::EMPTY;
        }
        let together = |one: &NodeId| {
            let mut others = judged.without(*one).iter();
            others.any(|other| !self.are_apart(scene, *one, other))
        };
        judged.iter().filter(together).collect()
    }
}

/// The longest that a node outside the surviving view may take to stop: worst-case detection, all
/// stages of a regroup twice (a second failure may restart it), arbitration, and some room.
pub(super) fn stop_bound(plan: &Plan) -> Duration {
    let defaults = &plan.defaults;
    let times = plan.settings.regroup;
    let regroup = times.opening + times.stage + defaults.regroup_pruning_timeout;
    plan.detection_max * 2
        + regroup * 2
        + defaults.quorum_arbitration_time_max
        + Duration::from_secs(10)
}
