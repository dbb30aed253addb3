//! The quorum manager: votes, models and the witness (seed 001, Quorum Manager).

mod messages;

pub use messages::{Input, Message, Output};
