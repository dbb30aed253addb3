//! The votes add up (QRM-1): none more than there are, a majority needed, held exactly when
//! reached.

use base::{Notice, QuorumModel};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Votes;

impl Checker for Votes {
    fn name(&self) -> &'static str {
        "votes"
    }

    fn clause(&self) -> &'static str {
        "QRM-1"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Notice {
            node,
            notice:
                Notice::QuorumCounted {
                    have,
                    needed,
                    total,
                    held,
                },
        } = change
        else {
            return Ok(());
        };
        let majority = match scene.plan.settings.model {
            QuorumModel::DiskOnly => *needed,
            _ => total / 2 + 1,
        };
        if have <= total && *needed == majority && *held == (have >= needed) {
            return Ok(());
        }
        Err(format!(
            "{} counts {have} of {total} votes, needs {needed}, and says {}",
            scene.node(*node),
            if *held { "quorum" } else { "no quorum" }
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, counted};
    use super::*;

    #[test]
    fn counts_that_do_not_add_up_are_found() {
        let counts = [
            (counted(2, 2, 3, true), true),
            (counted(1, 2, 3, false), true),
            (counted(4, 2, 3, true), false),
            (counted(2, 1, 3, true), false),
            (counted(1, 2, 3, true), false),
            (counted(2, 2, 3, false), false),
        ];
        for (notice, adds_up) in counts {
            let mut stage = Stage::new(Votes);
            stage.says(1, notice.clone());
            assert_eq!(stage.verdict().is_ok(), adds_up, "{notice:?}");
        }
    }
}
