//! A node outside the surviving view stops or rejoins, within a bound (MM-11). The surviving view
//! is the one that was installed last; epochs of clusters that formed apart say nothing.

use std::collections::BTreeMap;

use base::{NodeId, Timestamp, ViewId};
use node::Picture;

use super::grace::{Grace, stop_bound};
use super::{Change, Checker, Scene, is_active};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct StaleLife {
    grace: Grace,
    /// The active view of each node, and since when it has it.
    views: BTreeMap<NodeId, (ViewId, Timestamp)>,
    /// Since when a later active view goes without the node.
    outside_since: BTreeMap<NodeId, Timestamp>,
}

impl Checker for StaleLife {
    fn name(&self) -> &'static str {
        "stale-life"
    }

    fn clause(&self) -> &'static str {
        "MM-11"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        self.grace.see(scene, change);
        match change {
            Change::Picture(picture) => self.remember(scene, picture),
            Change::Ended { node, .. } => {
                self.views.remove(node);
                self.outside_since.remove(node);
            }
            Change::Thawed { node } => {
                self.outside_since.remove(node);
            }
            _ => {}
        }
        let excused = self.grace.excused(scene);
        let judged = |it: &&Picture| is_active(it) && !excused.contains(it.node);
        let shown: Vec<&Picture> = scene.shown(change).filter(judged).collect();
        for picture in &shown {
            if !self.is_excluded(scene, picture, &shown) || !scene.running.contains(picture.node) {
                self.outside_since.remove(&picture.node);
                continue;
            }
            let since = *self.outside_since.entry(picture.node).or_insert(scene.now);
            let outside = scene.now.since(since);
            if outside > stop_bound(scene.plan) {
                return Err(format!(
                    "{} has been outside the surviving view for {outside:?} and is still \
                     active",
                    scene.node(picture.node)
                ));
            }
        }
        Ok(())
    }
}

impl StaleLife {
    fn remember(&mut self, scene: &Scene<'_>, picture: &Picture) {
        let view = picture.view.filter(|_| is_active(picture));
        let Some((view, _)) = view else {
            self.views.remove(&picture.node);
            return;
        };
        let known = self.views.get(&picture.node).map(|(known, _)| *known);
        if known != Some(view) {
            self.views.insert(picture.node, (view, scene.now));
        }
    }

    /// Whether a node of the same side has installed a view without this one since this one
    /// installed its own.
    fn is_excluded(&self, scene: &Scene<'_>, picture: &Picture, shown: &[&Picture]) -> bool {
        let since = |node: NodeId| self.views.get(&node).map(|(_, since)| *since);
        let later = |it: &&&Picture| {
            let without = it
                .view
                .is_some_and(|(_, members)| !members.contains(picture.node));
            let side = !self.grace.are_apart(scene, it.node, picture.node);
            without && side && since(it.node) > since(picture.node)
        };
        shown.iter().any(|it| later(&it))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active};
    use super::*;

    #[test]
    fn a_node_that_stays_active_outside_the_surviving_view_is_found() {
        let mut stage = Stage::new(StaleLife::default());
        stage.shows(active(1, 5, &[1, 2, 3]));
        stage.passes(1);
        stage.shows(active(2, 6, &[2, 3]));
        stage.passes(20);
        stage.shows(active(3, 6, &[2, 3]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.passes(600);
        stage.shows(active(2, 7, &[2, 3]));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_node_that_stops_in_time_is_fine() {
        let mut stage = Stage::new(StaleLife::default());
        stage.shows(active(1, 5, &[1, 2, 3]));
        stage.passes(1);
        stage.shows(active(2, 6, &[2, 3]));
        stage.ends(1);
        stage.passes(600);
        stage.shows(active(2, 7, &[2, 3]));
        assert_eq!(stage.verdict(), Ok(()));
    }
}
