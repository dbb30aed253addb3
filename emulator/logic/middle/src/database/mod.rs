//! The database manager: the hive, its replicas and their Paxos tags (seed 001, Database
//! Manager).

mod hive;
mod messages;

pub use hive::{Hive, HiveChange, Value};
pub use messages::{Change, Input, Output, Snapshot, Update};
