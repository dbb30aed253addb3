//! Persistent reservations on the wire: what goes out, what comes back (fact sheet sections 2 to
//! 6). Not done here: who wins. That is `target`.

mod capabilities;
mod input;
mod out;

pub use capabilities::{AllowCommands, Capabilities, TypeMask};
pub use input::{FullStatus, InAction, Keys, Registrant, Reservation};
pub use out::{Destination, Out, OutAction};

use std::fmt;
use std::num::NonZeroU64;

/// A registration key. Zero is never a key: where the wire has zero, the key is absent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationKey(pub NonZeroU64);

impl ReservationKey {
    /// The key with this value; `None` for zero.
    pub const fn new(value: u64) -> Option<Self> {
        match NonZeroU64::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The value, never zero.
    pub const fn value(self) -> u64 {
        self.0.get()
    }

    /// The value of a key or zero for none, as on the wire.
    pub fn wire(key: Option<Self>) -> u64 {
        key.map_or(0, Self::value)
    }
}

impl fmt::Debug for ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

impl fmt::Display for ReservationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

/// What a reservation allows to whom (fact sheet section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReservationType {
    /// Type 1: everyone reads, the holder writes.
    WriteExclusive = 1,
    /// Type 3: only the holder reads and writes.
    ExclusiveAccess = 3,
    /// Type 5: everyone reads, registrants write. What the cluster disk driver uses.
    WriteExclusiveRegistrantsOnly = 5,
    /// Type 6: only registrants read and write.
    ExclusiveAccessRegistrantsOnly = 6,
    /// Type 7: as 5, and every registrant is a holder.
    WriteExclusiveAllRegistrants = 7,
    /// Type 8: as 6, and every registrant is a holder.
    ExclusiveAccessAllRegistrants = 8,
}

impl ReservationType {
    /// All six, in the order of their codes.
    pub const ALL: [Self; 6] = [
        Self::WriteExclusive,
        Self::ExclusiveAccess,
        Self::WriteExclusiveRegistrantsOnly,
        Self::ExclusiveAccessRegistrantsOnly,
        Self::WriteExclusiveAllRegistrants,
        Self::ExclusiveAccessAllRegistrants,
    ];

    /// The type with this code; `None` for the obsolete and reserved ones.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Whether every registrant is a holder (types 7 and 8).
    pub fn is_all_registrants(self) -> bool {
        matches!(
            self,
            Self::WriteExclusiveAllRegistrants | Self::ExclusiveAccessAllRegistrants
        )
    }

    /// Whether registrants who do not hold it may do all that the holder may (types 5 to 8).
    pub fn admits_registrants(self) -> bool {
        self as u8 >= 5
    }

    /// Whether outsiders may read (types 1, 5 and 7).
    pub fn admits_readers(self) -> bool {
        matches!(
            self,
            Self::WriteExclusive
                | Self::WriteExclusiveRegistrantsOnly
                | Self::WriteExclusiveAllRegistrants
        )
    }
}
