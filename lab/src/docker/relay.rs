//! Carries connections between a TCP port and a Unix socket.
//!
//! Machines without any network but loopback reach the targets of arrays like this: the target's
//! machine offers its port as a socket in the lab's folder, and each node's machine offers the
//! socket as a port.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

/// Offers what listens at `port` as a socket, from now on.
///
/// # Errors
/// When the socket cannot be made.
pub(crate) fn offer(socket: &Path, port: SocketAddr) -> io::Result<()> {
    match std::fs::remove_file(socket) {
        // Left by an earlier life of this machine.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(socket)?;
    let accept = move || listener.accept().map(|(stream, _)| stream);
    carry("offer", accept, move || TcpStream::connect(port))
}

/// Offers what listens at `socket` as a port, from now on; returns the port's address.
///
/// # Errors
/// When the port is not free.
pub(crate) fn reach(port: SocketAddr, socket: PathBuf) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(port)?;
    let address = listener.local_addr()?;
    let accept = move || listener.accept().map(|(stream, _)| stream);
    carry("reach", accept, move || UnixStream::connect(&socket))?;
    Ok(address)
}

/// Both kinds of connections.
trait Stream: Read + Write + Send + Sized + 'static {
    fn another(&self) -> io::Result<Self>;
    fn end(&self, how: Shutdown) -> io::Result<()>;
    /// What is written leaves at once.
    fn hurry(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn another(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn hurry(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }
}

impl Stream for UnixStream {
    fn another(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn hurry(&self) -> io::Result<()> {
        Ok(())
    }
}

fn carry<A: Stream, B: Stream>(
    name: &str,
    accept: impl Fn() -> io::Result<A> + Send + 'static,
    connect: impl Fn() -> io::Result<B> + Send + 'static,
) -> io::Result<()> {
    let serve = move || {
        while let Ok(near) = accept() {
            // Nobody there: the connection ends at once, and whoever made it tries again.
            if let Ok(far) = connect() {
                let _ended = join(&near, &far);
            }
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(serve)?;
    Ok(())
}

/// Carries both ways; each ends by itself.
fn join<A: Stream, B: Stream>(near: &A, far: &B) -> io::Result<()> {
    near.hurry()?;
    far.hurry()?;
    one_way(near.another()?, far.another()?);
    one_way(far.another()?, near.another()?);
    Ok(())
}

fn one_way<A: Stream, B: Stream>(mut from: A, mut to: B) {
    thread::spawn(move || {
        let carried = io::copy(&mut from, &mut to);
        // A connection that broke on one side is broken on the other, at once and both ways.
        let how = if carried.is_ok() {
            Shutdown::Write
        } else {
            Shutdown::Both
        };
        let _ended = to.end(how);
        if carried.is_err() {
            let _ended = from.end(Shutdown::Both);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_through_both_relays_and_so_does_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("portal");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let service = TcpListener::bind(any).unwrap();
        offer(&socket, service.local_addr().unwrap()).unwrap();
        let port = reach(any, socket).unwrap();
        let mut client = TcpStream::connect(port).unwrap();
        client.write_all(b"ping").unwrap();
        let (mut server, _) = service.accept().unwrap();
        let mut heard = [0; 4];
        server.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"ping");
        server.write_all(b"pong").unwrap();
        drop(server);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"pong");
    }

    #[test]
    fn a_connection_to_nobody_ends_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let port = reach(any, folder.path().join("nobody")).unwrap();
        let mut client = TcpStream::connect(port).unwrap();
        assert_eq!(client.read(&mut [0; 1]).unwrap_or_default(), 0);
    }
}
