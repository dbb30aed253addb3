//! Which connections stand, so that they can be closed from elsewhere.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};

use scsi::NexusId;
use target::PortId;

/// A connection, as the registry numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(u64);

#[derive(Debug)]
struct Entry {
    stream: TcpStream,
    /// Once logged in.
    session: Option<(NexusId, PortId, String)>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    entries: BTreeMap<ConnectionId, Entry>,
    closed: bool,
}

/// How many connections may stand at once.
const CONNECTIONS_MAX: usize = 1024;

/// Which connections stand.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Table>);

impl Registry {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection; `None` when there are too many or the target is being stopped.
    pub(crate) fn add(&self, stream: TcpStream) -> Option<ConnectionId> {
        let mut table = self.table();
        if table.closed || table.entries.len() >= CONNECTIONS_MAX {
            return None;
        }
        let id = ConnectionId(table.next);
        table.next += 1;
        table.entries.insert(
            id,
            Entry {
                stream,
                session: None,
            },
        );
        Some(id)
    }

    pub(crate) fn remove(&self, id: ConnectionId) {
        self.table().entries.remove(&id);
    }

    /// The connection has logged in: an older one of the same nexus is closed.
    pub(crate) fn logged_in(&self, id: ConnectionId, nexus: NexusId, port: PortId, name: &str) {
        let mut table = self.table();
        for (other, entry) in &mut table.entries {
            let same = entry.session.as_ref().is_some_and(|it| it.0 == nexus);
            if *other == id {
                entry.session = Some((nexus, port, name.to_owned()));
            } else if same {
                shut(&entry.stream);
            }
        }
    }

    /// Closes the sessions that `which` picks by target port and initiator.
    pub(crate) fn close_sessions(&self, which: impl Fn(PortId, &str) -> bool) {
        for entry in self.table().entries.values() {
            if entry
                .session
                .as_ref()
                .is_some_and(|(_, port, name)| which(*port, name))
            {
                shut(&entry.stream);
            }
        }
    }

    /// Closes all connections.
    pub(crate) fn close_all(&self) {
        self.table()
            .entries
            .values()
            .for_each(|entry| shut(&entry.stream));
    }

    /// Closes all connections and lets no more in.
    pub(crate) fn close_for_good(&self) {
        self.table().closed = true;
        self.close_all();
    }
}

/// Its thread reads the end of the stream then, and cleans up.
fn shut(stream: &TcpStream) {
    // It may have been closed by the other end already, which is just as well.
    let _already_closed = stream.shutdown(Shutdown::Both);
}
