//! What a manager says during one call, in order and bounded.

use crate::limits::OUTBOX_MAX;

/// Outputs of one call, drained by the router before anything else happens.
#[derive(Clone, Debug)]
pub struct Outbox<T> {
    items: Vec<T>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<T> Outbox<T> {
    /// Adds an output.
    ///
    /// # Panics
    /// When one call says more than [`OUTBOX_MAX`] things: a loop inside a manager, which is a bug.
    pub fn push(&mut self, item: T) {
        assert!(
            self.items.len() < OUTBOX_MAX,
            "a manager filled its outbox in one call"
        );
        self.items.push(item);
    }

    /// Adds several outputs, in order.
    pub fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        items.into_iter().for_each(|item| self.push(item));
    }

    /// Takes everything out, oldest first, keeping the memory for the next call.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.items.drain(..)
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What was said so far, for tests and assertions.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }
}
