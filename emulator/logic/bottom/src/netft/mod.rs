//! The cluster network driver: heartbeats and routes over every cluster network.

mod messages;

pub use messages::{Heartbeat, Input, Network, Output, Peer};
