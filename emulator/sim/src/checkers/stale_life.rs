//! A node outside the surviving view stops or rejoins, within a bound (MM-11).

use std::collections::BTreeMap;

use base::{NodeId, Timestamp};
use node::Picture;

use super::grace::{Grace, stop_bound};
use super::{Change, Checker, Scene, is_active};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct StaleLife {
    grace: Grace,
    /// Since when a newer active view goes without the node.
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
        let excused = self.grace.excused(scene);
        if let Change::Ended { node, .. } | Change::Thawed { node } = change {
            self.outside_since.remove(node);
        }
        let shown: Vec<&Picture> = scene.shown(change).filter(|it| is_active(it)).collect();
        for picture in &shown {
            let excluded = !excused.contains(picture.node) && is_excluded(picture, &shown);
            if !excluded || !scene.running.contains(picture.node) {
                self.outside_since.remove(&picture.node);
                continue;
            }
            let since = *self.outside_since.entry(picture.node).or_insert(scene.now);
            let outside = scene.now.since(since);
            if outside > stop_bound(scene.plan) {
                return Err(format!(
                    "node {} has been outside the surviving view for {outside:?} and is still \
                     active",
                    picture.node
                ));
            }
        }
        Ok(())
    }
}

fn is_excluded(picture: &Picture, shown: &[&Picture]) -> bool {
    let Some((mine, _)) = picture.view else {
        return false;
    };
    let newer = |it: &&&Picture| {
        it.view.is_some_and(|(view, members)| {
            view.epoch > mine.epoch && members.contains(it.node) && !members.contains(picture.node)
        })
    };
    shown.iter().any(|it| newer(&it))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active};
    use super::*;

    #[test]
    fn a_node_that_stays_active_outside_the_surviving_view_is_found() {
        let mut stage = Stage::new(StaleLife::default());
        stage.shows(active(1, 5, &[1, 2, 3]));
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
        stage.shows(active(2, 6, &[2, 3]));
        stage.ends(1);
        stage.passes(600);
        stage.shows(active(2, 7, &[2, 3]));
        assert_eq!(stage.verdict(), Ok(()));
    }
}
