//! Nodes that are excused for a while: a frozen machine cannot know, and one that has just thawed
//! needs the time that detection and stopping take. Where an administrator has let a side go on
//! without enough votes, all are excused as long as the other side does not know of it: two sides
//! are what was asked for.

use std::time::Duration;

use base::{NodeId, NodeSet, Timestamp};
use node::Picture;
use plan::Plan;

use super::{Change, Scene, is_active};

/// Who is excused.
#[derive(Debug, Default)]
pub(super) struct Grace {
    thawed: Vec<(NodeId, Timestamp)>,
    /// When active nodes last rested on different administrators' words.
    split: Option<Timestamp>,
}

impl Grace {
    /// Remembers who thawed.
    pub(super) fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) {
        match change {
            Change::Thawed { node } => self.thawed.push((*node, scene.now)),
            Change::Ended { node, .. } => self.thawed.retain(|(it, _)| it != node),
            Change::Picture(picture) if is_split(scene, change, picture) => {
                self.split = Some(scene.now);
            }
            _ => {}
        }
    }

    /// Nodes that are frozen or have thawed too recently.
    pub(super) fn excused(&self, scene: &Scene<'_>) -> NodeSet {
        let bound = stop_bound(scene.plan);
        if self.split.is_some_and(|at| scene.now.since(at) < bound) {
            return scene.plan.all();
        }
        let recent = |it: &&(NodeId, Timestamp)| scene.now.since(it.1) < bound;
        let recent: NodeSet = self.thawed.iter().filter(recent).map(|it| it.0).collect();
        scene.frozen.union(recent)
    }
}

/// Whether some active node rests on another administrator's word than the one that shows itself.
fn is_split(scene: &Scene<'_>, change: &Change<'_>, new: &Picture) -> bool {
    let authority = new.tag.authority();
    let mut active = scene.shown(change).filter(|it| is_active(it));
    is_active(new) && active.any(|it| it.tag.authority() != authority)
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
