//! Where values leave their bytes.

use crate::ITEMS_MAX;

/// Collects bytes.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends the count of a collection.
    ///
    /// # Panics
    /// When a collection is above [`ITEMS_MAX`]: its owner has no bound, which is a bug.
    pub fn count(&mut self, count: usize) {
        assert!(count <= ITEMS_MAX, "a collection outgrew the wire format");
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.put(&count.to_be_bytes());
    }

    /// Bytes so far.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
