//! One cluster node as a process: a driver around the node, and ports that carry out its effects.
//!
//! The second shell around the very same node that the simulator attacks. One task owns the node;
//! the ports are thin and decide nothing: datagrams and the witness share go to the lab's fabric
//! over a Unix socket, the database is files with real syncs, clustered disks are reached by the
//! node's own iSCSI initiator, resource hosts are child processes, a server service offers the
//! shares of virtual servers to clients, administrators come in over a Unix socket, and what the
//! node says about itself goes to standard output. Deliberately not done here:
//! starting a node again after it has ended, which is the service control manager's affair.

mod between;
mod clock;
pub mod control;
mod database;
mod disks;
mod driver;
pub mod fabric;
mod hosts;
mod incarnation;
mod options;
mod server;
pub mod stream;
pub mod telemetry;

pub use between::Between;
pub use clock::Clock;
pub use driver::{run, run_behind};
pub use incarnation::FILE as INCARNATION_FILE;
pub use options::{DiskPath, INITIATOR_NAME, Options, ServerOptions, initiator_port};
