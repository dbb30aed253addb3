//! A node that cannot commit to its own replica stops (DM-7).

use std::collections::BTreeMap;
use std::time::Duration;

use base::{NodeId, Notice, Timestamp};

use super::{Change, Checker, Scene};

/// So soon after its disk's refusal a node must have ended its service.
const STOP_MAX: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LocalCommit {
    failed: BTreeMap<NodeId, Timestamp>,
}

impl Checker for LocalCommit {
    fn name(&self) -> &'static str {
        "local-commit"
    }

    fn clause(&self) -> &'static str {
        "DM-7"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::LocalDiskFailed { node } => {
                self.failed.entry(*node).or_insert(scene.now);
            }
            Change::Ended { node, .. } | Change::Frozen { node } => {
                self.failed.remove(node);
            }
            Change::Notice {
                node,
                notice: Notice::UpdateCommitted { tag },
            } if self.failed.contains_key(node) => {
                let node = scene.node(*node);
                return Err(format!(
                    "{node} committed {tag} after its own disk had refused"
                ));
            }
            _ => {}
        }
        let late = |it: &(&NodeId, &Timestamp)| scene.now.since(*it.1) > STOP_MAX;
        match self.failed.iter().find(late) {
            None => Ok(()),
            Some((node, _)) => Err(format!(
                "{} still runs although its own disk refused to keep the database",
                scene.node(*node)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, node, tag};
    use super::*;

    #[test]
    fn going_on_after_the_own_disk_refused_is_found() {
        let mut stage = Stage::new(LocalCommit::default());
        stage.sees(&Change::LocalDiskFailed { node: node(1) });
        stage.ends(1);
        stage.passes(5);
        stage.shows(active(2, 1, &[2]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.sees(&Change::LocalDiskFailed { node: node(2) });
        stage.passes(5);
        stage.shows(active(2, 2, &[2]));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn committing_after_the_own_disk_refused_is_found_at_once() {
        let mut stage = Stage::new(LocalCommit::default());
        stage.sees(&Change::LocalDiskFailed { node: node(1) });
        stage.says(1, Notice::UpdateCommitted { tag: tag(1, 1) });
        assert!(stage.verdict().is_err());
    }
}
