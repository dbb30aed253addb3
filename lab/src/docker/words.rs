//! What the lab and the machines say to each other: one JSON object in a line.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Longest first line of a connection.
const HELLO_MAX: usize = 1_024;

/// The first line of a connection of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// Whose it is.
    pub(crate) machine: String,
    /// Absent: this connection takes orders. Otherwise it is what that life of the part says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) life: Option<u64>,
}

/// What a machine is told; it answers each with an empty line once it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Start a life of the part.
    Start {
        life: u64,
        /// Of our own program.
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
        log: PathBuf,
    },
    /// Ask the part to stop.
    Stop,
    /// Kill the part, and everything that it has started.
    Kill,
    /// End at once with everything on the machine.
    Die,
}

/// Reads the first line, and not a byte more: what follows it is somebody else's.
pub(crate) fn hello(stream: &mut UnixStream) -> io::Result<Hello> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        if byte == *b"\n" {
            return Ok(serde_json::from_slice(&line)?);
        }
        if line.len() >= HELLO_MAX {
            return Err(io::Error::other("this is no machine of a lab"));
        }
        line.extend(byte);
    }
}

/// Says something in a line.
pub(crate) fn say(mut stream: &UnixStream, word: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_first_line_is_left_for_others() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let word = Hello {
            machine: "n1".to_owned(),
            life: Some(3),
        };
        say(&far, &word).unwrap();
        (&far).write_all(b"rest").unwrap();
        drop(far);
        assert_eq!(hello(&mut near).unwrap(), word);
        let mut rest = String::new();
        near.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "rest");
    }

    #[test]
    fn an_endless_first_line_is_refused() {
        let (mut near, far) = UnixStream::pair().unwrap();
        (&far).write_all(&[b'x'; 2 * HELLO_MAX]).unwrap();
        assert!(hello(&mut near).is_err());
    }
}
