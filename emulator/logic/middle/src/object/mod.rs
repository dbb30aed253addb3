//! The object manager: in-memory tables of the cluster's objects, kept equal on all nodes by
//! global updates (seed 001, Object Manager 1 to 5).
//!
//! Duty: apply the volatile part of each committed update and publish the tables, so that anybody
//! can ask who owns what; the router asks before it hands messaging a word about an object.
//! Publishes the object table. Deliberately not done here: what is persistent (database).

mod owner;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::{Manager, Outbox, Timestamp};

pub use owner::Object;
pub use table::{FailoverCount, GroupRow, InterfaceRow, ObjectTable, ResourceRow, StateChange};

use crate::Context;
use crate::database::{Change, Update};

/// What the object manager hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// From database: a committed update.
    Applied { update: Update },
    /// From database: tables that came with a whole replica.
    Replace { objects: Arc<ObjectTable> },
}

/// What the object manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the facts.
    Publish { objects: Arc<ObjectTable> },
}

/// The manager's state: the tables.
#[derive(Debug, Default)]
pub struct Objects {
    table: Arc<ObjectTable>,
}

impl Manager for Objects {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, _cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Applied { update } => {
                let changes = update.changes.iter().filter_map(|change| match change {
                    Change::State(change) => Some(change),
                    Change::Hive(_) => None,
                });
                let mut changes = changes.peekable();
                if changes.peek().is_none() {
                    return;
                }
                let table = Arc::make_mut(&mut self.table);
                changes.for_each(|change| table.apply(change));
            }
            Input::Replace { objects } => self.table = objects,
        }
        out.push(Output::Publish {
            objects: Arc::clone(&self.table),
        });
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, _cx: &Context<'_>) {
        let homeless = self
            .table
            .resources
            .values()
            .find(|row| !self.table.groups.contains_key(&row.group));
        assert!(
            homeless.is_none(),
            "a resource has a state and its group has no owner"
        );
    }
}
