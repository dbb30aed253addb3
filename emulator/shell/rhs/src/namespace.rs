//! The network of a machine, for the programs that run on it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Moves the calling thread, and those that it starts, into the network namespace of `path`.
///
/// # Errors
/// When there is none, or this user may not enter it.
pub fn enter(path: &Path) -> io::Result<()> {
    let entered = File::open(path).and_then(|namespace| {
        let network = Some(LinkNameSpaceType::Network);
        Ok(move_into_link_name_space(namespace.as_fd(), network)?)
    });
    entered.map_err(|error| {
        let why = format!("cannot enter the network of {}: {error}", path.display());
        io::Error::new(error.kind(), why)
    })
}
