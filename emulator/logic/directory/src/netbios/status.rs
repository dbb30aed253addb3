//! The answer to a status request: a host's names and its statistics.
//!
//! RFC 1002 section 4.2.18. Statistics are zero: nothing of that hardware exists.

use super::name::NetbiosName;

/// A name that is in use.
const ACTIVE: u16 = 0x0400;
/// Octets of the statistics.
const STATISTICS_BYTES: usize = 46;

/// The record's data for these names and flags.
pub(super) fn data<'a>(names: impl Iterator<Item = (&'a NetbiosName, u16)>) -> Vec<u8> {
    let mut data = vec![0];
    for (name, flags) in names.take(usize::from(u8::MAX)) {
        data.extend_from_slice(name.octets());
        data.extend_from_slice(&(flags | ACTIVE).to_be_bytes());
        if let Some(count) = data.first_mut() {
            *count += 1;
        }
    }
    data.extend_from_slice(&[0; STATISTICS_BYTES]);
    data
}
