//! What the machines of a lab are made of: the seam between the orchestrator and a backend.
//!
//! A machine has power or has none, and runs one part of the lab: the cluster service of a node, or
//! the target of an array. Everything else about a lab is the same on every backend. A node's
//! database, the disks of an array and all logs are files below the lab's folder, at the same paths
//! on every machine; parts talk over Unix sockets there.

use std::ffi::OsString;
use std::fmt::Debug;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use base::NodeId;

use crate::ledger::Ledger;
use crate::{LabError, LabFolder};

/// Which machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MachineId {
    /// A member of the cluster.
    Node(NodeId),
    /// An array, by its place in the plan.
    Array(usize),
}

/// Who hears of machines that lose or get power without the lab's doing.
#[derive(Clone)]
pub(crate) struct Power(Arc<dyn Fn(MachineId, bool) + Send + Sync>);

impl Power {
    pub(crate) fn new(heard: impl Fn(MachineId, bool) + Send + Sync + 'static) -> Self {
        Self(Arc::new(heard))
    }

    pub(crate) fn tell(&self, machine: MachineId, on: bool) {
        (self.0)(machine, on);
    }
}

impl Debug for Power {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Power")
    }
}

/// A machine that a lab wants to have.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: MachineId,
    /// Its name; an array's begins with `array-`.
    pub(crate) name: String,
    /// The folder of its own that it keeps things in.
    pub(crate) folder: PathBuf,
}

/// What a machine runs.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Arguments of our own program.
    pub(crate) arguments: Vec<OsString>,
    /// Marks of the part and of all that it starts.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Where its standard error goes.
    pub(crate) log: PathBuf,
}

/// Where the target of an array is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// For the nodes.
    pub(crate) from_nodes: SocketAddr,
    /// For everybody else on this computer.
    pub(crate) from_here: SocketAddr,
}

/// One machine. It has power from the beginning.
pub(crate) trait Machine: Debug + Send {
    /// Gives it power. Returns at once; whatever is started on it waits until it is there.
    fn power_on(&mut self);

    /// Takes its power: nothing runs on it any more when this returns.
    fn power_off(&mut self);

    /// Starts its part, which says something on the standard output that is returned, and nothing
    /// any more once it has ended.
    ///
    /// # Errors
    /// When it cannot be started; where that turns out later, the output ends at once.
    fn start(&mut self, part: &Part) -> Result<Box<dyn Read + Send>, LabError>;

    /// Asks its part to stop.
    fn stop(&mut self);

    /// Kills its part and everything that this has started.
    fn kill(&mut self);

    /// Nothing on it runs any more, or everything goes on.
    ///
    /// # Errors
    /// When the backend does not do it.
    fn set_frozen(&mut self, frozen: bool) -> Result<(), LabError>;

    /// The process of its part does nothing any more, until [`Self::set_frozen`] ends that; what
    /// it has started goes on. Nothing where the backend has no way to do it.
    ///
    /// # Errors
    /// When the system refuses it.
    fn hang(&mut self) -> Option<Result<(), LabError>> {
        None
    }

    /// The process of its part, as this computer numbers it.
    fn process(&self) -> Option<u32>;

    /// The container that it is.
    fn container(&self) -> Option<&str> {
        None
    }
}

/// What makes machines.
pub(crate) trait Machines: Debug + Send {
    /// The backend's word.
    fn backend(&self) -> &'static str;

    /// Makes the machines of a lab, in the order in which they are wanted, and gives them power.
    ///
    /// # Errors
    /// When one cannot be made; then what has been made is in the ledger.
    fn make(
        &mut self,
        folder: &LabFolder,
        wanted: &[Wanted],
        ledger: &mut Ledger,
    ) -> Result<Vec<Box<dyn Machine>>, LabError>;

    /// Where the target of an array is to listen, on its machine.
    fn listen(&self, array: usize) -> SocketAddr;

    /// How the target of an array is reached that listens at an address of its machine.
    ///
    /// # Errors
    /// When the system gives no port for it.
    fn reach(&mut self, array: usize, listens: SocketAddr) -> Result<Reach, LabError>;
}
