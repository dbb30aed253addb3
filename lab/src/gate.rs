//! What lets labs be taken down in the middle of anything, by a handler of signals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{LabError, LabFolder, Uid, remove};

/// Labs that this process keeps or makes.
static LABS: Mutex<BTreeMap<Uid, (Gate, LabFolder)>> = Mutex::new(BTreeMap::new());

/// Open while a lab may make things. Whoever closes it waits for the deed under way, and no other
/// begins after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<()>>);

impl Gate {
    /// The gate of a lab that is about to be made.
    pub(crate) fn of(folder: &LabFolder) -> Self {
        let gate = Self::default();
        let lab = (gate.clone(), folder.clone());
        lock(&LABS).insert(folder.uid().clone(), lab);
        gate
    }

    /// Holds the gate open for one deed.
    pub(crate) fn enter(&self) -> MutexGuard<'_, ()> {
        lock(&self.0)
    }
}

/// The lab has been taken down.
pub(crate) fn forget(folder: &LabFolder) {
    lock(&LABS).remove(folder.uid());
}

/// Takes down every lab that this process keeps or makes. The process has to end after this: no
/// deed of theirs ever begins again.
pub fn take_all_down() {
    for (gate, folder) in std::mem::take(&mut *lock(&LABS)).into_values() {
        std::mem::forget(gate.enter());
        say_if_left(remove(&folder));
    }
}

/// A lab that cannot be taken away now is taken away by `gc`.
pub(crate) fn say_if_left(removed: Result<(), LabError>) {
    if let Err(error) = removed {
        eprintln!("{error}; `looksalive gc` takes away what is left");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
