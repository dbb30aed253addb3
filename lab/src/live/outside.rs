//! The lab's ear for resource hosts: each connection is read by a thread of its own.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::thread;

use rhs::frames;

use super::input::{ConnectionId, Input};

/// Listens for resource hosts.
pub(crate) fn listen(path: &Path, inbox: Sender<Input>) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    thread::Builder::new()
        .name("outside".to_owned())
        .spawn(move || {
            let connections = listener.incoming().map_while(Result::ok);
            for (number, stream) in (0..).zip(connections) {
                if serve(ConnectionId(number), stream, inbox.clone()).is_err() {
                    return;
                }
            }
        })?;
    Ok(())
}

fn serve(id: ConnectionId, mut stream: UnixStream, inbox: Sender<Input>) -> io::Result<()> {
    let answers = stream.try_clone()?;
    let closing = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    inbox.send(Input::Connected(id, answers)).map_err(closing)?;
    thread::spawn(move || {
        while let Ok(Some(message)) = frames::read(&mut stream) {
            if inbox.send(Input::Outside(id, message)).is_err() {
                return;
            }
        }
        let _closing = inbox.send(Input::Gone(id));
    });
    Ok(())
}
