//! Ids, time, bounded queues, randomness, the generation table and the manager trait: what every
//! tier shares.
//!
//! Nothing here does IO or reads a clock; time and entropy arrive as arguments.

mod event;
mod generation;
mod ids;
pub mod limits;
mod manager;
mod notice;
mod outbox;
mod regroup;
mod rng;
mod shared_volume;
mod start;
mod states;
mod time;
mod timers;

pub use event::{ResourceEvent, ServiceEvent};
pub use generation::{Defaults, DiskFence, Generation, UnknownGeneration};
pub use ids::{
    CallId, DiskId, GroupId, HostId, Incarnation, IoId, NetworkId, NodeId, NodeSet, PaxosTag,
    RequestId, ResourceId, ViewId,
};
pub use manager::Manager;
pub use notice::{
    ConnectionRefusal, HaltReason, Notice, ServerChange, VolumeFault, WitnessVerdict,
};
pub use outbox::Outbox;
pub use regroup::RegroupStage;
pub use rng::Rng;
pub use shared_volume::VolumeState;
pub use start::StartMode;
pub use states::{
    GroupState, InterfaceState, NetworkState, NodeStanding, NodeState, QuorumModel, QuorumState,
    ResourceState, StateChangeCause,
};
pub use time::{Now, Timestamp, WallTime};
pub use timers::Timers;
