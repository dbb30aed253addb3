//! One node: the managers of all tiers, the facts between them and the router that carries every
//! output to its reader.
//!
//! The driving rule: after any call, drain [`Node::effects`] to the end, then sleep until
//! [`Node::deadline`] or the next event.

mod codec;
mod config;
mod effect;
mod event;
mod frame;
mod machine;
mod picture;
mod route;
mod tunnel;

pub use config::NodeConfig;
pub use effect::Effect;
pub use event::Event;
pub use frame::{Frame, Payload};
pub use machine::Node;
pub use picture::{GroupPicture, Picture};
