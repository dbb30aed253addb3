//! Two quorate views alive at one instant share a member (MM-10, QRM-1), and a witness votes in
//! one view only.
//!
//! Nodes learn of a new view at different moments, so an old view may outlive its successor for a
//! while; but then some member of it is in the successor. Frozen nodes are excused until they
//! thaw, and for the time that stopping takes.

use base::NodeSet;
use node::Picture;

use super::grace::Grace;
use super::{Change, Checker, Scene, is_active};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OnePrimary {
    grace: Grace,
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
        let Change::Picture(new) = change else {
            return Ok(());
        };
        let excused = self.grace.excused(scene);
        let judged = |it: &&Picture| is_active(it) && !excused.contains(it.node);
        if !judged(new) {
            return Ok(());
        }
        let mine = members(new);
        let apart = |it: &&Picture| members(it).intersection(mine).is_empty();
        match scene.shown(change).filter(judged).find(apart) {
            None => Ok(()),
            Some(other) => Err(format!(
                "node {} is active in {mine} while node {} is active in {}",
                new.node,
                other.node,
                members(other)
            )),
        }
    }
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
