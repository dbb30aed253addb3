//! The resource control manager: groups, resources, dependencies, restart, failover, failback.

mod messages;
pub mod model;
mod tree;

pub use crate::restype::{ResourceKind, ResourceParameters, ResourceSpec};
pub use messages::{EntryPoint, EntryResult, HostCommand, HostReport, Input, Message, Output};
pub use tree::{Dependencies, DependencyError};
