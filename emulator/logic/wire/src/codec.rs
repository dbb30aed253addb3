//! The trait of everything that becomes bytes.

use crate::{DecodeError, FRAME_LEN_MAX, Reader, Writer};

/// A value with one encoding as bytes.
pub trait Codec: Sized {
    /// Appends the value's bytes.
    fn encode(&self, writer: &mut Writer);

    /// Reads one value.
    ///
    /// # Errors
    /// When the bytes do not start with a value of this type. Never panics, and never allocates
    /// more than a small multiple of the bytes given.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The value's bytes alone.
    #[must_use]
    fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.encode(&mut writer);
        writer.into_bytes()
    }

    /// Reads one value that takes up all of `bytes`.
    ///
    /// # Errors
    /// When the bytes are not exactly one value of this type, or too many.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > FRAME_LEN_MAX {
            return Err(DecodeError::TooLong(bytes.len()));
        }
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}
