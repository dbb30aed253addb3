//! What a resource host says to the lab around it, and hears from it.
//!
//! A lab knows who answers for which address and name on its networks. Each resource holds what it
//! serves through a connection of its own, so whatever ends the process ends the hold. A second
//! kind of connection, one for each host, carries what a lab breaks on purpose.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use base::{HostId, NodeId, ResourceId};
use top::rcm::{NameReport, ResourceParameters};

use crate::frames;

/// From a host to the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToLab {
    /// First on a connection that hears of faults.
    Host {
        /// Where it runs.
        node: NodeId,
        /// Which host.
        host: HostId,
    },
    /// First on a connection of one resource.
    Resource {
        /// Where it runs.
        node: NodeId,
        /// Which.
        resource: ResourceId,
    },
    /// Serve this from now on. Answered.
    Acquire(ResourceParameters),
    /// Serve it no longer. Answered.
    Release,
    /// Does it work for those that use it? Answered.
    Works,
}

/// From the lab to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromLab {
    /// The answer: zero, or the product's error number.
    Answer(u32),
    /// From now on the resource behaves like this.
    Script {
        /// Which.
        resource: ResourceId,
        /// How.
        script: Script,
    },
    /// What the resource stands for stops working until it is started again.
    Break(ResourceId),
    /// The resource's entry points do not return any more until the host ends.
    Hang(ResourceId),
    /// The share that the resource offers is removed, and it does not know.
    RemoveShare(ResourceId),
    /// What became of a network name in the directory, for the host that runs it.
    Name {
        /// The Network Name resource.
        resource: ResourceId,
        /// What its host reports.
        report: NameReport,
    },
}

/// What a resource does instead of behaving.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Every entry point takes so much longer.
    pub slow: Duration,
    /// No entry point returns.
    pub hung: bool,
    /// The host ends when the resource comes online.
    pub crashing: bool,
    /// Checks answer yes and no by turns.
    pub flapping: bool,
    /// What LooksAlive and IsAlive answer, whatever is true.
    pub answers: Option<(bool, bool)>,
}

wire::codec!(enum ToLab {
    0 = Host { node, host },
    1 = Resource { node, resource },
    2 = Acquire(parameters),
    3 = Release,
    4 = Works,
});
wire::codec!(enum FromLab {
    0 = Answer(code),
    1 = Script { resource, script },
    2 = Break(resource),
    3 = Hang(resource),
    4 = Name { resource, report },
    5 = RemoveShare(resource),
});
wire::codec!(struct Script { slow, hung, crashing, flapping, answers });

/// One resource's hold in the lab. Without a lab everything is granted.
#[derive(Debug)]
pub(crate) struct Hold {
    lab: Option<UnixStream>,
}

impl Hold {
    /// Connects to the lab, if there is one.
    pub(crate) fn new(lab: Option<&Path>, node: NodeId, resource: ResourceId) -> io::Result<Self> {
        let connect = |path: &Path| -> io::Result<UnixStream> {
            let mut stream = UnixStream::connect(path)?;
            frames::write(&mut stream, &ToLab::Resource { node, resource })?;
            Ok(stream)
        };
        Ok(Self {
            lab: lab.map(connect).transpose()?,
        })
    }

    /// Serves something; an error is the product's number.
    pub(crate) fn acquire(&mut self, parameters: &ResourceParameters) -> Result<(), u32> {
        self.ask(&ToLab::Acquire(parameters.clone()))
    }

    /// Serves it no longer.
    pub(crate) fn release(&mut self) {
        // A lab that is gone has forgotten it already.
        let _gone = self.ask(&ToLab::Release);
    }

    /// Whether it works; an error is the product's number.
    pub(crate) fn works(&mut self) -> Result<(), u32> {
        self.ask(&ToLab::Works)
    }

    fn ask(&mut self, request: &ToLab) -> Result<(), u32> {
        let Some(lab) = &mut self.lab else {
            return Ok(());
        };
        let answer = frames::write(lab, request).and_then(|()| frames::read(lab));
        match answer {
            Ok(Some(FromLab::Answer(0))) => Ok(()),
            Ok(Some(FromLab::Answer(code))) => Err(code),
            _ => Err(UNEXPECTED_NETWORK_ERROR),
        }
    }
}

/// ERROR_UNEXP_NET_ERR: the lab does not answer.
const UNEXPECTED_NETWORK_ERROR: u32 = 59;
