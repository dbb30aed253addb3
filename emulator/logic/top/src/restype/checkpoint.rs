//! What a resource keeps outside its disks and takes along: registry keys and key containers.
//!
//! Facts: reference section 7 (registry checkpoint rules, crypto checkpoints).

/// Where it is kept on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckpointKind {
    /// A key of the node's registry with all below it.
    Registry,
    /// A key container.
    Crypto,
}

impl CheckpointKind {
    /// The word under which it stands in the cluster database.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Registry => "Registry",
            Self::Crypto => "Crypto",
        }
    }
}

/// One of them, by its name on the node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointKey {
    /// Where.
    pub kind: CheckpointKind,
    /// The registry key or the name of the container.
    pub name: String,
}

/// One of them with what the cluster has of it; `None`: nothing was saved yet. What the bytes mean
/// is the host's affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which.
    pub key: CheckpointKey,
    /// Its content.
    pub data: Option<Vec<u8>>,
}

wire::codec!(enum CheckpointKind {
    0 = Registry,
    1 = Crypto,
});
wire::codec!(struct CheckpointKey { kind, name });
wire::codec!(struct Checkpoint { key, data });
