//! Bytes of frames and of persistent records: reader, writer, the `Codec` trait and its limits.
//!
//! Numbers are big-endian and of fixed width, collections carry their count in front, an enum its
//! tag. Each value has exactly one encoding: what decodes encodes to the same bytes again.
//! Implementations come from [`codec!`], so that a field or variant that was forgotten does not
//! compile. Depth needs no limit because no type on the wire contains itself; nothing is
//! compressed, signed or split into datagrams here.

mod codec;
mod error;
mod ids;
mod macros;
mod notice;
mod reader;
mod sample;
mod std_types;
mod writer;

pub use codec::Codec;
pub use error::DecodeError;
pub use reader::Reader;
pub use sample::{Sample, Source};
pub use writer::Writer;

/// Most items of one collection, bytes of one text included.
pub const ITEMS_MAX: usize = 1 << 20;
/// Most bytes of one frame or persistent record.
pub const FRAME_LEN_MAX: usize = 16 << 20;

/// CRC32C (Castagnoli, RFC 3720 section 12.1) of `parts` one after the other: finds torn and rotten
/// bytes, and proves nothing against malice.
#[must_use]
pub fn checksum(parts: &[&[u8]]) -> u32 {
    parts
        .iter()
        .fold(0, |sum, part| crc32c::crc32c_append(sum, part))
}

const _: () = assert!(ITEMS_MAX <= FRAME_LEN_MAX, "a text fits in a frame");

#[cfg(test)]
mod tests;
