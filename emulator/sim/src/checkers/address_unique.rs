//! No address answers from two machines (ADDR-1). Frozen nodes are excused until they thaw, and for
//! the time that stopping takes.

use super::grace::Grace;
use super::{Change, Checker, Scene};
use crate::hosts::Thing;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct AddressUnique {
    grace: Grace,
}

impl Checker for AddressUnique {
    fn name(&self) -> &'static str {
        "address-unique"
    }

    fn clause(&self) -> &'static str {
        "ADDR-1"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        self.grace.see(scene, change);
        for (thing, nodes) in scene.outside.shared() {
            let rivals = self.grace.rivals(scene, nodes);
            if let Thing::Address(network, address) = thing
                && !rivals.is_empty()
            {
                let network = scene.plan.names.of_network(*network);
                let nodes = scene.nodes(rivals);
                return Err(format!("{address} on {network} answers from {nodes}"));
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
    fn one_address_on_two_nodes_is_found() {
        let mut stage = Stage::new(AddressUnique::default());
        stage.takes_address(1, 5, "10.0.0.9");
        stage.takes_address(2, 6, "10.0.0.10");
        assert_eq!(stage.verdict(), Ok(()));
        stage.takes_address(2, 7, "10.0.0.9");
        assert!(stage.verdict().is_err());
    }
}
