//! What the object manager hears and says.

use std::sync::Arc;

use crate::database::Update;
use crate::object::ObjectTable;

/// What the object manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From database: an update was applied; its state changes are for the tables.
    Applied { update: Update },
    /// From database: this node's replica was replaced, and the tables with it.
    Replace { objects: Arc<ObjectTable> },
}

/// What the object manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the facts.
    Publish(Arc<ObjectTable>),
}
