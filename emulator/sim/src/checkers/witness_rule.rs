//! The witness is tried when exactly one vote is missing and never when more are (QRM-3, QRM-4).

use std::collections::BTreeMap;

use base::{NodeId, Notice};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WitnessRule {
    /// How many votes each node missed when it last counted.
    missing: BTreeMap<NodeId, u32>,
}

impl Checker for WitnessRule {
    fn name(&self) -> &'static str {
        "witness-rule"
    }

    fn clause(&self) -> &'static str {
        "QRM-3, QRM-4"
    }

    fn see(&mut self, _: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::Started { node, .. } => {
                self.missing.remove(node);
            }
            Change::Notice {
                node,
                notice: Notice::QuorumCounted { have, needed, .. },
            } => {
                self.missing.insert(*node, needed.saturating_sub(*have));
            }
            Change::Notice {
                node,
                notice: Notice::WitnessNeeded,
            } => {
                let missing = self.missing.get(node).copied();
                if missing.is_some_and(|missing| missing != 1) {
                    let missing = missing.unwrap_or_default();
                    return Err(format!(
                        "node {node} tries the witness with {missing} votes missing"
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

    #[test]
    fn trying_the_witness_two_votes_short_is_found() {
        let mut stage = Stage::new(WitnessRule::default());
        stage.says(1, counted(2, 3, 5, false));
        stage.says(1, Notice::WitnessNeeded);
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(1, counted(1, 3, 5, false));
        stage.says(1, Notice::WitnessNeeded);
        assert!(stage.verdict().is_err());
    }
}
