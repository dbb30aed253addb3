//! The names that initiators, targets and units go by (fact sheet sections 1, 4 and 11; RFC 7143).

use std::fmt;

/// The initiator session identifier: the part of an initiator port's name that an initiator
/// chooses for each session, and should choose again after a reconnect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Isid(pub [u8; 6]);

impl fmt::Display for Isid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Isid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{self}")
    }
}

/// An initiator port: iSCSI name and ISID. Registrations belong to it, together with the target
/// port that it came in by, and not to a session or connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InitiatorPort {
    /// The iSCSI name, such as `iqn.2024-01.example:node-1`.
    pub name: String,
    /// The session identifier.
    pub isid: Isid,
}

impl InitiatorPort {
    /// A port of the initiator `name`.
    pub fn new(name: impl Into<String>, isid: Isid) -> Self {
        Self {
            name: name.into(),
            isid,
        }
    }
}

impl fmt::Display for InitiatorPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},i,0x{}", self.name, self.isid)
    }
}

/// A target port: iSCSI name and portal group tag. All portals of one group are one port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetPort {
    /// The iSCSI name of the target.
    pub name: String,
    /// The target portal group tag.
    pub group: u16,
}

impl fmt::Display for TargetPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},t,0x{:04x}", self.name, self.group)
    }
}

/// An I_T nexus as its target numbers it: one initiator port at one target port. The number
/// stays the same when that initiator port comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NexusId(pub u32);

/// A logical unit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lun(pub u16);

impl Lun {
    /// The eight bytes of single-level addressing (SAM-5 4.7): peripheral device addressing up
    /// to 255, flat space addressing up to 16383.
    pub fn to_bytes(self) -> [u8; 8] {
        let [high, low] = self.0.to_be_bytes();
        let first = if self.0 < 256 {
            0
        } else {
            0x40 | (high & 0x3f)
        };
        [first, low, 0, 0, 0, 0, 0, 0]
    }

    /// The number in eight bytes of single-level addressing; `None` for every other method.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes;
        if rest != [0; 6] {
            return None;
        }
        match first >> 6 {
            0 if first == 0 => Some(Self(u16::from(second))),
            1 => Some(Self(u16::from_be_bytes([first & 0x3f, second]))),
            _ => None,
        }
    }
}

/// A shared disk as the nodes of a cluster number it. The shell knows which target and [`Lun`]
/// it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u32);

/// An iSCSI TransportID: an initiator port, or with `isid` absent every port of that name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportId {
    /// The iSCSI name.
    pub name: String,
    /// The session identifier, absent in the name-only format (00b).
    pub isid: Option<Isid>,
}

/// Why bytes are not an iSCSI TransportID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportIdError {
    /// The TransportID ends before its own length says so.
    #[error("the TransportID ends before its own length says so")]
    Truncated,
    /// The TransportID is not for iSCSI or its format is reserved.
    #[error("the TransportID is not for iSCSI or its format is reserved")]
    Protocol,
    /// The length is below 20 or no multiple of four.
    #[error("the TransportID's length is below 20 or no multiple of four")]
    Length,
    /// The name is not terminated text with a well-formed session identifier.
    #[error("the TransportID's name is not terminated text with a well-formed ISID")]
    Name,
}

/// iSCSI names are at most 223 bytes (RFC 7143 4.2.7.1).
const NAME_LENGTH_MAX: usize = 223;
const SEPARATOR: &str = ",i,0x";

impl TransportId {
    /// The bytes, zero padded (fact sheet section 4).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![if self.isid.is_some() { 0x45 } else { 0x05 }, 0, 0, 0];
        bytes.extend(self.name.as_bytes());
        if let Some(isid) = self.isid {
            bytes.extend(format!("{SEPARATOR}{isid}").as_bytes());
        }
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4).max(24), 0);
        let length = u16::try_from(bytes.len() - 4).unwrap_or(u16::MAX);
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    }

    /// Reads the TransportID at the front of `bytes`, and says how many bytes it takes.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), TransportIdError> {
        let Some((&[format, _, high, low], rest)) = bytes.split_first_chunk() else {
            return Err(TransportIdError::Truncated);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if format & 0x0f != 0x05 || format & 0x80 != 0 {
            return Err(TransportIdError::Protocol);
        }
        if length < 20 || length % 4 != 0 {
            return Err(TransportIdError::Length);
        }
        let text = rest.get(..length).ok_or(TransportIdError::Truncated)?;
        let id = Self::parse_text(text, format & 0x40 != 0)?;
        Ok((id, length + 4))
    }

    fn parse_text(text: &[u8], with_isid: bool) -> Result<Self, TransportIdError> {
        let end = text
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(TransportIdError::Name)?;
        let text = std::str::from_utf8(&text[..end]).map_err(|_| TransportIdError::Name)?;
        let (name, isid) = if with_isid {
            let (name, digits) = text.split_once(SEPARATOR).ok_or(TransportIdError::Name)?;
            (
                name,
                Some(parse_isid(digits).ok_or(TransportIdError::Name)?),
            )
        } else {
            (text, None)
        };
        if name.is_empty() || name.len() > NAME_LENGTH_MAX {
            return Err(TransportIdError::Name);
        }
        Ok(Self {
            name: name.to_owned(),
            isid,
        })
    }
}

impl From<&InitiatorPort> for TransportId {
    fn from(port: &InitiatorPort) -> Self {
        Self {
            name: port.name.clone(),
            isid: Some(port.isid),
        }
    }
}

/// Twelve hexadecimal digits of either case.
fn parse_isid(digits: &str) -> Option<Isid> {
    if digits.len() != 12 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let value = u64::from_str_radix(digits, 16).ok()?;
    let [_, _, isid @ ..] = value.to_be_bytes();
    Some(Isid(isid))
}
