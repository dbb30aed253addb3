//! The file word for word as Rust types: what the JSON Schema is generated from, and what the
//! parser decodes into.
//!
//! Every field is optional here, whatever the file needs: a missing key is reported and the rest
//! is still looked at, so that all mistakes show at once.

mod address;
mod cluster;
mod decode;
mod directory;
mod drift;
mod expectation;
mod lab;
mod machines;
mod macros;
mod number;
mod pairs;
mod plain;
mod quantity;
mod random;
mod resource;
mod scenario;
mod selector;
mod storage;
mod words;

pub(crate) use cluster::{
    AfterSpec, ClusterSpec, DiskArbitrationSpec, FailbackSpec, FailbackWord, GroupSpec,
    HeartbeatPathSpec, QuorumSpec, RegroupSpec, ResiliencyWord, WitnessSpec,
};
pub(crate) use decode::{At, Decode, Decoder, Entry, Named, OneOrMany, Plain, Problem, Scalar};
pub(crate) use directory::DirectorySpec;
pub(crate) use expectation::{BoundsSpec, ExpectationSpec, HolderSpec, ResolvesSpec, StateWord};
pub(crate) use lab::{AboutSpec, LabFile, VariableSpec, WorkloadSpec};
pub(crate) use machines::{NetworkSpec, NodeSpec, RouterSpec};
#[cfg(test)]
pub(crate) use number::is_number_or_boolean;
pub(crate) use number::{Natural, VariableType};
pub(crate) use pairs::Pairs;
pub(crate) use plain::{AnyScalar, LunName, Name, ResourceName, Text};
pub(crate) use quantity::ByteSize;
pub use quantity::span_words;
pub(crate) use random::{BetweenSpec, PickSpec, RandomSpec};
pub(crate) use resource::{PolicySpec, ResourceSpec};
pub(crate) use scenario::{
    ActionWord, FaultSpec, FaultWord, ImpairmentSpec, NicWord, PartitionSpec, PathSpec, RepeatSpec,
    StepSpec,
};
pub(crate) use selector::SelectorSpec;
pub(crate) use storage::{ArraySpec, EndpointSpec, EndpointWord};
pub(crate) use words::{DirectoryWord, InvariantSet, ModelWord, MonitorWord, UpdatesWord};
