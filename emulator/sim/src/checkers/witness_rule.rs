//! The witness is tried when exactly one vote is missing and never when more are (QRM-3, QRM-4): by
//! the count that the node had when it tried. Afterwards the votes may be others, because the copy
//! on the witness may be newer than the node's own replica.

use base::Notice;

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WitnessRule;

impl Checker for WitnessRule {
    fn name(&self) -> &'static str {
        "witness-rule"
    }

    fn clause(&self) -> &'static str {
        "QRM-3, QRM-4"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Notice {
            node,
            notice: Notice::WitnessNeeded { have, needed },
        } = change
        else {
            return Ok(());
        };
        if have + 1 == *needed {
            return Ok(());
        }
        Err(format!(
            "{} tried the witness with {have} votes, {needed} needed",
            scene.node(*node)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use super::*;

    fn tries(have: u32) -> Result<(), String> {
        let mut stage = Stage::new(WitnessRule);
        stage.says(1, Notice::WitnessNeeded { have, needed: 3 });
        stage.verdict().map_err(Clone::clone)
    }

    #[test]
    fn trying_the_witness_with_other_than_one_vote_missing_is_found() {
        assert_eq!(tries(2), Ok(()));
        assert!(tries(1).is_err());
        assert!(tries(3).is_err());
    }
}
