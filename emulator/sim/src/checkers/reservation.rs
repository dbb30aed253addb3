//! A node that believes to hold a disk is the one that the target names (DISK-1, DISK-2): after a
//! preemption the loser finds out at its next check, which comes every few seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{DiskId, NodeId, Timestamp};
use plan::Plan;

use super::grace::Grace;
use super::{Change, Checker, Scene};
use crate::storage::ANSWER_DEADLINE;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reservation {
    grace: Grace,
    holders: BTreeMap<DiskId, NodeId>,
    wrong_since: BTreeMap<(NodeId, DiskId), Timestamp>,
}

impl Checker for Reservation {
    fn name(&self) -> &'static str {
        "reservation"
    }

    fn clause(&self) -> &'static str {
        "DISK-1, DISK-2"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        self.grace.see(scene, change);
        match change {
            Change::Holder { disk, holder, .. } => {
                match holder {
                    Some(holder) => self.holders.insert(*disk, *holder),
                    None => self.holders.remove(disk),
                };
            }
            Change::Ended { node, .. } | Change::Thawed { node } => {
                self.wrong_since.retain(|(it, _), _| it != node);
            }
            _ => {}
        }
        let excused = self.grace.excused(scene);
        let bound = notice_bound(scene.plan);
        let mut wrong = BTreeMap::new();
        for picture in scene.shown(change).filter(|it| !excused.contains(it.node)) {
            for disk in &picture.disks {
                if self.holders.get(disk) == Some(&picture.node) {
                    continue;
                }
                let key = (picture.node, *disk);
                let since = self.wrong_since.get(&key).copied().unwrap_or(scene.now);
                wrong.insert(key, since);
                if scene.now.since(since) > bound {
                    return Err(format!(
                        "{} still believes to hold {}, which the target denies",
                        scene.node(picture.node),
                        scene.plan.names.of_disk(*disk)
                    ));
                }
            }
        }
        self.wrong_since = wrong;
        Ok(())
    }
}

/// The loser checks once per interval. Two answers may take their time: that of the command under
/// way and that of the look.
fn notice_bound(plan: &Plan) -> Duration {
    plan.settings.disk_arbitration_interval * 2 + ANSWER_DEADLINE * 2
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, node};
    use super::*;

    fn holds(by: u8, epoch: u64) -> node::Picture {
        let mut picture = active(by, epoch, &[1, 2]);
        picture.disks = vec![DiskId(0)];
        picture
    }

    #[test]
    fn a_node_that_never_learns_of_a_preemption_is_found() {
        let mut stage = Stage::new(Reservation::default());
        let held_by = |number| Change::Holder {
            disk: DiskId(0),
            holder: Some(node(number)),
            outsider: false,
        };
        stage.sees(&held_by(1));
        stage.shows(holds(1, 1));
        stage.passes(60);
        stage.sees(&held_by(2));
        stage.passes(5);
        stage.shows(holds(1, 2));
        assert_eq!(stage.verdict(), Ok(()));
        stage.passes(60);
        stage.shows(holds(2, 3));
        assert!(stage.verdict().is_err());
    }
}
