//! The global update manager: one lock, one order, all or nothing (seed 001, Global Update
//! Manager).

mod messages;

pub use messages::{Failure, Input, Message, Output, Ticket};
