//! The orchestrator: labs that run for real on this computer, as processes or as containers.
//!
//! A lab file becomes a folder, a fabric, targets and nodes, each on a machine of its own; the same
//! scenarios play on them as in the simulator, with the same judge. Whatever a lab makes
//! outside its folder is written to its ledger before it is made, so that what a killed lab leaves
//! behind can be taken away. Deliberately not done here: deciding anything that a node decides, and
//! judging expectations.

pub mod client;
pub mod docker;
mod error;
mod folder;
mod gate;
mod keeper;
mod ledger;
mod live;
mod local;
mod machine;
mod nic_start;
pub mod parity;
mod remove;
mod show;
mod start;
mod uid;

pub use error::LabError;
pub use folder::{LabFolder, root};
pub use gate::take_all_down;
pub use keeper::{Order, keep};
pub use live::{Backend, Live, LiveOptions, Orderer};
pub use nic_start::{NicStart, UnknownMachine, every_machine};
pub use remove::{Collected, Removed, collect, remove};
pub use start::{NodeStart, UnknownNode};
pub use uid::{NoUid, Uid};
