//! The echo service (RFC 862) on every address of the machine: something to connect to.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

/// Its port.
pub const PORT: u16 = 7;
/// Connections at a time; more wait.
const CONNECTIONS_MAX: usize = 256;

/// Starts to serve.
pub(crate) async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    tokio::spawn(async move {
        while let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await {
            // One that has gone away at once is nobody's loss.
            let Ok((mut stream, _)) = listener.accept().await else {
                continue;
            };
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _gone = tokio::io::copy(&mut from, &mut to).await;
                drop(place);
            });
        }
    });
    Ok(())
}
