//! The object manager: in-memory tables of the cluster's objects, kept equal on all nodes by
//! global updates (seed 001, Object Manager).

mod table;

pub use table::{GroupRow, ObjectTable, ResourceRow, StateChange};
