//! Two quorate views alive at one instant share a member (MM-10, QRM-1), and a witness votes in
//! one view only.
//!
//! Nodes learn of a new view at different moments, so an old view may outlive its successor for a
//! while; but then some member of it is in the successor. The exception is a view that has just
//! lost a member: when that one held the witness, another view may win it before the others have
//! noticed. Nothing can be committed in such a view, because its dead member does not agree.
//! Frozen nodes are excused until they thaw, and for the time that stopping takes; and so are views
//! that both rest on the witness's vote, for a while after an outsider took the reservation of the
//! witness disk away.

use std::collections::BTreeMap;

use base::{NodeId, NodeSet, Timestamp};
use middle::quorum::count;
use middle::settings::{Settings, Witness};
use node::Picture;

use super::grace::{Grace, stop_bound};
use super::{Change, Checker, Scene, is_active};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OnePrimary {
    grace: Grace,
    /// When each node last ended or froze.
    lost: BTreeMap<NodeId, Timestamp>,
    /// When an outsider last changed who holds the witness disk.
    stolen: Option<Timestamp>,
}

impl Checker for OnePrimary {
    fn name(&self) -> &'static str {
        "one-primary"
    }

    fn clause(&self) -> &'static str {
        "MM-10, QRM-1"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        self.grace.see(scene, change);
        let new = match change {
            Change::Picture(new) => *new,
            Change::Ended { node, .. } | Change::Frozen { node } | Change::Thawed { node } => {
                self.lost.insert(*node, scene.now);
                return Ok(());
            }
            Change::Holder {
                disk,
                outsider: true,
                ..
            } if scene.plan.settings.witness == Witness::Disk(*disk) => {
                self.stolen = Some(scene.now);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let bound = stop_bound(scene.plan);
        let stolen = self.stolen.is_some_and(|at| scene.now.since(at) < bound);
        let excused = self.grace.excused(scene);
        let recent = |it: &(&NodeId, &Timestamp)| scene.now.since(*it.1) < bound;
        let lost: NodeSet = self.lost.iter().filter(recent).map(|it| *it.0).collect();
        let judged = |it: &&Picture| {
            let others = members(it).without(it.node);
            is_active(it) && !excused.contains(it.node) && others.intersection(lost).is_empty()
        };
        if !judged(&new) {
            return Ok(());
        }
        let mine = members(new);
        let apart = |it: &&Picture| {
            let excused = stolen && rests_on_witness(new) && rests_on_witness(it);
            members(it).intersection(mine).is_empty()
                && !excused
                && !self.grace.are_apart(scene, new.node, it.node)
        };
        match scene.shown(change).filter(judged).find(apart) {
            None => Ok(()),
            Some(other) => Err(format!(
                "{} is active in the view of {} while {} is active in that of {}",
                scene.node(new.node),
                scene.nodes(mine),
                scene.node(other.node),
                scene.nodes(members(other))
            )),
        }
    }
}

/// Whether the nodes of its view alone have no quorum, by the votes that this node knows.
fn rests_on_witness(picture: &Picture) -> bool {
    let settings = Settings::read(&picture.hive);
    !count(&settings, members(picture), false).has_quorum()
}

fn members(picture: &Picture) -> NodeSet {
    picture.view.map_or(NodeSet::EMPTY, |(_, members)| members)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active};
    use super::*;

    #[test]
    fn two_active_views_without_a_common_member_are_found() {
        let mut stage = Stage::new(OnePrimary::default());
        stage.shows(active(1, 5, &[1, 2, 3]));
        stage.shows(active(2, 6, &[2, 3]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.shows(active(1, 7, &[1]));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_stolen_witness_excuses_for_a_while() {
        let mut stage = Stage::new(OnePrimary::default());
        stage.shows(active(1, 5, &[1]));
        stage.sees(&Change::Holder {
            disk: base::DiskId(0),
            holder: None,
            outsider: true,
        });
        stage.shows(active(2, 6, &[2]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.passes(600);
        stage.shows(active(2, 7, &[2]));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_frozen_node_is_excused_until_it_has_had_time_to_stop() {
        let mut stage = Stage::new(OnePrimary::default());
        stage.shows(active(1, 5, &[1]));
        stage.freezes(1);
        stage.shows(active(2, 6, &[2]));
        stage.thaws(1);
        stage.shows(active(2, 7, &[2, 3]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.passes(600);
        stage.shows(active(2, 8, &[2]));
        assert!(stage.verdict().is_err());
    }
}
