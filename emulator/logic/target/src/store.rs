//! Where a unit's blocks are kept: the contract, and the sparse store in memory.

mod memory;

pub use memory::{Fate, MemoryStore, UNSYNCED_MAX, Unsynced};

/// What went wrong with the blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The blocks cannot be read.
    #[error("the blocks cannot be read")]
    Read,
    /// The blocks cannot be written.
    #[error("the blocks cannot be written")]
    Write,
    /// There is no room for more blocks.
    #[error("there is no room for more blocks")]
    Full,
}

/// A run of bytes that are all kept or all not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Whether they are kept; bytes that are not read as zeros.
    pub mapped: bool,
    /// How many bytes, at least one.
    pub bytes: u64,
}

/// Where a unit's blocks are kept, counted in bytes. The unit asks only within its own size.
///
/// A write may stay in a volatile cache. Making it durable is not asked for here: the target
/// answers with an [`crate::Obligation`] that whoever drives it fulfils before the status goes out.
pub trait Store {
    /// Reads as many bytes as `into` is long. What was never written reads as zeros.
    fn read(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StoreError>;
    /// Writes `data`; a later read sees it.
    fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), StoreError>;
    /// Lets go of bytes: they read as zeros from now on.
    fn discard(&mut self, offset: u64, bytes: u64) -> Result<(), StoreError>;
    /// The run of bytes that starts at `offset` and is at most `bytes` long.
    fn extent(&mut self, offset: u64, bytes: u64) -> Extent;
}
