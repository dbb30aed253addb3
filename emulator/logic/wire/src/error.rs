//! Why bytes are not what they should be.

/// A refusal to decode. The sender is broken, hostile or speaks another version; the bytes are
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// Bytes are left over after the value.
    #[error("{0} bytes are left over after the value")]
    TrailingBytes(usize),
    /// More bytes than [`crate::FRAME_LEN_MAX`].
    #[error("{0} bytes are more than a frame may have")]
    TooLong(usize),
    /// A collection of more than [`crate::ITEMS_MAX`] items.
    #[error("a collection of {0} items is too large")]
    TooMany(u32),
    /// An enum tag that names no variant.
    #[error("tag {tag} names no variant of {of}")]
    UnknownTag {
        /// The enum.
        of: &'static str,
        /// What was found.
        tag: u8,
    },
    /// A number outside its range.
    #[error("a {of} is out of range")]
    OutOfRange {
        /// The type of the value.
        of: &'static str,
    },
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
    /// Keys of a map that do not ascend.
    #[error("the keys of a map do not ascend")]
    Unordered,
}
