//! The witness is tried when exactly one vote is missing and never when more are (QRM-3, QRM-4): a
//! count that follows a try has just enough votes, or is just one short.

use base::{NodeSet, Notice};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WitnessRule {
    /// Nodes that try the witness for their view.
    tries: NodeSet,
}

impl Checker for WitnessRule {
    fn name(&self) -> &'static str {
        "witness-rule"
    }

    fn clause(&self) -> &'static str {
        "QRM-3, QRM-4"
    }

    fn see(&mut self, _: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let (node, notice) = match change {
            Change::Ended { node, .. } => {
                self.tries.remove(*node);
                return Ok(());
            }
            Change::Notice { node, notice } => (*node, *notice),
            _ => return Ok(()),
        };
        match notice {
            Notice::ViewInstalled { .. } => self.tries.remove(node),
            Notice::WitnessNeeded => self.tries.insert(node),
            Notice::QuorumCounted {
                have, needed, held, ..
            } if self.tries.contains(node) => {
                self.tries.remove(node);
                // With the witness there is one vote more than without.
                let without = have.saturating_sub(u32::from(*held));
                if without + 1 != *needed {
                    return Err(format!(
                        "node {node} tried the witness with {without} votes, {needed} needed"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, counted};
    use super::*;

    fn tries(have: u32, held: bool) -> Result<(), String> {
        let mut stage = Stage::new(WitnessRule::default());
        stage.says(1, Notice::WitnessNeeded);
        stage.says(1, counted(have, 3, 5, held));
        stage.verdict().map_err(Clone::clone)
    }

    #[test]
    fn trying_the_witness_with_other_than_one_vote_missing_is_found() {
        assert_eq!(tries(3, true), Ok(()));
        assert_eq!(tries(2, false), Ok(()));
        assert!(tries(1, false).is_err());
        assert!(tries(4, true).is_err());
    }
}
