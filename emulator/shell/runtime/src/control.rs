//! The node's control socket: administrators' requests, and faults of its own machine.
//!
//! Each connection carries requests and their answers in turn.

use std::io;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::Path;
use std::time::Duration;

use base::DiskId;
use rhs::frames;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use top::api::{AdminCommand, AdminReply};

use crate::driver::Input;
use crate::stream;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Of an administrator.
    Admin(AdminCommand),
    /// From now on these disks are like this, all others are well.
    Disks(Vec<(DiskId, DiskCondition)>),
    /// From now on the node's own disk refuses every write, or no longer.
    OwnDiskFails(bool),
    /// Its resource hosts end at once, and what runs in them.
    EndHosts,
}

/// How a clustered disk is, as this node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskCondition {
    /// There is no path to it.
    Unreachable,
    /// It answers nothing.
    Silent,
    /// It answers every command with a hardware error.
    Broken,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To an administrator.
    Admin(AdminReply),
    /// The fault is made or healed.
    Done,
}

wire::codec!(enum Request {
    0 = Admin(command),
    1 = Disks(disks),
    2 = OwnDiskFails(fails),
    3 = EndHosts,
});
wire::codec!(enum DiskCondition { 0 = Unreachable, 1 = Silent, 2 = Broken });
wire::codec!(enum Answer { 0 = Admin(reply), 1 = Done });

/// Asks a node and waits for its answer, at most so long.
///
/// # Errors
/// When nobody listens there, or no answer comes: then the outcome is unknown.
pub fn ask(path: &Path, request: &Request, patience: Duration) -> io::Result<Answer> {
    let mut stream = BlockingStream::connect(path)?;
    stream.set_read_timeout(Some(patience))?;
    frames::write(&mut stream, request)?;
    let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "the node ended");
    frames::read(&mut stream)?.ok_or_else(gone)
}

/// Listens for requests.
pub(crate) fn listen(path: &Path, inbox: mpsc::Sender<Input>) -> io::Result<()> {
    match std::fs::remove_file(path) {
        // Left by an earlier life of this node.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, inbox.clone()));
        }
    });
    Ok(())
}

async fn serve(mut stream: UnixStream, inbox: mpsc::Sender<Input>) {
    while let Ok(Some(request)) = stream::read(&mut stream).await {
        let (answer, answered) = oneshot::channel();
        if inbox.send(Input::Asked(request, answer)).await.is_err() {
            return;
        }
        let Ok(answer) = answered.await else {
            return;
        };
        if stream::write(&mut stream, &answer).await.is_err() {
            return;
        }
    }
}
