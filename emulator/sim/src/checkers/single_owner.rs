//! At most one node runs a resource (RCM-8; design section 7.3).
//!
//! With a disk in the group that is so because survivors online an orphaned group only after they
//! have won its disk, without one because they wait until the loser must have stopped. Frozen
//! nodes are excused until they thaw, and for the time that stopping takes.

use super::grace::Grace;
use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct SingleOwner {
    grace: Grace,
}

impl Checker for SingleOwner {
    fn name(&self) -> &'static str {
        "single-owner"
    }

    fn clause(&self) -> &'static str {
        "RCM-8"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        self.grace.see(scene, change);
        if !matches!(change, Change::Runs(_) | Change::Picture(_) | Change::Time) {
            return Ok(());
        }
        for (resource, nodes) in scene.outside.running() {
            let rivals = self.grace.rivals(scene, nodes);
            if !rivals.is_empty() {
                return Err(format!(
                    "{} runs on {} at once",
                    scene.plan.names.of_resource(resource),
                    scene.nodes(rivals)
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, tag};
    use super::*;

    /// Node 1 goes on by votes, nodes 2 and 3 by an administrator's word.
    fn two_sides() -> Stage<SingleOwner> {
        let mut stage = Stage::new(SingleOwner::default());
        stage.shows(active(1, 5, &[1]));
        for by in [2, 3] {
            let mut forced = active(by, 6, &[2, 3]);
            forced.tag = tag(1 << 62 | 1 << 20, 9);
            stage.shows(forced);
        }
        stage
    }

    #[test]
    fn two_sides_are_not_held_against_each_other() {
        let mut stage = two_sides();
        stage.runs(1, 0, true);
        stage.runs(2, 0, true);
        stage.passes(600);
        stage.runs(2, 1, true);
        assert_eq!(stage.verdict(), Ok(()));
    }

    #[test]
    fn a_resource_that_runs_twice_on_one_side_is_found() {
        let mut stage = two_sides();
        stage.runs(2, 0, true);
        stage.runs(3, 0, true);
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn what_still_runs_on_a_side_that_ended_is_found_once_it_had_time_to_stop() {
        let mut stage = two_sides();
        stage.runs(1, 0, true);
        stage.runs(2, 0, true);
        stage.ends(1);
        stage.runs(2, 1, true);
        assert_eq!(stage.verdict(), Ok(()));
        stage.passes(600);
        stage.runs(2, 1, false);
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_resource_that_runs_on_two_nodes_is_found() {
        let mut stage = Stage::new(SingleOwner::default());
        stage.runs(1, 0, true);
        stage.runs(1, 0, false);
        stage.runs(2, 0, true);
        assert_eq!(stage.verdict(), Ok(()));
        stage.runs(1, 0, true);
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_frozen_node_is_excused_until_it_has_had_time_to_stop() {
        let mut stage = Stage::new(SingleOwner::default());
        stage.runs(1, 0, true);
        stage.freezes(1);
        stage.runs(2, 0, true);
        stage.thaws(1);
        stage.runs(2, 1, true);
        assert_eq!(stage.verdict(), Ok(()));
        stage.passes(600);
        stage.runs(2, 1, false);
        assert!(stage.verdict().is_err());
    }
}
