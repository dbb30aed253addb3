//! A small blocking iSCSI initiator: the session machine of `scsi` over one TCP connection.
//!
//! Everything has a deadline. After an error the connection is gone; [`Client::reconnect`] makes
//! a new one for the same initiator port, which finds its registrations again. Not done here:
//! deciding when to try again, and more than one path.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use scsi::iscsi::initiator::{ConnectionError, Event, Initiator, Tag};
use scsi::iscsi::login::Identity;
use scsi::{Command, Lun, Outcome};

/// Why something did not come about. But for a deadline, the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The target cannot be reached.
    #[error("cannot connect to {address}: {error}. Is the target running, and is the port right?")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The network failed under way.
    #[error("the connection failed: {0}")]
    Network(#[from] io::Error),
    /// The target has closed the connection.
    #[error("the target closed the connection")]
    Closed,
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// Login or session failed.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The target takes no more commands now.
    #[error("the target takes no more commands now")]
    WindowClosed,
}

const READ_BYTES: usize = 256 << 10;

/// A connection to a target.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    identity: Identity,
    deadline: Duration,
    machine: Initiator,
    stream: TcpStream,
    input: Vec<u8>,
    events: VecDeque<Event>,
    connections: u8,
}

impl Client {
    /// Connects and logs in. Every later call ends within `deadline`.
    ///
    /// # Errors
    /// When the target cannot be reached, does not answer in time or does not let us in.
    pub fn connect(
        address: SocketAddr,
        identity: Identity,
        deadline: Duration,
    ) -> Result<Self, ClientError> {
        let (machine, stream) = dial(address, &identity, deadline, 0)?;
        let mut client = Self {
            address,
            identity,
            deadline,
            machine,
            stream,
            input: Vec::new(),
            events: VecDeque::new(),
            connections: 1,
        };
        client.log_in()?;
        Ok(client)
    }

    /// A new connection of the same initiator port, to the same I_T nexus. What was under way is
    /// lost: it may or may not have been carried out.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn reconnect(&mut self) -> Result<(), ClientError> {
        let (machine, stream) = dial(
            self.address,
            &self.identity,
            self.deadline,
            self.connections,
        )?;
        self.connections = self.connections.wrapping_add(1);
        (self.machine, self.stream) = (machine, stream);
        self.input.clear();
        self.events.clear();
        self.log_in()
    }

    fn log_in(&mut self) -> Result<(), ClientError> {
        self.wait(|event| (*event == Event::LoggedIn).then_some(()))
    }

    /// Every later call ends within `deadline`. After one that did not, the connection goes on:
    /// an answer that comes late is kept for who asks for it.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// When the connection fails or no answer comes in time; the command may have been done.
    pub fn execute(&mut self, lun: Lun, command: &Command) -> Result<Outcome, ClientError> {
        let tag = self.submit(lun, command)?;
        self.outcome(tag)
    }

    /// The same, again and again while a unit attention is all that comes back.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn insist(&mut self, lun: Lun, command: &Command) -> Result<Outcome, ClientError> {
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
    ///
    /// # Errors
    /// When the target takes no more now, or the connection fails.
    pub fn submit(&mut self, lun: Lun, command: &Command) -> Result<Tag, ClientError> {
        let tag = self
            .machine
            .submit(lun, command)
            .ok_or(ClientError::WindowClosed)?;
        self.flush()?;
        Ok(tag)
    }

    /// Waits for a command that was sent.
    ///
    /// # Errors
    /// When the connection fails or no answer comes in time.
    pub fn outcome(&mut self, tag: Tag) -> Result<Outcome, ClientError> {
        self.wait(|event| match event {
            Event::Done(it, outcome) if *it == tag => Some(outcome.clone()),
            _ => None,
        })
    }

    /// Waits for any command that was sent.
    ///
    /// # Errors
    /// When the connection fails or no answer comes in time.
    pub fn next_outcome(&mut self) -> Result<(Tag, Outcome), ClientError> {
        self.wait(|event| match event {
            Event::Done(tag, outcome) => Some((*tag, outcome.clone())),
            _ => None,
        })
    }

    /// Carries out a task management function; returns its response code, 0 for complete.
    ///
    /// # Errors
    /// When the connection fails or no answer comes in time.
    pub fn manage(&mut self, lun: Lun, function: u8, of: Option<Tag>) -> Result<u8, ClientError> {
        let tag = self.machine.manage(lun, function, of);
        self.flush()?;
        self.wait(|event| match event {
            Event::Managed(it, code) if *it == tag => Some(*code),
            _ => None,
        })
    }

    /// The targets, in a discovery session: names and addresses.
    ///
    /// # Errors
    /// When the connection fails or no answer comes in time.
    pub fn targets(&mut self) -> Result<Vec<(String, Vec<String>)>, ClientError> {
        self.machine.send_targets();
        self.flush()?;
        self.wait(|event| match event {
            Event::Targets(targets) => Some(targets.clone()),
            _ => None,
        })
    }

    /// Logs out and closes the connection.
    ///
    /// # Errors
    /// When the connection fails or no answer comes in time; it is closed all the same.
    pub fn log_out(mut self) -> Result<(), ClientError> {
        self.machine.log_out();
        self.flush()?;
        self.wait(|event| (*event == Event::LoggedOut).then_some(()))
    }

    /// Takes the first event that `wanted` picks out; others stay for who waits for them.
    fn wait<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> Result<T, ClientError> {
        let until = Instant::now() + self.deadline;
        loop {
            for at in 0..self.events.len() {
                if let Some(found) = wanted(&self.events[at]) {
                    self.events.remove(at);
                    return Ok(found);
                }
            }
            self.receive(until)?;
        }
    }

    fn receive(&mut self, until: Instant) -> Result<(), ClientError> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ClientError::Deadline(self.deadline));
        }
        self.stream.set_read_timeout(Some(left))?;
        let filled = self.input.len();
        self.input.resize(filled + READ_BYTES, 0);
        let read = self.stream.read(&mut self.input[filled..]);
        let count = match read {
            Ok(count) => count,
            Err(error) => {
                self.input.truncate(filled);
                return match error.kind() {
                    io::ErrorKind::Interrupted => Ok(()),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                        Err(ClientError::Deadline(self.deadline))
                    }
                    _ => Err(error.into()),
                };
            }
        };
        self.input.truncate(filled + count);
        if count == 0 {
            return Err(ClientError::Closed);
        }
        let done = self.machine.receive(&self.input)?;
        self.input.drain(..done);
        self.events.extend(self.machine.events());
        self.flush()
    }

    fn flush(&mut self) -> Result<(), ClientError> {
        let written = self.stream.write_all(&self.machine.output);
        self.machine.output.clear();
        Ok(written?)
    }
}

fn dial(
    address: SocketAddr,
    identity: &Identity,
    deadline: Duration,
    connections: u8,
) -> Result<(Initiator, TcpStream), ClientError> {
    let stream = TcpStream::connect_timeout(&address, deadline)
        .map_err(|error| ClientError::Connect { address, error })?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(deadline))?;
    let mut machine = Initiator::connect(identity.clone(), entropy(connections)?);
    let mut stream = stream;
    stream.write_all(&machine.output)?;
    machine.output.clear();
    Ok((machine, stream))
}

/// For the challenge of mutual CHAP, which must not repeat.
fn entropy(connections: u8) -> io::Result<[u8; 17]> {
    let mut bytes = [0; 17];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes[1..])?;
    bytes[0] = connections;
    Ok(bytes)
}
