//! The membership manager: gossip, regroup and join (seed 001, Membership Manager).

mod messages;
mod view;

pub use messages::{Input, Message, Output};
pub use view::{MemberReport, UpdateKey, View};
