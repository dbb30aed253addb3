//! The witness is tried when exactly one vote is missing and never when more are (QRM-3, QRM-4): a
//! count that follows a try has just enough votes, or is just one short.
//! A node whose replica was replaced by the witness's copy in between counts by other weights and
//! is not judged.

use std::collections::BTreeMap;

use base::{NodeId, Notice, PaxosTag};

use super::{Change, Checker, Scene};

/// A node tries the witness for its view.
#[derive(Clone, Copy, Debug)]
struct Try {
    /// Its replica when it decided to.
    tag: PaxosTag,
    /// Votes without the witness, and votes needed, once counted.
    count: Option<(u32, u32)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct WitnessRule {
    tries: BTreeMap<NodeId, Try>,
}

impl Checker for WitnessRule {
    fn name(&self) -> &'static str {
        "witness-rule"
    }

    fn clause(&self) -> &'static str {
        "QRM-3, QRM-4"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::Ended { node, .. } => {
                self.tries.remove(node);
            }
            Change::Notice { node, notice } => self.hear(scene, *node, notice),
            Change::Picture(picture) => {
                let node = picture.node;
                let tried = self.tries.get(&node).copied();
                if let Some(Try {
                    tag,
                    count: Some((without, needed)),
                }) = tried
                {
                    self.tries.remove(&node);
                    if tag == picture.tag && without + 1 != needed {
                        return Err(format!(
                            "node {node} tried the witness with {without} votes, {needed} needed"
                        ));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl WitnessRule {
    fn hear(&mut self, scene: &Scene<'_>, node: NodeId, notice: &Notice) {
        match notice {
            Notice::ViewInstalled { .. } => {
                self.tries.remove(&node);
            }
            Notice::WitnessNeeded => {
                let shown = scene.pictures.get(node.index()).and_then(Option::as_ref);
                let tag = shown.map(|picture| picture.tag).unwrap_or_default();
                self.tries.insert(node, Try { tag, count: None });
            }
            Notice::QuorumCounted {
                have, needed, held, ..
            } => {
                if let Some(tried) = self.tries.get_mut(&node) {
                    // With the witness there is one vote more than without.
                    let without = have.saturating_sub(u32::from(*held));
                    tried.count = Some((without, *needed));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, counted, tag};
    use super::*;

    fn tries(have: u32, held: bool, adopts: bool) -> Result<(), String> {
        let mut stage = Stage::new(WitnessRule::default());
        let mut picture = active(1, 1, &[1]);
        stage.has(picture.clone());
        stage.says(1, Notice::WitnessNeeded);
        stage.says(1, counted(have, 3, 5, held));
        if adopts {
            picture.tag = tag(9, 9);
        }
        stage.shows(picture);
        stage.verdict().map_err(Clone::clone)
    }

    #[test]
    fn trying_the_witness_with_other_than_one_vote_missing_is_found() {
        assert_eq!(tries(3, true, false), Ok(()));
        assert_eq!(tries(2, false, false), Ok(()));
        assert!(tries(1, false, false).is_err());
        assert!(tries(4, true, false).is_err());
        assert_eq!(tries(1, false, true), Ok(()));
    }
}
