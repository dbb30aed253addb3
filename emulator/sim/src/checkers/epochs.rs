//! The views that one life of a node installs have growing epochs (MM-1).

use std::collections::BTreeMap;

use base::{NodeId, Notice};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    last: BTreeMap<NodeId, u64>,
}

impl Checker for Epochs {
    fn name(&self) -> &'static str {
        "epochs"
    }

    fn clause(&self) -> &'static str {
        "MM-1"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::Started { node, .. } => {
                self.last.remove(node);
            }
            Change::Notice {
                node,
                notice: Notice::ViewInstalled { view, .. },
            } => {
                let before = self.last.insert(*node, view.epoch);
                if before.is_some_and(|before| before >= view.epoch) {
                    let before = before.unwrap_or_default();
                    let node = scene.node(*node);
                    return Err(format!("{node} went from epoch {before} to {}", view.epoch));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, installed};
    use super::*;

    #[test]
    fn an_epoch_that_goes_back_within_a_life_is_found() {
        let mut stage = Stage::new(Epochs::default());
        stage.says(1, installed(3, &[1]));
        stage.says(2, installed(1, &[2]));
        stage.starts(1, 2);
        stage.says(1, installed(2, &[1]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(1, installed(2, &[1, 2]));
        assert!(stage.verdict().is_err());
    }
}
