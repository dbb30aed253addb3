//! What waits in the world stays within bounds (design section 7.3): a cluster that talks more and
//! more is broken even if every answer is right. The nodes assert their own queues.

use super::{Change, Checker, Scene};

/// Room for everything that does not grow with the number of pairs.
const WAITING_BASE: usize = 20_000;
/// Datagrams under way from each node to each other one.
const WAITING_PER_PAIR: usize = 200;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Bounds;

impl Checker for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn clause(&self) -> &'static str {
        "design 9.4"
    }

    fn see(&mut self, scene: &Scene<'_>, _: &Change<'_>) -> Result<(), String> {
        let nodes = scene.plan.members.len();
        let most = WAITING_BASE + nodes * nodes * WAITING_PER_PAIR;
        if scene.queued > most {
            return Err(format!("{} things wait, at most {most} may", scene.queued));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active};
    use super::*;

    #[test]
    fn a_queue_that_runs_full_is_found() {
        let mut stage = Stage::new(Bounds);
        stage.queued = 10_000;
        stage.shows(active(1, 1, &[1]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.queued = 1_000_000;
        stage.shows(active(1, 2, &[1]));
        assert!(stage.verdict().is_err());
    }
}
