//! No network name is served by two machines (NAME-1). Frozen nodes are excused until they thaw,
//! and for the time that stopping takes.

use super::grace::Grace;
use super::{Change, Checker, Scene};
use crate::hosts::Thing;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct NameOwnedOnce {
    grace: Grace,
}

impl Checker for NameOwnedOnce {
    fn name(&self) -> &'static str {
        "name-owned-once"
    }

    fn clause(&self) -> &'static str {
        "NAME-1"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        self.grace.see(scene, change);
        for (thing, nodes) in scene.outside.shared() {
            let rivals = self.grace.rivals(scene, nodes);
            if let Thing::Name(name) | Thing::Server(name) = thing
                && !rivals.is_empty()
            {
                let nodes = scene.nodes(rivals);
                return Err(format!("{name} is served by {nodes}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use super::*;

    #[test]
    fn one_name_on_two_nodes_is_found() {
        let mut stage = Stage::new(NameOwnedOnce::default());
        stage.takes_name(1, 5, "FS1");
        stage.takes_name(2, 6, "FS2");
        assert_eq!(stage.verdict(), Ok(()));
        stage.takes_name(2, 7, "FS1");
        assert!(stage.verdict().is_err());
    }
}
