//! INQUIRY answers as an initiator reads them: standard data and the device identification page.

use crate::bytes::{Malformed, be16};

/// The vital product data page with a unit's names.
pub const DEVICE_IDENTIFICATION: u8 = 0x83;

/// One name of a unit, port or target (SPC-4 7.8.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Designator {
    /// 0: of the logical unit, 1: of the target port, 2: of the target device.
    pub association: u8,
    /// 1 T10 vendor, 2 EUI-64, 3 NAA, 4 relative port, 5 port group, 8 SCSI name string.
    pub kind: u8,
    /// The name.
    pub name: Vec<u8>,
}

impl Designator {
    /// Whether Windows clustering takes it for a unit's identity (fact sheet section 12).
    pub fn identifies_unit(&self) -> bool {
        self.association == 0 && matches!(self.kind, 2 | 3 | 8)
    }
}

/// Reads page 83h.
pub fn parse_designators(page: &[u8]) -> Result<Vec<Designator>, Malformed> {
    let malformed = |why| Malformed {
        what: "device identification page",
        why,
    };
    let rest = page.get(4..).ok_or(malformed("below 4 bytes"))?;
    if page.get(1) != Some(&DEVICE_IDENTIFICATION) {
        return Err(malformed("another page"));
    }
    let mut rest = rest.get(..usize::from(be16(page, 2))).unwrap_or(rest);
    let mut designators = Vec::new();
    while let Some((&[_, kind, _, length], tail)) = rest.split_first_chunk() {
        let name = tail
            .get(..usize::from(length))
            .ok_or(malformed("designator cut short"))?;
        designators.push(Designator {
            association: kind >> 4 & 3,
            kind: kind & 0x0f,
            name: name.to_vec(),
        });
        rest = tail.get(usize::from(length)..).unwrap_or_default();
    }
    Ok(designators)
}
