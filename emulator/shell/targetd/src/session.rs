//! One connection: reads, lets the target answer, syncs where promised, writes.

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::time::Duration;

use target::{Closed, Connection, Progress};

use crate::events::Event;
use crate::input::Input;
use crate::registry::ConnectionId;
use crate::server::Shared;

/// What the output keeps for the next answers: one large answer does not hold memory for ever.
const OUTPUT_BYTES_KEPT: usize = 4 << 20;
/// An initiator that takes nothing for so long is given up.
const DEAF_MAX: Duration = Duration::from_secs(60);
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
        self.stream.set_write_timeout(Some(DEAF_MAX))?;
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
            let read = input.read(&mut self.stream, self.connection.landing());
            match read {
                Ok((0, _)) => return Err(Ended::Eof),
                Ok((_, landed)) => {
                    self.connection.landed(landed);
                    return Ok(());
                }
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
        let mut parts: Vec<IoSlice<'_>> = output.parts().map(IoSlice::new).collect();
        let mut parts = &mut parts[..];
        while !parts.is_empty() {
            match self.stream.write_vectored(parts) {
                Ok(0) => return Err(Ended::Eof),
                Ok(sent) => IoSlice::advance_slices(&mut parts, sent),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(Ended::Silent),
                Err(error) => return Err(error.into()),
            }
        }
        output.clear(OUTPUT_BYTES_KEPT);
        Ok(())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
