//! The transaction log under the cluster database (seed 001, Database Manager: CLFS).
//!
//! Serves database; speaks to the shell's disk. Does not know what a record means.

mod messages;

pub use messages::{DiskOutcome, DiskRequest, FileName, Input, Output};
