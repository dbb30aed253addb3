//! How hosts behave in the small world: what they answer to entry points, and when.

use std::time::Duration;

use super::millis;
use crate::rcm::EntryResult;

/// How a host carries out Online or Offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Returns success after this long.
    Returns(Duration),
    /// Returns pending, and the worker succeeds after this long.
    Pending(Duration),
    /// Returns pending and reports nothing any more.
    Stalls,
    /// Returns a failure.
    Fails,
    /// Never returns.
    Hangs,
    /// Returns success with an event handle.
    Watched,
}

/// How a resource behaves in its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) online: Work,
    pub(crate) offline: Work,
    pub(crate) looks_alive: bool,
    pub(crate) is_alive: bool,
    pub(crate) is_alive_hangs: bool,
    /// The answer to a control code; `None`: it never returns.
    pub(crate) control: Option<Answer>,
}

impl Default for Script {
    fn default() -> Self {
        let quick = Work::Returns(Duration::from_millis(5));
        Self {
            online: quick,
            offline: quick,
            looks_alive: true,
            is_alive: true,
            is_alive_hangs: false,
            control: Some(Answer::Returned(EntryResult::Failure { code: 1 })),
        }
    }
}

/// How a host answers an entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Returned(EntryResult),
    /// As a control code that was carried out, with one byte of output.
    Controlled(u8),
    Status,
}

pub(super) fn work(work: Work) -> Vec<(Duration, Answer)> {
    let soon = millis(1);
    match work {
        Work::Returns(after) => vec![(after, Answer::Returned(EntryResult::Success))],
        Work::Pending(after) => vec![
            (soon, Answer::Returned(EntryResult::Pending)),
            (after, Answer::Status),
        ],
        Work::Stalls => vec![(soon, Answer::Returned(EntryResult::Pending))],
        Work::Fails => vec![(soon, Answer::Returned(EntryResult::Failure { code: 1 }))],
        Work::Hangs => vec![],
        Work::Watched => vec![(soon, Answer::Returned(EntryResult::Watched))],
    }
}
