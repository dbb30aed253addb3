//! What resource hosts and people say to the server service of a machine (LanManServer), and hear
//! from it.
//!
//! Facts: directory fact sheet section 7. The service runs beside the cluster service. Each share
//! is offered through a connection of its own, so whatever ends its host ends the share.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use top::rcm::ResourceParameters;
use top::restype::Check;

use crate::frames;

/// Environment variable in which programs of resources find the service's socket.
pub const SERVER_SERVICE: &str = "LOOKSALIVE_SERVER_SERVICE";

/// NERR_NetNameNotFound: there is no such share.
pub const SHARE_NOT_FOUND: u32 = 2_310;
/// ERROR_SERVICE_NOT_ACTIVE: the service does not answer.
const NOT_ACTIVE: u32 = 1_062;

/// To the service; everything is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToServer {
    /// Offer this Network Name or File Share from now on, until it is withdrawn or the connection
    /// ends.
    Publish(ResourceParameters),
    /// Offer it no longer.
    Withdraw,
    /// Is what this connection offers there, and as these checks want it?
    Look(Vec<Check>),
    /// Which shares are there?
    List,
    /// Change the flags of a share (SHARE_INFO_1005).
    SetFlags {
        /// Its virtual server.
        server: String,
        /// Its name.
        share: String,
        /// Such as 0x0800 for access-based enumeration.
        flags: u32,
    },
    /// Remove a share behind the back of its resource.
    Remove {
        /// Its virtual server.
        server: String,
        /// Its name.
        share: String,
    },
}

/// From the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromServer {
    /// It is so.
    Done,
    /// It is not: the product's error number.
    Failed(u32),
    /// All shares that are online.
    Shares(Vec<Offered>),
}

/// A share that is online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its virtual server.
    pub server: String,
    /// Where that listens, with the port.
    pub at: String,
    /// Its name.
    pub share: String,
    /// Its flags.
    pub flags: u32,
}

wire::codec!(enum ToServer {
    0 = Publish(share),
    1 = Withdraw,
    2 = Look(checks),
    3 = List,
    4 = SetFlags { server, share, flags },
    5 = Remove { server, share },
});
wire::codec!(enum FromServer { 0 = Done, 1 = Failed(code), 2 = Shares(shares) });
wire::codec!(struct Offered { server, at, share, flags });

/// Asks the service that listens at a socket.
///
/// # Errors
/// When nobody listens there, or no answer comes.
pub fn ask(path: &Path, request: &ToServer) -> io::Result<FromServer> {
    exchange(&mut UnixStream::connect(path)?, request)
}

fn exchange(service: &mut UnixStream, request: &ToServer) -> io::Result<FromServer> {
    frames::write(service, request)?;
    let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "the server service has ended");
    frames::read(service)?.ok_or_else(gone)
}

/// One resource's name or share at the service. Without a service everything is granted, and so are
/// all other types and shares that depend on no network name, which no client could reach.
#[derive(Debug)]
pub(crate) struct Published {
    at: Option<PathBuf>,
    /// The connection through which it is offered.
    offered: Option<UnixStream>,
}

impl Published {
    /// Nothing yet, with the service that listens at this socket.
    pub(crate) fn new(service: Option<&Path>) -> Self {
        Self {
            at: service.map(Path::to_owned),
            offered: None,
        }
    }

    /// Offers what clients of the machine's server service may meet; an error is the product's
    /// number.
    pub(crate) fn acquire(&mut self, parameters: &ResourceParameters) -> Result<(), u32> {
        let is_met = match parameters {
            ResourceParameters::NetworkName { addresses, .. } => !addresses.is_empty(),
            ResourceParameters::FileShare { server, .. } => !server.is_empty(),
            _ => false,
        };
        let Some(at) = self.at.as_ref().filter(|_| is_met) else {
            return Ok(());
        };
        let mut service = UnixStream::connect(at).map_err(|_| NOT_ACTIVE)?;
        done(exchange(
            &mut service,
            &ToServer::Publish(parameters.clone()),
        ))?;
        self.offered = Some(service);
        Ok(())
    }

    /// Offers it no longer.
    pub(crate) fn release(&mut self) {
        if let Some(mut service) = self.offered.take() {
            // A service that is gone offers nothing.
            let _gone = exchange(&mut service, &ToServer::Withdraw);
        }
    }

    /// Removes the share as a stranger would, if it is offered.
    pub(crate) fn remove(&self, parameters: &ResourceParameters) {
        let (Some(at), Some(_)) = (&self.at, &self.offered) else {
            return;
        };
        if let ResourceParameters::FileShare { server, share, .. } = parameters {
            let (server, share) = (server.clone(), share.clone());
            // Whoever is gone offers nothing.
            let _gone = ask(at, &ToServer::Remove { server, share });
        }
    }

    /// Whether the name or share is as these checks want it; an error is the product's number.
    pub(crate) fn look(&mut self, checks: &[Check]) -> Result<(), u32> {
        match &mut self.offered {
            Some(service) => done(exchange(service, &ToServer::Look(checks.to_vec()))),
            None => Ok(()),
        }
    }
}

fn done(answer: io::Result<FromServer>) -> Result<(), u32> {
    match answer {
        Ok(FromServer::Done) => Ok(()),
        Ok(FromServer::Failed(code)) => Err(code),
        Ok(FromServer::Shares(_)) | Err(_) => Err(NOT_ACTIVE),
    }
}
