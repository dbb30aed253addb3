//! The client of a witness share: locks, reads and writes `witness.log` (reference section 4.1).

mod messages;

pub use messages::{Input, Output, ShareOutcome, ShareRequest};
