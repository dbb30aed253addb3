//! The handle of a path: what the rest of a node holds.

use std::time::Duration;

use scsi::{Command, Lun, Outcome};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::driver::{Driver, REQUESTS_MAX};
use crate::settings::Settings;

/// How a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathState {
    /// It is being connected; why the last attempt or connection ended, if there was one.
    Connecting(Option<String>),
    /// Commands are carried out.
    Connected,
    /// It was closed.
    Closed,
}

/// What is asked of the driver.
#[derive(Debug)]
pub(crate) enum Work {
    Command(Lun, Command),
    /// LOGICAL UNIT RESET.
    Reset(Lun),
}

/// A piece of work with its deadline and whoever waits for its outcome.
#[derive(Debug)]
pub(crate) struct Request {
    pub work: Work,
    pub deadline: Instant,
    pub answer: oneshot::Sender<Outcome>,
}

/// One path from an initiator port to a target port. Clones are the same path; when the last one
/// is dropped the session is logged out.
#[derive(Debug, Clone)]
pub struct Path {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<PathState>,
    patience: Duration,
}

impl Path {
    /// Opens a path: connects in the background, and again whenever the connection is lost. Must
    /// be called within a tokio runtime.
    #[must_use]
    pub fn open(settings: Settings) -> Self {
        let (requests, incoming) = mpsc::channel(REQUESTS_MAX);
        let (announce, state) = watch::channel(PathState::Connecting(None));
        let patience = settings.patience.command;
        tokio::spawn(Driver::new(settings, incoming, announce).run());
        Self {
            requests,
            state,
            patience,
        }
    }

    /// Carries out a command within the path's patience.
    pub async fn execute(&self, lun: Lun, command: Command) -> Outcome {
        self.ask(Work::Command(lun, command), self.patience).await
    }

    /// Carries out a command; its path counts as lost when there is no outcome in time. Whether
    /// it was carried out is then not known, but it no longer will be when the target answers
    /// anything again: it is aborted, or its session is replaced.
    pub async fn execute_within(&self, lun: Lun, command: Command, time: Duration) -> Outcome {
        self.ask(Work::Command(lun, command), time).await
    }

    /// Resets a unit; `false` when the path was lost or the target refused.
    pub async fn reset(&self, lun: Lun) -> bool {
        let outcome = self.ask(Work::Reset(lun), self.patience).await;
        matches!(outcome, Outcome::Good(_))
    }

    /// How the path is now.
    #[must_use]
    pub fn state(&self) -> PathState {
        self.state.borrow().clone()
    }

    /// Waits until the path is connected; `false` when it was not in time.
    pub async fn connected(&self, time: Duration) -> bool {
        let mut state = self.state.clone();
        let connected = state.wait_for(|state| *state == PathState::Connected);
        tokio::time::timeout(time, connected)
            .await
            .is_ok_and(|state| state.is_ok())
    }

    async fn ask(&self, work: Work, time: Duration) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        let deadline = Instant::now() + time;
        let request = Request {
            work,
            deadline,
            answer,
        };
        let asked = tokio::time::timeout_at(deadline, self.requests.send(request));
        match asked.await {
            Ok(Ok(())) => outcome.await.unwrap_or(Outcome::PathLost),
            _ => Outcome::PathLost,
        }
    }
}
