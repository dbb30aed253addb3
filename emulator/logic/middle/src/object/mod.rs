//! The object manager: in-memory tables of the cluster's objects, kept equal on all nodes by
//! global updates (seed 001, Object Manager 1 to 3, 5 and 6).
//!
//! Duty: own the tables of groups, resources and paused nodes, and change them by committed updates
//! alone. Publishes the object table; who owns a group, hence where a message about it belongs, is
//! answered by [`ObjectTable::owner`]. Deliberately not done here: configuration (the hive, which
//! is database's), derived group states (the owner's rcm).

mod messages;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::limits::{GROUPS_MAX, RESOURCES_MAX};
use base::{Manager, Outbox, Timestamp};

pub use messages::{Input, Output};
pub use table::{GroupRow, ObjectTable, ResourceRow, StateChange};

use crate::Context;
use crate::database::{Change, Update};

/// The manager's state.
#[derive(Debug, Default)]
pub struct ObjectManager {
    table: Arc<ObjectTable>,
}

impl ObjectManager {
    fn apply(&mut self, update: &Update) -> bool {
        let mut changed = false;
        for change in update.changes.iter() {
            if let Change::State(change) = change {
                Arc::make_mut(&mut self.table).apply(change);
                changed = true;
            }
        }
        changed
    }
}

impl Manager for ObjectManager {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        let changed = match input {
            Input::Applied { update } => self.apply(&update),
            Input::Replace { objects } => {
                self.table = objects;
                true
            }
        };
        if changed {
            out.push(Output::Publish(Arc::clone(&self.table)));
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, _cx: &Context<'_>) {
        assert!(self.table.groups.len() <= GROUPS_MAX, "too many groups");
        assert!(
            self.table.resources.len() <= RESOURCES_MAX,
            "too many resources"
        );
    }
}
