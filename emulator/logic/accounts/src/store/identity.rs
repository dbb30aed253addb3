//! What identifies an object for good: GUID and SID.

use crate::Entropy;
use std::fmt;

/// A GUID in storage order: the first three fields little-endian (MS-DTYP 2.3.4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// A random GUID, version 4.
    #[must_use]
    pub fn random(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        bytes[7] = bytes[7] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Reads 32 hex digits in storage order, or the form with dashes in display order.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let number = u128::from_str_radix(&digits, 16).ok()?;
        if digits.len() != 32 || digits.contains('+') {
            return None;
        }
        let mut bytes = number.to_be_bytes();
        if text.contains('-') {
            swap_fields(&mut bytes);
        }
        Some(Self(bytes))
    }

    /// 32 hex digits in storage order, as the cluster's log prints them (reference, 4.4).
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn swap_fields(bytes: &mut [u8; 16]) {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.0;
        swap_fields(&mut bytes);
        for (at, byte) in bytes.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A security identifier of a domain or of an account in it, `S-1-5-21-a-b-c[-rid]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sid {
    /// The domain's three numbers.
    pub domain: [u32; 3],
    /// The account's number in the domain; none for the domain itself.
    pub rid: Option<u32>,
}

impl Sid {
    /// A fresh domain.
    #[must_use]
    pub fn random(entropy: &mut dyn Entropy) -> Self {
        let mut number = || {
            let mut bytes = [0; 4];
            entropy.fill(&mut bytes);
            u32::from_le_bytes(bytes) | 1
        };
        let domain = [number(), number(), number()];
        Self { domain, rid: None }
    }

    /// An account of the same domain.
    #[must_use]
    pub fn account(self, rid: u32) -> Self {
        let rid = Some(rid);
        Self { rid, ..self }
    }

    fn parts(&self) -> Vec<u32> {
        let head = std::iter::once(21).chain(self.domain);
        head.chain(self.rid).collect()
    }

    /// The binary form (MS-DTYP 2.4.2.2).
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let parts = self.parts();
        let count = u8::try_from(parts.len()).unwrap_or(0);
        let mut bytes = vec![1, count, 0, 0, 0, 0, 0, 5];
        bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// Reads the binary form of an identifier of this kind.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, tail) = bytes.split_at_checked(8)?;
        let (&[1, count, 0, 0, 0, 0, 0, 5], [21, 0, 0, 0, ..]) = (head, tail) else {
            return None;
        };
        let words: Vec<u32> = tail[4..]
            .chunks_exact(4)
            .map(|word| {
                word.iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
            })
            .collect();
        let (domain, rid) = match words.as_slice() {
            [a, b, c] => ([*a, *b, *c], None),
            [a, b, c, rid] => ([*a, *b, *c], Some(*rid)),
            _ => return None,
        };
        (tail.len() == usize::from(count) * 4).then_some(Self { domain, rid })
    }

    /// Reads `S-1-5-21-…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = text.strip_prefix("S-1-5-21-")?.split('-');
        let numbers: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
        match numbers.as_slice() {
            [a, b, c] => Some((*a, *b, *c, None)),
            [a, b, c, rid] => Some((*a, *b, *c, Some(*rid))),
            _ => None,
        }
        .map(|(a, b, c, rid)| Self {
            domain: [a, b, c],
            rid,
        })
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S-1-5")?;
        self.parts()
            .iter()
            .try_for_each(|part| write!(f, "-{part}"))
    }
}
