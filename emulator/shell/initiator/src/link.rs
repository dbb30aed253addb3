//! One connection: socket and session machine. It is not made again when it is lost.

use std::collections::VecDeque;
use std::net::SocketAddr;

use scsi::iscsi::initiator::{ConnectionError, Event, Initiator, Tag};
use scsi::iscsi::login::Identity;
use scsi::{Command, Lun, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is read at once.
const READ_BYTES: usize = 64 << 10;
/// What is kept for the next write.
const OUTPUT_BYTES_KEPT: usize = 1 << 20;

/// Why a connection ended or did not come about.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The network failed.
    #[error("the network failed: {0}")]
    Network(#[from] std::io::Error),
    /// The target closed the connection.
    #[error("the target closed the connection")]
    Hangup,
    /// The target did not answer in time.
    #[error("the target did not answer in time")]
    Silent,
    /// The target asked for a logout.
    #[error("the target asked for a logout")]
    AskedToLogOut,
    /// The path was closed.
    #[error("the path was closed")]
    Closed,
    /// The login failed or the target broke the protocol.
    #[error(transparent)]
    Session(#[from] ConnectionError),
    /// There is no portal to connect to.
    #[error("there is no portal to connect to")]
    NoPortal,
    /// The target takes no more commands now.
    #[error("the target takes no more commands now")]
    WindowClosed,
}

/// One connection. Every call may be dropped while it waits, which is how deadlines are kept: what
/// comes later stays for the call that asks for it.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    pub(crate) session: Initiator,
    /// Read and not yet done with.
    input: Vec<u8>,
    /// How much of the session's output is sent.
    sent: usize,
    /// What happened and was not asked for yet.
    events: VecDeque<Event>,
}

impl Link {
    /// Connects and logs in.
    ///
    /// # Errors
    /// When the portal cannot be reached or does not let this initiator in.
    pub async fn connect(portal: SocketAddr, identity: Identity) -> Result<Self, LinkError> {
        let stream = TcpStream::connect(portal).await?;
        stream.set_nodelay(true)?;
        let mut entropy = [0; 17];
        getrandom::fill(&mut entropy).map_err(std::io::Error::other)?;
        let mut link = Self {
            stream,
            session: Initiator::connect(identity, entropy),
            input: Vec::with_capacity(READ_BYTES),
            sent: 0,
            events: VecDeque::new(),
        };
        link.wait(|event| (*event == Event::LoggedIn).then_some(()))
            .await?;
        Ok(link)
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// When the connection fails; the command may have been done.
    pub async fn execute(&mut self, lun: Lun, command: &Command) -> Result<Outcome, LinkError> {
        let tag = self.submit(lun, command).await?;
        self.outcome(tag).await
    }

    /// Sends a command without waiting for its outcome.
    ///
    /// # Errors
    /// When the target takes no more now, or the connection fails.
    pub async fn submit(&mut self, lun: Lun, command: &Command) -> Result<Tag, LinkError> {
        let tag = self.session.submit(lun, command);
        let tag = tag.ok_or(LinkError::WindowClosed)?;
        while !self.session.output.is_empty() {
            self.step().await?;
        }
        Ok(tag)
    }

    /// Waits for a command that was sent.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn outcome(&mut self, tag: Tag) -> Result<Outcome, LinkError> {
        self.wait(|event| match event {
            Event::Done(it, outcome) if *it == tag => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for any command that was sent.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn next_outcome(&mut self) -> Result<(Tag, Outcome), LinkError> {
        self.wait(|event| match event {
            Event::Done(tag, outcome) => Some((*tag, outcome.clone())),
            _ => None,
        })
        .await
    }

    /// The targets that a discovery session is told of: names and addresses.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn targets(&mut self) -> Result<Vec<(String, Vec<String>)>, LinkError> {
        self.session.send_targets();
        self.wait(|event| match event {
            Event::Targets(targets) => Some(targets.clone()),
            _ => None,
        })
        .await
    }

    /// Logs out.
    ///
    /// # Errors
    /// When the connection fails first.
    pub async fn log_out(mut self) -> Result<(), LinkError> {
        self.session.log_out();
        self.wait(|event| (*event == Event::LoggedOut).then_some(()))
            .await
    }

    /// Takes the first event that `wanted` picks out; others stay for who waits for them.
    async fn wait<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> Result<T, LinkError> {
        loop {
            let mut found = self.events.iter().enumerate();
            let found = found.find_map(|(at, event)| wanted(event).map(|it| (at, it)));
            if let Some((at, found)) = found {
                self.events.remove(at);
                return Ok(found);
            }
            self.step().await?;
        }
    }

    /// Sends or receives something; `true` when it received, and what happened is then among the
    /// events.
    pub(crate) async fn step(&mut self) -> Result<bool, LinkError> {
        let (mut reader, mut writer) = self.stream.split();
        let unsent = self.session.output.get(self.sent..).unwrap_or_default();
        self.input.reserve(READ_BYTES);
        tokio::select! {
            read = reader.read_buf(&mut self.input) => match read? {
                0 => Err(LinkError::Hangup),
                _ => {
                    let done = self.session.receive(&self.input)?;
                    self.input.drain(..done);
                    self.events.extend(self.session.events());
                    Ok(true)
                }
            },
            written = writer.write(unsent), if !unsent.is_empty() => {
                self.sent += written?;
                if self.sent == self.session.output.len() {
                    self.session.output.clear();
                    self.session.output.shrink_to(OUTPUT_BYTES_KEPT);
                    self.sent = 0;
                }
                Ok(false)
            }
        }
    }

    /// What happened since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }
}
