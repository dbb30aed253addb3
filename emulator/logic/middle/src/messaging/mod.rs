//! Messaging: reliable unicast within a view (seed 001, Messaging).

mod messages;

pub use messages::{Input, Output, Segment};
