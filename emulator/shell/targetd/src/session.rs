//! One connection: reads, lets the target answer, syncs where promised, writes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use target::{Closed, Connection, Progress};

use crate::events::Event;
use crate::registry::ConnectionId;
use crate::server::Shared;

/// What is read at once, and the least room for one PDU.
const BUFFER_BYTES: usize = 512 << 10;
/// A silent initiator is pinged after this, and given up after as long again.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often a command is looked after that ends by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why a connection's thread ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The target has closed it.
    #[error(transparent)]
    Closed(Closed),
    /// The initiator has closed it.
    #[error("the initiator closed the connection")]
    Eof,
    /// The target lost its power.
    #[error("the target lost its power")]
    Restarted,
    /// A fault has taken the path away.
    #[error("the path is lost, as a fault asked for")]
    PathLost,
    /// The initiator does not answer.
    #[error("the initiator does not answer any more")]
    Silent,
    /// The network failed.
    #[error("the network failed: {0}")]
    Network(#[from] io::Error),
}

/// Bytes read and not yet done with.
struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn new() -> Self {
        Self {
            bytes: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
        }
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So many bytes are done with.
    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for `need` bytes from the front of what is left.
    fn make_room(&mut self, need: usize) {
        if self.start + need > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if need > self.bytes.len() {
            self.bytes.resize(need, 0);
        }
    }

    fn read(&mut self, stream: &mut TcpStream) -> io::Result<usize> {
        let count = stream.read(&mut self.bytes[self.end..])?;
        self.end += count;
        Ok(count)
    }
}

/// One connection while it stands.
pub(crate) struct Session<'a> {
    pub shared: &'a Shared,
    pub id: ConnectionId,
    pub connection: Connection,
    pub stream: TcpStream,
    /// Whether the read timeout is the short one.
    pub hurried: bool,
    /// See [`crate::server::Core`].
    pub generation: u32,
}

impl Session<'_> {
    /// Runs until the connection ends; cleans up after it.
    pub(crate) fn run(mut self) -> Ended {
        let ended = match self.serve() {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        let mut core = self.shared.core();
        if core.generation == self.generation {
            self.connection.close(&mut core.target);
        }
        ended
    }

    fn serve(&mut self) -> Result<std::convert::Infallible, Ended> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(SILENCE_MAX))?;
        let mut input = Input::new();
        loop {
            self.read(&mut input)?;
            self.answer(&mut input)?;
        }
    }

    fn read(&mut self, input: &mut Input) -> Result<(), Ended> {
        loop {
            let waiting = self.connection.is_waiting();
            let silence_max = if waiting { LOOK_AGAIN } else { SILENCE_MAX };
            if waiting != self.hurried {
                self.stream.set_read_timeout(Some(silence_max))?;
                self.hurried = waiting;
            }
            match input.read(&mut self.stream) {
                Ok(0) => return Err(Ended::Eof),
                Ok(_) => return Ok(()),
                Err(error) if is_timeout(&error) && waiting => self.look_again()?,
                Err(error) if is_timeout(&error) => self.ping()?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn look_again(&mut self) -> Result<(), Ended> {
        self.connection.look_again(&mut self.shared.core().target);
        self.flush()
    }

    fn ping(&mut self) -> Result<(), Ended> {
        if !self.connection.ping() {
            return Err(Ended::Silent);
        }
        self.flush()
    }

    /// Lets the target answer all that was read, in pieces that fit the memory.
    fn answer(&mut self, input: &mut Input) -> Result<(), Ended> {
        loop {
            let before = self.connection.nexus();
            let (done, progress) = {
                let core = &mut *self.shared.core();
                if core.generation != self.generation {
                    return Err(Ended::Restarted);
                }
                self.connection
                    .receive(&mut core.target, &mut core.vault, input.filled())
            };
            input.consume(done);
            self.after(before.is_none())?;
            self.sync();
            self.slow_down();
            self.flush()?;
            if self.connection.has_reset_target() {
                self.shared.registry.close_all();
            }
            match progress {
                Progress::Flush => {}
                Progress::Need(length) => {
                    input.make_room(length);
                    return Ok(());
                }
                Progress::Close(closed) => return Err(Ended::Closed(closed)),
            }
        }
    }

    /// A login closes the nexus' older connection, and its own on a path that is lost.
    fn after(&mut self, was_anonymous: bool) -> Result<(), Ended> {
        if was_anonymous && let Some(nexus) = self.connection.nexus() {
            let port = self.connection.port();
            let initiator = {
                let core = self.shared.core();
                if core.generation != self.generation {
                    return Err(Ended::Restarted);
                }
                core.target.initiator(nexus)
            };
            self.shared
                .registry
                .logged_in(self.id, nexus, port, &initiator.name);
            if self
                .shared
                .paths()
                .iter()
                .any(|lost| lost.is_of(port, &initiator.name))
            {
                return Err(Ended::PathLost);
            }
            if let Ok(peer) = self.stream.peer_addr() {
                let initiator = initiator.to_string();
                self.shared.tell(&Event::LoggedIn { peer, initiator });
            }
        }
        Ok(())
    }

    /// Commands to a slow unit are answered late.
    fn slow_down(&mut self) {
        let touched = self.connection.take_touched();
        let latencies = self.shared.latencies();
        let latency = touched
            .iter()
            .filter_map(|lun| latencies.get(lun))
            .max()
            .copied();
        drop(latencies);
        latency.into_iter().for_each(std::thread::sleep);
    }

    /// What responses promise is made durable without holding the target up.
    fn sync(&mut self) {
        for lun in self.connection.unsynced() {
            let store = self.shared.core().target.store_mut(lun).cloned();
            let outcome = store.map_or(Ok(()), |store| store.sync());
            self.connection.synced(lun, outcome);
        }
    }

    fn flush(&mut self) -> Result<(), Ended> {
        let output = self.connection.output();
        self.stream.write_all(output)?;
        output.clear();
        // One large answer should not hold its memory for ever.
        output.shrink_to(BUFFER_BYTES);
        Ok(())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
