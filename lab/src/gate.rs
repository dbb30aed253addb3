//! What lets a lab be taken down in the middle of its making, by a handler of signals.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{LabFolder, remove};

/// Open while a lab may make things. Whoever closes it waits for the deed under way, and no other
/// begins after it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<()>>);

impl Gate {
    /// Holds the gate open for one deed.
    pub(crate) fn enter(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the gate for ever, and takes the lab away. The process has to end after this: its
    /// lab's next deed never comes.
    pub fn close(&self, folder: &LabFolder) {
        std::mem::forget(self.enter());
        remove(folder);
    }
}
