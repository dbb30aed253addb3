//! The unique id of a lab: 26 letters and digits that sort by the time of their making.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Crockford's alphabet: no letter that is easily mistaken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LEN: usize = 26;

/// The unique id of a lab.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(String);

impl Uid {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> std::io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis() & 0xffff_ffff_ffff;
        let random = u128::from_be_bytes(random) >> 48;
        Ok(Self::from_bits((millis << 80) | random))
    }

    fn from_bits(bits: u128) -> Self {
        let digit = |place: usize| {
            let shift = 5 * (LEN - 1 - place);
            let value = usize::try_from((bits >> shift) & 31).unwrap_or_default();
            char::from(ALPHABET[value])
        };
        Self((0..LEN).map(digit).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no unique id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the unique id of a lab")]
pub struct NoUid;

impl FromStr for Uid {
    type Err = NoUid;

    fn from_str(text: &str) -> Result<Self, NoUid> {
        let fits = text.len() == LEN && text.bytes().all(|it| ALPHABET.contains(&it));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoUid)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_sort_by_time_and_can_be_read_back() {
        let ids: Vec<Uid> = (0..100).map(|_| Uid::new().unwrap()).collect();
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
        assert!(Uid::from_bits(1 << 80) < Uid::from_bits(2 << 80));
        assert!(ids.iter().all(|id| id.as_str().parse() == Ok(id.clone())));
        assert_eq!("nonsense".parse::<Uid>(), Err(NoUid));
    }
}
