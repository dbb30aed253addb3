//! SANITIZE (SBC-4 5.30): the whole medium is made unreadable.
//!
//! It is done within the command, so it is never seen in progress and leaves no failed state:
//! EXIT FAILURE MODE finds nothing to leave.

use scsi::{asc, be16};

use super::provisioning::discard;
use super::{Call, DONE, Done, writable};
use crate::reservation::Refusal;
use crate::response::Obligation;
use crate::store::Store;
use crate::unit::{Unit, medium_sense};

const OVERWRITE: u8 = 0x01;
const EXIT_FAILURE_MODE: u8 = 0x1f;

pub(super) fn sanitize<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let length = usize::from(be16(call.cdb(), 7));
    let all = (0, unit.config.blocks);
    writable(unit)?;
    match call.command.action {
        Some(OVERWRITE) => {
            let list = call.request.data_out.get(..length).unwrap_or_default();
            let pattern = Pattern::parse(list, unit.block())?;
            overwrite(unit, &pattern)?;
        }
        _ if length != 0 => return Err(asc::INVALID_FIELD_IN_CDB.into()),
        Some(EXIT_FAILURE_MODE) => return DONE,
        // What is erased reads as zeros.
        _ => discard(unit, all)?,
    }
    Ok(Obligation::Sync(call.lun()))
}

/// What the medium holds after the last pass.
#[derive(Debug)]
struct Pattern(Vec<u8>);

impl Pattern {
    /// With INVERT every second pass writes the complement, so an even count ends with it.
    fn parse(list: &[u8], block: u64) -> Result<Self, Refusal> {
        let length = u64::from(be16(list, 2));
        let longest = usize::try_from(block)
            .unwrap_or(usize::MAX)
            .saturating_add(4);
        let (&[flags, ..], true) = (list, list.len() > 4 && list.len() <= longest) else {
            return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
        };
        let passes = flags & 0x1f;
        let pattern = &list[4..];
        if passes == 0 || length == 0 || length != pattern.len() as u64 || flags & 0x60 != 0 {
            return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
        }
        let inverted = flags & 0x80 != 0 && passes % 2 == 0;
        let turn = |byte: &u8| if inverted { !byte } else { *byte };
        Ok(Self(pattern.iter().map(turn).collect()))
    }
}

/// How many bytes are written at once.
const PIECE: u64 = 1 << 20;

fn overwrite<S: Store>(unit: &mut Unit<S>, pattern: &Pattern) -> Result<(), Refusal> {
    if pattern.0.iter().all(|byte| *byte == 0) && unit.config.thin {
        return discard(unit, (0, unit.config.blocks));
    }
    let block = usize::try_from(unit.block()).unwrap_or(1);
    let one: Vec<u8> = pattern.0.iter().copied().cycle().take(block).collect();
    let piece = one.repeat(usize::try_from(PIECE).unwrap_or(block) / block);
    let (mut offset, end) = (0, unit.config.bytes());
    while offset < end {
        let bytes = (end - offset).min(PIECE);
        let data = &piece[..usize::try_from(bytes).unwrap_or(0)];
        unit.store.write(offset, data).map_err(medium_sense)?;
        offset += bytes;
    }
    Ok(())
}
