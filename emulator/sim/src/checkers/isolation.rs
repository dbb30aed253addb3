//! A resource host that ends takes only its own resources with it (RCM-12): what was online and
//! fails at the same instant on that node was opened in that host, or depends on what was. Several
//! hosts may end at one instant, or be seen to when a frozen machine goes on: then one of them. So
//! an instant is judged when it is over.

use std::collections::{BTreeMap, BTreeSet};

use base::{HostId, NodeId, Notice, ResourceId, ResourceState, Timestamp};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    opened: BTreeMap<(NodeId, HostId), BTreeSet<ResourceId>>,
    /// The hosts that ended at this instant.
    ended: Vec<(NodeId, HostId)>,
    /// What failed after the first of them.
    failed: Vec<(NodeId, ResourceId)>,
    at: Timestamp,
}

impl Checker for Isolation {
    fn name(&self) -> &'static str {
        "isolation"
    }

    fn clause(&self) -> &'static str {
        "RCM-12"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let verdict = self.instant_over(scene);
        match change {
            Change::Opened {
                node,
                host,
                resource,
            } => {
                let opened = self.opened.entry((*node, *host)).or_default();
                opened.insert(*resource);
            }
            Change::Ended { node, .. } => self.opened.retain(|(it, _), _| it != node),
            Change::Notice {
                node,
                notice: Notice::HostExited { host },
            } => self.ended.push((*node, *host)),
            Change::Notice {
                node,
                notice:
                    Notice::ResourceState {
                        resource,
                        from: ResourceState::Online,
                        to: ResourceState::Failed,
                        ..
                    },
            } if self.ended.iter().any(|(on, _)| on == node) => {
                self.failed.push((*node, *resource));
            }
            _ => {}
        }
        verdict
    }
}

impl Isolation {
    /// Judges what is over once time has gone on.
    fn instant_over(&mut self, scene: &Scene<'_>) -> Result<(), String> {
        if self.at == scene.now {
            return Ok(());
        }
        self.at = scene.now;
        let failed = std::mem::take(&mut self.failed);
        let mut verdicts = failed
            .iter()
            .map(|(node, it)| self.judge(scene, *node, *it));
        let verdict = verdicts.find(Result::is_err).unwrap_or(Ok(()));
        for gone in self.ended.drain(..) {
            self.opened.remove(&gone);
        }
        verdict
    }

    fn judge(&self, scene: &Scene<'_>, node: NodeId, failed: ResourceId) -> Result<(), String> {
        let here = self.ended.iter().filter(|(on, _)| *on == node);
        let opened: Vec<_> = here.filter_map(|it| self.opened.get(it)).collect();
        let mine = |resource: &ResourceId| opened.iter().any(|it| it.contains(resource));
        let settings = scene.plan.model.resources.get(&failed);
        let depends = settings.is_some_and(|it| it.dependencies.providers().any(|it| mine(&it)));
        if mine(&failed) || depends {
            return Ok(());
        }
        Err(format!(
            "on {} the end of a host failed {}, which another host runs",
            scene.node(node),
            scene.plan.names.of_resource(failed)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, node};
    use super::*;

    fn fails(number: u16) -> Notice {
        Notice::ResourceState {
            resource: ResourceId(number),
            from: ResourceState::Online,
            to: ResourceState::Failed,
            cause: base::StateChangeCause::Unknown,
        }
    }

    /// Hosts of node 1 get these resources.
    fn opens(stage: &mut Stage<Isolation>, resources: &[(u16, u16)]) {
        for (host, number) in resources {
            stage.sees(&Change::Opened {
                node: node(1),
                host: HostId(*host),
                resource: ResourceId(*number),
            });
        }
    }

    #[test]
    fn a_host_that_takes_a_stranger_with_it_is_found() {
        let mut stage = Stage::new(Isolation::default());
        opens(&mut stage, &[(1, 0), (2, 9)]);
        stage.says(1, Notice::HostExited { host: HostId(1) });
        stage.says(1, fails(0));
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(1, fails(9));
        stage.passes(1);
        stage.says(1, fails(0));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn hosts_that_end_at_one_instant_take_what_each_of_them_ran_with_them() {
        let mut stage = Stage::new(Isolation::default());
        opens(&mut stage, &[(1, 0), (2, 5), (3, 9)]);
        stage.says(1, Notice::HostExited { host: HostId(2) });
        stage.says(1, Notice::HostExited { host: HostId(1) });
        stage.says(1, fails(5));
        stage.says(1, fails(0));
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(1, fails(9));
        stage.passes(1);
        stage.says(1, fails(0));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_host_whose_end_is_told_after_the_failure_is_not_forgotten() {
        let mut stage = Stage::new(Isolation::default());
        opens(&mut stage, &[(1, 0), (2, 9)]);
        stage.says(1, Notice::HostExited { host: HostId(1) });
        stage.says(1, fails(9));
        stage.says(1, Notice::HostExited { host: HostId(2) });
        stage.passes(1);
        stage.says(1, fails(9));
        assert_eq!(stage.verdict(), Ok(()));
    }

    #[test]
    fn the_end_of_a_host_does_not_excuse_what_fails_later() {
        let mut stage = Stage::new(Isolation::default());
        opens(&mut stage, &[(1, 0), (2, 9)]);
        stage.says(1, Notice::HostExited { host: HostId(1) });
        stage.passes(1);
        stage.says(1, Notice::HostExited { host: HostId(2) });
        stage.says(1, fails(0));
        stage.passes(1);
        stage.says(1, fails(9));
        assert!(stage.verdict().is_err());
    }
}
