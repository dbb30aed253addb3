//! Big-endian fields read and written without ever running off the end.

/// Bytes from outside that do not hold what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is malformed: {why}")]
pub struct Malformed {
    /// Which structure was being read.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The 16-bit field at `at`; a field that lies beyond the end reads as zero, as SPC wants for a
/// structure that is shorter than its newest definition.
pub fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array(bytes, at))
}

/// The 32-bit field at `at`; zero beyond the end.
pub fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

/// The 64-bit field at `at`; zero beyond the end.
pub fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let end = at.saturating_add(N);
    bytes
        .get(at..end)
        .and_then(|field| field.try_into().ok())
        .unwrap_or([0; N])
}
