//! NetBIOS names: 15 characters and a suffix, and the scope they are valid in.
//!
//! RFC 1001 section 14 (first-level encoding), RFC 1002 section 4.1; fact 5.2.

use std::fmt;

/// Characters before the suffix.
const CHARACTERS: usize = 15;
/// The encoded form of the longest name that is taken, its length octets included.
const ENCODED_BYTES_MAX: usize = 272;
/// What is read of a name at most, so that one that is too long can be told so.
const READ_BYTES_MAX: usize = 1024;

/// A name with its suffix and scope.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NetbiosName {
    octets: [u8; 16],
    /// The labels of the scope with their length octets, without the final zero.
    scope: Vec<u8>,
}

impl NetbiosName {
    /// A name in upper case, padded with blanks; what is longer than 15 octets is cut off.
    #[must_use]
    pub fn new(text: &str, suffix: u8) -> Self {
        let mut octets = [b' '; 16];
        let upper = text.bytes().map(|it| it.to_ascii_uppercase());
        octets
            .iter_mut()
            .take(CHARACTERS)
            .zip(upper)
            .for_each(|(to, from)| *to = from);
        let [.., last] = &mut octets;
        *last = suffix;
        Self {
            octets,
            scope: Vec::new(),
        }
    }

    /// The name that every host answers a status request for.
    pub(super) fn any() -> Self {
        let mut octets = [0; 16];
        let [first, ..] = &mut octets;
        *first = b'*';
        Self {
            octets,
            scope: Vec::new(),
        }
    }

    /// The sixteenth octet, which says what the name is for.
    #[must_use]
    pub fn suffix(&self) -> u8 {
        let [.., last] = self.octets;
        last
    }

    pub(super) fn octets(&self) -> &[u8; 16] {
        &self.octets
    }

    pub(super) fn is_any(&self) -> bool {
        self.octets == Self::any().octets
    }

    /// Whether the name is longer than is taken.
    pub(super) fn is_too_long(&self) -> bool {
        // Length octet, 32 letters, scope, final zero.
        1 + 32 + self.scope.len() + 1 > ENCODED_BYTES_MAX
    }

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(32);
        for octet in self.octets {
            bytes.extend_from_slice(&[b'A' + (octet >> 4), b'A' + (octet & 15)]);
        }
        bytes.extend_from_slice(&self.scope);
        bytes.push(0);
    }

    /// Reads the name at `at`; returns it and where the next field starts.
    pub(super) fn decode(packet: &[u8], at: usize) -> Option<(Self, usize)> {
        let mut labels = Vec::new();
        let (mut here, mut after) = (at, None);
        loop {
            let length = usize::from(*packet.get(here)?);
            match length {
                0 => break,
                1..=63 => {
                    labels.extend_from_slice(packet.get(here..here + 1 + length)?);
                    here += 1 + length;
                }
                0xc0.. => {
                    let low = usize::from(*packet.get(here + 1)?);
                    after = after.or(Some(here + 2));
                    let target = (length & 0x3f) << 8 | low;
                    // Pointers lead back, so that they end.
                    here = Some(target).filter(|target| *target < here)?;
                }
                _ => return None,
            }
            if labels.len() > READ_BYTES_MAX {
                return None;
            }
        }
        let (first, scope) = labels.split_at_checked(33)?;
        let (length, letters) = first.split_first()?;
        if *length != 32 {
            return None;
        }
        let mut octets = [0; 16];
        for (octet, pair) in octets.iter_mut().zip(letters.chunks_exact(2)) {
            let nibble = |letter: &u8| letter.checked_sub(b'A').filter(|it| *it < 16);
            *octet = nibble(pair.first()?)? << 4 | nibble(pair.get(1)?)?;
        }
        Some((
            Self {
                octets,
                scope: scope.to_vec(),
            },
            after.unwrap_or(here + 1),
        ))
    }
}

impl fmt::Display for NetbiosName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [characters @ .., suffix] = &self.octets;
        let text = String::from_utf8_lossy(characters);
        write!(
            f,
            "{}<{suffix:02X}>",
            text.trim_end_matches([' ', '\0']).escape_default()
        )
    }
}

impl fmt::Debug for NetbiosName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
