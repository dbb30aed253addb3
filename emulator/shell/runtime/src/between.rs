//! What stands between a node and its machine: nothing, unless a test plants a fault there.

use std::fmt::Debug;

use node::{Effect, Picture};

/// Sees what a node wants and shows before its machine does.
pub trait Between: Debug {
    /// What becomes of an effect; none when it is swallowed.
    fn effect(&mut self, effect: Effect) -> Option<Effect> {
        Some(effect)
    }

    /// What the node is said to be.
    fn picture(&mut self, picture: Picture) -> Picture {
        picture
    }
}

/// Nothing stands there.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Between for Nothing {}
