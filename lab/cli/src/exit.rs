//! Exit codes, which scripts rely on.

use std::process::ExitCode;

/// What the help says about exit codes.
pub(crate) const HELP: &str = "\
Exit codes: 0 all good; 1 an expectation, invariant or case failed; 2 inconclusive; \
3 the lab could not be built; 64 bad usage or bad file; 70 a bug of looksalive; 130 interrupted.";

/// 130: somebody interrupted the command, and nothing is left to clean up.
pub(crate) const INTERRUPTED: u8 = 130;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: all good.
    Good,
    /// 1: an expectation, invariant or case failed.
    Failed,
    /// 2: nothing was really tested.
    Inconclusive,
    /// 3: the lab could not be built, or the machine did not let us work.
    NotBuilt,
    /// 64: bad usage or bad file.
    Usage,
    /// 70: our own bug.
    Bug,
    /// 130: interrupted, and everything was taken down.
    Interrupted,
    /// What a command inside a node ended with.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Inconclusive => Self::from(2),
            Exit::NotBuilt => Self::from(3),
            Exit::Usage => Self::from(64),
            Exit::Bug => Self::from(70),
            Exit::Interrupted => Self::from(INTERRUPTED),
            Exit::Of(code) => Self::from(code),
        }
    }
}
