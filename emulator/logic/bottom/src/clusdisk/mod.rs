//! The cluster disk driver: reserve, defend, challenge, release (reference section 5.2).

mod messages;

pub use messages::{DiskFact, DiskReport, Report, Request};
