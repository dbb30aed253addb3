//! One connection of a path: socket and session machine.

use std::net::SocketAddr;

use scsi::iscsi::initiator::{ConnectionError, Event, Initiator};
use scsi::iscsi::login::Identity;
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
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    pub session: Initiator,
    /// Read and not yet done with.
    input: Vec<u8>,
    /// How much of the session's output is sent.
    sent: usize,
}

impl Link {
    /// Connects and logs in. The caller says how long that may take.
    pub(crate) async fn connect(portal: SocketAddr, identity: Identity) -> Result<Self, LinkError> {
        let stream = TcpStream::connect(portal).await?;
        stream.set_nodelay(true)?;
        let mut entropy = [0; 17];
        getrandom::fill(&mut entropy).map_err(std::io::Error::other)?;
        let mut link = Self {
            stream,
            session: Initiator::connect(identity, entropy),
            input: Vec::with_capacity(READ_BYTES),
            sent: 0,
        };
        while !link.session.is_logged_in() {
            link.step().await?;
        }
        Ok(link)
    }

    /// Sends or receives something; `true` when it received, and what happened is then in the
    /// session's events. May be dropped while it waits.
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
        self.session.events().collect()
    }
}
