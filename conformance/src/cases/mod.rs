//! The cases, one file per component.

use crate::case::Case;

/// Every case of the suite, in reading order.
#[must_use]
pub fn all() -> Vec<Case> {
    Vec::new()
}
