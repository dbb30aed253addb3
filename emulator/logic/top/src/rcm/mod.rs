//! The resource control manager: groups, resources, dependencies, restart, failover, failback.

mod messages;

pub use messages::{
    EntryPoint, EntryResult, HostCommand, HostReport, Input, Message, Output, ResourceParameters,
    ResourceSpec,
};
