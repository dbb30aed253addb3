//! The virtual world: clock, network, disks, hosts, fault plan, checkers, scenario player.
//!
//! A second shell around the very same node: it performs effects in virtual time, from one seed,
//! and breaks whatever the shell's contract allows to break. Decides nothing that a node decides.

pub mod checkers;
pub mod clock;
pub mod cluster_log;
pub mod cost;
pub mod disk;
pub mod hosts;
pub mod log;
pub mod net;
pub mod observation;
pub mod play;
mod queue;
pub mod replay;
pub mod report;
pub mod service;
pub mod session;
pub mod shape;
pub mod share;
pub mod stage;
pub mod storage;
pub mod swarm;
pub mod tap;
pub mod trace;
pub mod words;
pub mod workload;
pub mod world;

pub use node::{Node, Picture};
pub use service::Service;
pub use session::Session;
pub use stage::{Stage, Unable};
pub use top::api::AdminCommand;
pub use top::eventlog::EventRecord;
pub use top::rcm::is_elsewhere;
pub use top::rcm::model::CORE_GROUP;
pub use world::{Fault, Life, MachineFault, Options, Stop, World};

/// Names a fault from the moment it is made until it is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);
