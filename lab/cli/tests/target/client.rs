//! The initiator's connection for tests that do one thing after the other: every call blocks, and
//! ends within a deadline.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use initiator::{Link, LinkError};
use scsi::iscsi::initiator::Tag;
use scsi::iscsi::login::Identity;
use scsi::{Command, Lun, Outcome};
use tokio::runtime::{Builder, Runtime};

/// Why something did not come about. After a deadline the connection goes on.
#[derive(Debug)]
#[expect(
    dead_code,
    reason = "what is inside is for whoever reads a failed test"
)]
pub(crate) enum ClientError {
    Deadline(Duration),
    Link(LinkError),
}

/// A connection to a target.
pub(crate) struct Client {
    runtime: Runtime,
    link: Link,
    address: SocketAddr,
    identity: Identity,
    deadline: Duration,
}

fn within<T>(
    runtime: &Runtime,
    deadline: Duration,
    work: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, ClientError> {
    let done = runtime.block_on(async { tokio::time::timeout(deadline, work).await });
    match done {
        Ok(done) => done.map_err(ClientError::Link),
        Err(_) => Err(ClientError::Deadline(deadline)),
    }
}

impl Client {
    /// Connects and logs in. Every later call ends within `deadline`.
    pub(crate) fn connect(
        address: SocketAddr,
        identity: Identity,
        deadline: Duration,
    ) -> Result<Self, ClientError> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let link = within(&runtime, deadline, Link::connect(address, identity.clone()))?;
        Ok(Self {
            runtime,
            link,
            address,
            identity,
            deadline,
        })
    }

    /// A new connection of the same initiator port.
    pub(crate) fn reconnect(&mut self) -> Result<(), ClientError> {
        let link = Link::connect(self.address, self.identity.clone());
        self.link = within(&self.runtime, self.deadline, link)?;
        Ok(())
    }

    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    pub(crate) fn execute(&mut self, lun: Lun, command: &Command) -> Result<Outcome, ClientError> {
        within(
            &self.runtime,
            self.deadline,
            self.link.execute(lun, command),
        )
    }

    /// The same, again and again while a unit attention is all that comes back.
    pub(crate) fn insist(&mut self, lun: Lun, command: &Command) -> Result<Outcome, ClientError> {
        const ATTENTIONS_MAX: usize = 16;
        let mut outcome = self.execute(lun, command)?;
        for _ in 0..ATTENTIONS_MAX {
            if !outcome.is_unit_attention() {
                break;
            }
            outcome = self.execute(lun, command)?;
        }
        Ok(outcome)
    }

    /// Sends a command without waiting for it.
    pub(crate) fn submit(&mut self, lun: Lun, command: &Command) -> Result<Tag, ClientError> {
        within(&self.runtime, self.deadline, self.link.submit(lun, command))
    }

    /// Waits for any command that was sent.
    pub(crate) fn next_outcome(&mut self) -> Result<(Tag, Outcome), ClientError> {
        within(&self.runtime, self.deadline, self.link.next_outcome())
    }

    pub(crate) fn targets(&mut self) -> Result<Vec<(String, Vec<String>)>, ClientError> {
        within(&self.runtime, self.deadline, self.link.targets())
    }
}
