//! LDAP on sockets: a connection's bytes between its client and the pure machine, and the ping.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use accounts::ldap::{Connection, Output};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::accounts::Accounts;
use crate::sockets::Answers;

/// How long a client may say nothing: the product's default of 15 minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How long a client may take nothing.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// Answers a datagram.
pub(crate) fn ping(accounts: &Accounts, asked: &[u8]) -> Answers {
    let now = accounts.now();
    let answer = accounts.ask(|store, _| accounts::ldap::datagram(store, asked, now));
    Answers::of(answer.flatten())
}

/// Serves a connection until it ends, breaks or falls silent.
pub(crate) async fn serve(stream: TcpStream, accounts: Arc<Accounts>) {
    // Why a connection ends matters to nobody: its client will see the same.
    let _why = converse(stream, &accounts).await;
}

async fn converse(mut stream: TcpStream, accounts: &Accounts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = timeout(PATIENCE, stream.read(&mut buffer)).await??;
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        let output = tokio::task::block_in_place(|| receive(accounts, &mut connection, bytes));
        // What could not be kept is not told; the client sees the connection end.
        let output = output.ok_or(io::ErrorKind::ConnectionAborted)?;
        timeout(SEND_PATIENCE, stream.write_all(&output.bytes)).await??;
        if output.close {
            return Ok(());
        }
    }
}

fn receive(accounts: &Accounts, connection: &mut Connection, bytes: &[u8]) -> Option<Output> {
    let now = accounts.now();
    accounts.ask(|store, entropy| connection.receive(store, bytes, now, entropy))
}
